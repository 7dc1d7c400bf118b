//! Schools, pupils, contacts, links and restrictions: who there is, how they can be reached, and what
//! stands against telling them.
//!
//! [`import`] reads a roster, [`domain`] decides, [`store`] keeps, [`api`] answers. The directory asks
//! no other service and hears nothing yet; it says that somebody may be told less than before.

mod api;
mod domain;
mod import;
mod reactions;
mod store;

use jiff::Timestamp;
use kit::config::Mode;
use kit::service::{Parts, Platform, Service};
use kit::store::{Commit, Error, Migration, Store};
use proto::directory::v1::directory_service_server::DirectoryServiceServer;
use serde::Deserialize;

use domain::phone::TestNumbers;

/// The service.
#[derive(Debug, Clone, Copy)]
pub struct Directory;

/// Its settings: none of its own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

impl Service for Directory {
    const NAME: &'static str = "directory";
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    type Config = Config;

    async fn hold_back(store: &Store, now: Timestamp) -> Result<Commit, Error> {
        store::restored::hold_back(store, now).await
    }

    async fn build(Config {}: Config, platform: &Platform) -> anyhow::Result<Parts> {
        let test_numbers = match platform.mode {
            Mode::Demo | Mode::Trial => TestNumbers::Accepted,
            Mode::Production => TestNumbers::Refused,
        };
        let service = api::Directory::new(platform.store.clone(), test_numbers);
        let server = DirectoryServiceServer::new(service).max_decoding_message_size(api::LARGEST_REQUEST);
        Ok(Parts::new().grpc(server).reactions(reactions::all()))
    }
}
