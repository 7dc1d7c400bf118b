//! The dispatcher turns facts into messages, and proves afterwards who was reached.
//!
//! The way of one fact: [`reactions`] puts a notice into a gathering; the [`planner`] lets the
//! gathering leave and decides for every contact and address, purely, in [`domain::plan`]; the
//! [`sender`] clears each message with the directory seconds before it leaves, words it and hands
//! it to one of the [`channels`]; [`receipts`] hears what became of it. What no address can carry
//! becomes a person's task. [`routes`] is the one list of what becomes what.

pub mod api;
pub mod channels;
pub mod directory;
pub mod domain;
pub mod planner;
pub mod reactions;
pub mod receipts;
pub mod render;
pub mod routes;
pub mod sender;
pub mod store;
pub mod text;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use kit::service::{Parts, Platform, Service};
use kit::store::Migration;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherServiceServer;
use proto::ids::ChunkId;
use serde::Deserialize;
use tokio::sync::Notify;

use crate::channels::{ChannelName, Medium, Secret};
use crate::sender::{Generation, Outlet, Sender, Settler};
use crate::store::plans::Outlets;

/// The dispatcher's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What a school may change about time.
    pub timing: routes::Timing,
    /// The bearer token that GOV.UK Notify sends with its receipts.
    pub receipts_token: Option<kit::config::Secret>,
    /// Or the file that it stands in.
    pub receipts_token_file: Option<PathBuf>,
    /// The providers.
    pub channels: channels::Config,
}

/// The dispatcher.
pub struct Dispatcher;

impl Service for Dispatcher {
    const NAME: &'static str = "dispatcher";
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    type Config = Config;

    async fn build(config: Config, platform: &Platform) -> anyhow::Result<Parts> {
        let http = channels::http_client()?;
        let channels = channels::all(&config.channels, &http)?;
        let chosen =
            Outlets { text: first_of(&channels, Medium::Text), email: first_of(&channels, Medium::Email) };
        let outlets: HashMap<ChannelName, Arc<Outlet>> =
            channels.into_iter().map(|channel| (channel.name(), Arc::new(Outlet::new(channel)))).collect();
        let directory = Arc::new(directory::Directory::new(platform.peer("directory")?));
        let (planner_wake, sender_wake) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let generation = Generation::default();
        let store = platform.store.clone();
        let (settler, settling) =
            Settler::new(store.clone(), Arc::clone(&planner_wake), platform.stop.clone());

        let hearer = reactions::Hearer {
            store: store.clone(),
            timing: config.timing.clone(),
            planner: Arc::clone(&planner_wake),
            generation: generation.wake(),
        };
        let planner = planner::Planner {
            store: store.clone(),
            directory: Arc::clone(&directory),
            outlets: chosen,
            timing: config.timing.clone(),
            wake: Arc::clone(&planner_wake),
            sender: Arc::clone(&sender_wake),
        };
        let api = api::Api { store: store.clone(), generation: generation.clone(), settler: settler.clone() };
        let sender = Sender {
            store: store.clone(),
            directory,
            outlets,
            renderer: render::Renderer::new()?,
            timing: config.timing,
            generation: generation.clone(),
            settler,
            wake: sender_wake,
            owner: ChunkId::generate().to_string(),
        };
        let token = kit::config::Secret::resolve(
            config.receipts_token,
            config.receipts_token_file.as_ref(),
            "dispatcher.receipts_token",
        )
        .context("receipts cannot be taken")?;
        let receipt = receipts::handler(store.clone(), planner_wake);
        let routes = receipts::routes(store.clone(), receipt.clone(), Secret::new(token.reveal()));
        let stop = &platform.stop;
        Ok(Parts::new()
            .grpc(DispatcherServiceServer::new(api))
            .http(routes)
            .replay(receipts::NOTIFY, receipt)
            .reactions(reactions::all(&hearer))
            .run("generation", generation.follow(store, stop.clone()))
            .run("planner", planner.run(stop.clone()))
            .run("sender", sender.run(stop.clone()))
            .run("settler", settling))
    }
}

fn first_of(channels: &[Arc<dyn channels::Channel>], medium: Medium) -> Option<ChannelName> {
    channels.iter().map(|channel| channel.name()).find(|name| name.medium() == medium)
}
