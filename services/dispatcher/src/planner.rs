//! The planner: lets gatherings leave, takes the next address when one did not work, corrects
//! what was told wrongly, and looks after restrictions that were set while messages left.
//!
//! It wakes when there is something to do and sweeps every second, so that a lost wake-up costs
//! a second and not a message. Everything it decides is pure and stands in
//! [`domain::plan`](crate::domain::plan); it asks the directory with no transaction open.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kit::store::{Commit, Error as StoreError, Store};
use proto::ids::{ContactId, PupilId, SchoolId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::directory::{self, Directory};
use crate::domain::plan::{self, Later, Media, Plan, Wanted};
use crate::domain::{Address, NoticeKind};
use crate::routes::{Timing, route};
use crate::store::follow_ups::{self, FollowUp};
use crate::store::gatherings::{self, Gathering};
use crate::store::plans::{self, Desk, Outlets, Writing};
use crate::store::waits::{self, Waiting};
use crate::store::{corrections, restrictions};

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

    /// Does everything that is due. One thing that fails does not hold up the others.
    pub(crate) async fn sweep(&self, now: Timestamp) -> Result<(), Error> {
        let mut outcome = self.correct(now).await;
        outcome = outcome.and(self.let_gatherings_leave(now).await);
        outcome = outcome.and(self.take_next_steps(now).await);
        outcome.and(self.watch_restrictions(now).await)
    }

    async fn correct(&self, now: Timestamp) -> Result<(), Error> {
        let mut outcome = Ok(());
        for wrong in corrections::wanted(&self.store, now).await? {
            let route = route(NoticeKind::AbsenceCorrection, &self.timing);
            let commit = corrections::correct(&wrong, self.desk(now), &route).await?;
            outcome = outcome.and(self.commit(commit).await.map_err(Error::from));
        }
        outcome
    }

    async fn let_gatherings_leave(&self, now: Timestamp) -> Result<(), Error> {
        let (mut outcome, mut away) = (Ok(()), false);
        for gathering in gatherings::leaving(&self.store, now).await? {
            // A directory that does not answer is not asked for each of them.
            let left = if away { Ok(()) } else { self.leave(&gathering, now).await };
            away |= matches!(&left, Err(Error::Directory(error)) if error.is_away());
            if away || left.is_err() {
                let waiting = waiting(&gathering, gathering.pupils());
                outcome = outcome.and(self.ask_a_person(&waiting, gathering.leaves_at, now).await);
            }
            outcome = outcome.and(left);
        }
        outcome
    }

    async fn take_next_steps(&self, now: Timestamp) -> Result<(), Error> {
        follow_ups::lose_patience(&self.store, now).await?;
        let (mut outcome, mut away) = (Ok(()), false);
        for delivery in follow_ups::wanted(&self.store).await? {
            let Some(follow_up) = follow_ups::read(&self.store, &delivery).await? else { continue };
            let taken = if away { Ok(()) } else { self.follow_up(&follow_up, now).await };
            away |= matches!(&taken, Err(Error::Directory(error)) if error.is_away());
            if away || taken.is_err() {
                let pupils = follow_up.later.members.iter().map(|(_, pupil)| *pupil);
                let waiting = waiting(&follow_up.gathering, pupils);
                outcome = outcome.and(self.ask_a_person(&waiting, follow_up.since, now).await);
            }
            outcome = outcome.and(taken);
        }
        outcome
    }

    async fn watch_restrictions(&self, now: Timestamp) -> Result<(), Error> {
        let young = restrictions::young(&self.store, now).await?;
        let mut tasks = restrictions::left_too_late(&self.store, &young, now).await?;
        let mut outcome = Ok(());
        for restriction in &young {
            let Some(barred) = restriction.wanted()? else { continue };
            match self.addresses_of(barred).await {
                Ok(addresses) => {
                    tasks.extend(restrictions::left_to_their_address(restriction, &addresses, now)?);
                }
                // The next sweep asks again. What is known without the directory does not wait for it.
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        if !tasks.is_empty() {
            let commit = tasks.into_iter().fold(Commit::new(), Commit::task);
            self.store.commit(commit).await?;
        }
        outcome
    }

    /// By what the addresses of a contact are compared, as the directory knows them now.
    async fn addresses_of(
        &self,
        (school, contact, pupil): (SchoolId, ContactId, PupilId),
    ) -> Result<BTreeSet<String>, Error> {
        let pupils =
            self.directory.clear(school, &BTreeSet::from([contact]), &BTreeSet::from([pupil])).await?;
        let links = pupils.iter().flat_map(|pupil| &pupil.links).filter(|link| link.contact == contact);
        Ok(links.flat_map(|link| &link.addresses).map(Address::key).collect())
    }

    /// The directory is away: what waits for it longer than two minutes is a person's.
    async fn ask_a_person(&self, waiting: &Waiting, since: Timestamp, now: Timestamp) -> Result<(), Error> {
        if now.duration_since(since) >= waits::PATIENCE {
            waits::ask_a_person(&self.store, waiting, now).await?;
        }
        Ok(())
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
        let dealt_with = self.dealt_with(gathering).await?;
        let pupils: Vec<_> =
            gathering.pupils().into_iter().filter(|pupil| !dealt_with.contains(pupil)).collect();
        let plan = self.plan(gathering, &pupils, None, now).await?;
        tracing::info!(
            gathering.id = gathering.id,
            kind = gathering.kind.as_str(),
            pupils = pupils.len(),
            messages = plan.messages.len(),
            tasks = plan.tasks.len(),
            "a gathering leaves"
        );
        let plan = plan.and(plan::dealt_with(&dealt_with));
        Ok(self.commit(plans::first(&self.writing(gathering, now), &plan)).await?)
    }

    async fn follow_up(&self, follow_up: &FollowUp, now: Timestamp) -> Result<(), Error> {
        let gathering = &follow_up.gathering;
        let dealt_with = self.dealt_with(gathering).await?;
        let mut later = follow_up.later.clone();
        later.members.retain(|(_, pupil)| !dealt_with.contains(pupil));
        let pupils: BTreeSet<PupilId> = later.members.iter().map(|(_, pupil)| *pupil).collect();
        let pupils: Vec<PupilId> = pupils.into_iter().collect();
        let plan = self.plan(gathering, &pupils, Some(&later), now).await?;
        let by_person = follow_up.later.members.iter().map(|(_, pupil)| pupil);
        let by_person: BTreeSet<_> = by_person.filter(|pupil| dealt_with.contains(pupil)).collect();
        let plan = plan.and(plan::dealt_with(by_person));
        let commit =
            follow_ups::done(&self.store, follow_up).execute(waits::over(&self.store, &gathering.id));
        Ok(self.commit(plans::write(&self.writing(gathering, now), &plan, commit)).await?)
    }

    /// Asks the directory who there is, and decides. What can no longer be told in time is a
    /// person's task, whether or not the directory can say whom it concerns.
    async fn plan(
        &self,
        gathering: &Gathering,
        pupils: &[PupilId],
        later: Option<&Later>,
        now: Timestamp,
    ) -> Result<Plan, Error> {
        if pupils.is_empty() {
            return Ok(Plan::default());
        }
        let late = now >= gathering.valid_until;
        let audience = match self.directory.resolve(gathering.school, pupils).await {
            Ok(audience) => audience,
            Err(_) if late => return Ok(plan::too_late_for(gathering.kind, pupils, later)),
            Err(error) => return Err(error.into()),
        };
        let wanted = Wanted { kind: gathering.kind, pupils, audience: &audience, media: self.media(), later };
        Ok(if late { plan::too_late(&wanted) } else { plan::plan(&wanted) })
    }

    async fn dealt_with(&self, gathering: &Gathering) -> Result<BTreeSet<PupilId>, Error> {
        let mut done = waits::dealt_with(&self.store, [gathering.id.as_str()]).await?;
        let mut dealt_with = done.remove(&gathering.id).unwrap_or_default();
        dealt_with.retain(|pupil| gathering.notice_of(*pupil).is_some());
        Ok(dealt_with)
    }

    fn writing<'a>(&'a self, gathering: &'a Gathering, now: Timestamp) -> Writing<'a> {
        let lane = route(gathering.kind, &self.timing).lane;
        Writing { desk: self.desk(now), gathering, lane }
    }
}

fn waiting(gathering: &Gathering, pupils: impl IntoIterator<Item = PupilId>) -> Waiting {
    let pupils = pupils.into_iter().collect();
    Waiting { school: gathering.school, gathering: gathering.id.clone(), pupils }
}
