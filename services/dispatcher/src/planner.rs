//! The planner: lets gatherings leave, takes the next address when one did not work, corrects
//! what was told wrongly, and looks after restrictions that were set while messages left.
//!
//! What is about single children, what says that the school is closed and what people wrote have
//! each a loop of their own, so that a whole school that is slow to be resolved keeps no family
//! waiting for news of its child. It wakes when there is something to do and sweeps every second, so that a lost wake-up costs
//! a second and not a message. Everything it decides is pure and stands in
//! [`domain::plan`](crate::domain::plan); it asks the directory with no transaction open.

mod circumstances;
mod decide;
mod line;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kit::store::{Commit, Error as StoreError, Store};
use kit::telemetry;
use proto::ids::PupilId;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::directory::{self, Directory};
use crate::domain::{Choices, NoticeKind};
use crate::points;
use crate::routes::{Timing, route};
use crate::store::corrections;
use crate::store::follow_ups;
use crate::store::gatherings::{self, Gathering};
use crate::store::parts::PlanWriter;
use crate::store::plans::{Desk, Outlets};
use crate::store::waits::{self, Waiting};

pub(crate) use circumstances::Circumstances;
pub use line::Line;

const SWEEP: Duration = Duration::from_secs(1);

/// Why a step could not be taken now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Directory(#[from] directory::Error),
}

/// What the planner stands on.
pub struct Planner {
    /// The store.
    pub store: Store,
    /// The directory.
    pub directory: Arc<Directory>,
    /// The channels in use.
    pub outlets: Outlets,
    /// The school's timings.
    pub timing: Timing,
    /// What the school has chosen about who is told.
    pub choices: Choices,
    /// Signalled when there may be something to plan.
    pub wake: Arc<Notify>,
    /// Signalled when there is something to send.
    pub sender: Arc<Notify>,
    /// Writes out plans for many.
    pub plans: PlanWriter,
    /// Signalled when there is one.
    pub put_by: Notify,
}

