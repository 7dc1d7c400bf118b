//! The school-wide close, by command and by the clock; both come to the same decision, once.
//!
//! The loop looks every second for sessions that have a register and are past their time. A close
//! that meets a posting at the same moment loses and decides again, with the new mark in view. A
//! session for which the school is closed is closed by the clock in silence: nobody is missed. The
//! same loop ends the cases that a [closure](crate::closures) covers. What it cannot close is
//! [a person's](crate::not_closed) after two minutes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kit::Tenant;
use kit::clock::Clock;
use kit::identity::Caller;
use kit::rejection::failure;
use kit::store::{Commit, Error, Store};
use proto::events::absences::Session;
use proto::options::v1::Role;
use tokio::sync::Notify;
use tokio::time::MissedTickBehavior;
use tonic::Status;

use crate::api::refusal;
use crate::closures::Looked;
use crate::directory::Directory;
use crate::domain::close::{self, Closing};
use crate::domain::register::Roll;
use crate::domain::{Calendar, Sitting, tasks};
use crate::scheduling::Scheduling;
use crate::store::changes::{Close, Hand};
use crate::store::read::{self, CloseAt, Closed, Due, Whose};

const LOOKS_EVERY: Duration = Duration::from_secs(1);
const LOOKS_FOR_EMPTY_EVERY: Duration = Duration::from_mins(1);
pub(crate) const TRIES: usize = 8;
const BY_CLOCK: &str = "closed at its time";

/// Closes registers.
#[derive(Clone)]
pub struct Closer {
    /// The service's database.
    pub store: Store,
    /// Who is on roll.
    pub directory: Directory,
    /// For whom the school is closed.
    pub scheduling: Scheduling,
    /// The school's time.
    pub clock: Clock,
    /// Signalled when something was heard of a closure.
    pub closures: Arc<Notify>,
}

/// A session that is to be closed.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Which.
    pub sitting: Sitting,
    /// When its register was to close.
    pub closes_at: Timestamp,
    /// When it ends.
    pub ends_at: Timestamp,
    /// Who is on roll now: decides who is person only.
    pub roll: &'a Roll,
    /// For whom the school is closed.
    pub calendar: &'a Calendar,
}

/// What came of a close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// When it was closed.
    pub at: Timestamp,
    /// Now or before.
    pub when: When,
    /// What there was to say.
    pub closed: Closed,
}

/// When a session was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// By this commit.
    Now,
    /// Before; nothing happens this time.
    Before,
}

impl Closer {
    /// Decides a close: everything that it does in one commit.
    pub async fn decide(
        &self,
        caller: &Caller,
        rpc: &'static str,
        wanted: Wanted<'_>,
    ) -> Result<(Commit, Outcome), Status> {
        self.read_and_decide(Hand { caller, rpc, at: self.clock.now() }, wanted).await
    }

    async fn read_and_decide(&self, hand: Hand<'_>, wanted: Wanted<'_>) -> Result<(Commit, Outcome), Status> {
        let (school, sitting) = (hand.caller.tenant, wanted.sitting);
        let session = read::session(&self.store, school, sitting).await?;
        if let Some((at, closed)) = session.closed {
            return Ok((hand.commit(&[]), Outcome { at, when: When::Before, closed }));
        }
        let registers = read::registers(&self.store, school, sitting).await?;
        let lines = read::lines(&self.store, school, sitting, Whose::Everybodys).await?;
        let due = close::Due { sitting, roll: wanted.roll, calendar: wanted.calendar };
        let closing =
            close::close(due, &read::classes(&registers), &lines, hand.at).map_err(refusal::status)?;
        let closed = summary(&closing);
        let subjects: Vec<String> =
            closing.steps.iter().map(|step| step.after.pupil_id.to_string()).collect();
        let close = Close {
            sitting,
            version: session.version,
            closes_at: wanted.closes_at,
            ends_at: wanted.ends_at,
            closed: &closed,
        };
        let commit = hand.closed(hand.commit(&subjects), &self.store, &close)?;
        let commit = hand.steps(commit, &closing.steps)?;
        let asked = tasks::of_closing(school, sitting, &closing, hand.at);
        let commit = asked.into_iter().fold(commit, Commit::task);
        Ok((commit, Outcome { at: hand.at, when: When::Now, closed }))
    }

