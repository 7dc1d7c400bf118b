//! The school's calendar, and the closures that break it.
//!
//! Days without pupils and closures come in through [`api`]; the terms and the school's clocks are the
//! directory's. A closure is said the moment it is declared, changed and ended; who is told, and in
//! which words, is the dispatcher's. A closure that nobody ends is asked about by [`to_end`].
//!
//! Invariant: two closures that concern the same pupil never have a day in common, however closely
//! they are declared. See `of_two_closures_that_overlap_one_is_refused`.

mod api;
mod directory;
mod domain;
mod reactions;
mod store;
mod to_end;

use kit::service::{Parts, Platform};
use kit::store::Migration;
use proto::scheduling::v1::scheduling_service_server::SchedulingServiceServer;
use serde::Deserialize;

use api::Api;
use directory::Directory;
use reactions::Hearer;
use to_end::Asker;

/// The settings of `[scheduling]`: none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// The service.
#[derive(Debug, Clone, Copy)]
pub struct Scheduling;

impl kit::service::Service for Scheduling {
    const NAME: &'static str = "scheduling";
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    type Config = Config;

    async fn build(Config {}: Config, platform: &Platform) -> anyhow::Result<Parts> {
        let api = Api {
            store: platform.store.clone(),
            directory: Directory::new(platform.peer("directory")?),
            clock: platform.clock.clone(),
        };
        let hearer = Hearer { store: platform.store.clone(), clock: platform.clock.clone() };
        let asker = Asker::of(&api);
        let stop = platform.stop.clone().cancelled_owned();
        Ok(Parts::new()
            .grpc(SchedulingServiceServer::new(api))
            .reactions(reactions::all(&hearer))
            .run("closures_to_end", asker.run(stop)))
    }
}
