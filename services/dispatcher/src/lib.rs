//! The dispatcher turns facts into messages, and proves afterwards who was reached.
//!
//! The way of one fact: [`reactions`] puts a notice into a gathering; the [`planner`] lets the
//! gathering leave and decides for every contact and address, purely, in [`domain::plan`]; the
//! [`sender`] clears each message with the directory seconds before it leaves, words it and hands
//! it to one of the [`channels`]; [`receipts`] and [`bounces`] hear what became of it. What no address can carry
//! becomes a person's task. What the public may know goes to the website at once.

pub mod api;
pub mod bounces;
pub mod channels;
pub mod directory;
pub mod domain;
pub mod metrics;
pub mod planner;
pub mod points;
pub mod reactions;
pub mod receipts;
pub mod render;
pub mod retention;
pub mod routes;
pub mod sender;
pub mod store;
pub mod text;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use futures::future::BoxFuture;
use jiff::Timestamp;
use kit::bus::Handler;
use kit::faults::Point;
use kit::service::{Parts, Platform, Service};
use kit::store::{Commit, Migration, Store};
use proto::dispatcher::v1::dispatcher_service_server::DispatcherServiceServer;
use proto::ids::ChunkId;
use serde::Deserialize;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::channels::{Channel, ChannelName, Medium, Secret};
use crate::sender::{Air, Generation, Sender, Settler, Silence};
use crate::store::parts::PlanWriter;
use crate::store::plans::Outlets;

/// The dispatcher's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What a school may change about time.
    pub timing: routes::Timing,
    /// What a school may choose about who is told.
    pub choices: domain::Choices,
    /// How long addresses and words are kept.
    pub retention: retention::Retention,
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
    const POINTS: &'static [Point] = points::ALL;
    type Config = Config;

    async fn hold_back(store: &Store, now: Timestamp) -> Result<Commit, kit::store::Error> {
        store::restored::hold_back(store, now).await
    }

    async fn build(config: Config, platform: &Platform) -> anyhow::Result<Parts> {
        let token = receipts_token(&config)?;
        let bounces = config.channels.email_smtp.as_ref().and_then(|smtp| smtp.bounces.as_ref());
        let returns =
            bounces.map(|bounces| Ok::<_, channels::Error>((bounces.token()?, bounces.return_path()?)));
        let returns = returns.transpose()?;
        let retention = config.retention.check()?;
        let channels = channels::all(&config.channels, &channels::http_client()?)?;
        let directory = directory::Directory::new(platform.peer("directory")?);
        let (store, stop) = (&platform.store, &platform.stop);
        let timing = config.timing.clone();
        let wired = wire(store, directory, channels, (config.timing, config.choices), stop)?;
        metrics::begin(wired.sender.outlets.iter().map(|(name, outlet)| (name, outlet.per_second())));
        let mut parts = Parts::new();
        // Where no receipts are taken nothing writes them: that loop ends when nobody can bring one.
        if let Some(token) = token {
            let receipts = (wired.receipts, wired.receipt.clone());
            parts =
                parts.http(receipts::routes(store.clone(), receipts, token)).run("receipts", wired.taking);
        }
        if let Some(returns) = returns {
            parts = parts.http(bounces::routes(store.clone(), wired.bounce.clone(), returns));
        }
        Ok(parts
            .grpc(DispatcherServiceServer::new(wired.api))
            .replay(receipts::NOTIFY, wired.receipt)
            .replay(bounces::BOUNCES, wired.bounce)
            .trace(store::trace::tracer(store, &wired.plans))
            .reactions(reactions::all(&wired.hearer))
            .run("generation", wired.generation.follow(store.clone(), stop.clone()))
            .run("planner", wired.planner.run(stop.clone()))
            .run("sender", wired.sender.run(stop.clone()))
            .run("settler", wired.settling)
            .run("metrics", metrics::follow(store.clone(), timing, stop.clone()))
            .run("retention", retention::run(retention, store.clone(), stop.clone())))
    }
}

