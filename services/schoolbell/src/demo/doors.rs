//! Where an installation is reached: each service at one door, or at one for each of its replicas.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context;
use kit::runner::Running;
use tonic::transport::{Channel, Endpoint};

use crate::app;

/// The doors of an installation.
pub struct Doors {
    channels: BTreeMap<String, Vec<Channel>>,
    knocks: AtomicUsize,
    /// Where anybody reads the website.
    pub website: SocketAddr,
}

impl Doors {
    /// The doors of services that all run in this process.
    pub fn of(running: &Running) -> anyhow::Result<Self> {
        let places = app::all().into_iter().map(|service| (service, vec![running.grpc])).collect();
        Self::at(places, running.http)
    }

    /// Where the replicas of each service speak gRPC. Nobody has to be at home yet.
    pub fn at(places: BTreeMap<String, Vec<SocketAddr>>, website: SocketAddr) -> anyhow::Result<Self> {
        let mut channels = BTreeMap::new();
        for (service, places) in places {
            let doors = places.into_iter().map(|place| {
                let endpoint = Endpoint::from_shared(format!("http://{place}"))?;
                anyhow::Ok(endpoint.tcp_nodelay(true).connect_lazy())
            });
            channels.insert(service, doors.collect::<Result<_, _>>()?);
        }
        Ok(Self { channels, knocks: AtomicUsize::new(0), website })
    }

    /// The way to a service; the next time to its next replica.
    pub fn channel(&self, service: &str) -> anyhow::Result<Channel> {
        let knock = self.knocks.fetch_add(1, Ordering::Relaxed);
        let doors = self.channels.get(service).with_context(|| format!("there is no door of {service}"))?;
        doors.iter().cycle().nth(knock % doors.len().max(1)).cloned().context("a service without a replica")
    }
}
