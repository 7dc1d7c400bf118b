//! The story of a fact, as far as one service knows it: what it said, heard, asked people and put
//! aside, found by any id in it, and what its [`Tracer`] adds from its own tables.
//!
//! `schoolbell trace` asks every service, goes on with the ids that the steps name, and puts the
//! steps in order. A step holds ids, channels and reasons, never anybody's data; what people typed
//! is not repeated.

use std::sync::Arc;

use futures::future::BoxFuture;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proto::ids::EventId;
use proto::operations::v1 as pb;
use sea_orm::sea_query::Condition;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter};
use serde::Deserialize;
use tonic::{Response, Status};

use super::Drawer;
use crate::Tenant;
use crate::audit;
use crate::clock::{from_micros, micros, to_proto};
use crate::identity::Caller;
use crate::rejection::{Rejection, failure};
use crate::store::{Error, Store, rows};

const MOST_IDS: usize = 100;

/// What is asked of a service.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Whose story.
    pub tenant: Tenant,
    /// By these ids, of any kind.
    pub ids: Vec<String>,
    /// What happened earlier does not count, by the clock of the tenants.
    pub since: Timestamp,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When, by the clock of the tenants.
    pub at: Timestamp,
    /// What, in a word.
    pub what: &'static str,
    /// The same in a sentence without a full stop.
    pub sentence: String,
    /// What the story goes on with.
    pub ids: Vec<String>,
}

/// What a service knows besides the tables that all have.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// What happened.
    pub steps: Vec<Step>,
    /// Tasks that belong to it: what their key holds, and one of their subjects.
    pub tasks: Vec<(String, String)>,
}

/// Reads a service's own part of the story.
pub type Tracer = Arc<dyn Fn(Asked) -> BoxFuture<'static, Result<Story, Error>> + Send + Sync>;

pub(super) async fn trace(
    drawer: &Drawer,
    caller: &Caller,
    request: pb::TraceRequest,
) -> Result<Response<pb::TraceResponse>, Status> {
    let store = &drawer.store;
    let asked = asked(store, caller, request)?;
    let steps = read(drawer, &asked).await.map_err(|error| failure(&error))?;
    let audited = audit::look(store, caller, "Trace", &asked.ids).await?;
    let steps = steps.into_iter().map(|step| pb::TraceStep {
        at: Some(to_proto(step.at)),
        what: step.what.to_owned(),
        sentence: step.sentence,
        ids: step.ids,
    });
    Ok(audited.seal(pb::TraceResponse { steps: steps.collect() }))
}

fn asked(store: &Store, caller: &Caller, request: pb::TraceRequest) -> Result<Asked, Rejection> {
    if request.ids.is_empty() || request.ids.len() > MOST_IDS {
        return Err(Rejection::invalid("REQUIRED", "ids", format!("must be 1 to {MOST_IDS} ids")));
    }
    if let Some(index) = request.ids.iter().position(|id| !is_id(id)) {
        return Err(Rejection::invalid("INVALID_ID", format!("ids[{index}]"), "is not an id"));
    }
    let since = match request.today_in_time_zone.as_str() {
        "" => Timestamp::MIN,
        zone => TimeZone::get(zone)
            .and_then(|zone| store.clock().now().to_zoned(zone).start_of_day())
            .map_err(|_| Rejection::invalid("INVALID_ZONE", "today_in_time_zone", "is not a time zone"))?
            .timestamp(),
    };
    Ok(Asked { tenant: caller.tenant, ids: request.ids, since })
}

/// Three letters and the digits of a UUID, so that it can stand in a pattern as it is.
fn is_id(text: &str) -> bool {
    let digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.split_once('_').is_some_and(|(prefix, digits)| {
        prefix.len() == 3
            && prefix.bytes().all(|byte| byte.is_ascii_lowercase())
            && digits.len() == 32
            && digits.bytes().all(digit)
    })
}

async fn read(drawer: &Drawer, asked: &Asked) -> Result<Vec<Step>, Error> {
    let store = &drawer.store;
    let own = match &drawer.tracer {
        Some(tracer) => tracer(asked.clone()).await?,
        None => Story::default(),
    };
    let mut steps = own.steps;
    steps.extend(said(store, asked).await?);
    steps.extend(heard(store, asked).await?);
    steps.extend(tasks(store, asked, &own.tasks).await?);
    steps.extend(dead_letters(store, asked).await?);
    steps.retain(|step| step.at >= asked.since);
    Ok(steps)
}

/// What a fact's body says that it is about.
#[derive(Deserialize)]
struct Envelope {
    subject: String,
    version: u64,
}

