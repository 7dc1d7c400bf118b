//! What left although the directory could not be asked: written before it leaves, because somebody
//! may ask afterwards why it went.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use serde_json::json;

use super::json_rows;
use crate::domain::Reason;
use crate::domain::plan::Member;

/// Whom a message tells that goes to an address as it was known.
#[derive(Debug, Clone)]
pub struct Uncleared {
    /// Its gathering.
    pub gathering: String,
    /// Whom it tells about whom.
    pub members: BTreeSet<Member>,
}

/// Writes it down as a decision about each of them, once for a gathering however often it is tried,
/// together with what people must do because of it.
pub async fn write(
    store: &Store,
    uncleared: &[Uncleared],
    tasks: Vec<NewTask>,
    now: Timestamp,
) -> Result<(), Error> {
    if uncleared.is_empty() {
        return Ok(());
    }
    let members = uncleared.iter().flat_map(|one| {
        one.members.iter().map(|(contact, pupil)| {
            let (contact, pupil) = (contact.to_string(), pupil.to_string());
            json!({ "gathering": one.gathering, "contact": contact, "pupil": pupil })
        })
    });
    let members = members.collect::<Vec<_>>();
    let sql = format!(
        "INSERT INTO decisions (gathering_id, contact_id, pupil_id, why, at) \
         SELECT DISTINCT j.gathering, j.contact, j.pupil, $2, $3 FROM {} WHERE NOT EXISTS \
         (SELECT 1 FROM decisions d WHERE d.gathering_id = j.gathering AND d.pupil_id = j.pupil \
         AND d.contact_id = j.contact AND d.why = $2)",
        json_rows(store.backend(), &[("gathering", "TEXT"), ("contact", "TEXT"), ("pupil", "TEXT")])
    );
    let values = [json!(members).to_string().into(), Reason::NotCleared.code().into(), micros(now).into()];
    let commit = Commit::new().execute(store.statement(&sql, values));
    store.commit(tasks.into_iter().fold(commit, Commit::task)).await.map(|_| ())
}
