//! Whether the PostgreSQL server is there, asked on a connection of its own.
//!
//! Whoever needs the database waits for it, and would wait long: a pool cannot tell a server that is
//! away from one that is busy. This can, because nobody else uses its connection. The
//! [`runner`](crate::runner) runs it once per process and lets nobody wait for a server that is away.

use std::time::Duration;

use sea_orm::sqlx::{self, Connection, PgConnection};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::open::address_of;
use crate::config;

/// How long it may be away before those who wait are told: a server that is only restarted is back by
/// then, and a person who waits still looks.
const MAY_BE_AWAY: Duration = Duration::from_secs(3);
/// How long it may say nothing at all, on a machine however busy.
const MAY_BE_SILENT: Duration = Duration::from_secs(10);
const ASKED_EVERY: Duration = Duration::from_millis(500);

/// What is known of the server.
#[derive(Clone)]
pub(crate) struct Presence {
    away: watch::Receiver<bool>,
}

impl Presence {
    /// Returns when the server is away, at once when it is already; never for databases in files.
    pub(crate) async fn is_lost(&mut self) {
        if self.away.wait_for(|away| *away).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Asks the server again and again.
pub(crate) struct Watcher {
    address: String,
    away: watch::Sender<bool>,
    connection: Option<PgConnection>,
}

/// What is known of the server, and who finds it out; nobody needs to for databases in files.
pub(crate) fn of(settings: &config::Store) -> (Presence, Option<Watcher>) {
    let (sender, away) = watch::channel(false);
    let watcher = settings.postgres.as_ref().map(|address| Watcher {
        address: address_of(address.reveal().trim_end_matches('/'), "postgres"),
        away: sender,
        connection: None,
    });
    (Presence { away }, watcher)
}

impl Watcher {
    /// Watches until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut ticks = tokio::time::interval(ASKED_EVERY);
        let mut seen_at = Instant::now();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return Ok(()),
            }
            if self.is_there().await {
                seen_at = Instant::now();
            }
            let away = seen_at.elapsed() >= MAY_BE_AWAY;
            if self.away.send_replace(away) != away {
                if away {
                    tracing::error!("PostgreSQL cannot be reached; whoever calls is told so");
                } else {
                    tracing::info!("PostgreSQL can be reached again");
                }
            }
        }
    }

    async fn is_there(&mut self) -> bool {
        let connection = self.connection.take();
        let asking = async {
            let mut connection = match connection {
                Some(connection) => connection,
                None => PgConnection::connect(&self.address).await?,
            };
            connection.ping().await?;
            Ok(connection)
        };
        match tokio::time::timeout(MAY_BE_SILENT, asking).await {
            Ok(Ok(connection)) => {
                self.connection = Some(connection);
                true
            }
            Ok(Err(error)) => !is_gone(&error),
            Err(_) => false,
        }
    }
}

/// A server that has no connection left for us, or refuses us, is there: the stores have theirs.
fn is_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        // PostgreSQL's words for starting up, shutting down and having crashed.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}
