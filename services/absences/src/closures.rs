//! Ending the follow-up of pupils for whom the school is closed.
//!
//! Hearing of a closure only wakes this; the [calendar](crate::scheduling) says what is closed now. So
//! a closure that has ended meanwhile ends nothing, one that begins at noon ends nothing of the
//! morning, and an `N` that was posted at the same moment is found at the next look.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use kit::Tenant;
use kit::rejection::failure;
use kit::store::Error;
use tonic::Status;

use crate::api::refusal;
use crate::closing::{Closer, TRIES, by_itself};
use crate::domain::register::Roll;
use crate::domain::{Calendar, Sitting, Step};
use crate::store::changes::Hand;
use crate::store::closures;
use crate::store::read::{self, Whose};

const BY_CLOSURE: &str = "ended by a closure";
/// A closure that is over for longer than facts wait on the bus is not looked at again.
const LOOKS_BACK: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Whether every school with a closure could be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// Each was looked at.
    Everywhere,
    /// Somebody could not be asked: look again soon.
    NotEverywhere,
}

impl Closer {
    /// Ends the open cases of every session that a closure covers, for whom it covers. Cases that are
    /// a person's task leave that task to the person.
    pub async fn end_covered(&self) -> Looked {
        let since = day_in_utc(self.clock.now().saturating_sub(LOOKS_BACK).unwrap_or(Timestamp::MIN));
        let sessions = match closures::sessions_with_cases(&self.store, since).await {
            Ok(sessions) => sessions,
            Err(error) => {
                failure(&error);
                return Looked::NotEverywhere;
            }
        };
        let mut looked = Looked::Everywhere;
        for (school, sittings) in sessions {
            if let Err(status) = self.end_covered_of(school, &sittings).await {
                tracing::warn!(%school, grpc.code = ?status.code(), "what a closure ends is not known; asked again in a second");
                looked = Looked::NotEverywhere;
            }
        }
        looked
    }

    async fn end_covered_of(&self, school: Tenant, sittings: &[Sitting]) -> Result<(), Status> {
        let days: BTreeSet<Date> = sittings.iter().map(|sitting| sitting.date).collect();
        let (Some(first), Some(last)) = (days.first(), days.last()) else { return Ok(()) };
        let (roll, calendar) =
            tokio::try_join!(self.directory.roll(school), self.scheduling.calendar(school, *first..=*last))?;
        for sitting in sittings {
            self.end_session(school, *sitting, (&roll, &calendar)).await?;
        }
        Ok(())
    }

    async fn end_session(
        &self,
        school: Tenant,
        sitting: Sitting,
        (roll, calendar): (&Roll, &Calendar),
    ) -> Result<(), Status> {
        let caller = by_itself(school);
        for _ in 0..TRIES {
            let hand = Hand { caller: &caller, rpc: BY_CLOSURE, at: self.clock.now() };
            let mut steps: Vec<Step> = Vec::new();
            for line in read::lines(&self.store, school, sitting, Whose::Everybodys).await?.into_values() {
                let cover = calendar.cover(sitting, line.pupil_id, roll.get(&line.pupil_id));
                if let Some(cover) = cover {
                    steps.push(line.shut(cover, hand.at).map_err(refusal::status)?);
                }
            }
            steps.retain(|step| step.case().is_some());
            if steps.is_empty() {
                return Ok(());
            }
            let subjects: Vec<String> = steps.iter().map(|step| step.after.pupil_id.to_string()).collect();
            let commit = hand.steps(hand.commit(&subjects), &steps)?;
            match self.store.commit(commit).await {
                Ok(_) => {
                    tracing::info!(%school, cases = steps.len(), "a closure ended the follow-up of a session");
                    return Ok(());
                }
                Err(Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Status::aborted("marks are being changed faster than this can be decided"))
    }
}

/// Near enough: a school's own day is at most one away.
fn day_in_utc(instant: Timestamp) -> Date {
    instant.to_zoned(TimeZone::UTC).date()
}
