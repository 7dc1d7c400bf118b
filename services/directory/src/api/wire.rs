//! How the domain's values stand on the wire.

use kit::Tenant;
use proto::directory::v1 as pb;

use crate::domain::audience::{Address, AddressKind, Linked};
use crate::domain::link::{Bar, Responsibility};
use crate::domain::phone::Phone;
use crate::domain::plan::{Action, Change, What};
use crate::domain::preference::Preference;
use crate::domain::roster::{RegisterTimes, Term};
use crate::import::Fault;
use crate::store::people::{ClassName, Household, OnRoll};
use crate::store::school::Standing;

/// A school with its terms.
pub fn school(id: Tenant, standing: &Standing, terms: &[Term]) -> pb::School {
    let school = &standing.school;
    pb::School {
        id: id.to_string(),
        name: school.name.clone(),
        phone: school.phone.clone(),
        time_zone: standing.time_zone.clone(),
        morning: Some(times(school.morning)),
        afternoon: Some(times(school.afternoon)),
        terms: terms
            .iter()
            .map(|term| pb::Term {
                title: term.title.clone(),
                first_day: term.first_day.to_string(),
                last_day: term.last_day.to_string(),
            })
            .collect(),
        duty_numbers: school.duty_numbers.iter().map(Phone::e164).map(str::to_owned).collect(),
    }
}

fn times(times: RegisterTimes) -> pb::RegisterTimes {
    let text = |time: jiff::civil::Time| time.strftime("%H:%M").to_string();
    pb::RegisterTimes {
        opens: text(times.opens),
        closes: text(times.closes),
        session_ends: text(times.session_ends),
    }
}

/// A pupil in a list.
pub fn summary(pupil: &OnRoll, class: ClassName) -> pb::PupilSummary {
    pb::PupilSummary {
        id: pupil.pupil.id.to_string(),
        source_id: pupil.source_id.clone(),
        first_name: pupil.pupil.first_name.clone(),
        family_name: pupil.family_name.clone(),
        year_group: pupil.year_group.clone(),
        class_id: pupil.pupil.class_id.to_string(),
        class_source_id: class.source_id,
        class_title: class.title,
    }
}

/// A pupil as it is checked.
pub fn check(pupil: OnRoll) -> pb::PupilCheck {
    pb::PupilCheck {
        pupil_id: pupil.pupil.id.to_string(),
        class_id: pupil.pupil.class_id.to_string(),
        year_group: pupil.year_group,
        person_only: pupil.pupil.person_only,
        first_name: pupil.pupil.first_name,
    }
}

/// A pupil with everybody who belongs to it.
pub fn household((pupil, linked): Household) -> pb::AudiencePupil {
    pb::AudiencePupil {
        pupil_id: pupil.id.to_string(),
        first_name: pupil.first_name,
        class_id: pupil.class_id.to_string(),
        person_only: pupil.person_only,
        links: linked.into_iter().map(link).collect(),
    }
}

fn link(linked: Linked) -> pb::Link {
    let Linked { contact, link, no_contact, addresses } = linked;
    let responsibility = match link.responsibility {
        Responsibility::No => pb::ParentalResponsibility::No,
        Responsibility::Unknown => pb::ParentalResponsibility::Unknown,
        Responsibility::Yes => pb::ParentalResponsibility::Yes,
    };
    let restriction = match link.restriction.map(|restriction| restriction.bar) {
        None => pb::Restriction::None,
        Some(Bar::ChildInformation) => pb::Restriction::NoChildInformation,
        Some(Bar::Contact) => pb::Restriction::NoContact,
    };
    pb::Link {
        contact_id: contact.id.to_string(),
        contact_source_id: contact.source_id,
        role: link.role.word().to_owned(),
        priority: i32::from(link.priority),
        parental_responsibility: responsibility.into(),
        lives_with: link.lives_with,
        emergency_only: link.emergency_only,
        restriction: restriction.into(),
        no_contact,
        addresses: addresses.into_iter().map(address).collect(),
        language: contact.reach.language,
        no_voice: contact.reach.no_voice,
        revision: contact.revision,
        parent_or_guardian: link.role.is_parent_or_guardian(),
        prefers: preference(contact.reach.prefers).into(),
    }
}

/// By what a contact would rather be told.
pub fn preference(prefers: Preference) -> pb::Preference {
    match prefers {
        Preference::None => pb::Preference::None,
        Preference::Text => pb::Preference::Text,
        Preference::Email => pb::Preference::Email,
    }
}

fn address(address: Address) -> pb::Address {
    let kind = match address.kind {
        AddressKind::Mobile => pb::AddressKind::Mobile,
        AddressKind::Landline => pb::AddressKind::Landline,
        AddressKind::Email => pb::AddressKind::Email,
    };
    pb::Address {
        kind: kind.into(),
        value: address.value,
        barred: address.bar.is_some(),
        no_contact: address.bar == Some(Bar::Contact),
    }
}

/// A fault or a warning of an import.
pub fn fault(fault: Fault) -> pb::ImportFault {
    pb::ImportFault {
        file: fault.file.to_owned(),
        line: i32::try_from(fault.line).unwrap_or(i32::MAX),
        column: fault.column,
        expected: fault.expected,
    }
}

/// A line of what an import would do.
pub fn change(change: &Change) -> pb::ImportChange {
    let what = match change.what {
        What::School => "school",
        What::Term => "term",
        What::Class => "class",
        What::Pupil => "pupil",
        What::Contact => "contact",
        What::Link => "link",
    };
    let action = match change.action {
        Action::Add => "add",
        Action::Change => "change",
        Action::Remove => "remove",
        Action::Keep => "keep",
    };
    pb::ImportChange {
        what: what.to_owned(),
        action: action.to_owned(),
        source_id: change.source_id.clone(),
        columns: change.columns.iter().map(|column| (*column).to_owned()).collect(),
    }
}

/// A number of things; a school has fewer than two thousand million of anything.
pub fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
