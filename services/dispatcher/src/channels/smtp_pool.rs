//! A small pool of SMTP connections: as many as the config allows, each used for a while and then replaced.
//!
//! Relays close connections that idle or that carried many messages; a connection is therefore asked when it has waited long, and
//! retired by age and count before the relay does it in the middle of a message.

use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Pool, RecycleError, RecycleResult};
use lettre::transport::smtp::authentication::Credentials;

use super::Why;
use super::smtp_connection::{Connection, Idle, Patience};
use super::smtp_stream::Dialer;

const OLDEST: Duration = Duration::from_mins(5);
const MOST_MESSAGES: usize = 500;
const ASK_WHEN_IDLE_FOR: Duration = Duration::from_secs(5);

/// Opens and keeps connections.
pub(super) struct Connections {
    pub(super) dialer: Dialer,
    pub(super) credentials: Option<Credentials>,
    pub(super) patience: Patience,
}

pub(super) type ConnectionPool = Pool<Connections>;

impl Manager for Connections {
    type Type = Connection;
    type Error = Why;

    async fn create(&self) -> Result<Connection, Why> {
        // A handshake's state is large and rare; it should not weigh on every send.
        Box::pin(Connection::open(&self.dialer, self.credentials.as_ref(), self.patience)).await
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<Why> {
        if metrics.age() > OLDEST || metrics.recycle_count >= MOST_MESSAGES {
            connection.quit().await;
            return Err(RecycleError::message("retired"));
        }
        // The pool counts from when the connection was last taken, which is earlier than when it came back; asking once too
        // often costs a round trip.
        let idle = if metrics.last_used() > ASK_WHEN_IDLE_FOR { Idle::Long } else { Idle::Briefly };
        if connection.freshen(idle).await { Ok(()) } else { Err(RecycleError::message("gone")) }
    }
}
