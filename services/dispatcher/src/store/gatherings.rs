//! Gatherings that should leave, and what is in them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kit::clock::{from_micros, micros};
use kit::store::{Error, Store};
use proto::ids::{NoticeId, PupilId, SchoolId};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{parsed, rows};
use crate::domain::NoticeKind;

/// A gathering with the notices that still hold.
#[derive(Debug, Clone)]
pub struct Gathering {
    /// Its id.
    pub id: String,
    /// The school.
    pub school: SchoolId,
    /// The kind of its notices.
    pub kind: NoticeKind,
    /// What the words need besides.
    pub topic: String,
    /// When it should leave.
    pub leaves_at: Timestamp,
    /// Until when it is worth telling.
    pub valid_until: Timestamp,
    /// How many later steps have been planned.
    pub steps: i64,
    /// Its notices, each with its pupil.
    pub notices: Vec<(NoticeId, PupilId)>,
}

impl Gathering {
    /// Reads a row, without its notices.
    pub(super) fn from_row(row: &rows::gatherings::Model) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.clone(),
            school: parsed(&row.school, "school of a gathering")?,
            kind: parsed(&row.kind, "kind of a gathering")?,
            topic: row.topic.clone(),
            leaves_at: from_micros(row.leaves_at),
            valid_until: from_micros(row.valid_until),
            steps: row.steps,
            notices: Vec::new(),
        })
    }

    /// The pupils that it is about, each once, in the order in which their facts were heard.
    #[must_use]
    pub fn pupils(&self) -> Vec<PupilId> {
        let mut seen = BTreeSet::new();
        self.notices.iter().map(|(_, pupil)| *pupil).filter(|pupil| seen.insert(*pupil)).collect()
    }

    /// The notice about a pupil.
    #[must_use]
    pub fn notice_of(&self, pupil: PupilId) -> Option<NoticeId> {
        self.notices.iter().find(|(_, about)| *about == pupil).map(|(notice, _)| *notice)
    }
}

/// The open gatherings whose time has come.
pub async fn leaving(store: &Store, now: Timestamp) -> Result<Vec<Gathering>, Error> {
    let rows = rows::gatherings::Entity::find()
        .filter(rows::gatherings::Column::State.eq("open"))
        .filter(rows::gatherings::Column::LeavesAt.lte(micros(now)))
        .order_by_asc(rows::gatherings::Column::LeavesAt)
        .limit(50)
        .all(store.read())
        .await?;
    let mut gatherings = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut gathering = Gathering::from_row(row)?;
        gathering.notices = notices(store, &gathering.id, "gathering").await?;
        gatherings.push(gathering);
    }
    Ok(gatherings)
}

/// A gathering that has left, with the notices that still hold.
pub async fn planned(store: &Store, id: &str) -> Result<Option<Gathering>, Error> {
    let Some(row) = rows::gatherings::Entity::find_by_id(id.to_owned()).one(store.read()).await? else {
        return Ok(None);
    };
    let mut gathering = Gathering::from_row(&row)?;
    gathering.notices = notices(store, id, "planned").await?;
    Ok(Some(gathering))
}

/// When the next open gathering leaves.
pub async fn next_leaving(store: &Store) -> Result<Option<Timestamp>, Error> {
    let row = rows::gatherings::Entity::find()
        .filter(rows::gatherings::Column::State.eq("open"))
        .order_by_asc(rows::gatherings::Column::LeavesAt)
        .one(store.read())
        .await?;
    Ok(row.map(|row| from_micros(row.leaves_at)))
}

async fn notices(store: &Store, gathering: &str, state: &str) -> Result<Vec<(NoticeId, PupilId)>, Error> {
    let rows = rows::notices::Entity::find()
        .filter(rows::notices::Column::GatheringId.eq(gathering))
        .filter(rows::notices::Column::State.eq(state))
        .order_by_asc(rows::notices::Column::Id)
        .all(store.read())
        .await?;
    rows.iter()
        .map(|row| Ok((parsed(&row.id, "id of a notice")?, parsed(&row.pupil_id, "pupil of a notice")?)))
        .collect()
}
