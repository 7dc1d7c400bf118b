//! Who fell out of a message at the last look, and the tasks for those whom nobody else will tell.
//!
//! It is written before the message leaves: a receipt may be faster than the record of the
//! sending, and whoever was not named must not count as told.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use proto::ids::SchoolId;
use sea_orm::{ConnectionTrait, DatabaseTransaction, Statement};
use serde::Serialize;

use super::json_rows;
use crate::domain::person::{Asking, not_cleared};
use crate::domain::plan::Member;
use crate::domain::{Account, NoticeKind, Reason};

/// Who fell out of one delivery.
#[derive(Debug, Clone)]
pub struct Drops {
    /// The delivery.
    pub delivery: String,
    /// Its school.
    pub school: SchoolId,
    /// What it tells.
    pub kind: NoticeKind,
    /// Who, and why.
    pub members: Vec<(Member, Reason)>,
    /// What becomes of those whose address is not to be used any more.
    pub next: Next,
}

/// Whether a delivery has a next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Their next address is tried.
    Address,
    /// Nothing follows by itself.
    Nothing,
}

#[derive(Serialize)]
struct Row<'a> {
    delivery_id: &'a str,
    contact_id: String,
    pupil_id: String,
    why: &'a str,
}

/// Writes drops down, in a transaction of their own.
pub async fn write(store: &Store, drops: &[Drops], now: Timestamp) -> Result<(), Error> {
    let Some(json) = json(drops)? else { return Ok(()) };
    let json = Arc::new(json);
    let mut commit = Commit::new().work(move |tx| {
        let json = Arc::clone(&json);
        Box::pin(async move { update(tx, &json).await })
    });
    for task in tasks(drops, now) {
        commit = commit.task(task);
    }
    store.commit(commit).await?;
    Ok(())
}

/// The rows for [`update`]; none when nobody fell out.
pub(super) fn json<'a>(drops: impl IntoIterator<Item = &'a Drops>) -> Result<Option<String>, Error> {
    let rows: Vec<Row<'_>> = drops
        .into_iter()
        .flat_map(|drops| {
            drops.members.iter().map(|((contact, pupil), reason)| Row {
                delivery_id: &drops.delivery,
                contact_id: contact.to_string(),
                pupil_id: pupil.to_string(),
                why: reason.code(),
            })
        })
        .collect();
    if rows.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(&rows).map(Some).map_err(|_| Error::Corrupt { what: "batch" })
}

pub(super) async fn update(tx: &DatabaseTransaction, json: &str) -> Result<(), Error> {
    let backend = tx.get_database_backend();
    let from = json_rows(
        backend,
        &[("delivery_id", "TEXT"), ("contact_id", "TEXT"), ("pupil_id", "TEXT"), ("why", "TEXT")],
    );
    let sql = format!(
        "UPDATE members SET why = j.why FROM {from} WHERE members.delivery_id = j.delivery_id \
         AND members.contact_id = j.contact_id AND members.pupil_id = j.pupil_id"
    );
    tx.execute_raw(Statement::from_sql_and_values(backend, sql, [json.into()])).await?;
    Ok(())
}

/// What people must do because of drops.
pub(super) fn tasks<'a>(drops: impl IntoIterator<Item = &'a Drops>, now: Timestamp) -> Vec<NewTask> {
    let lost = |drops: &&'a Drops| {
        let drops = *drops;
        let members = drops.members.iter().filter(|(_, reason)| is_lost(*reason, drops.next));
        members.filter_map(|(member, _)| task(drops, *member, now)).collect::<Vec<_>>()
    };
    drops.into_iter().flat_map(|drops| lost(&drops)).collect()
}

/// Whether nobody else will tell somebody who fell out.
fn is_lost(reason: Reason, next: Next) -> bool {
    match reason {
        // There is nothing left to tell, or a person has told it.
        Reason::Arrived
        | Reason::Explained
        | Reason::Replaced
        | Reason::Recalled
        | Reason::HandledByPerson => false,
        Reason::AddressGone | Reason::AddressShared => next == Next::Nothing,
        _ => true,
    }
}

fn task(drops: &Drops, (contact, pupil): Member, now: Timestamp) -> Option<NewTask> {
    // It is about one contact who may not be told any more, whatever the account says.
    let account = Account::First;
    // Nor does it ask anybody to ring.
    let no_voice = &BTreeSet::new();
    let asking =
        Asking { school: drops.school, kind: drops.kind, account, from: &drops.delivery, no_voice, now };
    Some(asking.task(&not_cleared(drops.kind, contact, pupil))?.about([drops.delivery.clone()]))
}
