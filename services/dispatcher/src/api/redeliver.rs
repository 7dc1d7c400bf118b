//! `Redeliver`: to those whom nothing reached, from their first address on, because a person asks.
//!
//! Who may be told is decided anew. What reached somebody, may have or is on its way is not
//! touched; what holds no longer or comes too late is not sent.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use kit::identity::Caller;
use kit::rejection::{self, Rejection, failure};
use kit::store::{Call, Commit, Error, once};
use kit::tasks::NewTask;
use proto::dispatcher::v1 as pb;
use proto::ids::{ContactId, GatheringId, NoticeId, PupilId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tonic::{Response, Status};

use super::Api;
use crate::domain::plan::{self, Later, Plan, Wanted};
use crate::domain::{Matter, NoticeKind, Reason};
use crate::planner::Circumstances;
use crate::routes::route;
use crate::store::gatherings::{self, Gathering};
use crate::store::plans::{self, Desk, Writing};
use crate::store::redeliveries::{self, Owed};
use crate::store::rows;

pub(super) async fn redeliver(
    api: &Api,
    caller: &Caller,
    request: &pb::RedeliverRequest,
) -> Result<Response<pb::RedeliverResponse>, Status> {
    let why = rejection::required(&request.why, "why", 500)?;
    let call = Call { caller, rpc: "Redeliver", request_id: &request.request_id };
    once(&api.store, call, request, || async {
        let now = api.store.clock().now();
        let asked = asked(api, caller, request).await?;
        // Not before: what is planned by then is seen whole.
        api.write_out(caller).await?;
        let subjects: BTreeSet<String> = asked.iter().filter_map(|notice| notice.pupil_id.clone()).collect();
        let subjects: Vec<String> = subjects.into_iter().collect();
        let mut commit =
            Commit::new().audit_because(caller, "Redeliver", (&subjects, &why), now).wake(&api.sender);
        let mut counts = Counts::default();
        for (id, notices) in by_gathering(&asked) {
            if let Some(at) = gatherings::erased_at(&api.store, &id).await? {
                return Err(erased(id, at).into());
            }
            let gathering = gatherings::planned(&api.store, &id).await?;
            let Some(mut gathering) = gathering.filter(|gathering| now < gathering.valid_until) else {
                counts.over += notices.len();
                continue;
            };
            if gathering.drill {
                let no = Rejection::precondition("EXERCISE", "it was an exercise: run it again instead");
                return Err(no.into());
            }
            gathering.notices.retain(|(id, _)| notices.contains(&id.to_string()));
            counts.over += notices.len() - gathering.notices.len();
            let owed = redeliveries::owed(&api.store, &gathering).await?;
            let plan = api.plan_again(&gathering, &owed).await?;
            let writing = api.writing(&gathering, now);
            counts.add(&owed, &plan, plans::tasks(&writing, &plan));
            commit = redeliveries::keep(&api.store, commit, caller, (&gathering, &why));
            let written = plans::write(&writing, &plan, commit);
            commit = written.map_err(|error| failure(&error))?;
        }
        Ok((commit, counts.answer()))
    })
    .await
}

impl Api {
    async fn plan_again(&self, gathering: &Gathering, owed: &Owed) -> Result<Plan, Status> {
        let telling = (gathering.school, gathering.kind, gathering.valid_until);
        let now = self.store.clock().now();
        let under = Circumstances::read((&self.store, &self.directory), &self.timing, telling, now).await;
        let Circumstances { texts, suppressed } = under.map_err(|error| failure(&error))?;
        let under = Circumstances { texts, suppressed: suppressed.by_their_owners() };
        let mut plan = Plan::default();
        if !owed.later.members.is_empty() {
            let pupils: BTreeSet<PupilId> = owed.later.members.iter().map(|(_, pupil)| *pupil).collect();
            let pupils: Vec<PupilId> = pupils.into_iter().collect();
            plan = plan.and(self.plan_for(gathering, &pupils, Some(&owed.later), &under).await?);
            for decision in &mut plan.decisions {
                if decision.reason == Reason::NextAddress {
                    decision.reason = Reason::Redelivered;
                }
            }
        }
        let pupils: Vec<PupilId> = owed.never_planned.iter().filter_map(|(_, pupil)| *pupil).collect();
        if !pupils.is_empty() {
            plan = plan.and(self.plan_for(gathering, &pupils, None, &under).await?);
        }
        // Who has nothing to be corrected was told by another gathering, and not by this one that is empty.
        let corrects = gathering.kind == NoticeKind::AnnouncementCorrection;
        let scope = gathering
            .scope()
            .filter(|_| !corrects)
            .filter(|_| owed.never_planned.iter().any(|(_, pupil)| pupil.is_none()));
        if let Some(scope) = scope {
            let audience = self.directory.resolve_scope(gathering.school, scope).await;
            let audience = audience.map_err(|error| failure(&error))?;
            let pupils: Vec<PupilId> = audience.iter().map(|pupil| pupil.id).collect();
            plan = plan.and(plan::plan(&Wanted {
                pupils: &pupils,
                audience: &audience,
                ..self.wanted(gathering, None, &under)
            }));
        }
        Ok(plan)
    }

    async fn plan_for(
        &self,
        gathering: &Gathering,
        pupils: &[PupilId],
        later: Option<&Later>,
        under: &Circumstances,
    ) -> Result<Plan, Status> {
        let audience = self.directory.resolve(gathering.school, pupils).await;
        let audience = audience.map_err(|error| failure(&error))?;
        Ok(plan::plan(&Wanted { pupils, audience: &audience, ..self.wanted(gathering, later, under) }))
    }

    fn wanted<'a>(
        &self,
        gathering: &Gathering,
        later: Option<&'a Later>,
        under: &'a Circumstances,
    ) -> Wanted<'a> {
        let about = &gathering.about;
        Wanted {
            matter: Matter { kind: gathering.kind, reach: about.reach(), choices: self.choices },
            pupils: &[],
            audience: &[],
            media: self.media.and(about.media()),
            texts: under.texts,
            suppressed: &under.suppressed,
            later,
        }
    }

    fn writing<'a>(&'a self, gathering: &'a Gathering, now: Timestamp) -> Writing<'a> {
        let desk = Desk { store: &self.store, outlets: &self.outlets, now };
        Writing { desk, gathering, lane: route(gathering.kind, &self.timing).lane }
    }
}

