//! A connection to an HTTP server on loopback, kept open: no pool, no redirects, nothing that would cost beside what is
//! measured.

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// One connection.
pub struct Connection {
    host: String,
    send: SendRequest<Full<Bytes>>,
    /// Ends with us.
    _wire: JoinSet<()>,
}

impl Connection {
    /// Connects to `host:port`.
    pub async fn open(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await.with_context(|| format!("{host} cannot be reached"))?;
        stream.set_nodelay(true)?;
        let (send, connection) = handshake(TokioIo::new(stream)).await?;
        let mut wire = JoinSet::new();
        wire.spawn(async move {
            // What goes wrong is told to whoever asks next.
            let _ = connection.await;
        });
        Ok(Self { host: host.to_owned(), send, _wire: wire })
    }

    /// Asks, and reads the whole answer.
    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        (bearer, body): (Option<&str>, Bytes),
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let mut request = Request::builder().method(method).uri(path).header("host", self.host.as_str());
        if let Some(bearer) = bearer {
            request = request.header("authorization", bearer);
        }
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        self.send.ready().await?;
        let answer = self.send.send_request(request.body(Full::new(body))?).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// A GET whose answer is JSON.
    pub async fn get<T: DeserializeOwned>(&mut self, path: &str) -> anyhow::Result<T> {
        let (_, body) = self.ask(Method::GET, path, (None, Bytes::new())).await?;
        serde_json::from_slice(&body).with_context(|| format!("what {path} answers cannot be read"))
    }
}
