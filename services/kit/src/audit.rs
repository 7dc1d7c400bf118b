//! Who looked at or changed which person's data, written in the owning service: with a change in
//! its transaction, and before an answer is given.
//!
//! The [gate](crate::identity::Gate) withholds the answer of an audited RPC that carries no
//! [`Audited`], so forgetting is loud.

use jiff::Timestamp;
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

/// Writes down that a caller is about to see these subjects.
pub async fn look(store: &Store, caller: &Caller, rpc: &str, subjects: &[String]) -> Result<Audited, Status> {
    let commit = Commit::new().audit(caller, rpc, subjects, store.clock().now());
    store.commit(commit).await.map_err(|error| failure(&error))?;
    Ok(Audited::written())
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