    /// Closes what is due until it is asked to stop.
    pub async fn run(
        self,
        when: CloseAt,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<()> {
        let mut looks = tokio::time::interval(LOOKS_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut long_looks = tokio::time::interval(LOOKS_FOR_EMPTY_EVERY);
        long_looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stop);
        let mut looked = Looked::Everywhere;
        loop {
            tokio::select! {
                () = &mut stop => return Ok(()),
                () = self.closures.notified() => looked = self.end_covered().await,
                _ = looks.tick() => {
                    self.close_due(when).await;
                    if looked == Looked::NotEverywhere {
                        looked = self.end_covered().await;
                    }
                }
                _ = long_looks.tick() => {
                    self.close_unposted(when).await;
                    looked = self.end_covered().await;
                }
            }
        }
    }

    /// Closes today's sessions of which no class has posted a register: nobody knows who is
    /// missing, and that is the office's task. Schools are known by the registers they posted.
    pub async fn close_unposted(&self, when: CloseAt) {
        let schools = match read::schools(&self.store).await {
            Ok(schools) => schools,
            Err(error) => {
                failure(&error);
                return;
            }
        };
        for tenant in schools {
            let Ok(school) = self.directory.school(tenant).await else { continue };
            let now = self.clock.now();
            for session in [Session::Morning, Session::Afternoon] {
                let sitting = Sitting { date: school.today(now), session };
                let Ok(times) = school.times(sitting) else { continue };
                let due = Due { school: tenant, sitting, closes_at: times.closes, ends_at: times.ends };
                let closed = read::session(&self.store, tenant, sitting).await.map(|session| session.closed);
                if now < due.at(when)
                    || !matches!(closed, Ok(None))
                    || self.may_have_been_closed(times.closes)
                {
                    continue;
                }
                if let Err(status) = self.close_if_school_day(due).await {
                    tracing::warn!(school = %tenant, grpc.code = ?status.code(), "an empty register could not be closed");
                }
            }
        }
    }

    /// Closes every session that is due now. What cannot be closed stays due.
    pub async fn close_due(&self, when: CloseAt) {
        let due = match read::due(&self.store, when, self.clock.now()).await {
            Ok(due) => due,
            Err(error) => {
                failure(&error);
                return;
            }
        };
        for due in due.into_iter().filter(|due| !self.may_have_been_closed(due.closes_at)) {
            match self.close_by_clock(due).await {
                Ok(()) => tracing::info!(school = %due.school, "a register was closed at its time"),
                Err(status) => {
                    tracing::warn!(
                        school = %due.school,
                        grpc.code = ?status.code(),
                        "a register could not be closed at its time; tried again in a second"
                    );
                    self.hand_to_person(due, due.at(when), &status).await;
                }
            }
        }
    }

    /// A session whose time had come when the data was put back to an earlier state is a person's to
    /// close: it may have been closed, and those at home told, in what was lost.
    fn may_have_been_closed(&self, closes_at: Timestamp) -> bool {
        self.store.restored_at().is_some_and(|restored_at| closes_at <= self.clock.showed_at(restored_at))
    }

    async fn close_if_school_day(&self, due: Due) -> Result<(), Status> {
        let calendar = self.scheduling.calendar(due.school, due.sitting.date..=due.sitting.date).await?;
        match calendar.check_school_day(due.sitting.date) {
            Ok(()) => self.close_by_clock(due).await,
            Err(_) => Ok(()),
        }
    }

    async fn close_by_clock(&self, due: Due) -> Result<(), Status> {
        let caller = by_itself(due.school);
        let Due { sitting, closes_at, ends_at, .. } = due;
        for _ in 0..TRIES {
            let (roll, calendar) = tokio::try_join!(
                self.directory.roll(due.school),
                self.scheduling.calendar(due.school, sitting.date..=sitting.date)
            )?;
            let wanted = Wanted { sitting, closes_at, ends_at, roll: &roll, calendar: &calendar };
            let (commit, outcome) = self.decide(&caller, BY_CLOCK, wanted).await?;
            if outcome.when == When::Before {
                return Ok(());
            }
            match self.store.commit(commit).await {
                Ok(_) => return Ok(()),
                Err(Error::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Status::aborted("registers are being posted faster than this can be closed"))
    }
}

/// The tasks for the sessions whose time has come and that the data, which was just put back to an
/// earlier state, has as open.
pub async fn hold_back(store: &Store, now: Timestamp) -> Result<Commit, Error> {
    let due = read::due(store, CloseAt::RegisterTime, now).await?;
    let asked = due.into_iter().map(|due| tasks::may_have_been_closed(due.school, due.sitting, now));
    Ok(asked.fold(Commit::new(), Commit::task))
}

/// The service itself, where it acts for a school without being asked.
pub fn by_itself(school: Tenant) -> Caller {
    Caller { subject: "absences".to_owned(), tenant: school, roles: vec![Role::Service] }
}

/// What a close says, in the words of the wire.
fn summary(closing: &Closing) -> Closed {
    Closed {
        announced: count(closing.announced()),
        person_only: count(closing.handed_to_person()),
        classes_without_register: closing.classes_without_register.iter().map(ToString::to_string).collect(),
        pupils_without_mark: closing
            .pupils_without_mark
            .values()
            .flatten()
            .map(ToString::to_string)
            .collect(),
    }
}

/// A count as the wire carries it.
pub fn count(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