/// The parts, wired to each other and not running yet.
struct Wired {
    api: api::Api,
    hearer: reactions::Hearer,
    planner: planner::Planner,
    plans: PlanWriter,
    sender: Sender,
    generation: Generation,
    settling: BoxFuture<'static, anyhow::Result<()>>,
    receipts: receipts::Receipts,
    taking: BoxFuture<'static, anyhow::Result<()>>,
    receipt: Handler,
    bounce: Handler,
}

fn wire(
    store: &Store,
    directory: directory::Directory,
    channels: Vec<Arc<dyn Channel>>,
    (timing, choices): (routes::Timing, domain::Choices),
    stop: &CancellationToken,
) -> anyhow::Result<Wired> {
    let chosen =
        Outlets { text: first_of(&channels, Medium::Text), email: first_of(&channels, Medium::Email) };
    let in_use = |channel: &Arc<dyn Channel>| [&chosen.text, &chosen.email].contains(&&Some(channel.name()));
    let ways = channels.iter().filter(|channel| in_use(channel)).cloned().collect();
    let directory = Arc::new(directory);
    let (planner_wake, sender_wake) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let plans = PlanWriter::new(store, &sender_wake);
    let (generation, air) = (Generation::default(), Air::default());
    let renderer = Arc::new(render::Renderer::new()?);
    let owner = ChunkId::generate().to_string();
    let (settler, settling) = Settler::new(store.clone(), Arc::clone(&planner_wake), stop.clone());
    let (receipts, taking) = receipts::Receipts::new(store.clone(), Arc::clone(&planner_wake));
    Ok(Wired {
        api: api::Api {
            store: store.clone(),
            generation: generation.clone(),
            air: air.clone(),
            owner: owner.clone(),
            directory: Arc::clone(&directory),
            media: chosen.media(),
            outlets: chosen.clone(),
            timing: timing.clone(),
            sender: Arc::clone(&sender_wake),
            planner: Arc::clone(&planner_wake),
            plans: plans.clone(),
            choices,
            renderer: Arc::clone(&renderer),
            ways,
        },
        hearer: reactions::Hearer {
            store: store.clone(),
            timing: timing.clone(),
            renderer: Arc::clone(&renderer),
            planner: Arc::clone(&planner_wake),
            generation: generation.wake(),
        },
        planner: planner::Planner {
            store: store.clone(),
            directory: Arc::clone(&directory),
            outlets: chosen,
            timing: timing.clone(),
            choices,
            wake: Arc::clone(&planner_wake),
            sender: Arc::clone(&sender_wake),
            plans: plans.clone(),
            put_by: Notify::new(),
        },
        plans,
        sender: Sender {
            store: store.clone(),
            directory,
            outlets: sender::outlets(channels, store),
            renderer,
            timing,
            choices,
            generation: generation.clone(),
            settler,
            air,
            silence: Silence::default(),
            wake: sender_wake,
            owner,
        },
        generation,
        settling: Box::pin(settling),
        receipts,
        taking: Box::pin(taking),
        receipt: receipts::handler(store.clone(), Arc::clone(&planner_wake)),
        bounce: bounces::handler(store.clone(), planner_wake),
    })
}

/// The token that receipts come with. Only Notify sends receipts; without it nobody need have one.
fn receipts_token(config: &Config) -> anyhow::Result<Option<Secret>> {
    let notify = config.channels.sms_notify.is_some() || config.channels.email_notify.is_some();
    let (token, file) = (config.receipts_token.clone(), config.receipts_token_file.as_ref());
    if !notify && token.is_none() && file.is_none() {
        return Ok(None);
    }
    let token = Secret::resolve(token, file, "dispatcher.receipts_token");
    Ok(Some(token.context("receipts cannot be taken")?))
}

fn first_of(channels: &[Arc<dyn Channel>], medium: Medium) -> Option<ChannelName> {
    channels.iter().map(|channel| channel.name()).find(|name| name.medium() == medium)
}
