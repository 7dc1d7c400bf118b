//! What a fact writes: a notice in a gathering, or the withdrawal of one.
//!
//! Facts of one thing carry its version. The highest that was heard is kept; older news makes no
//! notice, and a withdrawal stays known, so that a late fact cannot bring the notice back.

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use kit::telemetry;
use proto::ids::{EventId, GatheringId, NoticeId, PupilId, SchoolId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Statement};

use super::gatherings::{self, Gathering, is_open};
use super::{raise_generation, rows};
use crate::domain::{About, NoticeKind, Reason};
use crate::routes::Route;

/// A fact that is to be told.
#[derive(Debug, Clone)]
pub struct Told {
    /// The school.
    pub school: SchoolId,
    /// The event.
    pub event: EventId,
    /// The thing that the fact is about.
    pub subject: String,
    /// Its version.
    pub version: u64,
    /// The pupil; none when it concerns everybody in its scope.
    pub pupil: Option<PupilId>,
    /// Notices of different topics never gather.
    pub topic: String,
    /// What the words need besides names.
    pub about: About,
    /// Until when it is worth telling.
    pub valid_until: Timestamp,
}

/// Whether a version is news.
async fn is_news(store: &Store, school: SchoolId, subject: &str, version: u64) -> Result<bool, Error> {
    let key = (school.to_string(), subject.to_owned());
    let known = rows::versions::Entity::find_by_id(key).one(store.read()).await?;
    Ok(known.is_none_or(|known| known.version < signed(version)))
}

