//! The planner: lets gatherings leave, takes the next address when one did not work, corrects
//! what was told wrongly, and looks after restrictions that were set while messages left.
//!
//! It wakes when there is something to do and sweeps every second, so that a lost wake-up costs
//! a second and not a message. Everything it decides is pure and stands in
//! [`domain::plan`](crate::domain::plan); it asks the directory with no transaction open.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kit::store::{Commit, Error as StoreError, Store};
use kit::tasks::NewTask;
use proto::options::v1::Role;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::directory::{self, Directory};
use crate::domain::plan::{Media, Plan, Wanted, plan};
use crate::domain::{NoticeKind, Reason};
use crate::routes::{Timing, route};
use crate::store::follow_ups::{self, FollowUp};
use crate::store::gatherings::{self, Gathering};
use crate::store::plans::{self, Desk, Outlets, Writing};
use crate::store::{corrections, restrictions};

const SWEEP: Duration = Duration::from_secs(1);
/// How long a message about a child waits for the directory before a person is asked.
const DIRECTORY_PATIENCE: SignedDuration = SignedDuration::from_mins(2);

/// Why a step could not be taken now.
#[derive(Debug, thiserror::Error)]
enum Error {
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
    /// Signalled when there may be something to plan.
    pub wake: Arc<Notify>,
    /// Signalled when there is something to send.
    pub sender: Arc<Notify>,
}

impl Planner {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        while !stop.is_cancelled() {
            let now = self.store.clock().now();
            if let Err(error) = self.sweep(now).await {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::warn!(error, "planning waits");
            }
            let wait = self.until_next_gathering(now).await.min(SWEEP);
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
        Ok(())
    }

    async fn until_next_gathering(&self, now: Timestamp) -> Duration {
        match gatherings::next_leaving(&self.store).await {
            Ok(Some(leaves_at)) if leaves_at > now => leaves_at.duration_since(now).unsigned_abs(),
            _ => SWEEP,
        }
    }

    /// Does everything that is due. One that fails does not hold up the others.
    async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        let mut outcome = Ok(());
        for wrong in corrections::wanted(&self.store, now).await? {
            let route = route(NoticeKind::AbsenceCorrection, &self.timing);
            let commit = corrections::correct(&wrong, self.desk(now), &route).await?;
            outcome = outcome.and(self.commit(commit).await.map_err(Error::from));
        }
        for gathering in gatherings::leaving(&self.store, now).await? {
            outcome = outcome.and(self.leave(&gathering, now).await);
        }
        follow_ups::lose_patience(&self.store, now).await?;
        for follow_up in follow_ups::wanted(&self.store).await? {
            outcome = outcome.and(self.follow_up(&follow_up, now).await);
        }
        if let Some(commit) = restrictions::left_too_late(&self.store, now).await? {
            self.store.commit(commit).await?;
        }
        outcome
    }

    fn desk(&self, now: Timestamp) -> Desk<'_> {
        Desk { store: &self.store, outlets: &self.outlets, now }
    }

    fn media(&self) -> Media {
        Media { text: self.outlets.text.is_some(), email: self.outlets.email.is_some() }
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

    async fn leave(&self, gathering: &Gathering, now: Timestamp) -> Result<(), Error> {
        let pupils = gathering.pupils();
        let route = route(gathering.kind, &self.timing);
        let writing = Writing { desk: self.desk(now), gathering, lane: route.lane };
        if now >= gathering.valid_until {
            return Ok(self.commit(plans::first(&writing, &expired(gathering))).await?);
        }
        let audience = match self.directory.resolve(gathering.school, &pupils).await {
            Ok(audience) => audience,
            Err(error) => {
                self.ask_a_person(gathering, now).await?;
                return Err(error.into());
            }
        };
        let wanted = Wanted {
            kind: gathering.kind,
            pupils: &pupils,
            only: None,
            audience: &audience,
            tried: &HashSet::new(),
            media: self.media(),
        };
        let plan = plan(&wanted);
        tracing::info!(
            gathering.id = gathering.id,
            kind = gathering.kind.as_str(),
            pupils = pupils.len(),
            messages = plan.messages.len(),
            tasks = plan.tasks.len(),
            "a gathering leaves"
        );
        Ok(self.commit(plans::first(&writing, &plan)).await?)
    }

    /// The directory is away: what waits for it longer than two minutes is a person's.
    async fn ask_a_person(&self, gathering: &Gathering, now: Timestamp) -> Result<(), StoreError> {
        if now.duration_since(gathering.leaves_at) < DIRECTORY_PATIENCE {
            return Ok(());
        }
        let due = (now, SignedDuration::from_mins(10));
        let task = NewTask::new(gathering.school, "directory_away", Role::AttendanceOfficer, due)
            .about(gathering.pupils().iter().map(ToString::to_string))
            .because("nobody has been told about these pupils yet, because the directory cannot be asked who may be told")
            .once(format!("directory_away:{}", gathering.id));
        self.store.commit(Commit::new().task(task)).await?;
        Ok(())
    }

    async fn follow_up(&self, follow_up: &FollowUp, now: Timestamp) -> Result<(), Error> {
        let commit = follow_ups::done(&self.store, Commit::new(), &follow_up.delivery);
        let gathering = gatherings::planned(&self.store, &follow_up.gathering).await?;
        let Some(gathering) = gathering else {
            return Ok(self.commit(commit).await?);
        };
        let route = route(gathering.kind, &self.timing);
        let writing = Writing { desk: self.desk(now), gathering: &gathering, lane: route.lane };
        // Pupils whose notice no longer holds need no further step.
        let members: std::collections::BTreeSet<_> = follow_up
            .members
            .iter()
            .filter(|(_, pupil)| gathering.notice_of(*pupil).is_some())
            .copied()
            .collect();
        let pupils: Vec<_> =
            members.iter().map(|(_, pupil)| *pupil).collect::<HashSet<_>>().into_iter().collect();
        if pupils.is_empty() {
            return Ok(self.commit(commit).await?);
        }
        let plan = if now >= gathering.valid_until {
            let mut plan = Plan::default();
            for (contact, pupil) in &members {
                plan.tasks.push(crate::domain::plan::PersonTask::CannotBeReached(*contact, *pupil));
            }
            plan
        } else {
            let audience = self.directory.resolve(gathering.school, &pupils).await?;
            plan(&Wanted {
                kind: gathering.kind,
                pupils: &pupils,
                only: Some(&members),
                audience: &audience,
                tried: &follow_up.tried,
                media: self.media(),
            })
        };
        Ok(self.commit(plans::write(&writing, &plan, commit)).await?)
    }
}

/// A gathering that could not leave in time: nobody was told, so everybody is a person's task.
fn expired(gathering: &Gathering) -> Plan {
    use crate::domain::plan::{Decision, PersonTask};
    let mut plan = Plan::default();
    for pupil in gathering.pupils() {
        plan.decisions.push(Decision { contact: None, pupil, reason: Reason::Expired });
        plan.tasks.push(PersonTask::NobodyToTell(pupil));
    }
    plan
}
