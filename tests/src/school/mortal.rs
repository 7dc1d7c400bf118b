//! A school whose processes may die at any moment. Whoever asks one of them asks again, with the request
//! that it had: a `request_id` has its effect once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kit::config::Secret;
use kit::faults::Fault;
use proto::ids::SchoolId;
use schoolbell::app;
use tokio::time::Instant;
use tonic::{Code, Response, Status};

use super::{Home, School};
use crate::Roster;
use crate::apart::mortal::{Layout, Mortal};
use crate::installation::{GATHERS, Installation};
use crate::wait::PATIENCE;

impl School {
    /// Starts a school in which these faults are set. Who dies is put back in its place only
    /// [meanwhile](Mortal::meanwhile).
    pub async fn start_mortal(layout: Layout, roster: Roster, faults: &[Fault]) -> Self {
        app::choose_tls();
        let data = tempfile::tempdir().unwrap();
        let phones =
            simulator::start(simulator::Options::new(data.path().join("phones.jsonl"))).await.unwrap();
        let token = Secret::random();
        let installation = Installation {
            folder: data.path(),
            backend: layout.backend,
            phones: &phones,
            receipts_token: &token,
            gathers: GATHERS,
        };
        let home = Arc::new(Mortal::start(layout, installation, faults).await);
        let mut school = Self {
            id: SchoolId::generate(),
            phones,
            pupils: BTreeMap::new(),
            classes: BTreeMap::new(),
            channel: home.channel("directory"),
            http: home.receipts_to(),
            roster,
            signer: home.signer(),
            elsewhere: [("dispatcher".to_owned(), home.channel("dispatcher"))].into(),
            home: Home::Mortal(Arc::clone(&home)),
            receipts_token: token,
            data,
        };
        school.take_receipts();
        home.meanwhile(school.import()).await;
        school
    }

    /// Its processes.
    ///
    /// # Panics
    /// When they are not ones that may die.
    pub fn mortal(&self) -> &Arc<Mortal> {
        let mortal = match &self.home {
            Home::Mortal(mortal) => Some(mortal),
            Home::Here(_) | Home::Apart(_) | Home::Protected(_) | Home::Overheard(_) => None,
        };
        mortal.expect("processes that may die")
    }

    /// Asks until it is answered. Those who may die are asked again when they do not answer; anybody
    /// else is asked once.
    ///
    /// # Panics
    /// When the answer is a refusal, or when there is none for too long.
    pub async fn answered<T>(&self, ask: impl AsyncFn() -> Result<Response<T>, Status>) -> T {
        let (mut ticks, deadline) =
            (tokio::time::interval(Duration::from_millis(100)), Instant::now() + PATIENCE);
        let may_die = matches!(self.home, Home::Mortal(_));
        loop {
            ticks.tick().await;
            match ask().await {
                Ok(answer) => return answer.into_inner(),
                // A connection that breaks in the middle of an answer is called unknown.
                Err(status)
                    if may_die
                        && matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled)
                        && Instant::now() < deadline => {}
                Err(status) => assert_eq!(status.code(), Code::Ok, "{status:?}"),
            }
        }
    }
}