fn signed(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// Remembers a version; a conflict when a higher one was heard meanwhile.
fn remember(store: &Store, commit: Commit, thing: (SchoolId, &str, u64)) -> Commit {
    let (school, subject, version) = thing;
    let sql = "INSERT INTO versions (school, subject, version) VALUES ($1, $2, $3) \
               ON CONFLICT (school, subject) DO UPDATE SET version = excluded.version \
               WHERE versions.version < excluded.version";
    commit.guarded(store.statement(sql, [school.to_string().into(), subject.into(), signed(version).into()]))
}

/// Keeps newer words of what a gathering says from being heard until this commit is durable, because they withdraw
/// only the notices that they see; a conflict when such words were heard before. It comes first in its commit, as
/// [`remember`] does in that of hearing, so that one of the two waits for the other and both end.
pub(super) fn are_newest(store: &Store, commit: Commit, gathering: &Gathering) -> Result<Commit, Error> {
    let corrupt = || Error::Corrupt { what: "topic of a gathering" };
    let (subject, version) = gathering.topic.rsplit_once('/').ok_or_else(corrupt)?;
    let version: u64 = version.parse().map_err(|_| corrupt())?;
    let sql = "UPDATE versions SET version = version WHERE school = $1 AND subject = $2 AND version = $3";
    let values = [gathering.school.to_string().into(), subject.into(), signed(version).into()];
    Ok(commit.guarded(store.statement(sql, values)))
}

/// Puts a notice into the gathering that is open for it, or opens one. What was heard of the thing
/// before is withdrawn, because this takes its place.
///
/// None when newer words of the thing were heard before; otherwise also the gathering's id.
pub async fn tell(
    store: &Store,
    told: &Told,
    route: &Route,
    now: Timestamp,
) -> Result<Option<(Commit, String)>, Error> {
    let commit = Commit::new();
    if !is_news(store, told.school, &told.subject, told.version).await? {
        return Ok(None);
    }
    let open = rows::gatherings::Entity::find()
        .filter(rows::gatherings::Column::School.eq(told.school.to_string()))
        .filter(rows::gatherings::Column::Kind.eq(route.kind.as_str()))
        .filter(rows::gatherings::Column::Topic.eq(told.topic.as_str()))
        .filter(is_open())
        .one(store.read())
        .await?;
    let commit = remember(store, commit, (told.school, &told.subject, told.version));
    let commit = if told.version > 1 {
        let thing = (told.school, told.subject.as_str());
        commit.execute(withdrawal(store, thing, Reason::Replaced)).execute(raise_generation(store))
    } else {
        commit
    };
    let (commit, gathering) = if let Some(open) = open {
        // Touching the row keeps it from leaving before our notice is in it.
        let touch = "UPDATE gatherings SET leaves_at = leaves_at WHERE id = $1 AND state = 'open'";
        (commit.guarded(store.statement(touch, [open.id.clone().into()])), open.id)
    } else {
        let gathering = opened(told, route, now.saturating_add(route.gathers_for).unwrap_or(now));
        (commit.execute(gatherings::insert(store, &gathering, "open", now)?), gathering.id)
    };
    let commit = commit.execute(notice(store, told, (route.kind, &gathering), now));
    Ok(Some((commit, gathering)))
}

/// Opens a gathering of which nothing leaves; also its id. No version of it is kept, because no fact says it.
pub fn exercise(
    store: &Store,
    told: &Told,
    route: &Route,
    now: Timestamp,
) -> Result<(Commit, String), Error> {
    let gathering = Gathering { drill: true, ..opened(told, route, now) };
    let commit = Commit::new().execute(gatherings::insert(store, &gathering, "open", now)?);
    Ok((commit.execute(notice(store, told, (route.kind, &gathering.id), now)), gathering.id))
}

fn opened(told: &Told, route: &Route, leaves_at: Timestamp) -> Gathering {
    Gathering {
        id: GatheringId::generate().to_string(),
        school: told.school,
        kind: route.kind,
        topic: told.topic.clone(),
        about: told.about.clone(),
        leaves_at,
        valid_until: told.valid_until,
        drill: false,
        steps: 0,
        notices: Vec::new(),
        traces: Vec::new(),
    }
}

fn notice(store: &Store, told: &Told, (kind, gathering): (NoticeKind, &str), now: Timestamp) -> Statement {
    let sql = "INSERT INTO notices \
               (id, school, kind, gathering_id, event_id, subject, pupil_id, state, why, created_at, valid_until, \
               traceparent) VALUES ($1, $2, $3, $4, $5, $6, $7, 'gathering', '', $8, $9, $10)";
    let values = [
        NoticeId::generate().to_string().into(),
        told.school.to_string().into(),
        kind.as_str().into(),
        gathering.into(),
        told.event.to_string().into(),
        told.subject.clone().into(),
        told.pupil.map(|pupil| pupil.to_string()).into(),
        micros(now).into(),
        micros(told.valid_until).into(),
        telemetry::traceparent().into(),
    ];
    store.statement(sql, values)
}

/// Withdraws every notice of a thing, because it is no longer true.
pub async fn withdraw(store: &Store, thing: (SchoolId, &str, u64), reason: Reason) -> Result<Commit, Error> {
    let (school, subject, version) = thing;
    let commit = Commit::new();
    if !is_news(store, school, subject, version).await? {
        return Ok(commit);
    }
    let withdrawal = withdrawal(store, (school, subject), reason);
    Ok(remember(store, commit, thing).execute(withdrawal).execute(raise_generation(store)))
}

fn withdrawal(store: &Store, (school, subject): (SchoolId, &str), reason: Reason) -> Statement {
    // Whoever was told before a reason was known, or before a person recalled it, is still to hear
    // that the pupil is in school: an arrival is the last word.
    let sql = "UPDATE notices SET state = 'withdrawn', why = $1, withdrawn_at = $2 \
               WHERE subject = $3 AND school = $4 \
               AND (state <> 'withdrawn' OR ($1 = 'ARRIVED' AND why <> 'ARRIVED'))";
    let now = micros(store.clock().now());
    let values = [reason.code().into(), now.into(), subject.into(), school.to_string().into()];
    store.statement(sql, values)
}
