//! How a contact is reached, changed by hand and field by field.

use jiff::Timestamp;
use jiff::civil::Date;
use kit::fields::{Fault, Fields};
use kit::identity::Caller;
use kit::rejection::{self, Rejection};
use kit::store::{Call, Commit, Error, decide_once};
use proto::directory::v1 as pb;
use proto::events::directory::Restricted;
use proto::ids::{ContactId, PupilId};
use tonic::{Response, Status};

use super::change::restricted;
use super::{Directory, tasks};
use crate::domain::email::{self, Email};
use crate::domain::former::{consequences, shared};
use crate::domain::language;
use crate::domain::link::Bar;
use crate::domain::phone::{self, Phone};
use crate::domain::preference::Preference;
use crate::domain::roster::{Contact, Reach};
use crate::store::write::guard;
use crate::store::{change, former};

const LONGEST_NUMBER: usize = 40;
const LONGEST_MAILBOX: usize = 254;

impl Directory {
    pub(super) async fn update(
        &self,
        caller: Caller,
        request: pb::UpdateContactRequest,
    ) -> Result<Response<pb::UpdateContactResponse>, Status> {
        let contact: ContactId = rejection::id(&request.contact_id, "contact_id")?;
        let update = self.reach_update(&request)?;
        let call = Call { caller: &caller, rpc: "UpdateContact", request_id: &request.request_id };
        decide_once(&self.store, call, &request, || self.decide_update(&caller, contact, &update)).await
    }

    async fn decide_update(
        &self,
        caller: &Caller,
        contact: ContactId,
        update: &ReachUpdate,
    ) -> Result<(Commit, pb::UpdateContactResponse), Status> {
        let standing = self.school(caller.tenant).await?;
        let found = change::contact_of(&self.store, caller.tenant, contact).await?;
        let unknown = || Rejection::not_found("UNKNOWN_CONTACT", "there is no such contact");
        let before = found.ok_or_else(unknown)?;
        let after = Contact { reach: update.on(&before.stored.value.reach), ..before.stored.value.clone() };
        let now = self.store.clock().now();
        let mut commit = Commit::new();
        let mut revision = before.revision;
        if after != before.stored.value {
            revision += 1;
            commit = guard(commit, caller.tenant, standing.version);
            commit = change::put_contact(commit, (caller.tenant, contact), &before, &after);
            let moved = Moved { contact, revision, before: &before.stored.value.reach, after: &after.reach };
            commit = self.bar_addresses(commit, caller, &moved, (standing.day(now), now)).await?;
        }
        let commit = commit.audit(caller, "UpdateContact", &[contact.to_string()], now);
        Ok((commit, pb::UpdateContactResponse { revision }))
    }

    /// Writes and says what follows for those who share an address with the contact, when it is
    /// under a restriction.
    async fn bar_addresses(
        &self,
        mut commit: Commit,
        caller: &Caller,
        &Moved { contact, revision, before, after }: &Moved<'_>,
        (today, now): (Date, Timestamp),
    ) -> Result<Commit, Error> {
        let restrictions = former::restrictions_of(&self.store, contact).await?;
        let mut follows = consequences(before, after, &restrictions, today);
        for (pupil_id, bar) in follows.barred {
            let no_contact = bar == Bar::Contact;
            let fact = Restricted { pupil_id, contact_id: Some(contact), no_contact };
            commit = restricted(commit, caller, fact, (revision, now))?;
        }
        if let Some(known) = former::of_school(&self.store, caller.tenant).await?.get(&contact) {
            follows.given_up.retain(|address, _| !known.contains(address));
        }
        if follows.given_up.is_empty() {
            return Ok(commit);
        }
        let others = former::of_others(&self.store, caller.tenant, contact).await?;
        let columns = shared(&follows.given_up, &others);
        if !columns.is_empty() {
            let pupils: Vec<PupilId> = restrictions.iter().map(|(pupil, _)| *pupil).collect();
            let about = (pupils.as_slice(), columns.as_slice());
            commit = commit.task(tasks::address_given_up(caller, (contact, revision), about, now));
        }
        let key = (caller.tenant, contact);
        Ok(former::keep(&self.store, commit, key, follows.given_up.keys(), now))
    }

