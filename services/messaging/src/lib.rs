//! What people in the school write to those at home.
//!
//! An announcement is checked, kept and said as a fact in one step ([`api`]); whom it reaches, by
//! which address and in which order is the dispatcher's, which hears the fact. This service knows
//! no contact and sends no message.
//!
//! Invariant: words are taken whole or not at all, and so is an audience. See
//! `a_class_that_matches_nobody_is_named_and_nothing_is_sent`.

mod api;
mod directory;
mod domain;
mod reactions;
mod store;

use kit::service::{Parts, Platform};
use kit::store::Migration;
use proto::messaging::v1::messaging_service_server::MessagingServiceServer;
use serde::Deserialize;

use api::Api;
use directory::Directory;

/// The settings of `[messaging]`: none yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {}

/// The service.
#[derive(Debug, Clone, Copy)]
pub struct Messaging;

impl kit::service::Service for Messaging {
    const NAME: &'static str = "messaging";
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    type Config = Config;

    async fn build(_config: Config, platform: &Platform) -> anyhow::Result<Parts> {
        let api = Api {
            store: platform.store.clone(),
            directory: Directory::new(platform.peer("directory")?),
            clock: platform.clock.clone(),
        };
        Ok(Parts::new().grpc(MessagingServiceServer::new(api)).reactions(reactions::all()))
    }
}
