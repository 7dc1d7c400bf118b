//! Restrictions that were heard of, and what left in the seconds around them.
//!
//! A message may leave up to five seconds after it was cleared. What reached a person who had
//! been barred in those seconds is the safeguarding lead's task at once.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use proto::events::Event;
use proto::events::directory::Restricted;
use proto::ids::{ContactId, PupilId, SchoolId};
use proto::options::v1::Role;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::{parsed, raise_generation, rows};
use crate::domain::audience::key_of;
use crate::domain::clearance::Barred;
use crate::domain::{DeliveryState, NoticeKind};

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

/// A restriction that is young enough for a message to be still under way.
pub struct Young {
    row: rows::restrictions::Model,
    /// Messages about the pupil that left in those seconds without naming the contact as a reader,
    /// each with where it went.
    left: Vec<(String, String)>,
}

impl Young {
    /// Who was barred from whom, if somebody must be asked for the contact's addresses: another
    /// contact may have been told at one of them.
    pub fn wanted(&self) -> Result<Option<(SchoolId, ContactId, PupilId)>, Error> {
        let Some(contact) = self.row.contact_id.as_ref().filter(|_| !self.left.is_empty()) else {
            return Ok(None);
        };
        Ok(Some((
            parsed(&self.row.school, "school of a restriction")?,
            parsed(contact, "contact of a restriction")?,
            parsed(&self.row.pupil_id, "pupil of a restriction")?,
        )))
    }
}

/// The restrictions to look after. They count from when they were heard, because the bus may have
/// been away when they were set.
pub async fn young(store: &Store, now: Timestamp) -> Result<Vec<Young>, Error> {
    let since = now.checked_sub(WATCHED_FOR).unwrap_or(now);
    let rows = rows::restrictions::Entity::find()
        .filter(rows::restrictions::Column::HeardAt.gte(micros(since)))
        .all(store.read())
        .await?;
    let mut young = Vec::with_capacity(rows.len());
    for row in rows {
        let left = left_to_others(store, &row).await?;
        young.push(Young { row, left });
    }
    Ok(young)
}

/// The tasks for messages that left to somebody else after a restriction was set, at an address of
/// the barred contact. `addresses` are keys.
pub fn left_to_their_address(
    young: &Young,
    addresses: &BTreeSet<String>,
    now: Timestamp,
) -> Result<Vec<NewTask>, Error> {
    let Some((school, contact, pupil)) = young.wanted()? else { return Ok(Vec::new()) };
    let task = |delivery: &str| {
        let due = (now, SignedDuration::from_mins(5));
        NewTask::new(school, "left_before_restriction", Role::DesignatedSafeguardingLead, due)
            .about([contact.to_string(), pupil.to_string(), delivery.to_owned()])
            .because("a message about this pupil left, in the seconds in which the restriction was set, to an address that this contact uses too")
            .once(format!("left:{delivery}:{contact}:{pupil}"))
    };
    let shared = young.left.iter().filter(|(_, address)| addresses.contains(&key_of(address)));
    Ok(shared.map(|(delivery, _)| task(delivery)).collect())
}

/// The tasks for messages that left to the barred contact after a restriction was set.
pub async fn left_too_late(store: &Store, young: &[Young], now: Timestamp) -> Result<Vec<NewTask>, Error> {
    let mut tasks = Vec::new();
    for Young { row: restriction, .. } in young {
        for (delivery, contact, pupil) in left_since(store, restriction).await? {
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
            tasks.push(task);
        }
    }
    Ok(tasks)
}

async fn left_to_others(
    store: &Store,
    restriction: &rows::restrictions::Model,
) -> Result<Vec<(String, String)>, Error> {
    let Some(contact) = &restriction.contact_id else { return Ok(Vec::new()) };
    let told = DeliveryState::listed(DeliveryState::may_have_told);
    let sql = format!(
        "SELECT DISTINCT d.id AS id, d.address AS address FROM members m \
         JOIN attempts a ON a.delivery_id = m.delivery_id JOIN deliveries d ON d.id = m.delivery_id \
         WHERE m.pupil_id = $1 AND m.told AND a.ended_at >= $2 AND a.started_at <= $3 AND a.state IN ({told}) \
         AND NOT EXISTS (SELECT 1 FROM members o \
         WHERE o.delivery_id = m.delivery_id AND o.pupil_id = m.pupil_id AND o.contact_id = $4){}",
        harmless(restriction)
    );
    let pupil = restriction.pupil_id.clone();
    let values = [pupil.into(), restriction.at.into(), until(restriction).into(), contact.clone().into()];
    let found = store.read().query_all_raw(store.statement(&sql, values)).await?;
    found.iter().map(|row| Ok((row.try_get("", "id")?, row.try_get("", "address")?))).collect()
}

/// What is said to everybody, and does not say where children are, concerns nobody but those who may
/// hear nothing at all; the same of a message that said less to its readers than the others of its
/// gathering did. In doubt it did harm. That a pupil is a person's stops no closure.
fn harmless(restriction: &rows::restrictions::Model) -> String {
    if restriction.no_contact {
        return String::new();
    }
    let closing = NoticeKind::ALL.into_iter().filter(|kind| kind.is_about_closing());
    let of_a_person: Vec<&str> = match restriction.contact_id {
        None => closing.map(NoticeKind::as_str).collect(),
        Some(_) => Vec::new(),
    };
    let kinds: Vec<String> = of_a_person.iter().map(|kind| format!(" OR g.kind = '{kind}'")).collect();
    let kinds = kinds.concat();
    format!(
        " AND NOT EXISTS (SELECT 1 FROM gatherings g WHERE g.id = d.gathering_id AND (g.general OR d.general{kinds}))"
    )
}

/// Until when a message may have been started because of an older clearance.
fn until(restriction: &rows::restrictions::Model) -> i64 {
    restriction.at.saturating_add(STARTED_WITHIN.as_micros().try_into().unwrap_or(i64::MAX))
}

/// What was heard that bars any of these contacts, from everything or from a child.
pub async fn barred(store: &Store, contacts: &BTreeSet<ContactId>) -> Result<Barred, Error> {
    let heard = rows::restrictions::Entity::find()
        .filter(rows::restrictions::Column::ContactId.is_in(contacts.iter().map(ToString::to_string)))
        .all(store.read())
        .await?;
    let mut barred = Barred::default();
    for row in &heard {
        let Some(contact) = &row.contact_id else { continue };
        let contact: ContactId = parsed(contact, "contact of a restriction")?;
        if row.no_contact {
            barred.from_everything.insert(contact);
        } else {
            barred.from_child.insert((contact, parsed(&row.pupil_id, "pupil of a restriction")?));
        }
    }
    Ok(barred)
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
         JOIN deliveries d ON d.id = m.delivery_id WHERE m.{column} = $1 AND m.told AND a.ended_at >= $2 AND a.started_at <= $3 \
         AND a.state IN ({}){}",
        DeliveryState::listed(DeliveryState::may_have_told),
        harmless(restriction)
    );
    // A request that was under way when the restriction was set counts too.
    let values = [id.into(), restriction.at.into(), until(restriction).into()];
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
