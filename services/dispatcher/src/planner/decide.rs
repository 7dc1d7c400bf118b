//! One decision of the planner: who is told now, because a gathering leaves or because an address
//! did not work. It asks the directory, decides purely and writes what came of it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kit::heavy;
use proto::events::scope::Scope;
use proto::ids::{GatheringId, NoticeId, PupilId};

use super::{Circumstances, Error, Planner};
use crate::domain::plan::{self, Later, Plan, Wanted};
use crate::domain::{Matter, NoticeKind, Pupil, Reason, Suppressed, Texts};
use crate::points;
use crate::routes::route;
use crate::sender::NOTHING_STARTS_AFTER;
use crate::store::corrections;
use crate::store::follow_ups::{self, FollowUp};
use crate::store::gatherings::Gathering;
use crate::store::plans::{self, Writing};
use crate::store::{restored, waits};

impl Planner {
    pub(super) async fn leave(&self, gathering: &Gathering, now: Timestamp) -> Result<(), Error> {
        let dealt_with = self.dealt_with(gathering).await?;
        let (mut nobody, mut news) = (false, None);
        let plan = if let Some(scope) = gathering.scope() {
            let (mut plan, concerned) = self.plan_for_many(gathering, scope, now).await?;
            nobody = concerned == Some(0);
            let in_time = concerned.is_some() && !gathering.drill;
            if gathering.kind == NoticeKind::AnnouncementCorrection && in_time {
                (plan, news) = self.correction_and_news(gathering, plan, now).await?;
            }
            plan
        } else {
            let pupils = gathering.pupils().into_iter().filter(|pupil| !dealt_with.contains(pupil));
            self.plan(gathering, &pupils.collect::<Vec<_>>(), None, now).await?
        };
        tracing::info!(
            gathering.id = gathering.id,
            kind = gathering.kind.as_str(),
            messages = plan.messages.len(),
            tasks = plan.tasks.len(),
            "a gathering leaves"
        );
        let plan = plan.and(plan::dealt_with(&dealt_with));
        let first = || plans::first(&self.writing(gathering, now), &plan);
        let mut commit = if gathering.scope().is_some() { heavy(first) } else { first() }?;
        if let Some((news, plan)) = &news {
            commit = heavy(|| plans::beside(&self.writing(news, now), plan, (commit, gathering)))?;
        }
        // Nobody is asked because of a letter that came too late.
        if gathering.kind.is_about_closing()
            && gathering.scope().is_some()
            && now >= gathering.valid_until
            && !gathering.drill
        {
            commit = commit.task(waits::many_not_told(gathering.school, &gathering.id, now));
        }
        // Whoever left the scope since is corrected all the same: somebody was told.
        if nobody && plan.messages.is_empty() && !gathering.drill {
            commit = commit.task(waits::nobody_concerned(gathering.school, &gathering.id, now));
        }
        self.store.faults().at(points::GATHERING_PLANNED).await;
        self.commit(commit).await?;
        self.store.faults().at(points::GATHERING_LEFT).await;
        self.put_by.notify_one();
        Ok(())
    }

    /// The plan for everybody in a scope, and how many pupils it concerns, where that was asked. What is
    /// too late is one person's task, not one for each.
    async fn plan_for_many(
        &self,
        gathering: &Gathering,
        scope: &Scope,
        now: Timestamp,
    ) -> Result<(Plan, Option<usize>), Error> {
        if now >= gathering.valid_until {
            return Ok((Plan::default(), None));
        }
        let audience = self.directory.resolve_scope(gathering.school, scope).await?;
        let pupils: Vec<PupilId> = audience.iter().map(|pupil| pupil.id).collect();
        let under = self.circumstances(gathering, now).await?;
        let plan = heavy(|| plan::plan(&self.wanted(gathering, (&pupils, &audience), &under)));
        Ok((plan, Some(pupils.len())))
    }

