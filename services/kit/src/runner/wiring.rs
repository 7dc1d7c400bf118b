//! How the parts of the services become what a process runs: consumers by sayer, dead letters by
//! reaction, and the gRPC services that every port has.

use std::collections::BTreeMap;

use anyhow::bail;
use tonic::service::Routes;

use crate::bus::consumer::Hearing;
use crate::bus::server::Hearers;
use crate::bus::{Bus, Reaction, consumer_name};
use crate::config;
use crate::metrics::DEAD_LETTERS;
use crate::operations::{DeadLetterOffice, Drawer};
use crate::service::{Parts, Platform};
use crate::tasks::TaskDesk;

/// How the dead letters of a service are replayed: by the reactions that they were for.
pub(super) fn drawer(platform: &Platform, parts: &Parts) -> Drawer {
    let mut handlers = BTreeMap::new();
    for reaction in &parts.reactions {
        let consumer = consumer_name(platform.service, reaction.sayer);
        handlers.insert((consumer, reaction.fact.to_owned()), reaction.handler.clone());
    }
    for (consumer, handler) in &parts.replays {
        handlers.insert((consumer.clone(), String::new()), handler.clone());
    }
    for (consumer, _) in handlers.keys() {
        metrics::counter!(DEAD_LETTERS.name, "consumer" => consumer.clone()).increment(0);
    }
    Drawer { store: platform.store.clone(), handlers, tracer: parts.tracer.clone() }
}

/// One consumer per sayer. A reaction that could never be asked is a mistake in the code or in the
/// list of hearers, and is said before anything runs.
pub(super) fn hearings(
    platform: &Platform,
    bus: &Bus,
    settings: &config::Nats,
    hearers: &Hearers,
    reactions: Vec<Reaction>,
) -> anyhow::Result<Vec<Hearing>> {
    let service = platform.service;
    let mut by_sayer: BTreeMap<&'static str, Vec<Reaction>> = BTreeMap::new();
    for reaction in reactions {
        let (sayer, fact) = (reaction.sayer, reaction.fact);
        if !hearers.get(service).is_some_and(|sayers| sayers.contains(&sayer)) {
            bail!("{service} reacts to {sayer}.{fact}, but is not among those who may hear {sayer}");
        }
        let known = by_sayer.entry(sayer).or_default();
        if known.iter().any(|other| other.fact == fact) {
            bail!("{service} reacts to {sayer}.{fact} twice");
        }
        known.push(reaction);
    }
    let hearing = |(sayer, reactions)| Hearing {
        bus: bus.clone(),
        store: platform.store.clone(),
        settings: settings.clone(),
        sayer,
        reactions,
        pulses: platform.pulses.clone(),
    };
    Ok(by_sayer.into_iter().map(hearing).collect())
}

/// What every gRPC port serves beside the services: tasks, dead letters, health, reflection.
pub(super) async fn common_services(
    routes: Routes,
    tasks: TaskDesk,
    letters: DeadLetterOffice,
    names: &[&'static str],
) -> anyhow::Result<Routes> {
    use proto::operations::v1::operations_service_server::OperationsServiceServer;
    use proto::tasks::v1::tasks_service_server::TasksServiceServer;
    let (health, health_service) = tonic_health::server::health_reporter();
    for name in names.iter().chain(&[""]) {
        health.set_service_status(*name, tonic_health::ServingStatus::Serving).await;
    }
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .build_v1()?;
    Ok(routes
        .add_service(TasksServiceServer::new(tasks))
        .add_service(OperationsServiceServer::new(letters))
        .add_service(health_service)
        .add_service(reflection))
}
