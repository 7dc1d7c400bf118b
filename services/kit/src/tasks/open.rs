//! What is still to be done in a school: everybody's home page asks it of every service, so those who ask at once
//! share a statement, and on SQLite those who ask after them, too.

use std::sync::Arc;

use sea_orm::FromQueryResult;

use crate::Tenant;
use crate::store::{Error, Kind, Reading, Store, Together, rows};

/// The earliest first, of each school so many as it is asked for.
static OPEN: Together = Together::new(
    "SELECT place, id, tenant, dedupe, kind, subjects, why, role, opened_at, due_at, state, done_by, outcome FROM \
     (SELECT tasks.*, j.place, j.most, row_number() OVER (PARTITION BY j.place ORDER BY tasks.due_at, tasks.id) AS rank \
     FROM {{rows}} CROSS JOIN tasks WHERE tasks.tenant = j.tenant AND tasks.state IN ('open', 'taken')) AS ranked \
     WHERE rank <= most ORDER BY place, rank",
    &[("tenant", Kind::Text), ("most", Kind::Number)],
);

/// Everything that is to be done in a school. None when it is more than this.
pub(super) async fn at_most(
    store: &Store,
    school: Tenant,
    most: u64,
) -> Result<Arc<Reading<Option<Vec<rows::tasks::Model>>>>, Error> {
    let question = ("open tasks", format!("{school} {most}").into_bytes());
    store.kept(question, || read(store, school, most)).await
}

async fn read(store: &Store, school: Tenant, most: u64) -> Result<Option<Vec<rows::tasks::Model>>, Error> {
    let found = store.ask(&OPEN, [school.to_string().into(), (most + 1).into()]).await?;
    if u64::try_from(found.len()).unwrap_or(u64::MAX) > most {
        return Ok(None);
    }
    let rows = found.iter().map(|row| rows::tasks::Model::from_query_result(row, "").map_err(Error::from));
    rows.collect::<Result<_, _>>().map(Some)
}
