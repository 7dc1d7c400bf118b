//! An accident: one child, one account that stands, and a version for every account there was.
//!
//! It decides what a first account and every amendment mean for those at home. They are told on the
//! day; a correction that comes later is a person's to tell, because a message weeks afterwards
//! would frighten more than it explains.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use proto::events::incidents::AccidentRecorded;
use proto::ids::{AccidentId, PupilId};

use super::{Account, Rejection, Roll};

/// An accident as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accident {
    /// The accident.
    pub id: AccidentId,
    /// The child; never changes.
    pub pupil_id: PupilId,
    /// What is said of it now.
    pub account: Account,
    /// When it was written down.
    pub recorded_at: Timestamp,
    /// When it was last amended.
    pub amended_at: Option<Timestamp>,
    /// 1, and one more with every amendment.
    pub version: u64,
}

/// When and where something is decided.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The time.
    pub now: Timestamp,
    /// Where the school's clocks are.
    pub zone: &'a TimeZone,
    /// Who is on roll.
    pub roll: &'a Roll,
}

/// What came of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The accident as it stands now.
    pub accident: Accident,
    /// What the people at home learn of it.
    pub telling: Telling,
}

/// How the people at home learn of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Telling {
    /// It is said, and who is entitled is told.
    Said(AccidentRecorded),
    /// It came too late for a message: a person tells them.
    ByPerson,
    /// What goes home has not changed.
    Nothing,
}

impl Accident {
    /// Writes an accident down.
    pub fn record(
        id: AccidentId,
        pupil_id: PupilId,
        account: Account,
        moment: Moment<'_>,
    ) -> Result<Step, Rejection> {
        if !moment.roll.contains_key(&pupil_id) {
            return Err(Rejection::UnknownPupil);
        }
        let recorded_at = moment.now;
        check(&account, pupil_id, recorded_at, moment.roll)?;
        let telling = Telling::Said(account.fact(pupil_id, moment.end_of_today()));
        let accident = Self { id, pupil_id, account, recorded_at, amended_at: None, version: 1 };
        Ok(Step { accident, telling })
    }

    /// Puts another account in the place of the one that stands. It is taken on any later day, of a
    /// child who has left the school too.
    pub fn amend(self, account: Account, moment: Moment<'_>) -> Result<Step, Rejection> {
        check(&account, self.pupil_id, self.recorded_at, moment.roll)?;
        let days_of_telling = [account.happened_at, self.recorded_at].map(|at| moment.day(at));
        let telling = if account.says_the_same_at_home_as(&self.account) {
            Telling::Nothing
        } else if days_of_telling.contains(&moment.day(moment.now)) {
            Telling::Said(account.fact(self.pupil_id, moment.end_of_today()))
        } else {
            Telling::ByPerson
        };
        let (amended_at, version) = (Some(moment.now), self.version + 1);
        Ok(Step { accident: Self { account, amended_at, version, ..self }, telling })
    }
}

fn check(account: &Account, pupil_id: PupilId, recorded_at: Timestamp, roll: &Roll) -> Result<(), Rejection> {
    let faults = account.faults(pupil_id, roll, recorded_at);
    if faults.is_empty() { Ok(()) } else { Err(Rejection::Faults(faults)) }
}

impl Moment<'_> {
    fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Local midnight, at which it is too late to tell anybody by message.
    fn end_of_today(&self) -> Timestamp {
        let today = self.now.to_zoned(self.zone.clone());
        let tomorrow = today.tomorrow().and_then(|tomorrow| tomorrow.start_of_day());
        tomorrow.map_or(Timestamp::MAX, |tomorrow| tomorrow.timestamp())
    }
}

#[cfg(test)]
mod tests;
