//! A process that serves, and how it stops without losing anything.

use std::net::SocketAddr;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::watch::Watch;
use crate::bus::Bus;
use crate::folder::DataFolder;
use crate::identity::Keys;
use crate::store::Store;
use crate::way::Closing;

/// How long open connections may keep a port from closing.
pub(super) const CONNECTIONS_MAY_TAKE: Duration = Duration::from_secs(10);
/// How long what takes work in may go on with what it has begun.
const WORK_MAY_TAKE: Duration = Duration::from_secs(20);
/// How long the outbox may take to be published, and nats-server to end.
const REST_MAY_TAKE: Duration = Duration::from_secs(20);

/// A process that serves.
pub struct Running {
    /// Where gRPC is served.
    pub grpc: SocketAddr,
    /// Where HTTP is served.
    pub http: SocketAddr,
    /// The keys of the installation, to make tokens with.
    pub keys: Keys,
    pub(super) _folder: DataFolder,
    pub(super) stop: CancellationToken,
    pub(super) work: Watch,
    pub(super) relays: Watch,
    pub(super) server: Watch,
    pub(super) stores: Vec<Store>,
    pub(super) buses: Vec<Bus>,
    pub(super) way: Closing,
}

impl Running {
    /// Cancelled when everything should stop; cancel it to stop everything.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Waits until everything has stopped, because it was asked to or because something failed:
    /// first what takes work in, then the relays, which publish what was committed, then the
    /// databases and the nats-server. The first failure is the error.
    pub async fn wait(mut self) -> anyhow::Result<()> {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.work.broken() => {}
            () = self.relays.broken() => {}
            () = self.server.broken() => {}
        }
        self.stop.cancel();
        let work = self.work.end(WORK_MAY_TAKE).await;
        drop(self.way);
        let relays = self.relays.end(REST_MAY_TAKE).await;
        for bus in &self.buses {
            bus.close().await;
        }
        let mut stores = Ok(());
        for store in &self.stores {
            stores = stores.and(store.close().await);
        }
        let server = self.server.end(REST_MAY_TAKE).await;
        work.and(relays).and(stores.map_err(Into::into)).and(server)
    }
}

/// Ends `serve` some time after `stop`, even if somebody keeps a connection open.
pub(super) async fn bounded<E: Into<anyhow::Error>>(
    serve: impl Future<Output = Result<(), E>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let patience = async {
        stop.cancelled().await;
        tokio::time::sleep(CONNECTIONS_MAY_TAKE).await;
    };
    tokio::select! {
        outcome = serve => outcome.map_err(Into::into),
        () = patience => {
            tracing::warn!("connections that stayed open were closed");
            Ok(())
        }
    }
}
