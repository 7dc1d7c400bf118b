//! Gatherings that should leave, and what is in them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kit::clock::{from_micros, micros};
use kit::store::{Error, Store};
use proto::events::scope::Scope;
use proto::ids::{NoticeId, PupilId, SchoolId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement};

use super::{parsed, rows};
use crate::domain::clearance::Readers;
use crate::domain::{About, NoticeKind};

/// A gathering with the notices that still hold.
#[derive(Debug, Clone)]
pub struct Gathering {
    /// Its id.
    pub id: String,
    /// The school.
    pub school: SchoolId,
    /// The kind of its notices.
    pub kind: NoticeKind,
    /// What keeps its notices apart from others of the kind.
    pub topic: String,
    /// What the words need besides names.
    pub about: About,
    /// When it should leave.
    pub leaves_at: Timestamp,
    /// Until when it is worth telling.
    pub valid_until: Timestamp,
    /// An exercise: nothing of it leaves, and nobody is asked to do anything.
    pub drill: bool,
    /// How many later steps have been planned.
    pub steps: i64,
    /// Its notices, each with its pupil; without one it is about everybody in the scope.
    pub notices: Vec<(NoticeId, Option<PupilId>)>,
    /// The traces in which their facts were heard, each once, the first one first.
    pub traces: Vec<String>,
}

impl Gathering {
    /// Reads a row, without its notices.
    pub(super) fn from_row(row: &rows::gatherings::Model) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.clone(),
            school: parsed(&row.school, "school of a gathering")?,
            kind: parsed(&row.kind, "kind of a gathering")?,
            topic: row.topic.clone(),
            about: about(row)?,
            leaves_at: from_micros(row.leaves_at),
            valid_until: from_micros(row.valid_until),
            drill: row.drill,
            steps: row.steps,
            notices: Vec::new(),
            traces: Vec::new(),
        })
    }

    /// The pupils that it is about, each once, in the order in which their facts were heard.
    #[must_use]
    pub fn pupils(&self) -> Vec<PupilId> {
        let mut seen = BTreeSet::new();
        self.notices.iter().filter_map(|(_, pupil)| *pupil).filter(|pupil| seen.insert(*pupil)).collect()
    }

    /// Whom it concerns, when that is not single pupils; none when nothing of it holds any more.
    #[must_use]
    pub fn scope(&self) -> Option<&Scope> {
        self.about.scope().filter(|_| !self.notices.is_empty())
    }

    /// Whether it cannot leave without the directory: nothing holds any more, or it is too late for
    /// everybody in a scope, and then there is nobody to ask for.
    #[must_use]
    pub fn needs_the_directory(&self, now: Timestamp) -> bool {
        let too_late_for_many = self.scope().is_some() && now >= self.valid_until;
        !self.notices.is_empty() && !too_late_for_many
    }

    /// The notice about a pupil.
    #[must_use]
    pub fn notice_of(&self, pupil: PupilId) -> Option<NoticeId> {
        let about = |about: Option<PupilId>| about.is_none_or(|about| about == pupil);
        self.notices.iter().find(|(_, own)| about(*own)).map(|(notice, _)| *notice)
    }
}

/// What a gathering is about.
pub fn about(row: &rows::gatherings::Model) -> Result<About, Error> {
    serde_json::from_str(&row.about).map_err(|_| Error::Corrupt { what: "matter of a gathering" })
}

/// Writes a gathering in a state, without its notices.
pub(super) fn insert(
    store: &Store,
    gathering: &Gathering,
    state: &str,
    opened_at: Timestamp,
) -> Result<Statement, Error> {
    let about = serde_json::to_string(&gathering.about).map_err(|_| Error::Corrupt { what: "matter" })?;
    let sql = "INSERT INTO gatherings \
               (id, school, kind, topic, about, general, state, opened_at, leaves_at, valid_until, steps, drill) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11)";
    let values = [
        gathering.id.clone().into(),
        gathering.school.to_string().into(),
        gathering.kind.as_str().into(),
        gathering.topic.clone().into(),
        about.into(),
        gathering.about.concerns_nobody(Readers::Entitled).into(),
        state.into(),
        micros(opened_at).into(),
        micros(gathering.leaves_at).into(),
        micros(gathering.valid_until).into(),
        gathering.drill.into(),
    ];
    Ok(store.statement(sql, values))
}

