//! Restrictions that were heard of, and what left in the seconds around them.
//!
//! A message may leave up to five seconds after it was cleared. What reached a person who had
//! been barred in those seconds is the safeguarding lead's task at once.

use jiff::{SignedDuration, Timestamp};
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use proto::events::Event;
use proto::events::directory::Restricted;
use proto::ids::SchoolId;
use proto::options::v1::Role;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{parsed, raise_generation, rows};

/// For how long after it was heard a restriction is compared with what left. Longer than a provider
/// may take to answer: a relay has up to ten minutes from the moment at which a message leaves.
const WATCHED_FOR: SignedDuration = SignedDuration::from_mins(15);

/// How long after it was set a message may have been started because of an older clearance.
const STARTED_WITHIN: SignedDuration = SignedDuration::from_mins(2);

/// Writes a restriction down and makes every sender look again.
pub fn hear(store: &Store, event: &Event<Restricted>) -> Commit {
    let sql = "INSERT INTO restrictions (school, pupil_id, contact_id, no_contact, at, heard_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let values = [
        event.school.to_string().into(),
        event.data.pupil_id.to_string().into(),
        event.data.contact_id.map(|contact| contact.to_string()).into(),
        event.data.no_contact.into(),
        micros(event.time).into(),
        micros(store.clock().now()).into(),
    ];
    Commit::new().execute(store.statement(sql, values)).execute(raise_generation(store))
}

/// The tasks for messages that left after a restriction was set, for every restriction that is
/// young enough for one to be still under way. It counts from when it was heard, because the bus
/// may have been away when it was set.
pub async fn left_too_late(store: &Store, now: Timestamp) -> Result<Option<Commit>, Error> {
    let since = now.checked_sub(WATCHED_FOR).unwrap_or(now);
    let young = rows::restrictions::Entity::find()
        .filter(rows::restrictions::Column::HeardAt.gte(micros(since)))
        .all(store.read())
        .await?;
    let mut commit = None;
    for restriction in young {
        for (delivery, contact, pupil) in left_since(store, &restriction).await? {
            let school: SchoolId = parsed(&restriction.school, "school of a restriction")?;
            let task = NewTask::new(
                school,
                "left_before_restriction",
                Role::DesignatedSafeguardingLead,
                (now, SignedDuration::from_mins(5)),
            )
            .about([contact.clone(), pupil.clone(), delivery.clone()])
            .because("a message about this pupil left to this contact in the seconds in which the restriction was set")
            .once(format!("left:{delivery}:{contact}:{pupil}"));
            commit = Some(commit.unwrap_or_else(Commit::new).task(task));
        }
    }
    Ok(commit)
}

async fn left_since(
    store: &Store,
    restriction: &rows::restrictions::Model,
) -> Result<Vec<(String, String, String)>, Error> {
    let (column, id) = match &restriction.contact_id {
        Some(contact) => ("contact_id", contact.clone()),
        None => ("pupil_id", restriction.pupil_id.clone()),
    };
    let sql = format!(
        "SELECT DISTINCT m.delivery_id AS delivery_id, m.contact_id AS contact_id, m.pupil_id AS pupil_id \
         FROM members m JOIN attempts a ON a.delivery_id = m.delivery_id \
         WHERE m.{column} = $1 AND m.told AND a.ended_at >= $2 AND a.started_at <= $3 \
         AND a.state IN ('accepted', 'unknown')"
    );
    // A request that was under way when the restriction was set counts too.
    let until = restriction.at.saturating_add(STARTED_WITHIN.as_micros().try_into().unwrap_or(i64::MAX));
    let values = [id.into(), restriction.at.into(), until.into()];
    let found = store.read().query_all_raw(store.statement(&sql, values)).await?;
    let mut left = Vec::new();
    for row in found {
        let pupil: String = row.try_get("", "pupil_id")?;
        if restriction.no_contact || pupil == restriction.pupil_id {
            left.push((row.try_get("", "delivery_id")?, row.try_get("", "contact_id")?, pupil));
        }
    }
    Ok(left)
}
