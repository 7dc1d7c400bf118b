//! Who looked at or changed which person's data, written in the owning service: with a change in
//! its transaction, and before an answer is given.
//!
//! The [gate](crate::identity::Gate) withholds the answer of an audited RPC that carries no
//! [`Audited`], so forgetting is loud.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use prost::Message;
use tonic::{Response, Status};

use crate::clock::micros;
use crate::identity::Caller;
use crate::rejection::failure;
use crate::store::{Commit, Row, Store};

/// The proof that an audit entry was written. Only this crate makes one.
#[derive(Debug, Clone, Copy)]
pub struct Audited(());

impl Audited {
    pub(crate) fn written() -> Self {
        Self(())
    }

    /// Nobody's data is in the answer, so there is nothing to write down.
    pub(crate) fn nobody_seen() -> Self {
        Self(())
    }

    /// The answer, with the proof for the gate.
    pub fn seal<T>(self, answer: T) -> Response<T> {
        let mut response = Response::new(answer);
        response.extensions_mut().insert(self);
        response
    }
}

/// Who has looked at what in the present minute of the service's clock, as far as this process has written it down.
#[derive(Default)]
pub(crate) struct Looks(Mutex<(i64, HashSet<String>)>);

/// How many looks of a minute are remembered; then they are written down again.
const MOST: usize = 10_000;

impl Looks {
    fn of(&self, minute: i64) -> MutexGuard<'_, (i64, HashSet<String>)> {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if looks.0 != minute || looks.1.len() >= MOST {
            *looks = (minute, HashSet::new());
        }
        looks
    }
}

/// Writes down that a caller is about to see these subjects.
pub async fn look(store: &Store, caller: &Caller, rpc: &str, subjects: &[String]) -> Result<Audited, Status> {
    let commit = Commit::new().audit(caller, rpc, subjects, store.clock().now());
    store.commit(commit).await.map_err(|error| failure(&error))?;
    Ok(Audited::written())
}

/// The same of what was read once and is shown again: an entry stands for every look of its minute at the same
/// [reading](crate::store::Reading). A page that looks again by itself says no more about who looked at whom.
pub(crate) async fn look_at(
    store: &Store,
    caller: &Caller,
    (rpc, reading): (&str, u64),
    subjects: &[String],
) -> Result<Audited, Status> {
    let minute = store.clock().now().as_second().div_euclid(60);
    let look = format!("{} {rpc} {reading} {}", caller.tenant, caller.subject);
    if store.looks().of(minute).1.contains(&look) {
        return Ok(Audited::written());
    }
    let audited = self::look(store, caller, rpc, subjects).await?;
    store.looks().of(minute).1.insert(look);
    Ok(audited)
}

/// Answers what somebody looks at, and writes the look down first. `read` gives the answer and whose data is in it;
/// what it has read is [kept](Store::kept) for everybody of the school who asks the same. What the answer depends on
/// beside the request stands in `on`: the day, say.
pub async fn show<Req, A, Read>(
    store: &Store,
    caller: &Caller,
    (rpc, request, on): (&'static str, &Req, &str),
    read: impl FnOnce() -> Read + Send,
) -> Result<Response<A>, Status>
where
    Req: Message,
    A: Clone + Send + Sync + 'static,
    Read: Future<Output = Result<(A, Vec<String>), Status>> + Send,
{
    let mut question = format!("{} {on} ", caller.tenant).into_bytes();
    request.encode(&mut question).map_err(|_| Status::internal("the request cannot be written down"))?;
    let reading = store.kept((rpc, question), read).await?;
    let (answer, subjects) = &reading.answer;
    let audited = look_at(store, caller, (rpc, reading.number), subjects).await?;
    Ok(audited.seal(answer.clone()))
}

pub(crate) fn row(caller: &Caller, rpc: &str, (subjects, why): (&[String], &str), at: Timestamp) -> Row {
    Row::of([
        caller.tenant.to_string().into(),
        micros(at).into(),
        caller.subject.as_str().into(),
        rpc.into(),
        serde_json::json!(subjects).to_string().into(),
        why.into(),
    ])
}
