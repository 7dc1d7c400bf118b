//! `OperationsService`, the same on every gRPC port: dead letters, putting them through again, who looked
//! at what ([`looks`]), and the story of a fact ([`trace`]).

mod looks;
pub mod trace;

use std::collections::BTreeMap;

use proto::operations::v1 as pb;
use proto::operations::v1::operations_service_server::OperationsService;
use proto::options::v1::Role;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tonic::{Code, Request, Response, Status};

use crate::audit;
use crate::bus::reaction::put_through;
use crate::bus::{Handler, Raw, Verdict};
use crate::clock::{from_micros, micros, to_proto};
use crate::identity::Caller;
use crate::page::Page;
use crate::rejection::{Rejection, failure};
use crate::store::{Call, Commit, Error, Store, once, rows};

/// How one service's dead letters are replayed.
#[derive(Clone)]
pub struct Drawer {
    pub(crate) store: Store,
    /// By the consumer's name, and the fact where a consumer has several.
    pub(crate) handlers: BTreeMap<(String, String), Handler>,
    /// What the service adds to the story of a fact.
    pub(crate) tracer: Option<trace::Tracer>,
}

/// The dead letters of every service in this process.
#[derive(Clone)]
pub struct DeadLetterOffice {
    drawers: BTreeMap<&'static str, Drawer>,
}

impl DeadLetterOffice {
    pub(crate) fn new(drawers: BTreeMap<&'static str, Drawer>) -> Self {
        Self { drawers }
    }

    fn of(&self, service: &str) -> Result<&Drawer, Rejection> {
        self.drawers.get(service).ok_or_else(|| {
            Rejection::invalid("UNKNOWN_SERVICE", "service", "no service of that name answers here")
        })
    }
}

impl Drawer {
    fn handler(&self, letter: &rows::dead_letters::Model) -> Option<&Handler> {
        let fact = letter.subject.split('.').nth(2).unwrap_or_default();
        let exact = (letter.consumer.clone(), fact.to_owned());
        let any = (letter.consumer.clone(), String::new());
        self.handlers.get(&exact).or_else(|| self.handlers.get(&any))
    }
}

fn to_pb(row: rows::dead_letters::Model) -> pb::DeadLetter {
    pb::DeadLetter {
        id: row.id,
        consumer: row.consumer,
        subject: row.subject,
        event_id: row.event_id.unwrap_or_default(),
        why: row.why,
        died_at: Some(to_proto(from_micros(row.died_at))),
        replayed_at: row.replayed_at.map(|at| to_proto(from_micros(at))),
        erased_at: row.erased_at.map(|at| to_proto(from_micros(at))),
    }
}

/// A letter of no readable tenant may be about anybody's: only a trust administrator sees it.
fn visible(caller: &Caller) -> Condition {
    let own = Condition::any().add(rows::dead_letters::Column::Tenant.eq(caller.tenant.to_string()));
    if caller.is(Role::TrustAdministrator) {
        return own.add(rows::dead_letters::Column::Tenant.is_null());
    }
    own
}

fn still_refused(verdict: Verdict) -> Rejection {
    match verdict {
        Verdict::Away(_) => Rejection::new(
            Code::Unavailable,
            "TRY_AGAIN",
            "the database cannot be reached just now; try again",
        ),
        Verdict::Retry(why) | Verdict::Poison(why) => {
            Rejection::precondition("STILL_REFUSED", format!("it was refused again: {why}"))
        }
    }
}

