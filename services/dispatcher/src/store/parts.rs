//! The parts of a plan for many: for whoever is in a scope.
//!
//! SQLite has one writer, and the rows of ten thousand messages keep it busy for a tenth of a second. So
//! such a plan is decided in one transaction and written out in many: each takes a part away and leaves
//! its rows. A part is written out once, whoever does it, and a crash leaves the others for the next start. Until the last
//! of a gathering is written out, nothing follows from the first.

use std::sync::Arc;

use kit::clock::micros;
use kit::heavy;
use kit::store::{Commit, Error, Store};
use proto::ids::SchoolId;
use sea_orm::{ConnectionTrait, QueryResult};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

use super::plan_rows::Part;
use super::plans::Writing;
use crate::points;
use crate::routes::Lane;

/// Puts a part by, for a plan that is decided in this commit.
pub(super) fn put_by(writing: &Writing<'_>, commit: Commit, part: &Part) -> Result<Commit, Error> {
    let Writing { desk, gathering, lane } = writing;
    let sql = "INSERT INTO parts (school, gathering_id, lane, planned_at, body) VALUES ($1, $2, $3, $4, $5)";
    let body = serde_json::to_string(part).map_err(|_| Error::Corrupt { what: "part of a plan" })?;
    let values = [
        gathering.school.to_string().into(),
        gathering.id.as_str().into(),
        lane.order().into(),
        micros(desk.now).into(),
        body.into(),
    ];
    Ok(commit.execute(desk.store.statement(sql, values)))
}

/// Writes them out, one at a time in a process.
#[derive(Clone)]
pub struct PlanWriter {
    store: Store,
    /// Signalled after each.
    sender: Arc<Notify>,
    turn: Arc<Mutex<()>>,
}

impl PlanWriter {
    /// Writes out into this store, and wakes this sender.
    #[must_use]
    pub fn new(store: &Store, sender: &Arc<Notify>) -> Self {
        Self { store: store.clone(), sender: Arc::clone(sender), turn: Arc::default() }
    }

    /// Writes out every part that there is, or a school's, the urgent ones first; how many. After each part the writer
    /// is left to others for as long as it took. Whoever answers for what was planned calls it before it looks.
    ///
    /// # Errors
    ///
    /// The first part that could not be written out, when all others are.
    pub async fn write_out(&self, whose: Option<SchoolId>) -> Result<usize, Error> {
        let (mut written, mut left, mut outcome) = (0, Vec::new(), Ok(()));
        loop {
            let turn = self.turn.lock().await;
            let Some(row) = self.next(whose, &left).await? else { break };
            let id = row.try_get("", "id")?;
            let begun = Instant::now();
            match self.write(id, &row).await {
                // Another process may have done it.
                Ok(()) | Err(Error::Conflict) => written += 1,
                Err(error) => {
                    left.push(id);
                    outcome = outcome.and(Err(error));
                }
            }
            drop(turn);
            self.store.faults().at(points::PART_WRITTEN).await;
            tokio::time::sleep(begun.elapsed()).await;
        }
        outcome.map(|()| written)
    }

    async fn write(&self, id: i64, row: &QueryResult) -> Result<(), Error> {
        let commit = heavy(|| read(row)?.write(&self.store, taken(&self.store, Commit::new(), id)))?;
        self.store.commit(commit.wake(&self.sender)).await?;
        Ok(())
    }

    async fn next(&self, whose: Option<SchoolId>, left: &[i64]) -> Result<Option<QueryResult>, Error> {
        let left: Vec<String> = left.iter().map(ToString::to_string).collect();
        // An id of its own is no word of anybody.
        let others =
            if left.is_empty() { String::new() } else { format!("AND id NOT IN ({})", left.join(", ")) };
        let sql = format!(
            "SELECT id, body FROM parts WHERE ($1 IS NULL OR school = $1) {others} ORDER BY lane, id LIMIT 1"
        );
        let whose = whose.map(|school| school.to_string());
        Ok(self.store.read().query_one_raw(self.store.statement(&sql, [whose.into()])).await?)
    }
}

/// Since when the oldest of each lane waits to be written out.
pub(super) async fn waiting(store: &Store) -> Result<Vec<(Lane, i64)>, Error> {
    let sql = "SELECT lane, MIN(planned_at) AS since FROM parts GROUP BY lane";
    let rows = store.read().query_all_raw(store.statement(sql, [])).await?;
    let lane = |row: &QueryResult| {
        let order: i64 = row.try_get("", "lane")?;
        let lane = Lane::ALL.into_iter().find(|lane| lane.order() == order);
        Ok((lane.ok_or(Error::Corrupt { what: "lane of a part" })?, row.try_get("", "since")?))
    };
    rows.iter().map(lane).collect()
}

/// The same as a part of a larger commit, while nobody else is there.
pub(super) async fn all_at_once(store: &Store, mut commit: Commit) -> Result<Commit, Error> {
    let rows =
        store.read().query_all_raw(store.statement("SELECT id, body FROM parts ORDER BY id", [])).await?;
    for row in rows {
        commit = read(&row)?.write(store, taken(store, commit, row.try_get("", "id")?))?;
    }
    Ok(commit)
}

fn read(row: &QueryResult) -> Result<Part, Error> {
    let body: String = row.try_get("", "body")?;
    serde_json::from_str(&body).map_err(|_| Error::Corrupt { what: "part of a plan" })
}

fn taken(store: &Store, commit: Commit, id: i64) -> Commit {
    commit.guarded(store.statement("DELETE FROM parts WHERE id = $1", [id.into()]))
}
