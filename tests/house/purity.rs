//! Purity inside a service: the domain decides without touching the world, a channel sends without store or bus.

use crate::{
    rust::{self, Anatomy, Used},
    tree::{Finding, Source, Tree, assert_none},
};

/// Crates and modules that read or write the world, the clock or chance.
const WORLD: [&str; 27] = [
    "async_nats",
    "axum",
    "config",
    "deadpool",
    "futures",
    "getrandom",
    "governor",
    "lettre",
    "metrics",
    "rand",
    "reqwest",
    "sea_orm",
    "sea_orm_migration",
    "sqlx",
    "tokio",
    "tokio_stream",
    "tokio_util",
    "tonic",
    "tower",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
];
/// The parts of a service that the domain is called by, and never calls.
const CALLERS: [&str; 5] = ["api", "channels", "reactions", "sender", "store"];
/// Calls that read the clock or draw a random number, however their type is named.
const AMBIENT: [&str; 6] =
    ["Timestamp::now", "Zoned::now", "Instant::now", "SystemTime::now", "Uuid::now_v7", "Uuid::new_v4"];
/// What of kit is plain data, which a domain may speak of. Everything else of kit runs, stores, sends, asks or speaks gRPC.
const PURE_KIT: [&str; 6] = [
    "kit::Tenant",
    "kit::fields::Fault",
    "kit::identity::Caller",
    "kit::identity::role_name",
    "kit::tasks::NewTask",
    "kit::words",
];
const STORE_AND_BUS: [&str; 4] = ["async_nats", "sea_orm", "sea_orm_migration", "sqlx"];
const KIT_STORE_AND_BUS: [&str; 7] =
    ["kit::audit", "kit::bus", "kit::operations", "kit::runner", "kit::service", "kit::store", "kit::tasks"];

fn the_domain_is_pure(tree: &Tree) -> Vec<Finding> {
    let in_domain = |source: &Source| {
        let inside = source.path.split_once("/src/").map_or("", |(_, inside)| inside);
        inside.split('/').any(|part| part.starts_with("domain"))
    };
    check(tree, in_domain, |used| {
        let text = used.text();
        let ambient = AMBIENT.iter().any(|call| text.ends_with(call)) || text.ends_with("Id::generate");
        let caller = used.is_local() && CALLERS.iter().any(|part| starts_with(used, part));
        let kit = is_one_of(&text, &["kit"]) && !is_one_of(&text, &PURE_KIT);
        if ambient || caller || kit || is_one_of(&text, &WORLD) {
            Some(format!("the domain uses {text}: it does no IO, reads no clock and draws no number"))
        } else {
            None
        }
    })
}

fn a_channel_knows_neither_store_nor_bus(tree: &Tree) -> Vec<Finding> {
    let in_channels =
        |source: &Source| source.path.contains("/src/channels/") || source.path.ends_with("/src/channels.rs");
    check(tree, in_channels, |used| {
        let text = used.text();
        let kit = is_one_of(&text, &KIT_STORE_AND_BUS);
        let local =
            used.is_local() && ["store", "api", "reactions"].iter().any(|part| starts_with(used, part));
        (kit || local || is_one_of(&text, &STORE_AND_BUS))
            .then(|| format!("a channel uses {text}: store and bus are its caller's"))
    })
}

fn starts_with(used: &Used, part: &str) -> bool {
    used.beyond_steps().first().is_some_and(|first| first == part)
}

fn is_one_of(text: &str, names: &[&str]) -> bool {
    let within =
        |name: &str| text == name || text.strip_prefix(name).is_some_and(|rest| rest.starts_with("::"));
    names.iter().any(|name| within(name))
}

fn check(
    tree: &Tree,
    applies: impl Fn(&Source) -> bool,
    judge: impl Fn(&Used) -> Option<String>,
) -> Vec<Finding> {
    let test_modules = rust::test_modules(tree);
    let mut findings = Vec::new();
    let ours = tree.under("services/", ".rs").filter(|source| applies(source));
    for source in ours.filter(|source| !rust::is_wholly_tests(&source.path, &test_modules)) {
        match rust::parse(source) {
            Ok(file) => {
                let used = Anatomy::of(&file).used;
                findings.extend(used.iter().filter_map(|used| Some(source.finding(used.line, judge(used)?))));
            }
            Err(finding) => findings.push(finding),
        }
    }
    findings
}

#[test]
fn every_domain_is_pure() {
    assert_none(&the_domain_is_pure(&Tree::real()));
}

#[test]
fn no_channel_knows_store_or_bus() {
    assert_none(&a_channel_knows_neither_store_nor_bus(&Tree::real()));
}

#[test]
fn io_clock_and_chance_in_a_domain_are_found() {
    let impure = [
        "use std::{fmt, fs};",
        "use tokio::sync::mpsc;",
        "use super::store::Row;",
        "use crate::{api::x};",
        "use kit::clock::Clock;",
        "use kit::tasks::{NewTask, TaskDesk};",
        "fn a() -> Timestamp { jiff::Timestamp::now() }",
        "fn a() { let id = proto::ids::CaseId::generate(); }",
        "fn a(t: std::time::SystemTime) {}",
        "use sea_orm::*;",
        "fn a() { std::env::var(\"A\"); }",
    ];
    for text in impure {
        let tree = Tree::of(&[("services/absences/src/domain/case.rs", text)]);
        assert_eq!(the_domain_is_pure(&tree).len(), 1, "{text}");
    }
    let pure = [
        "use std::{fmt, collections::BTreeMap};",
        "use jiff::Timestamp; fn a(now: Timestamp) -> Timestamp { now }",
        "#[cfg(test)] mod tests { use std::fs; }",
        "mod store_key {} use self::store_key as k;",
        "use tokio_like::x;",
        "use kit::{Tenant, tasks::NewTask};",
    ];
    for text in pure {
        let tree = Tree::of(&[("services/absences/src/domain.rs", text)]);
        assert_eq!(the_domain_is_pure(&tree), [], "{text}");
    }
    let elsewhere = Tree::of(&[("services/absences/src/store.rs", "use sea_orm::Value;")]);
    assert_eq!(the_domain_is_pure(&elsewhere), []);
}

#[test]
fn store_and_bus_in_a_channel_are_found() {
    for text in [
        "use crate::store::Row;",
        "use super::super::store;",
        "use kit::bus::relay;",
        "fn a(c: async_nats::Client) {}",
    ] {
        let tree = Tree::of(&[("services/dispatcher/src/channels/sms_notify.rs", text)]);
        assert_eq!(a_channel_knows_neither_store_nor_bus(&tree).len(), 1, "{text}");
    }
    let tree = Tree::of(&[(
        "services/dispatcher/src/channels/sms_notify.rs",
        "use super::Channel; use kit::telemetry::x;",
    )]);
    assert_eq!(a_channel_knows_neither_store_nor_bus(&tree), []);
}