#[tonic::async_trait]
impl OperationsService for DeadLetterOffice {
    async fn list_dead_letters(
        &self,
        request: Request<pb::ListDeadLettersRequest>,
    ) -> Result<Response<pb::ListDeadLettersResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let drawer = self.of(&request.service)?;
        let arguments = format!("{} {}", caller.tenant, request.service);
        let page = Page::read(request.page_size, &request.page_token, &arguments)?;
        let mut query = rows::dead_letters::Entity::find()
            .filter(visible(&caller))
            .order_by_desc(rows::dead_letters::Column::Id)
            .limit(page.size + 1);
        if let Some(after) = &page.after {
            query = query.filter(rows::dead_letters::Column::Id.lt(after.as_str()));
        }
        let found = query.all(drawer.store.read()).await.map_err(|error| failure(&Error::from(error)))?;
        let (found, next_page_token) = page.cut(found, |row| row.id.clone());
        let subjects: Vec<String> = found.iter().map(|row| row.id.clone()).collect();
        let audited = audit::look(&drawer.store, &caller, "ListDeadLetters", &subjects).await?;
        let dead_letters = found.into_iter().map(to_pb).collect();
        Ok(audited.seal(pb::ListDeadLettersResponse { dead_letters, next_page_token }))
    }

    async fn replay_dead_letter(
        &self,
        request: Request<pb::ReplayDeadLetterRequest>,
    ) -> Result<Response<pb::ReplayDeadLetterResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let drawer = self.of(&request.service)?;
        let store = &drawer.store;
        let call = Call { caller: &caller, rpc: "ReplayDeadLetter", request_id: &request.request_id };
        once(store, call, &request, || async {
            let mut letter = rows::dead_letters::Entity::find_by_id(request.dead_letter_id.clone())
                .filter(visible(&caller))
                .one(store.read())
                .await
                .map_err(|error| failure(&Error::from(error)))?
                .ok_or_else(|| Rejection::not_found("UNKNOWN_DEAD_LETTER", "there is no such dead letter"))?;
            if letter.replayed_at.is_some() {
                return Err(Rejection::precondition("ALREADY_REPLAYED", "this letter was put through").into());
            }
            if let Some(at) = letter.erased_at {
                let words = "its content was erased, because it was kept for long enough";
                let refused = Rejection::precondition("ERASED", words);
                return Err(refused.with("erased_at", from_micros(at).to_string()).into());
            }
            let handler = drawer.handler(&letter).ok_or_else(|| {
                Rejection::precondition("NO_HANDLER", "nobody here takes this kind any more")
            })?;
            let raw = Raw { subject: letter.subject.clone(), body: letter.body.clone() };
            put_through(store, handler, raw).await.map_err(still_refused)?;
            let now = store.clock().now();
            letter.replayed_at = Some(micros(now));
            let change = "UPDATE dead_letters SET replayed_at = $1 WHERE id = $2";
            let commit = Commit::new()
                .execute(store.statement(change, [micros(now).into(), letter.id.clone().into()]))
                .audit(&caller, "ReplayDeadLetter", std::slice::from_ref(&letter.id), now);
            Ok((commit, pb::ReplayDeadLetterResponse { dead_letter: Some(to_pb(letter)) }))
        })
        .await
    }

    async fn list_audit_entries(
        &self,
        request: Request<pb::ListAuditEntriesRequest>,
    ) -> Result<Response<pb::ListAuditEntriesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let drawer = self.of(&request.service)?;
        looks::list(&drawer.store, &caller, &request).await
    }

    async fn trace(&self, request: Request<pb::TraceRequest>) -> Result<Response<pb::TraceResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let drawer = self.of(&request.service)?;
        trace::trace(drawer, &caller, request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trying_again_may_help_is_called_unavailable() {
        for (verdict, code, reason) in [
            (Verdict::Away("no connection".to_owned()), Code::Unavailable, "TRY_AGAIN"),
            (Verdict::Retry("not yet".to_owned()), Code::FailedPrecondition, "STILL_REFUSED"),
            (Verdict::Poison("never".to_owned()), Code::FailedPrecondition, "STILL_REFUSED"),
        ] {
            let refused = still_refused(verdict);
            assert_eq!(refused.reason(), reason);
            assert_eq!(Status::from(refused).code(), code);
        }
    }
}
