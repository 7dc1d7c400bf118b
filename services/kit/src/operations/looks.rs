//! Who looked at or changed what: the audit of one service, newest first.
//!
//! There is no index for it: an entry is written with each look, and read a few times a year. Nothing
//! changes or removes an entry.

use jiff::Timestamp;
use proto::operations::v1 as pb;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tonic::{Response, Status};

use crate::audit;
use crate::clock::{from_micros, micros, to_proto};
use crate::identity::Caller;
use crate::page::Page;
use crate::rejection::{Rejection, failure};
use crate::store::rows::audit as entries;
use crate::store::{Error, Store};

const LONGEST_ID: usize = 100;

pub(super) async fn list(
    store: &Store,
    caller: &Caller,
    request: &pb::ListAuditEntriesRequest,
) -> Result<Response<pb::ListAuditEntriesResponse>, Status> {
    let subject = id(&request.subject)?;
    let (since, until) = (instant(request.since, "since")?, instant(request.until, "until")?);
    let arguments = format!("{} {subject} {} {since:?} {until:?}", caller.tenant, request.who);
    let page = Page::read(request.page_size, &request.page_token, &arguments)?;
    let mut query = entries::Entity::find()
        .filter(entries::Column::Tenant.eq(caller.tenant.to_string()))
        .order_by_desc(entries::Column::Id)
        .limit(page.size + 1);
    if !subject.is_empty() {
        query = query.filter(entries::Column::Subjects.contains(format!("\"{subject}\"")));
    }
    if !request.who.is_empty() {
        query = query.filter(entries::Column::Who.eq(request.who.as_str()));
    }
    if let Some(since) = since {
        query = query.filter(entries::Column::At.gte(micros(since)));
    }
    if let Some(until) = until {
        query = query.filter(entries::Column::At.lte(micros(until)));
    }
    if let Some(after) = page.after.as_deref().and_then(|after| after.parse::<i64>().ok()) {
        query = query.filter(entries::Column::Id.lt(after));
    }
    let found = query.all(store.read()).await.map_err(|error| failure(&Error::from(error)))?;
    let (found, next_page_token) = page.cut(found, |row| row.id.to_string());
    let about: Vec<String> = std::iter::once(subject.to_owned()).filter(|id| !id.is_empty()).collect();
    let audited = audit::look(store, caller, "ListAuditEntries", &about).await?;
    let entry = |row: entries::Model| pb::AuditEntry {
        id: row.id.to_string(),
        at: Some(to_proto(from_micros(row.at))),
        who: row.who,
        rpc: row.rpc,
        subjects: serde_json::from_str(&row.subjects).unwrap_or_default(),
        why: row.why,
    };
    let entries = found.into_iter().map(entry).collect();
    Ok(audited.seal(pb::ListAuditEntriesResponse { entries, next_page_token }))
}

/// An id, or nothing: what no id is made of would be a question of another kind.
fn id(text: &str) -> Result<&str, Rejection> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if text.len() <= LONGEST_ID && text.chars().all(plain) {
        return Ok(text);
    }
    Err(Rejection::invalid("INVALID_ID", "subject", "must be an id"))
}