    /// Of a plan that tells everybody other words: the correction for whoever was told in the old ones, where
    /// they were, and the same as news for the others, if there are any. Both come from one look at who was
    /// told, so that nobody is in both, and nobody in neither.
    async fn correction_and_news(
        &self,
        gathering: &Gathering,
        everybody: Plan,
        now: Timestamp,
    ) -> Result<(Plan, Option<(Gathering, Plan)>), Error> {
        // Counted from when the withdrawal of the old words was seen to be durable, as it was with this gathering:
        // a sender may have looked just before, and what it starts until then stands in the store afterwards.
        tokio::time::sleep(NOTHING_STARTS_AFTER).await;
        // Not before: what was planned of the old words is seen whole. What else of the school cannot be written
        // out holds up nobody who has the wrong words; whoever writes out for all says that it waits.
        if let Err(error) = self.plans.write_out(Some(gathering.school)).await
            && corrections::earlier_is_put_by(&self.store, gathering).await?
        {
            return Err(error.into());
        }
        let told = corrections::told_before(&self.store, gathering).await?;
        let under = self.circumstances(gathering, now).await?;
        let wanted = self.wanted(gathering, (&[], &[]), &under);
        let (correction, others) = heavy(|| {
            let told = plan::to_correct(&wanted, told, &everybody);
            (plan::corrected(&wanted, &told, Reason::Corrected), plan::but_for_told(everybody, &told))
        });
        if others.messages.is_empty() {
            return Ok((correction.and(others), None));
        }
        let news = Gathering {
            id: GatheringId::generate().to_string(),
            kind: NoticeKind::Announcement,
            notices: vec![(NoticeId::generate(), None)],
            ..gathering.clone()
        };
        Ok((correction, Some((news, others))))
    }

    pub(super) async fn follow_up(&self, follow_up: &FollowUp, now: Timestamp) -> Result<(), Error> {
        let gathering = &follow_up.gathering;
        let dealt_with = self.dealt_with(gathering).await?;
        let mut later = follow_up.later.clone();
        later.members.retain(|(_, pupil)| !dealt_with.contains(pupil));
        let pupils: BTreeSet<PupilId> = later.members.iter().map(|(_, pupil)| *pupil).collect();
        let pupils: Vec<PupilId> = pupils.into_iter().collect();
        let plan = if restored::was_planned_before(&self.store, &follow_up.delivery) {
            restored::instead(gathering.kind, &later)
        } else {
            self.plan(gathering, &pupils, Some(&later), now).await?
        };
        let by_person = follow_up.later.members.iter().map(|(_, pupil)| pupil);
        let by_person: BTreeSet<_> = by_person.filter(|pupil| dealt_with.contains(pupil)).collect();
        let plan = plan.and(plan::dealt_with(by_person));
        let commit =
            follow_ups::done(&self.store, follow_up).execute(waits::over(&self.store, &gathering.id));
        let commit = plans::write(&self.writing(gathering, now), &plan, commit)?;
        self.store.faults().at(points::NEXT_ADDRESS_PLANNED).await;
        Ok(self.commit(commit).await?)
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
        let under = if late {
            Circumstances { texts: Texts::Go, suppressed: Suppressed::none() }
        } else {
            self.circumstances(gathering, now).await?
        };
        let wanted = Wanted { later, ..self.wanted(gathering, (pupils, &audience), &under) };
        Ok(if late { plan::too_late(&wanted) } else { plan::plan(&wanted) })
    }

    async fn circumstances(&self, gathering: &Gathering, now: Timestamp) -> Result<Circumstances, Error> {
        let telling = (gathering.school, gathering.kind, gathering.valid_until);
        Circumstances::read((&self.store, &self.directory), &self.timing, telling, now).await
    }

    fn wanted<'a>(
        &self,
        gathering: &Gathering,
        (pupils, audience): (&'a [PupilId], &'a [Pupil]),
        under: &'a Circumstances,
    ) -> Wanted<'a> {
        let about = &gathering.about;
        Wanted {
            matter: Matter { kind: gathering.kind, reach: about.reach(), choices: self.choices },
            pupils,
            audience,
            media: self.outlets.media().and(about.media()),
            texts: under.texts,
            suppressed: &under.suppressed,
            later: None,
        }
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
