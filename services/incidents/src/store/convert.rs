//! Rows into the domain's words and back. A row that does not read is corrupt, never guessed at.

use jiff::Timestamp;
use kit::Tenant;
use kit::clock::{from_micros, micros};
use kit::store::Error;
use proto::events::incidents::{AccidentKind, FirstAid};

use super::rows::{accidents, accounts};
use crate::domain::{Accident, Account};

/// Who gave an account, when and why.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// Who.
    pub who: &'a str,
    /// Why; empty for the first.
    pub why: &'a str,
    /// When.
    pub at: Timestamp,
}

pub fn accident_row(school: Tenant, accident: &Accident) -> accidents::Model {
    accidents::Model {
        id: accident.id.to_string(),
        school: school.to_string(),
        pupil_id: accident.pupil_id.to_string(),
        recorded_at: micros(accident.recorded_at),
        amended_at: accident.amended_at.map(micros),
        version: stored_version(accident.version),
    }
}

pub fn account_row(accident: &Accident, given: Given<'_>) -> accounts::Model {
    let account = &accident.account;
    let (first_aid, no_first_aid_because) = match &account.first_aid {
        FirstAid::Given(text) => (Some(text.clone()), None),
        FirstAid::None(because) => (None, Some(because.clone())),
    };
    accounts::Model {
        accident_id: accident.id.to_string(),
        version: stored_version(accident.version),
        at: micros(given.at),
        who: given.who.to_owned(),
        why: given.why.to_owned(),
        kind: kind_text(account.kind).to_owned(),
        what: account.what.clone(),
        place: account.place.clone(),
        happened_at: micros(account.happened_at),
        first_aid,
        no_first_aid_because,
        first_aider: account.first_aider.clone(),
        names_checked: account.names_checked,
    }
}

pub fn accident(row: &accidents::Model, account_row: &accounts::Model) -> Result<Accident, Error> {
    const CORRUPT: Error = Error::Corrupt { what: "accident" };
    Ok(Accident {
        id: row.id.parse().map_err(|_| CORRUPT)?,
        pupil_id: row.pupil_id.parse().map_err(|_| CORRUPT)?,
        account: account(account_row)?,
        recorded_at: from_micros(row.recorded_at),
        amended_at: row.amended_at.map(from_micros),
        version: u64::try_from(row.version).map_err(|_| CORRUPT)?,
    })
}

fn account(row: &accounts::Model) -> Result<Account, Error> {
    const CORRUPT: Error = Error::Corrupt { what: "account of an accident" };
    let first_aid = match (&row.first_aid, &row.no_first_aid_because) {
        (Some(given), None) => FirstAid::Given(given.clone()),
        (None, Some(because)) => FirstAid::None(because.clone()),
        (None, None) | (Some(_), Some(_)) => return Err(CORRUPT),
    };
    Ok(Account {
        kind: kind(&row.kind).ok_or(CORRUPT)?,
        what: row.what.clone(),
        place: row.place.clone(),
        happened_at: from_micros(row.happened_at),
        first_aid,
        first_aider: row.first_aider.clone(),
        names_checked: row.names_checked,
    })
}

pub fn stored_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

fn kind_text(kind: AccidentKind) -> &'static str {
    match kind {
        AccidentKind::Minor => "minor",
        AccidentKind::HeadInjury => "head_injury",
    }
}

fn kind(text: &str) -> Option<AccidentKind> {
    match text {
        "minor" => Some(AccidentKind::Minor),
        "head_injury" => Some(AccidentKind::HeadInjury),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proto::ids::{AccidentId, PupilId};

    use super::*;

    #[test]
    fn an_accident_reads_back_and_half_a_row_does_not() {
        let at: Timestamp = "2026-11-24T11:00:00.123456Z".parse().unwrap();
        let given = Given { who: "person-7", why: "", at };
        for (kind, first_aid, amended_at) in [
            (AccidentKind::Minor, FirstAid::Given("a plaster".into()), None),
            (AccidentKind::HeadInjury, FirstAid::None("went straight to hospital".into()), Some(at)),
        ] {
            let account = Account {
                kind,
                what: "Fell".into(),
                place: "Hall".into(),
                happened_at: at,
                first_aid,
                first_aider: "Mr Reid".into(),
                names_checked: true,
            };
            let stored = Accident {
                id: AccidentId::generate(),
                pupil_id: PupilId::generate(),
                account,
                recorded_at: at,
                amended_at,
                version: 3,
            };
            let (row, account_row) = (accident_row(Tenant::generate(), &stored), account_row(&stored, given));
            assert_eq!(accident(&row, &account_row).unwrap(), stored);
            for corrupt in [
                accounts::Model { kind: "bump".into(), ..account_row.clone() },
                accounts::Model { first_aid: None, no_first_aid_because: None, ..account_row.clone() },
                accounts::Model {
                    first_aid: Some("ice".into()),
                    no_first_aid_because: Some("none".into()),
                    ..account_row
                },
            ] {
                assert!(matches!(accident(&row, &corrupt), Err(Error::Corrupt { .. })));
            }
        }
    }
}