/// The open gatherings of these kinds whose time has come, oldest first. All of them: one that
/// cannot leave hides no other.
pub async fn leaving(store: &Store, kinds: &[NoticeKind], now: Timestamp) -> Result<Vec<String>, Error> {
    rows::gatherings::Entity::find()
        .select_only()
        .column(rows::gatherings::Column::Id)
        .filter(is_open())
        .filter(rows::gatherings::Column::Kind.is_in(kinds.iter().map(|kind| kind.as_str())))
        .filter(rows::gatherings::Column::LeavesAt.lte(micros(now)))
        .order_by_asc(rows::gatherings::Column::LeavesAt)
        .order_by_asc(rows::gatherings::Column::Id)
        .into_tuple()
        .all(store.read())
        .await
        .map_err(Error::from)
}

/// Spelt out as in the index of the open ones: a database does not use that for a bound value.
pub(super) fn is_open() -> Expr {
    Expr::cust("state = 'open'")
}

/// An open gathering, with the notices that hold. None when it has left meanwhile.
pub async fn open(store: &Store, id: &str) -> Result<Option<Gathering>, Error> {
    let row = rows::gatherings::Entity::find_by_id(id.to_owned())
        .filter(rows::gatherings::Column::State.eq("open"))
        .one(store.read())
        .await?;
    let Some(row) = row else { return Ok(None) };
    with_notices(store, &row, "gathering").await.map(Some)
}

/// Those of these gatherings that are exercises.
pub async fn exercises(store: &Store, ids: BTreeSet<&str>) -> Result<BTreeSet<String>, Error> {
    let found: Vec<String> = rows::gatherings::Entity::find()
        .select_only()
        .column(rows::gatherings::Column::Id)
        .filter(rows::gatherings::Column::Id.is_in(ids))
        .filter(rows::gatherings::Column::Drill.eq(true))
        .into_tuple()
        .all(store.read())
        .await?;
    Ok(found.into_iter().collect())
}

/// When what a gathering was about was erased; none when it is still known.
pub async fn erased_at(store: &Store, id: &str) -> Result<Option<Timestamp>, Error> {
    let row = rows::gatherings::Entity::find_by_id(id.to_owned()).one(store.read()).await?;
    Ok(row.and_then(|row| row.erased_at).map(from_micros))
}

/// A gathering that has left, with the notices that still hold. None when it was erased.
pub async fn planned(store: &Store, id: &str) -> Result<Option<Gathering>, Error> {
    let row = rows::gatherings::Entity::find_by_id(id.to_owned())
        .filter(rows::gatherings::Column::ErasedAt.is_null())
        .one(store.read())
        .await?;
    let Some(row) = row else { return Ok(None) };
    with_notices(store, &row, "planned").await.map(Some)
}

/// When the next open gathering leaves.
pub async fn next_leaving(store: &Store) -> Result<Option<Timestamp>, Error> {
    let row = rows::gatherings::Entity::find()
        .filter(is_open())
        .order_by_asc(rows::gatherings::Column::LeavesAt)
        .one(store.read())
        .await?;
    Ok(row.map(|row| from_micros(row.leaves_at)))
}

async fn with_notices(store: &Store, row: &rows::gatherings::Model, state: &str) -> Result<Gathering, Error> {
    let mut gathering = Gathering::from_row(row)?;
    let notices = rows::notices::Entity::find()
        .filter(rows::notices::Column::GatheringId.eq(row.id.as_str()))
        .filter(rows::notices::Column::State.eq(state))
        .order_by_asc(rows::notices::Column::Id)
        .all(store.read())
        .await?;
    let mut seen = BTreeSet::new();
    for notice in notices {
        let pupil = notice.pupil_id.as_ref().map(|pupil| parsed(pupil, "pupil of a notice")).transpose()?;
        gathering.notices.push((parsed(&notice.id, "id of a notice")?, pupil));
        gathering.traces.extend(notice.traceparent.filter(|trace| seen.insert(trace.clone())));
    }
    Ok(gathering)
}
