//! The parts of a plan for many: for whoever is in a scope.
//!
//! SQLite has one writer, and the rows of ten thousand messages keep it busy for a tenth of a second. So
//! such a plan is decided in one transaction and written out in many: each takes a part away and leaves
//! its rows. A part is written out once, whoever does it, and a crash leaves the others for the next start.

use std::sync::Arc;

use kit::heavy;
use kit::store::{Commit, Error, Store};
use sea_orm::{ConnectionTrait, QueryResult};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::plan_rows::Part;
use crate::points;
use crate::routes::Lane;

/// Puts a part by, for a plan that is decided in this commit.
pub(super) fn put_by(store: &Store, commit: Commit, lane: Lane, part: &Part) -> Result<Commit, Error> {
    let sql = "INSERT INTO parts (gathering_id, lane, body) VALUES ($1, $2, $3)";
    let body = serde_json::to_string(part).map_err(|_| Error::Corrupt { what: "part of a plan" })?;
    Ok(commit.execute(store.statement(sql, [part.gathering().into(), lane.order().into(), body.into()])))
}

/// Writes out every part that there is, the urgent ones first, and wakes `sender` after each. After each part
/// the writer is left to others for as long as it took. Whoever answers for what was planned calls it before
/// it looks.
pub async fn write_out(store: &Store, sender: &Arc<Notify>) -> Result<(), Error> {
    while let Some((id, part)) = next(store).await? {
        let commit = heavy(|| part.write(store, taken(store, Commit::new(), id)))?.wake(sender);
        let begun = Instant::now();
        match store.commit(commit).await {
            // Somebody else has written it out.
            Ok(_) | Err(Error::Conflict) => {}
            Err(error) => return Err(error),
        }
        store.faults().at(points::PART_WRITTEN).await;
        tokio::time::sleep(begun.elapsed()).await;
    }
    Ok(())
}

/// The same as a part of a larger commit, while nobody else is there.
pub(super) async fn all_at_once(store: &Store, mut commit: Commit) -> Result<Commit, Error> {
    let rows =
        store.read().query_all_raw(store.statement("SELECT id, body FROM parts ORDER BY id", [])).await?;
    for row in rows {
        let (id, part) = read(&row)?;
        commit = part.write(store, taken(store, commit, id))?;
    }
    Ok(commit)
}

async fn next(store: &Store) -> Result<Option<(i64, Part)>, Error> {
    let sql = "SELECT id, body FROM parts ORDER BY lane, id LIMIT 1";
    let row = store.read().query_one_raw(store.statement(sql, [])).await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &QueryResult) -> Result<(i64, Part), Error> {
    let body: String = row.try_get("", "body")?;
    let part = serde_json::from_str(&body).map_err(|_| Error::Corrupt { what: "part of a plan" })?;
    Ok((row.try_get("", "id")?, part))
}

fn taken(store: &Store, commit: Commit, id: i64) -> Commit {
    commit.guarded(store.statement("DELETE FROM parts WHERE id = $1", [id.into()]))
}