impl Planner {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let planner = Arc::new(self);
        let lines = Line::ALL.map(|line| (line, Arc::new(Notify::new())));
        // Tasks of their own: a school of thousands that is decided about keeps its thread, and nobody else.
        let mut tasks = JoinSet::new();
        for (line, wake) in lines.clone() {
            let (planner, stop) = (Arc::clone(&planner), stop.clone());
            tasks.spawn(async move { planner.serve(line, &wake, &stop).await });
        }
        let (writing, stopped) = (Arc::clone(&planner), stop.clone());
        tasks.spawn(async move {
            stopped.run_until_cancelled(writing.write_out()).await;
        });
        tasks.spawn(async move {
            while stop.run_until_cancelled(planner.wake.notified()).await.is_some() {
                for (_, wake) in &lines {
                    wake.notify_one();
                }
            }
        });
        while let Some(ended) = tasks.join_next().await {
            ended?;
        }
        Ok(())
    }

    /// Writes out what a line has put by, while the lines go on.
    async fn write_out(&self) {
        loop {
            match self.plans.write_out(None).await {
                Ok(0) => {}
                // What waits for the last part of a plan may go on.
                Ok(_) => self.wake.notify_one(),
                Err(error) => {
                    let error = &error as &(dyn std::error::Error + 'static);
                    tracing::warn!(error, "plans are not written out");
                }
            }
            // A lost wake-up costs a second.
            let _ = tokio::time::timeout(SWEEP, self.put_by.notified()).await;
        }
    }

    /// One line of gatherings, sweep after sweep.
    async fn serve(&self, line: Line, wake: &Notify, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let now = self.store.clock().now();
            let swept = tokio::select! {
                swept = self.sweep_line(line, now) => swept,
                // Each decision is one transaction, so that it was made or will be; a whole school
                // that is slow to be resolved does not hold up the end.
                () = stop.cancelled() => return,
            };
            if let Err(error) = swept {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(error, "planning waits");
            }
            let wait = self.until_next_gathering(now).await.min(SWEEP);
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    async fn until_next_gathering(&self, now: Timestamp) -> Duration {
        match gatherings::next_leaving(&self.store).await {
            Ok(Some(leaves_at)) if leaves_at > now => leaves_at.duration_since(now).unsigned_abs(),
            _ => SWEEP,
        }
    }

    /// Does everything that is due, one line after the other.
    #[cfg(test)]
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        let mut outcome = Ok(());
        for line in Line::ALL {
            outcome = outcome.and(self.sweep_line(line, now).await);
        }
        outcome.and(self.plans.write_out(None).await.map(drop).map_err(Error::from))
    }

    /// Does everything in a line that is due. One thing that fails does not hold up the others.
    pub(crate) async fn sweep_line(&self, line: Line, now: Timestamp) -> Result<(), Error> {
        let mut outcome = Ok(());
        if line == Line::Children {
            outcome = outcome.and(self.correct(now).await);
        }
        let kinds = line.kinds(&self.timing);
        outcome = outcome.and(self.let_gatherings_leave(&kinds, now).await);
        if line == Line::Children {
            let lost = follow_ups::lose_patience(&self.store, now).await;
            outcome = outcome.and(lost.map(drop).map_err(Error::from));
        }
        outcome = outcome.and(self.take_next_steps(&kinds, now).await);
        if line == Line::Children {
            outcome = outcome.and(self.watch_restrictions(now).await);
        }
        outcome
    }

    async fn correct(&self, now: Timestamp) -> Result<(), Error> {
        let mut outcome = Ok(());
        for wrong in corrections::wanted(&self.store, now).await? {
            let route = route(NoticeKind::AbsenceCorrection, &self.timing);
            let commit = corrections::correct(&wrong, self.desk(now), &route).await?;
            self.store.faults().at(points::CORRECTION_PLANNED).await;
            outcome = outcome.and(self.commit(commit).await.map_err(Error::from));
        }
        outcome
    }

    async fn let_gatherings_leave(&self, kinds: &[Vec<NoticeKind>], now: Timestamp) -> Result<(), Error> {
        let (mut outcome, mut away) = (Ok(()), false);
        let mut leaving = Vec::new();
        for kinds in kinds {
            leaving.extend(gatherings::leaving(&self.store, kinds, now).await?);
        }
        for id in leaving {
            let gathering = match gatherings::open(&self.store, &id).await {
                Ok(Some(gathering)) => gathering,
                Ok(None) => continue,
                Err(error) => {
                    outcome = outcome.and(Err(error.into()));
                    continue;
                }
            };
            // A directory that does not answer is not asked for each of them.
            let waits = away && gathering.needs_the_directory(now);
            let left =
                if waits { Ok(()) } else { self.leave(&gathering, now).instrument(span(&gathering)).await };
            away |= matches!(&left, Err(Error::Directory(error)) if error.is_away());
            if waits || left.is_err() {
                let pupils = gathering.pupils();
                outcome =
                    outcome.and(self.ask_a_person((&gathering, pupils), gathering.leaves_at, now).await);
            }
            outcome = outcome.and(left);
        }
        outcome
    }

    async fn take_next_steps(&self, kinds: &[Vec<NoticeKind>], now: Timestamp) -> Result<(), Error> {
        let (mut outcome, mut away) = (Ok(()), false);
        let mut wanted = Vec::new();
        for kinds in kinds {
            wanted.extend(follow_ups::wanted(&self.store, kinds).await?);
        }
        for delivery in wanted {
            // What cannot be read is this one's misfortune and holds up nobody.
            let follow_up = match follow_ups::read(&self.store, &delivery).await {
                Ok(Some(follow_up)) => follow_up,
                Ok(None) => continue,
                Err(error) => {
                    outcome = outcome.and(Err(error.into()));
                    continue;
                }
            };
            let span = span(&follow_up.gathering);
            let taken = if away { Ok(()) } else { self.follow_up(&follow_up, now).instrument(span).await };
            away |= matches!(&taken, Err(Error::Directory(error)) if error.is_away());
            if away || taken.is_err() {
                let pupils = follow_up.later.members.iter().map(|(_, pupil)| *pupil).collect();
                outcome = outcome
                    .and(self.ask_a_person((&follow_up.gathering, pupils), follow_up.since, now).await);
            }
            outcome = outcome.and(taken);
        }
        outcome
    }

    /// The directory is away: what waits for it longer than two minutes is a person's.
    async fn ask_a_person(
        &self,
        (gathering, pupils): (&Gathering, Vec<PupilId>),
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        if now.duration_since(since) < waits::PATIENCE || gathering.drill {
            return Ok(());
        }
        let (school, id) = (gathering.school, gathering.id.clone());
        match gathering.kind {
            kind if kind.is_about_closing() => {
                waits::ask_about_many(&self.store, (school, &id), now).await?;
            }
            // Nobody is harmed by a letter that comes later.
            NoticeKind::Announcement | NoticeKind::AnnouncementCorrection => {}
            NoticeKind::AbsenceUnexplained
            | NoticeKind::AbsenceCorrection
            | NoticeKind::FirstAid
            | NoticeKind::HeadInjury
            | NoticeKind::ClosureDeclared
            | NoticeKind::ClosureChanged
            | NoticeKind::Reopening => {
                let pupils = pupils.into_iter().collect();
                waits::ask_a_person(&self.store, &Waiting { school, gathering: id, pupils }, now).await?;
            }
        }
        Ok(())
    }

    fn desk(&self, now: Timestamp) -> Desk<'_> {
        Desk { store: &self.store, outlets: &self.outlets, now }
    }

    /// A conflict means that the world changed while we decided: the next sweep decides again.
    async fn commit(&self, commit: Commit) -> Result<(), StoreError> {
        match self.store.commit(commit.wake(&self.sender)).await {
            Ok(_) => Ok(()),
            Err(StoreError::Conflict) => {
                self.wake.notify_one();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

/// A decision about a gathering, in the traces of what it tells.
fn span(gathering: &Gathering) -> Span {
    let span = tracing::info_span!("plan", gathering.id = gathering.id, kind = gathering.kind.as_str());
    telemetry::come_of(&span, gathering.traces.iter().map(String::as_str));
    span
}