fn instant(at: Option<prost_types::Timestamp>, field: &'static str) -> Result<Option<Timestamp>, Rejection> {
    let wrong = |_| Rejection::invalid("INVALID_TIME", field, "must be an instant");
    at.map(|at| Timestamp::new(at.seconds, at.nanos).map_err(wrong)).transpose()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proto::options::v1::Role;

    use super::*;
    use crate::Tenant;
    use crate::fixtures::caller;
    use crate::store::Commit;
    use crate::testing::stores;

    async fn rpcs(
        store: &Store,
        caller: &Caller,
        request: pb::ListAuditEntriesRequest,
    ) -> (Vec<String>, String) {
        let answer = list(store, caller, &request).await.unwrap().into_inner();
        (answer.entries.into_iter().map(|entry| entry.rpc).collect(), answer.next_page_token)
    }

    #[tokio::test]
    async fn entries_are_found_by_whom_they_are_about_by_whose_they_are_and_by_time() {
        for test in stores("ear", &[]).await {
            let (store, tenant) = (&test.store, Tenant::generate());
            let (head, office) = (caller(tenant, Role::Head), caller(tenant, Role::Office));
            let office = Caller { subject: "person-office".to_owned(), ..office };
            let began: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
            let at = |minutes| began + SignedDuration::from_mins(minutes);
            for (who, rpc, subjects, minutes) in [
                (&head, "GetPupil", vec!["pup_1", "con_1"], 0),
                (&office, "UpdateContact", vec!["con_1"], 1),
                (&office, "GetPupil", vec!["pup_10"], 2),
            ] {
                let subjects: Vec<String> = subjects.into_iter().map(str::to_owned).collect();
                store.commit(Commit::new().audit(who, rpc, &subjects, at(minutes))).await.unwrap();
            }
            let stranger = caller(Tenant::generate(), Role::Head);
            let nothing = pb::ListAuditEntriesRequest::default();
            assert!(rpcs(store, &stranger, nothing.clone()).await.0.is_empty(), "another tenant's");
            assert_eq!(rpcs(store, &head, nothing).await.0, ["GetPupil", "UpdateContact", "GetPupil"]);
            let about = |subject: &str| pb::ListAuditEntriesRequest {
                subject: subject.to_owned(),
                ..Default::default()
            };
            assert_eq!(rpcs(store, &head, about("pup_1")).await.0, ["GetPupil"], "not pup_10");
            assert_eq!(rpcs(store, &head, about("con_1")).await.0, ["UpdateContact", "GetPupil"]);
            let whose = pb::ListAuditEntriesRequest { who: office.subject.clone(), ..Default::default() };
            assert_eq!(rpcs(store, &head, whose.clone()).await.0, ["GetPupil", "UpdateContact"]);
            let since = pb::ListAuditEntriesRequest { since: Some(to_proto(at(2))), ..whose.clone() };
            assert_eq!(rpcs(store, &head, since).await.0, ["GetPupil"]);
            let until = pb::ListAuditEntriesRequest { until: Some(to_proto(at(1))), ..whose.clone() };
            assert_eq!(rpcs(store, &head, until).await.0, ["UpdateContact"]);
            let (first, token) =
                rpcs(store, &head, pb::ListAuditEntriesRequest { page_size: 1, ..whose.clone() }).await;
            let rest = pb::ListAuditEntriesRequest { page_size: 1, page_token: token, ..whose };
            let (second, token) = rpcs(store, &head, rest).await;
            assert_eq!(
                (first, second, token.is_empty()),
                (vec!["GetPupil".to_owned()], vec!["UpdateContact".to_owned()], true)
            );
            for bad in ["pup_%", "\"", "x y"] {
                assert!(list(store, &head, &about(bad)).await.is_err(), "{bad}");
            }
            let looked = pb::ListAuditEntriesRequest { who: head.subject.clone(), ..about("con_1") };
            assert_eq!(
                rpcs(store, &head, looked).await.0,
                ["ListAuditEntries", "GetPupil"],
                "looking is written down too"
            );
        }
    }

    #[tokio::test]
    async fn a_reason_stands_beside_what_it_was_given_for() {
        for test in stores("ear", &[]).await {
            let (store, head) = (&test.store, caller(Tenant::generate(), Role::Head));
            let now = store.clock().now();
            let looked = Commit::new().audit(&head, "GetPupil", &[], now);
            store.commit(looked.audit_because(&head, "Recall", (&[], "it is not true"), now)).await.unwrap();
            let entries = list(store, &head, &pb::ListAuditEntriesRequest::default()).await.unwrap();
            let entries = entries.into_inner().entries;
            let reasons: Vec<_> =
                entries.iter().map(|entry| (entry.rpc.as_str(), entry.why.as_str())).collect();
            assert_eq!(reasons, [("Recall", "it is not true"), ("GetPupil", "")], "{}", test.backend);
        }
    }
}
