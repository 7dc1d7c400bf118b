//! The way from one service to another of the same process: gRPC as everywhere, through a pipe in memory instead of
//! a socket. It meets the same gate, the same limits and the same routes as every other call.

use std::io;

use futures::{Stream, StreamExt, stream};
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint, Uri};

/// What a pipe holds before its writer waits.
const HOLDS: usize = 256 << 10;
/// What an answer may hold before its reader has taken any of it: a page of pupils is on its way at once.
const WINDOW: u32 = 1 << 20;

/// The pipes that were opened, each a connection to be served.
pub(super) type Incoming = mpsc::Receiver<DuplexStream>;

/// A channel that opens its pipe when it is first used, and where the other ends come out.
pub(super) fn channel() -> (Channel, Incoming) {
    let (opened, incoming) = mpsc::channel(1);
    let open = move |_: Uri| {
        let opened = opened.clone();
        async move {
            let (near, far) = tokio::io::duplex(HOLDS);
            opened.send(far).await.map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
            Ok::<_, io::Error>(TokioIo::new(near))
        }
    };
    let endpoint = Endpoint::from_static("http://within")
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(4 * WINDOW);
    (endpoint.connect_with_connector_lazy(tower::service_fn(open)), incoming)
}

/// The other ends, as a server takes connections.
pub(super) fn connections(mut incoming: Incoming) -> impl Stream<Item = io::Result<DuplexStream>> {
    stream::poll_fn(move |context| incoming.poll_recv(context)).map(Ok)
}
