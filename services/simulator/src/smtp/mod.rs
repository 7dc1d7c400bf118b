//! The SMTP server on loopback: every mailbox in the world behind one port.
//!
//! RFC 5321 with 8BITMIME, SMTPUTF8, SIZE, PIPELINING and enhanced codes; AUTH and TLS when options ask for them. Commands
//! are parsed by smtp-proto, mails by mail-parser. A mail is accepted when its final dot is answered with 250; by then it
//! stands in the witness log, a line for each recipient. It relays nothing.

mod bounces;
mod connection;
mod delivery;
mod mail;
mod sasl;
mod session;

#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

pub(crate) use bounces::Postman;

use crate::world::World;
use session::{Ended, Opening, Session};

/// The largest mail, in bytes; EHLO says so.
pub(crate) const LARGEST_MAIL: usize = 10 * 1024 * 1024;

/// Encryption of the SMTP port.
#[derive(Debug, Clone)]
pub struct Tls {
    /// Certificate and key.
    pub config: Arc<rustls::ServerConfig>,
    /// When it starts.
    pub mode: TlsMode,
}

/// When encryption starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// With the first byte, as on port 465.
    Implicit,
    /// With the STARTTLS command, as on port 587.
    StartTls,
}

/// A login that the server asks for.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: String,
}

/// The running server.
pub(crate) struct Server {
    pub(crate) world: Arc<World>,
    pub(crate) login: Option<Login>,
    pub(crate) tls: Option<Tls>,
    pub(crate) postman: Arc<Postman>,
}

impl Server {
    /// Takes connections until the world stops.
    pub(crate) async fn listen(self: Arc<Self>, listener: TcpListener) {
        let stopping = self.world.stopping.clone();
        while let Some(arrived) = stopping.run_until_cancelled(listener.accept()).await {
            match arrived {
                Ok((stream, _)) => {
                    let server = Arc::clone(&self);
                    self.world.tasks.spawn(async move {
                        // Clients hang up whenever they like: an ended connection is not worth a word.
                        let _ended = server.world.stopping.run_until_cancelled(server.serve(stream)).await;
                    });
                }
                // Out of file descriptors, most likely: give running sessions time to end.
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no connection could be taken");
                    self.world.pause(std::time::Duration::from_millis(100)).await;
                }
            }
        }
    }

    async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        // Without it every reply after a short write waits for the peer's delayed acknowledgement.
        stream.set_nodelay(true)?;
        match &self.tls {
            None => Session::new(self).run(&mut stream, Opening::Banner).await.map(drop),
            Some(Tls { config, mode: TlsMode::Implicit }) => {
                let mut encrypted = TlsAcceptor::from(Arc::clone(config)).accept(stream).await?;
                Session::encrypted(self).run(&mut encrypted, Opening::Banner).await.map(drop)
            }
            Some(Tls { config, mode: TlsMode::StartTls }) => {
                if let Ended::StartTls = Session::new(self).run(&mut stream, Opening::Banner).await? {
                    let mut encrypted = TlsAcceptor::from(Arc::clone(config)).accept(stream).await?;
                    Session::encrypted(self).run(&mut encrypted, Opening::Client).await?;
                }
                Ok(())
            }
        }
    }
}
