//! A school and the people of it, as tests begin with them.

use proto::directory::v1 as pb;
use proto::ids::ContactId;

/// A primary school in its autumn term of 2026, with a gap in its calendar in spring.
pub(super) fn elm_park() -> pb::School {
    let times = |opens: &str, closes: &str, ends: &str| {
        Some(pb::RegisterTimes {
            opens: opens.to_owned(),
            closes: closes.to_owned(),
            session_ends: ends.to_owned(),
        })
    };
    let term = |title: &str, first_day: &str, last_day: &str| pb::Term {
        title: title.to_owned(),
        first_day: first_day.to_owned(),
        last_day: last_day.to_owned(),
    };
    pb::School {
        name: "Elm Park Primary School".to_owned(),
        phone: "01632 960001".to_owned(),
        time_zone: "Europe/London".to_owned(),
        morning: times("08:50", "09:15", "12:00"),
        afternoon: times("13:00", "13:20", "15:20"),
        terms: vec![
            term("Autumn term, first half", "2026-09-02", "2026-10-23"),
            term("Autumn term, second half", "2026-11-02", "2026-12-18"),
            term("Summer term", "2027-04-12", "2027-05-28"),
        ],
        ..Default::default()
    }
}

/// Somebody who is told everything, with addresses in the order in which they are tried.
pub fn parent(addresses: &[&str]) -> pb::Link {
    let address = |value: &&str| pb::Address {
        kind: match *value {
            value if value.contains('@') => pb::AddressKind::Email,
            value if value.starts_with("+441632") => pb::AddressKind::Landline,
            _ => pb::AddressKind::Mobile,
        }
        .into(),
        value: (*value).to_owned(),
        barred: false,
        no_contact: false,
    };
    pb::Link {
        contact_id: ContactId::generate().to_string(),
        role: "mother".to_owned(),
        parental_responsibility: pb::ParentalResponsibility::Yes.into(),
        lives_with: true,
        restriction: pb::Restriction::None.into(),
        addresses: addresses.iter().map(address).collect(),
        ..Default::default()
    }
}

/// So many of them, each with a number of their own.
pub fn parents(number: usize) -> Vec<pb::Link> {
    (0..number).map(|number| parent(&[&format!("+999{number:012}")])).collect()
}
