//! What was open when the data was put back to an earlier state: it may have been sent since, so
//! nothing of it is sent by itself any more. Each gathering becomes a person's task.
//!
//! [`hold_back`] is written while nothing runs, together with the mark of the restore. Receipts of
//! the time before may still come; [`instead`] keeps them from starting another step.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use proto::ids::{DeliveryId, PupilId, SchoolId};
use proto::options::v1::Role;
use sea_orm::ConnectionTrait;

use super::{parsed, parts};
use crate::domain::person::not_reached;
use crate::domain::plan::{Decision, Later, Plan};
use crate::domain::{NoticeKind, Reason};

/// Gatherings that had not left, that had messages or later steps to come, or in which somebody was
/// still to hear that a pupil is in school.
const OPEN: &str = "SELECT id FROM gatherings WHERE state = 'open' \
     UNION SELECT gathering_id FROM parts UNION SELECT gathering_id FROM deliveries \
     WHERE chunk_id IS NOT NULL OR next_address OR patience_until IS NOT NULL \
     UNION SELECT n.gathering_id FROM notices n JOIN members m ON m.notice_id = n.id \
     WHERE n.state = 'withdrawn' AND n.why = 'ARRIVED' AND m.told AND m.corrected_by IS NULL";

/// Stops everything that is open, and asks a person about each gathering.
pub async fn hold_back(store: &Store, now: Timestamp) -> Result<Commit, Error> {
    let mut commit = parts::all_at_once(store, Commit::new()).await?;
    for task in tasks(store, now).await? {
        commit = commit.task(task);
    }
    let at = micros(now);
    let restored = Reason::Restored.code();
    let corrected = "UPDATE members SET corrected_by = $1 WHERE told AND corrected_by IS NULL AND notice_id IN \
                     (SELECT id FROM notices WHERE state = 'withdrawn' AND why = 'ARRIVED')";
    let decided = "INSERT INTO decisions (gathering_id, pupil_id, why, at) \
                   SELECT gathering_id, COALESCE(pupil_id, ''), $1, $2 FROM notices WHERE state = 'gathering'";
    // Nothing of an exercise had left, and nothing will.
    let drilled = "UPDATE deliveries SET state = 'drill', why = $1, updated_at = $2, chunk_id = NULL, \
                   next_address = FALSE, patience_until = NULL WHERE chunk_id IS NOT NULL \
                   AND gathering_id IN (SELECT id FROM gatherings WHERE drill)";
    // Whoever may have been told is told when it turns out to be wrong.
    let told = "UPDATE members SET told = TRUE WHERE why = '' AND delivery_id IN \
                (SELECT id FROM deliveries WHERE chunk_id IS NOT NULL)";
    let unknown = "UPDATE deliveries SET state = 'unknown', why = $1, updated_at = $2, chunk_id = NULL, \
                   next_address = FALSE, patience_until = NULL WHERE chunk_id IS NOT NULL";
    let steps = "UPDATE deliveries SET next_address = FALSE, patience_until = NULL \
                 WHERE next_address OR patience_until IS NOT NULL";
    Ok(commit
        .execute(store.statement(corrected, [restored.into()]))
        .execute(store.statement(decided, [restored.into(), at.into()]))
        .execute(store.statement("UPDATE notices SET state = 'planned' WHERE state = 'gathering'", []))
        .execute(store.statement("UPDATE gatherings SET state = 'left' WHERE state = 'open'", []))
        .execute(store.statement(drilled, [Reason::Exercise.code().into(), at.into()]))
        .execute(store.statement(told, []))
        .execute(store.statement(unknown, [restored.into(), at.into()]))
        .execute(store.statement(steps, []))
        .execute(store.statement("DELETE FROM chunks", [])))
}

async fn tasks(store: &Store, now: Timestamp) -> Result<Vec<NewTask>, Error> {
    let sql = format!(
        "SELECT school, gathering_id, subject, pupil_id FROM notices WHERE gathering_id IN ({OPEN}) \
         AND gathering_id NOT IN (SELECT id FROM gatherings WHERE drill) ORDER BY id"
    );
    let mut open: BTreeMap<String, (SchoolId, BTreeSet<String>)> = BTreeMap::new();
    for row in store.read().query_all_raw(store.statement(&sql, [])).await? {
        let school: String = row.try_get("", "school")?;
        let school = parsed(&school, "school of a notice")?;
        let pupil: Option<String> = row.try_get("", "pupil_id")?;
        let subjects = [Some(row.try_get("", "subject")?), pupil];
        let (_, about) =
            open.entry(row.try_get("", "gathering_id")?).or_insert_with(|| (school, BTreeSet::new()));
        about.extend(subjects.into_iter().flatten());
    }
    let due = (now, SignedDuration::from_mins(15));
    let task = |(gathering, (school, about)): (String, (SchoolId, BTreeSet<String>))| {
        NewTask::new(school, "restored", Role::Office, due)
            .because(
                "this may have been sent before the data was put back to an earlier state, and is not sent by \
                 itself any more: see who knows of it, and redeliver it to those who do not",
            )
            .once(format!("restored:{gathering}:{}", micros(now)))
            .about(std::iter::once(gathering).chain(about))
    };
    Ok(open.into_iter().map(task).collect())
}

/// Whether a delivery was planned before the data was put back.
#[must_use]
pub fn was_planned_before(store: &Store, delivery: &str) -> bool {
    let planned_at = delivery.parse::<DeliveryId>().ok().and_then(|id| {
        let (seconds, nanos) = id.uuid().get_timestamp()?.to_unix();
        Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
    });
    planned_at.is_some_and(|planned_at| store.is_before_a_restore(planned_at))
}

/// The later step of such a delivery: a person's, because it may have been taken before.
#[must_use]
pub fn instead(kind: NoticeKind, later: &Later) -> Plan {
    let mut plan = Plan::default();
    for (contact, pupil) in &later.members {
        let (contact, pupil): (_, PupilId) = (*contact, *pupil);
        plan.decisions.push(Decision { contact: Some(contact), pupil, reason: Reason::Restored });
        plan.tasks.push(not_reached(kind, contact, pupil));
    }
    plan
}
