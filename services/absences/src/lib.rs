//! Registers, marks, and the follow-up of a pupil who is missing without a reason.
//!
//! A class's marks and reasons from home come in through [`api`]; the school-wide close
//! ([`closing`]), by command or at its time, is the moment from which people are told. This service
//! says what happened; it knows no contact and sends no message.
//!
//! Invariant: an `N` without a reason is announced once its register is closed, or it is a person's
//! task, whichever of the two commits comes first. See
//! `an_n_that_meets_the_close_is_announced_exactly_once`.

mod api;
mod closing;
mod directory;
mod domain;
mod reactions;
mod store;

use kit::service::{Parts, Platform};
use kit::store::Migration;
use proto::absences::v1::absences_service_server::AbsencesServiceServer;
use serde::Deserialize;

use api::Api;
use closing::Closer;
use directory::Directory;
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

    async fn build(config: Config, platform: &Platform) -> anyhow::Result<Parts> {
        let closer = Closer {
            store: platform.store.clone(),
            directory: Directory::new(platform.peer("directory")?),
            clock: platform.clock.clone(),
        };
        let when = if config.close_at_register_time { CloseAt::RegisterTime } else { CloseAt::SessionEnd };
        let stop = platform.stop.clone().cancelled_owned();
        Ok(Parts::new()
            .grpc(AbsencesServiceServer::new(Api::new(closer.clone())))
            .reactions(reactions::all())
            .run("closing", closer.run(when, stop)))
    }
}
