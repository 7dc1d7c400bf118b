//! What a batch writes to the tables that every service has, in one statement per table.

use std::collections::HashSet;

use proto::ids::TaskId;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, QueryResult};
use serde_json::json;

use super::commit::{Commit, Key};
use super::script::Script;
use super::together::{Kind, Row, Together, parts};
use super::{Error, Outgoing};
use crate::clock::micros;
use crate::fingerprint;
use crate::tasks::NewTask;

static OUTBOX: Together = Together::new(
    "INSERT INTO outbox (event_id, subject, body, traceparent, created_at) \
     SELECT event_id, subject, body, traceparent, created_at FROM {{rows}}",
    &[
        ("event_id", Kind::Text),
        ("subject", Kind::Text),
        ("body", Kind::Text),
        ("traceparent", Kind::Text),
        ("created_at", Kind::Number),
    ],
);
static AUDIT: Together = Together::new(
    "INSERT INTO audit (tenant, at, who, rpc, subjects, why) \
     SELECT tenant, at, who, rpc, subjects, why FROM {{rows}}",
    &[
        ("tenant", Kind::Text),
        ("at", Kind::Number),
        ("who", Kind::Text),
        ("rpc", Kind::Text),
        ("subjects", Kind::Text),
        ("why", Kind::Text),
    ],
);
static TASKS: Together = Together::new(
    "INSERT INTO tasks (id, tenant, dedupe, kind, subjects, why, role, opened_at, due_at, state, done_by, outcome) \
     SELECT id, tenant, dedupe, kind, subjects, why, role, opened_at, due_at, 'open', '', '' FROM {{rows}} \
     WHERE true ON CONFLICT (tenant, dedupe) DO NOTHING RETURNING kind",
    &[
        ("id", Kind::Text),
        ("tenant", Kind::Text),
        ("dedupe", Kind::Text),
        ("kind", Kind::Text),
        ("subjects", Kind::Text),
        ("why", Kind::Text),
        ("role", Kind::Text),
        ("opened_at", Kind::Number),
        ("due_at", Kind::Number),
    ],
);
static ANSWERS: Together = Together::new(
    "INSERT INTO answers (tenant, request_id, fingerprint, answer, audited, answered_at) \
     SELECT tenant, request_id, fingerprint, answer, audited, answered_at FROM {{rows}} \
     WHERE true ON CONFLICT (tenant, request_id) DO NOTHING RETURNING tenant, request_id",
    &[
        ("tenant", Kind::Text),
        ("request_id", Kind::Text),
        ("fingerprint", Kind::Text),
        ("answer", Kind::Bytes),
        ("audited", Kind::Flag),
        ("answered_at", Kind::Number),
    ],
);
static INBOX: Together = Together::new(
    "INSERT INTO inbox (event_id, received_at) SELECT event_id, received_at FROM {{rows}} \
     WHERE true ON CONFLICT (event_id) DO NOTHING RETURNING '' AS tenant, event_id AS request_id",
    &[("event_id", Kind::Text), ("received_at", Kind::Number)],
);

/// What makes a commit one of a kind: the tenant and its `request_id`, or the id of a fact.
pub(super) type Name = (String, String);

pub(super) fn name(key: &Key) -> Name {
    match key {
        Key::Request(answer) => (answer.tenant.clone(), answer.request_id.clone()),
        Key::Heard { event_id, .. } => (String::new(), event_id.clone()),
    }
}

