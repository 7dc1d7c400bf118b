//! Registers, marks, and the follow-up of a pupil who is missing without a reason.
//!
//! A class's marks and reasons from home come in through [`api`]; the school-wide close
//! ([`closing`]), by command or at its time, is the moment from which people are told; a closure of
//! the school ([`closures`]) ends the follow-up of those whom it covers. This service says what
//! happened; it knows no contact and sends no message.
//!
//! Invariant: an `N` without a reason is announced once its register is closed, or it is a person's
//! task, whichever of the two commits comes first. See
//! `an_n_that_meets_the_close_is_announced_exactly_once`.

mod api;
mod closing;
mod closures;
mod directory;
mod domain;
mod not_closed;
mod reactions;
mod scheduling;
mod store;

use std::sync::Arc;

use jiff::Timestamp;
use kit::service::{Parts, Platform};
use kit::store::{Commit, Error, Migration, Store};
use proto::absences::v1::absences_service_server::AbsencesServiceServer;
use serde::Deserialize;
use tokio::sync::Notify;

use api::Api;
use closing::Closer;
use directory::Directory;
use reactions::Hearer;
use scheduling::Scheduling;
use store::read::CloseAt;

/// The settings of `[absences]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Closes a session that has a register at the school's register time. When it is off a person
    /// closes; what nobody has closed is closed when the session ends, and its cases become tasks.
    pub close_at_register_time: bool,
}

/// The service.
#[derive(Debug, Clone, Copy)]
pub struct Absences;

impl kit::service::Service for Absences {
    const NAME: &'static str = "absences";
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    type Config = Config;

    async fn hold_back(store: &Store, now: Timestamp) -> Result<Commit, Error> {
        closing::hold_back(store, now).await
    }

    async fn build(config: Config, platform: &Platform) -> anyhow::Result<Parts> {
        let closer = Closer {
            store: platform.store.clone(),
            directory: Directory::new(platform.peer("directory")?),
            scheduling: Scheduling::new(platform.peer("scheduling")?),
            clock: platform.clock.clone(),
            closures: Arc::new(Notify::new()),
        };
        let hearer = Hearer {
            store: closer.store.clone(),
            directory: closer.directory.clone(),
            closures: Arc::clone(&closer.closures),
        };
        let when = if config.close_at_register_time { CloseAt::RegisterTime } else { CloseAt::SessionEnd };
        let stop = platform.stop.clone().cancelled_owned();
        Ok(Parts::new()
            .grpc(AbsencesServiceServer::new(Api::new(closer.clone())))
            .reactions(reactions::all(&hearer))
            .run("closing", closer.run(when, stop)))
    }
}
