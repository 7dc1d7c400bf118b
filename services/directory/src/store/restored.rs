//! The directory was put back to an earlier state: whatever was changed since is not known, and
//! somebody may stand as entitled who was barred in between. That is a person's task at once.

use jiff::{SignedDuration, Timestamp};
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use kit::tasks::NewTask;
use proto::ids::SchoolId;
use proto::options::v1::Role;
use sea_orm::EntityTrait;

use super::rows::{read, schools};

/// A task for each school.
pub async fn hold_back(store: &Store, now: Timestamp) -> Result<Commit, Error> {
    let mut commit = Commit::new();
    for row in schools::Entity::find().all(store.read()).await? {
        let school: SchoolId = read("id of a school", row.id.parse().ok())?;
        let due = (now, SignedDuration::from_mins(15));
        let task = NewTask::new(school, "restored", Role::DesignatedSafeguardingLead, due)
            .because(
                "the data was put back to an earlier state: restrictions, person-only decisions and addresses that \
                 were changed since are not known; enter them again before anybody is told anything",
            )
            .once(format!("restored:{}", micros(now)));
        commit = commit.task(task);
    }
    Ok(commit)
}