    /// Reads every field and says of each that is wrong what was expected.
    fn reach_update(&self, request: &pb::UpdateContactRequest) -> Result<ReachUpdate, Status> {
        let mut fields = Fields::default();
        let mut phone = |field, entered: Option<&str>| {
            let read = |entered: &str| phone::normalise(entered, self.test_numbers).map(|read| read.phone);
            address(&mut fields, entered, (field, LONGEST_NUMBER), read)
        };
        let first_phone = phone("first_phone", request.first_phone.as_deref());
        let second_phone = phone("second_phone", request.second_phone.as_deref());
        let mailbox = ("email", LONGEST_MAILBOX);
        let email = address(&mut fields, request.email.as_deref(), mailbox, email::normalise);
        let language = language(&mut fields, request.language.as_deref());
        let no_voice = request.no_voice;
        let prefers = match request.prefers() {
            pb::Preference::Unspecified => None,
            pb::Preference::None => Some(Preference::None),
            pb::Preference::Text => Some(Preference::Text),
            pb::Preference::Email => Some(Preference::Email),
        };
        fields.finish(Some(ReachUpdate { first_phone, second_phone, email, language, no_voice, prefers }))
    }
}

/// A contact who is reached in another way, at its revision after that.
struct Moved<'a> {
    contact: ContactId,
    revision: i64,
    before: &'a Reach,
    after: &'a Reach,
}

/// What becomes of a field.
enum Field<T> {
    Stays,
    Removed,
    Becomes(T),
}

impl<T: Clone> Field<T> {
    fn on(&self, before: Option<&T>) -> Option<T> {
        match self {
            Self::Stays => before.cloned(),
            Self::Removed => None,
            Self::Becomes(value) => Some(value.clone()),
        }
    }
}

struct ReachUpdate {
    first_phone: Field<Phone>,
    second_phone: Field<Phone>,
    email: Field<Email>,
    language: Option<String>,
    no_voice: Option<bool>,
    prefers: Option<Preference>,
}

impl ReachUpdate {
    fn on(&self, before: &Reach) -> Reach {
        Reach {
            first_phone: self.first_phone.on(before.first_phone.as_ref()),
            second_phone: self.second_phone.on(before.second_phone.as_ref()),
            email: self.email.on(before.email.as_ref()),
            language: self.language.clone().unwrap_or_else(|| before.language.clone()),
            no_voice: self.no_voice.unwrap_or(before.no_voice),
            prefers: self.prefers.unwrap_or(before.prefers),
        }
    }
}

/// A number or a mailbox: an empty one is removed.
fn address<T, E: std::fmt::Display>(
    fields: &mut Fields,
    entered: Option<&str>,
    (field, most): (&'static str, usize),
    normalise: impl FnOnce(&str) -> Result<T, E>,
) -> Field<T> {
    let Some(entered) = entered.map(str::trim) else { return Field::Stays };
    if entered.is_empty() {
        return Field::Removed;
    }
    let read = if entered.chars().count() > most {
        Err(format!("at most {most} characters"))
    } else {
        normalise(entered).map_err(|fault| fault.to_string())
    };
    match read {
        Ok(value) => Field::Becomes(value),
        Err(expected) => {
            fields.add(fault(field, &expected));
            Field::Stays
        }
    }
}

/// A language is never removed: without a word of the school it is the default.
fn language(fields: &mut Fields, entered: Option<&str>) -> Option<String> {
    language::normalise(entered?)
        .map_err(|expected| fields.add(fault("language", &expected.to_string())))
        .ok()
}

fn fault(field: &'static str, expected: &str) -> Fault {
    Fault::new(field, "INVALID_CONTACT", format!("expected: {expected}"))
}
