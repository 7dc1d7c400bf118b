//! An account as it comes over the wire, and as it goes back. Faults are collected, so that a caller
//! hears of all of them at once.

use jiff::Timestamp;
use kit::clock::{from_micros, micros, to_proto};
use kit::fields::{Fault, Fields, Lines};
use proto::events::incidents::{AccidentKind, FirstAid};
use proto::incidents::v1 as pb;

use super::refusal;
use crate::domain::{Accident, Account, account};

/// How long a text may be, in characters.
pub const MOST_TEXT: usize = 500;
/// How long a place or the name of a first aider may be, in characters.
const MOST_NAME: usize = 100;

/// An account.
pub fn read_account(fields: &mut Fields, sent: Option<&pb::Account>) -> Option<Account> {
    let Some(sent) = sent else {
        fields.add(Fault::new("account", "REQUIRED", "must say what happened"));
        return None;
    };
    let kind = kind(fields, sent.kind);
    let what = fields.words("account.what", &sent.what, 1..=MOST_TEXT, Lines::Many);
    let place = fields.words("account.place", &sent.place, 1..=MOST_NAME, Lines::One);
    let happened_at = happened_at(fields, sent.happened_at.as_ref());
    let first_aid = first_aid(fields, sent);
    let first_aider = fields.text("account.first_aider", &sent.first_aider, 1..=MOST_NAME, Lines::One);
    Some(Account {
        kind: kind?,
        what: what?,
        place: place?,
        happened_at: happened_at?,
        first_aid: first_aid?,
        first_aider: first_aider?,
        names_checked: sent.names_checked,
    })
}

fn kind(fields: &mut Fields, number: i32) -> Option<AccidentKind> {
    let mut fault = |reason| {
        let expected = "must be a minor accident or a head injury";
        fields.add(Fault::new("account.kind", reason, expected));
        None
    };
    match pb::AccidentKind::try_from(number) {
        Ok(pb::AccidentKind::Minor) => Some(AccidentKind::Minor),
        Ok(pb::AccidentKind::HeadInjury) => Some(AccidentKind::HeadInjury),
        Ok(pb::AccidentKind::Unspecified) => fault("REQUIRED"),
        Err(_) => fault("UNKNOWN_KIND"),
    }
}

fn happened_at(fields: &mut Fields, sent: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
    let mut fault = |reason| {
        fields.add(Fault::new("account.happened_at", reason, "must be the instant at which it happened"));
        None
    };
    let Some(sent) = sent else { return fault("REQUIRED") };
    match Timestamp::new(sent.seconds, sent.nanos) {
        Ok(at) if sent.nanos >= 0 => Some(from_micros(micros(at))),
        Ok(_) | Err(_) => fault("INVALID_TIME"),
    }
}

fn first_aid(fields: &mut Fields, sent: &pb::Account) -> Option<FirstAid> {
    let mut text = |field, text| fields.words(field, text, 0..=MOST_TEXT, Lines::Many);
    let given = text("account.first_aid", &sent.first_aid);
    let because = text("account.no_first_aid_because", &sent.no_first_aid_because);
    account::first_aid(given?, because?).map_err(|fault| fields.add(refusal::field(fault))).ok()
}

/// An accident with the account that stands.
pub fn accident_to_proto(accident: &Accident) -> pb::Accident {
    let account = &accident.account;
    let kind = match account.kind {
        AccidentKind::Minor => pb::AccidentKind::Minor,
        AccidentKind::HeadInjury => pb::AccidentKind::HeadInjury,
    };
    let (first_aid, no_first_aid_because) = match &account.first_aid {
        FirstAid::Given(text) => (text.clone(), String::new()),
        FirstAid::None(because) => (String::new(), because.clone()),
    };
    pb::Accident {
        id: accident.id.to_string(),
        pupil_id: accident.pupil_id.to_string(),
        account: Some(pb::Account {
            kind: kind.into(),
            what: account.what.clone(),
            place: account.place.clone(),
            happened_at: Some(to_proto(account.happened_at)),
            first_aid,
            no_first_aid_because,
            first_aider: account.first_aider.clone(),
            names_checked: account.names_checked,
        }),
        recorded_at: Some(to_proto(accident.recorded_at)),
        amended_at: accident.amended_at.map(to_proto),
        version: i64::try_from(accident.version).unwrap_or(i64::MAX),
    }
}
