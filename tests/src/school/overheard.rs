//! A school in a process of its own, every word of which is kept: its log, down to the finest, and the spans
//! that it gives to a collector.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kit::config::Secret;
use kit::identity::Keys;
use kit::testing::authority::Authority;
use proto::ids::SchoolId;
use schoolbell::app;
use tokio::process::Command;
use tonic::transport::Channel;

use super::{Home, School};
use crate::Roster;
use crate::apart::ground::HERE;
use crate::apart::{Process, binary};
use crate::collector::Collector;
use crate::installation::{Backend, GATHERS, Installation};

/// The process, and who listens to it.
pub(super) struct Overheard {
    process: Process,
    collector: Collector,
    log: PathBuf,
}

/// What a process said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its log, a line for each event.
    pub log: String,
    /// Its spans, with their fields.
    pub spans: String,
}

impl School {
    /// Starts a school that logs as much as an operator can set.
    pub async fn start_overheard(backend: Backend, roster: Roster) -> Self {
        app::choose_tls();
        let data = tempfile::tempdir().unwrap();
        let folder = data.path();
        let phones = simulator::start(simulator::Options::new(folder.join("phones.jsonl"))).await.unwrap();
        let (token, authority) = (Secret::random(), Authority::new());
        let collector = Collector::start(&authority.settings(&folder.join("collector"), &[HERE])).await;
        let trust = authority.trust(folder).authorities.unwrap();
        let installation =
            Installation { folder, backend, phones: &phones, receipts_token: &token, gathers: GATHERS };
        let mut command = Command::new(binary());
        command.arg("--config").arg(installation.file("")).arg("all");
        command.env("SCHOOLBELL__TLS__AUTHORITIES", trust);
        let place = format!("https://{HERE}:{}", collector.port);
        command.env("SCHOOLBELL__TELEMETRY__OTLP_ENDPOINT", place);
        command.env("SCHOOLBELL__TELEMETRY__LOG", "trace");
        let log = folder.join("log.jsonl");
        let process = Process::serve(command, &log).await;
        let channel = Channel::from_shared(format!("http://{}", process.grpc)).unwrap();
        let mut school = Self {
            id: SchoolId::generate(),
            phones,
            pupils: BTreeMap::new(),
            classes: BTreeMap::new(),
            channel: channel.connect().await.unwrap(),
            http: process.http.parse().unwrap(),
            roster,
            signer: Keys::open(&folder.join("keys"), &[app::PEOPLE]).unwrap().signer(app::PEOPLE).unwrap(),
            home: Home::Overheard(Box::new(Overheard { process, collector, log })),
            elsewhere: BTreeMap::new(),
            receipts_token: token,
            data,
        };
        school.take_receipts();
        school.import().await;
        school
    }

    /// Ends the process, with whatever it has in hand, and gives all that it has said until then.
    ///
    /// # Panics
    /// When nobody listened to it.
    pub async fn ends_and_has_said(self) -> Said {
        let home = match self.home {
            Home::Overheard(home) => Some(home),
            Home::Here(_) | Home::Apart(_) | Home::Protected(_) | Home::Mortal(_) => None,
        };
        let Overheard { process, collector, log } = *home.expect("somebody who listens");
        // What was not told to the collector before is told at the end.
        process.end().await;
        self.phones.stop().await;
        let log = std::fs::read_to_string(log).unwrap();
        drop(self.data);
        Said { log, spans: collector.everything() }
    }

    /// What a provider sends receipts with.
    pub fn receipts_token(&self) -> &str {
        self.receipts_token.reveal()
    }
}

impl Overheard {
    pub(super) async fn stop(self) {
        self.process.end().await;
    }
}
