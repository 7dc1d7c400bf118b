//! A command is done once, however often it is sent: its answer is stored with its effect under
//! the caller's `request_id`.

use std::future::Future;

use prost::Message;
use sea_orm::DbErr;
use tonic::{Response, Status};

use super::together::{Kind, Together};
use super::{Answer, Commit, Committed, Error, Store};
use crate::audit::Audited;
use crate::clock::micros;
use crate::fingerprint;
use crate::identity::Caller;
use crate::rejection::{Rejection, failure};

/// How often a command decides again when others change what it decided on. Of those that meet,
/// one at least goes through each time, so this is how many may meet.
const TRIES: usize = 50;

/// One call of a command.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Who calls.
    pub caller: &'a Caller,
    /// The RPC's name; the same `request_id` for another RPC is a mistake.
    pub rpc: &'static str,
    /// The caller's `request_id`: any text of 8 to 100 characters, a UUID by custom.
    pub request_id: &'a str,
}

/// Answers a repeated request from memory, or lets `decide` read, decide and say what to commit;
/// again when what it decided on has changed meanwhile. For a decision that does something itself, or
/// that costs much: who has had an answer is not decided about again.
pub async fn once<Req, Res, Decide, Deciding>(
    store: &Store,
    call: Call<'_>,
    request: &Req,
    decide: Decide,
) -> Result<Response<Res>, Status>
where
    Req: Message,
    Res: Message + Default,
    Decide: Fn() -> Deciding + Send + Sync,
    Deciding: Future<Output = Result<(Commit, Res), Status>> + Send,
{
    check_request_id(call.request_id)?;
    let fingerprint = content(call, request);
    match stored(store, call, &fingerprint).await? {
        Some(answer) => Ok(answer),
        None => try_often(store, call, &fingerprint, decide).await,
    }
}

/// The same for a decision that only reads. It is taken first: the commit finds out by itself whether the
/// request has had an answer, and only then is that looked up.
pub async fn decide_once<Req, Res, Decide, Deciding>(
    store: &Store,
    call: Call<'_>,
    request: &Req,
    decide: Decide,
) -> Result<Response<Res>, Status>
where
    Req: Message,
    Res: Message + Default,
    Decide: Fn() -> Deciding + Send + Sync,
    Deciding: Future<Output = Result<(Commit, Res), Status>> + Send,
{
    check_request_id(call.request_id)?;
    try_often(store, call, &content(call, request), decide).await
}

async fn try_often<Res, Decide, Deciding>(
    store: &Store,
    call: Call<'_>,
    fingerprint: &str,
    decide: Decide,
) -> Result<Response<Res>, Status>
where
    Res: Message + Default,
    Decide: Fn() -> Deciding + Send + Sync,
    Deciding: Future<Output = Result<(Commit, Res), Status>> + Send,
{
    for _ in 0..TRIES {
        let (commit, answer) = match decide().await {
            Ok(decided) => decided,
            // What stands now may be what this very request has made of it.
            Err(refused) => return stored(store, call, fingerprint).await?.ok_or(refused),
        };
        let audited = commit.is_audited();
        let commit = commit.answer(Answer {
            tenant: call.caller.tenant.to_string(),
            request_id: call.request_id.to_owned(),
            fingerprint: fingerprint.to_owned(),
            bytes: answer.encode_to_vec(),
            audited,
            answered_at: micros(store.clock().real()),
        });
        match store.commit(commit).await {
            Ok(Committed::Now) => return Ok(respond(answer, audited)),
            // This request, or a twin of it that was faster, has had its answer.
            Ok(Committed::Before) => {
                if let Some(answer) = stored(store, call, fingerprint).await? {
                    return Ok(answer);
                }
            }
            Err(Error::Conflict) => {}
            Err(error) => return Err(failure(&error)),
        }
    }
    Err(Rejection::new(tonic::Code::Aborted, "BUSY", "others keep changing the same thing; try again").into())
}

/// An answer that no audit entry went with stays without a seal however often it is asked for.
fn respond<Res>(answer: Res, audited: bool) -> Response<Res> {
    if audited { Audited::written().seal(answer) } else { Response::new(answer) }
}

fn check_request_id(request_id: &str) -> Result<(), Rejection> {
    let characters = request_id.chars().count();
    if (8..=100).contains(&characters) && !request_id.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Rejection::invalid("INVALID_REQUEST_ID", "request_id", "must have 8 to 100 characters; use a UUID"))
}

/// Who asks belongs to what is asked: nobody gets somebody else's answer.
fn content<Req: Message>(call: Call<'_>, request: &Req) -> String {
    fingerprint::of(&[call.rpc.as_bytes(), call.caller.subject.as_bytes(), &request.encode_to_vec()])
}

static STORED: Together = Together::new(
    "SELECT j.place, answers.fingerprint, answers.answer, answers.audited FROM {{rows}} CROSS JOIN answers \
     WHERE answers.tenant = j.tenant AND answers.request_id = j.request_id",
    &[("tenant", Kind::Text), ("request_id", Kind::Text)],
);

async fn stored<Res: Message + Default>(
    store: &Store,
    call: Call<'_>,
    fingerprint: &str,
) -> Result<Option<Response<Res>>, Status> {
    let key = [call.caller.tenant.to_string().into(), call.request_id.into()];
    let rows = store.ask(&STORED, key).await.map_err(|error| failure(&error))?;
    let Some(row) = rows.first() else { return Ok(None) };
    let fault = |error: DbErr| failure(&Error::from(error));
    if row.try_get_by_index::<String>(1).map_err(fault)? != fingerprint {
        return Err(Rejection::invalid(
            "REQUEST_ID_REUSED",
            "request_id",
            "was used before for a request with other content",
        )
        .into());
    }
    let answer: Vec<u8> = row.try_get_by_index(2).map_err(fault)?;
    let answer = Res::decode(answer.as_slice()).map_err(|_| failure(&Error::Corrupt { what: "answer" }))?;
    Ok(Some(respond(answer, row.try_get_by_index(3).map_err(fault)?)))
}
