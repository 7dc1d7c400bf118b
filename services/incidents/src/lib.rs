//! Accidents and the first aid that was given.
//!
//! A person who was there writes the accident down through [`api`]; what goes home is said as a
//! fact in the same commit, and the people at home are told by those who hear it. This service
//! knows no contact and sends no message.
//!
//! Invariant: every version of an account is kept, the newest is what stands, and each version is
//! said at most once. See `any_sequence_keeps_the_versions_and_the_last_account`.

mod api;
mod directory;
mod domain;
mod reactions;
mod store;

use kit::service::{Parts, Platform};
use kit::store::Migration;
use proto::incidents::v1::incidents_service_server::IncidentsServiceServer;
use serde::Deserialize;

use api::Api;
use directory::Directory;

/// The settings of `[incidents]`: there are none yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// The service.
#[derive(Debug, Clone, Copy)]
pub struct Incidents;

impl kit::service::Service for Incidents {
    const NAME: &'static str = "incidents";
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    type Config = Config;

    async fn build(Config {}: Config, platform: &Platform) -> anyhow::Result<Parts> {
        let api = Api {
            store: platform.store.clone(),
            directory: Directory::new(platform.peer("directory")?),
            clock: platform.clock.clone(),
        };
        Ok(Parts::new().grpc(IncidentsServiceServer::new(api)).reactions(reactions::all()))
    }
}