/// The keys of commits as rows: of requests, and of facts.
fn keys_of(keys: &[&Key]) -> [(&'static Together, Vec<Row>); 2] {
    let (mut answers, mut heard) = (Vec::new(), Vec::new());
    for key in keys {
        match key {
            Key::Request(answer) => answers.push(Row::of([
                answer.tenant.as_str().into(),
                answer.request_id.as_str().into(),
                answer.fingerprint.as_str().into(),
                fingerprint::hex(&answer.bytes).into(),
                answer.audited.into(),
                answer.answered_at.into(),
            ])),
            Key::Heard { event_id, received_at } => {
                heard.push(Row::of([event_id.as_str().into(), (*received_at).into()]));
            }
        }
    }
    [(&ANSWERS, answers), (&INBOX, heard)]
}

/// Writes the keys that are not there yet, and gives their names. Another process that is writing
/// one of them at the moment is waited for.
pub(super) async fn claim(tx: &DatabaseTransaction, keys: &[&Key]) -> Result<HashSet<Name>, Error> {
    let mut claimed = HashSet::with_capacity(keys.len());
    for (statement, rows) in keys_of(keys) {
        for row in ask(tx, statement, &rows).await? {
            claimed.insert((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
        }
    }
    Ok(claimed)
}

/// The same as the beginning of a script, in which every key must be new.
pub(super) fn begin(script: &mut Script, keys: &[&Key]) {
    for (statement, rows) in keys_of(keys) {
        script.add(statement, &rows.iter().collect::<Vec<_>>());
    }
}

/// Writes what the commits say, ask people to do and want to be written down. The kinds of the tasks
/// that were not there before are the answer.
pub(super) async fn write(tx: &DatabaseTransaction, commits: &[&Commit]) -> Result<Vec<String>, Error> {
    let facts: Vec<Row> = commits.iter().flat_map(|commit| &commit.facts).map(said).collect();
    let tasks: Vec<Row> = commits.iter().flat_map(|commit| &commit.tasks).map(asked_for).collect();
    let audit: Vec<&Row> = commits.iter().flat_map(|commit| &commit.audit).collect();
    execute(tx, &OUTBOX, &facts.iter().collect::<Vec<_>>()).await?;
    let opened = ask(tx, &TASKS, &tasks).await?;
    execute(tx, &AUDIT, &audit).await?;
    opened.iter().map(|row| Ok(row.try_get_by_index(0)?)).collect()
}

/// The same as the end of a script, for commits that ask nobody to do anything.
pub(super) fn end(script: &mut Script, commits: &[&Commit]) {
    let facts: Vec<Row> = commits.iter().flat_map(|commit| &commit.facts).map(said).collect();
    let audit: Vec<&Row> = commits.iter().flat_map(|commit| &commit.audit).collect();
    script.add(&OUTBOX, &facts.iter().collect::<Vec<_>>());
    script.add(&AUDIT, &audit);
}

/// Executes a statement with these rows, each of which must change exactly one row; otherwise what was
/// decided on has changed.
pub(super) async fn execute(
    tx: &DatabaseTransaction,
    statement: &Together,
    rows: &[&Row],
) -> Result<(), Error> {
    for part in parts(rows) {
        let changed = tx.execute_raw(statement.with(tx.get_database_backend(), part)).await?;
        if usize::try_from(changed.rows_affected()) != Ok(part.len()) {
            return Err(Error::Conflict);
        }
    }
    Ok(())
}

async fn ask(
    tx: &DatabaseTransaction,
    statement: &Together,
    rows: &[Row],
) -> Result<Vec<QueryResult>, DbErr> {
    let rows: Vec<&Row> = rows.iter().collect();
    let mut answers = Vec::new();
    for part in parts(&rows) {
        answers.extend(tx.query_all_raw(statement.with(tx.get_database_backend(), part)).await?);
    }
    Ok(answers)
}

fn said(fact: &Outgoing) -> Row {
    Row::of([
        fact.event_id.as_str().into(),
        fact.subject.as_str().into(),
        fact.body.as_str().into(),
        fact.traceparent.as_deref().into(),
        fact.created_at.into(),
    ])
}

fn asked_for(task: &NewTask) -> Row {
    let id = TaskId::generate().to_string();
    Row::of([
        id.as_str().into(),
        task.tenant.to_string().into(),
        task.key.as_deref().unwrap_or(&id).into(),
        task.kind.into(),
        json!(task.subjects).to_string().into(),
        task.why.as_str().into(),
        crate::identity::role_name(task.role).into(),
        micros(task.opened_at).into(),
        micros(task.due_at).into(),
    ])
}
