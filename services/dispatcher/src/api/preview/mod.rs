//! `Preview`: the same plan as for sending, with nothing sent.

pub(super) mod words;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use kit::audit;
use kit::clock::to_proto;
use kit::identity::Caller;
use kit::rejection::{Rejection, failure};
use proto::dispatcher::v1 as pb;
use proto::events::scope::Scope;
use proto::ids::{ContactId, PupilId, SchoolId};
use tonic::{Code, Response, Status};

use super::Api;
use crate::channels::{Limits, Medium};
use crate::directory;
use crate::domain::person::PersonTask;
use crate::domain::plan::{Media, Plan, Wanted, plan};
use crate::domain::{AddressKind, Matter, NoticeKind, Pupil, Reach, Reason, cost};
use crate::planner::{self, Circumstances};

pub(super) async fn preview(
    api: &Api,
    caller: &Caller,
    request: &pb::PreviewRequest,
) -> Result<Response<pb::PreviewResponse>, Status> {
    let (kind, media) = what(request)?;
    let scope = Scope::read(request.audience.as_ref())
        .map_err(|error| Rejection::invalid("INVALID_AUDIENCE", "audience", error.to_string()))?;
    let about = words::about(kind, &scope, request)?;
    let audience = api.directory.resolve_scope(caller.tenant, &scope).await.map_err(|error| {
        tracing::warn!(error = &error as &(dyn std::error::Error + 'static), "a preview is not possible");
        Status::from(refused(&error))
    })?;
    let now = api.store.clock().now();
    let under = Circumstances::read(
        (&api.store, &api.directory),
        &api.timing,
        (caller.tenant, kind, Timestamp::MAX),
        now,
    )
    .await;
    let under = under.map_err(|error| match error {
        planner::Error::Directory(error) => refused(&error).into(),
        planner::Error::Store(error) => failure(&error),
    })?;
    let pupils: Vec<PupilId> = audience.iter().map(|pupil| pupil.id).collect();
    let matter = Matter { kind, reach: Reach::of(&scope), choices: api.choices };
    let (media, texts) = (api.media.and(media), under.texts);
    let suppressed = &under.suppressed;
    let plan =
        plan(&Wanted { matter, pupils: &pupils, audience: &audience, media, texts, suppressed, later: None });
    let mut answer = counted(&plan, pupils.len());
    answer.takes_seconds = takes_seconds(api, &answer);
    let by_id = audience.iter().map(|pupil| (pupil.id, pupil)).collect();
    if let Some(about) = about {
        let previewed = Previewed { school: caller.tenant, matter, plan: &plan, by_id, now };
        let sizes = words::sizes(api, &about, &previewed).await?;
        answer.text_size = sizes.text.map(words::on_the_wire);
        answer.fragments = i64::try_from(sizes.fragments).unwrap_or(i64::MAX);
        answer.cost_micropounds = sizes.cost.map(|cost| i64::try_from(cost).unwrap_or(i64::MAX));
    }
    let audited = audit::look(&api.store, caller, "Preview", &answer.nobody_to_tell).await?;
    Ok(audited.seal(answer))
}

/// What was planned, for whom, and when.
struct Previewed<'a> {
    school: SchoolId,
    matter: Matter,
    plan: &'a Plan,
    by_id: HashMap<PupilId, &'a Pupil>,
    now: Timestamp,
}

/// How long the providers take for all of it. Channels of one account are counted together by it.
fn takes_seconds(api: &Api, answer: &pb::PreviewResponse) -> i64 {
    let mut accounts: BTreeMap<String, (u64, (u32, u32))> = BTreeMap::new();
    for way in &api.ways {
        let messages = match way.name().medium() {
            Medium::Text => answer.texts,
            Medium::Email => answer.emails,
        };
        let Limits { per_second, burst, .. } = way.limits();
        let (sum, least) = accounts.entry(way.account()).or_insert((0, (per_second, burst)));
        *sum += u64::try_from(messages).unwrap_or_default();
        *least = (least.0.min(per_second), least.1.min(burst));
    }
    let longest =
        accounts.into_values().map(|(messages, limits)| cost::takes_seconds(messages, limits)).max();
    i64::try_from(longest.unwrap_or_default()).unwrap_or(i64::MAX)
}

fn refused(error: &directory::Error) -> Rejection {
    match error {
        directory::Error::Call { code: Code::InvalidArgument } => {
            Rejection::invalid("INVALID_AUDIENCE", "audience", "is none that the directory can resolve")
        }
        directory::Error::Call { .. } | directory::Error::Answer(_) => Rejection::new(
            Code::Unavailable,
            "DIRECTORY_UNAVAILABLE",
            "the directory cannot be asked just now; ask again",
        ),
    }
}

/// An exercise, as it would be previewed.
pub(super) fn as_preview(request: &pb::ExerciseRequest) -> pb::PreviewRequest {
    use pb::exercise_request::Words as Of;
    use pb::preview_request::Words;
    pb::PreviewRequest {
        kind: request.kind.clone(),
        audience: request.audience.clone(),
        by_text: true,
        by_email: true,
        words: request.words.clone().map(|words| match words {
            Of::Text(text) => Words::Text(text),
            Of::Closure(closure) => Words::Closure(closure),
            Of::OpenOn(day) => Words::OpenOn(day),
        }),
    }
}

pub(super) fn what(request: &pb::PreviewRequest) -> Result<(NoticeKind, Media), Status> {
    let unknown = || Rejection::invalid("UNKNOWN_KIND", "kind", "is no kind that goes to a scope");
    let kind: NoticeKind = request.kind.parse().map_err(|_| unknown())?;
    let both = Media { text: true, email: true };
    match kind {
        NoticeKind::ClosureDeclared | NoticeKind::ClosureChanged | NoticeKind::Reopening => Ok((kind, both)),
        NoticeKind::Announcement | NoticeKind::AnnouncementCorrection
            if request.by_text || request.by_email =>
        {
            Ok((kind, Media { text: request.by_text, email: request.by_email }))
        }
        NoticeKind::Announcement | NoticeKind::AnnouncementCorrection => {
            Err(Rejection::invalid("REQUIRED", "by_text", "choose texts, e-mails or both").into())
        }
        NoticeKind::AbsenceUnexplained
        | NoticeKind::AbsenceCorrection
        | NoticeKind::FirstAid
        | NoticeKind::HeadInjury => Err(unknown().into()),
    }
}

fn counted(plan: &Plan, pupils: usize) -> pb::PreviewResponse {
    let by = |kind| plan.messages.iter().filter(|message| message.address.kind == kind).count();
    let told: BTreeSet<ContactId> =
        plan.messages.iter().flat_map(|message| &message.members).map(|(contact, _)| *contact).collect();
    // Whoever is not told is counted once, under what was decided about them last.
    let mut why: BTreeMap<ContactId, Reason> = BTreeMap::new();
    for decision in &plan.decisions {
        if let Some(contact) = decision.contact.filter(|contact| !told.contains(contact)) {
            why.insert(contact, decision.reason);
        }
    }
    let mut skipped: BTreeMap<&'static str, (Reason, usize)> = BTreeMap::new();
    for reason in why.into_values() {
        skipped.entry(reason.code()).or_insert((reason, 0)).1 += 1;
    }
    let held = || plan.messages.iter().filter_map(|message| message.held_until);
    let nobody = plan.tasks.iter().filter_map(|task| match task {
        PersonTask::NobodyToTell(pupil) | PersonTask::PersonOnly(pupil) => Some(pupil.to_string()),
        _ => None,
    });
    pb::PreviewResponse {
        pupils: count(pupils),
        contacts: count(told.len()),
        texts: count(by(AddressKind::Mobile)),
        emails: count(by(AddressKind::Email)),
        skipped: skipped
            .into_iter()
            .map(|(code, (reason, contacts))| pb::Skipped {
                reason: code.to_owned(),
                sentence: reason.sentence().to_owned(),
                contacts: count(contacts),
            })
            .collect(),
        nobody_to_tell: nobody.collect(),
        held_texts: count(held().count()),
        held_until: held().next().map(to_proto),
        ..pb::PreviewResponse::default()
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