/// The notices that the request names.
async fn asked(
    api: &Api,
    caller: &Caller,
    request: &pb::RedeliverRequest,
) -> Result<Vec<rows::notices::Model>, Status> {
    use pb::redeliver_request::What;
    let mut query =
        rows::notices::Entity::find().filter(rows::notices::Column::School.eq(caller.tenant.to_string()));
    query = match &request.what {
        Some(What::GatheringId(id)) => {
            let id: GatheringId = rejection::id(id, "gathering_id")?;
            query.filter(rows::notices::Column::GatheringId.eq(id.to_string()))
        }
        Some(What::NoticeId(id)) => {
            let id: NoticeId = rejection::id(id, "notice_id")?;
            query.filter(rows::notices::Column::Id.eq(id.to_string()))
        }
        None => return Err(Rejection::invalid("REQUIRED", "what", "name a gathering or a notice").into()),
    };
    let found = query.all(api.store.read()).await.map_err(|error| failure(&Error::from(error)))?;
    if found.is_empty() {
        return Err(Rejection::not_found("UNKNOWN_NOTICE", "there is nothing of that id to redeliver").into());
    }
    if let Some(waiting) = found.iter().find(|notice| notice.state == "gathering") {
        return Err(Rejection::precondition("STILL_GATHERING", "its messages have not been planned yet")
            .with("notice_id", waiting.id.clone())
            .into());
    }
    Ok(found)
}

/// Nobody knows any more what was told, nor where.
fn erased(gathering: String, at: Timestamp) -> Rejection {
    let words = format!("on {}: {}", at.strftime("%-d %B %Y"), Reason::Erased);
    Rejection::precondition("ERASED", words).with("gathering_id", gathering)
}

fn by_gathering(notices: &[rows::notices::Model]) -> BTreeMap<String, BTreeSet<String>> {
    let mut by_gathering: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for notice in notices {
        by_gathering.entry(notice.gathering_id.clone()).or_default().insert(notice.id.clone());
    }
    by_gathering
}

#[derive(Default)]
struct Counts {
    contacts: BTreeSet<ContactId>,
    left_alone: BTreeSet<ContactId>,
    messages: usize,
    /// By their keys: who is asked already is not asked again.
    tasks: BTreeSet<Option<String>>,
    over: usize,
}

impl Counts {
    fn add(&mut self, owed: &Owed, plan: &Plan, tasks: Vec<NewTask>) {
        let members = plan.messages.iter().flat_map(|message| &message.members);
        self.contacts.extend(members.map(|(contact, _)| *contact));
        self.left_alone.extend(&owed.left_alone);
        self.messages += plan.messages.len();
        self.tasks.extend(tasks.into_iter().map(|task| task.key));
    }

    fn answer(&self) -> pb::RedeliverResponse {
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        pb::RedeliverResponse {
            contacts: count(self.contacts.len()),
            messages: count(self.messages),
            left_alone: count(self.left_alone.len()),
            tasks: count(self.tasks.len()),
            over: count(self.over),
        }
    }
}
