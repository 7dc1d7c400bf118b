//! The HTTP port with TLS: a listener whose connections have shaken hands.
//!
//! Handshakes run beside each other, so that a caller who never finishes one keeps nobody else
//! waiting; one that fails or takes too long is dropped and noted.

use std::io;
use std::net::SocketAddr;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::tls::HANDSHAKE_MAY_TAKE;

/// How many callers may be in the middle of a handshake.
const MOST_HANDSHAKES: usize = 256;

type Accepted = (TlsStream<TcpStream>, SocketAddr);

/// A port that speaks TLS only.
pub(super) struct Protected {
    port: TcpListener,
    acceptor: TlsAcceptor,
    handshakes: JoinSet<Option<Accepted>>,
}

impl Protected {
    pub(super) fn new(port: TcpListener, acceptor: TlsAcceptor) -> Self {
        Self { port, acceptor, handshakes: JoinSet::new() }
    }

    fn greet(&mut self, stream: TcpStream, caller: SocketAddr) {
        let shaking = self.acceptor.accept(stream);
        self.handshakes.spawn(async move {
            match tokio::time::timeout(HANDSHAKE_MAY_TAKE, shaking).await {
                Ok(Ok(stream)) => Some((stream, caller)),
                Ok(Err(error)) => {
                    tracing::debug!(%error, "a caller does not speak our TLS");
                    None
                }
                Err(_) => {
                    tracing::debug!("a handshake took too long");
                    None
                }
            }
        });
    }
}

impl Listener for Protected {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Accepted {
        loop {
            tokio::select! {
                Some(done) = self.handshakes.join_next() => {
                    if let Ok(Some(accepted)) = done {
                        return accepted;
                    }
                }
                // Axum's own accept waits out a shortage of file handles.
                (stream, caller) = Listener::accept(&mut self.port),
                    if self.handshakes.len() < MOST_HANDSHAKES =>
                {
                    self.greet(stream, caller);
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.port.local_addr()
    }
}