/// Facts by their own ids and by every id in them.
async fn said(store: &Store, asked: &Asked) -> Result<Vec<Step>, Error> {
    let mut wanted = Condition::any();
    for id in &asked.ids {
        wanted = wanted.add(rows::outbox::Column::EventId.eq(id.as_str()));
        wanted = wanted.add(rows::outbox::Column::Body.contains(id));
    }
    let found = rows::outbox::Entity::find()
        .filter(rows::outbox::Column::Subject.ends_with(format!(".{}", asked.tenant)))
        .filter(wanted)
        .all(store.read())
        .await?;
    let mut steps = Vec::new();
    for row in found {
        let fact = fact_of(&row.subject);
        let Envelope { subject, version } =
            serde_json::from_str(&row.body).map_err(|_| Error::Corrupt { what: "fact" })?;
        let sentence = format!("{fact} {} about {subject}, version {version}", row.event_id);
        let ids = vec![row.event_id.clone(), subject];
        steps.push(Step { at: from_micros(row.created_at), what: "said", sentence, ids });
        let (at, sentence) = match row.sent_at {
            Some(at) => (store.clock().showed_at(from_micros(at)), format!("{fact} {}", row.event_id)),
            None => (store.clock().now(), format!("{fact} {} waits for the bus", row.event_id)),
        };
        steps.push(Step { at, what: "published", sentence, ids: Vec::new() });
    }
    Ok(steps)
}

fn fact_of(subject: &str) -> String {
    let mut words = subject.split('.').skip(1);
    let (sayer, fact) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    format!("{sayer}.{fact}")
}

async fn heard(store: &Store, asked: &Asked) -> Result<Vec<Step>, Error> {
    let events = asked.ids.iter().filter(|id| id.parse::<EventId>().is_ok()).map(String::as_str);
    let found = rows::inbox::Entity::find()
        .filter(rows::inbox::Column::EventId.is_in(events))
        .all(store.read())
        .await?;
    let step = |row: rows::inbox::Model| Step {
        at: store.clock().showed_at(from_micros(row.received_at)),
        what: "heard",
        sentence: row.event_id,
        ids: Vec::new(),
    };
    Ok(found.into_iter().map(step).collect())
}

/// Tasks by their own ids, by their subjects and by what the service says.
async fn tasks(store: &Store, asked: &Asked, own: &[(String, String)]) -> Result<Vec<Step>, Error> {
    let mut wanted = Condition::any();
    for id in &asked.ids {
        wanted = wanted.add(rows::tasks::Column::Id.eq(id.as_str()));
        wanted = wanted.add(rows::tasks::Column::Subjects.contains(id));
        wanted = wanted.add(rows::tasks::Column::Dedupe.contains(id));
    }
    for (key, subject) in own {
        let key = rows::tasks::Column::Dedupe.contains(key);
        wanted = wanted.add(Condition::all().add(key).add(rows::tasks::Column::Subjects.contains(subject)));
    }
    let found = rows::tasks::Entity::find()
        .filter(rows::tasks::Column::Tenant.eq(asked.tenant.to_string()))
        .filter(rows::tasks::Column::OpenedAt.gte(micros(asked.since)))
        .filter(wanted)
        .all(store.read())
        .await?;
    let step = |row: rows::tasks::Model| {
        let subjects: Vec<String> = serde_json::from_str(&row.subjects).unwrap_or_default();
        let sentence = format!(
            "{} {} for {}, now {}: {} ({})",
            row.kind,
            row.id,
            row.role.replace('_', " "),
            row.state,
            row.why,
            subjects.join(", ")
        );
        let ids = if asked.ids.contains(&row.id) { subjects } else { Vec::new() };
        Step { at: from_micros(row.opened_at), what: "task", sentence, ids }
    };
    Ok(found.into_iter().map(step).collect())
}

#[derive(FromQueryResult)]
struct Letter {
    id: String,
    subject: String,
    consumer: String,
    event_id: Option<String>,
    why: String,
    died_at: i64,
    replayed_at: Option<i64>,
}

/// Dead letters by their own ids and by every id in them.
async fn dead_letters(store: &Store, asked: &Asked) -> Result<Vec<Step>, Error> {
    let holds = match store.backend() {
        DbBackend::Postgres => "position(convert_to($2, 'UTF8') IN body) > 0",
        _ => "instr(body, CAST($2 AS BLOB)) > 0",
    };
    let sql = format!(
        "SELECT id, subject, consumer, event_id, why, died_at, replayed_at FROM dead_letters \
         WHERE tenant = $1 AND (id = $2 OR {holds})"
    );
    let mut steps = Vec::new();
    for id in &asked.ids {
        let statement = store.statement(&sql, [asked.tenant.to_string().into(), id.as_str().into()]);
        for row in store.read().query_all_raw(statement).await? {
            let letter = Letter::from_query_result(&row, "")?;
            let fact = fact_of(&letter.subject);
            let sentence = format!("{fact} {} of {}: {}", letter.id, letter.consumer, letter.why);
            let ids = letter.event_id.into_iter().collect();
            steps.push(Step { at: from_micros(letter.died_at), what: "dead letter", sentence, ids });
            steps.extend(letter.replayed_at.map(|at| Step {
                at: from_micros(at),
                what: "replayed",
                sentence: format!("{fact} {}", letter.id),
                ids: Vec::new(),
            }));
        }
    }
    steps.dedup();
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use proto::ids::{DeadLetterId, TaskId};

    use super::*;

    #[test]
    fn only_what_can_stand_in_a_pattern_is_an_id() {
        for id in [TaskId::generate().to_string(), DeadLetterId::generate().to_string()] {
            assert!(is_id(&id), "{id}");
        }
        for text in ["", "evt_", "evt_%", "'; --", "event_00000000000000000000000000000000"] {
            assert!(!is_id(text), "{text}");
        }
    }
}
