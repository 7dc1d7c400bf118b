//! A connection to an HTTP server on loopback, kept open: no pool, no redirects, nothing that would cost beside what is
//! measured.

use anyhow::Context;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{self, HeaderName};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// What is asked beside method and path.
pub struct Asked<'a> {
    /// Headers.
    pub headers: &'a [(HeaderName, &'a str)],
    /// The body.
    pub body: Bytes,
}

/// One connection.
pub struct Connection {
    host: String,
    wire: SendRequest<Full<Bytes>>,
    /// Ends with us.
    _driver: JoinSet<()>,
}

impl Connection {
    /// Connects to `host:port`.
    pub async fn open(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await.with_context(|| format!("{host} cannot be reached"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            // What goes wrong is told to whoever asks next.
            let _ = connection.await;
        });
        Ok(Self { host: host.to_owned(), wire: sender, _driver: driver })
    }

    /// Asks, and reads the whole answer.
    pub async fn ask(
        &mut self,
        method: Method,
        path: &str,
        (bearer, body): (Option<&str>, Bytes),
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let bearer = bearer.map(|bearer| (header::AUTHORIZATION, bearer));
        let json = (!body.is_empty()).then_some((header::CONTENT_TYPE, "application/json"));
        let headers: Vec<(HeaderName, &str)> = bearer.into_iter().chain(json).collect();
        self.fetch(method, path, Asked { headers: &headers, body }).await
    }

    /// The same with any headers.
    pub async fn fetch(
        &mut self,
        method: Method,
        path: &str,
        asked: Asked<'_>,
    ) -> anyhow::Result<(StatusCode, Bytes)> {
        let answer = self.send(method, path, asked).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// Asks, and leaves the answer's body unread.
    pub async fn send(
        &mut self,
        method: Method,
        path: &str,
        asked: Asked<'_>,
    ) -> anyhow::Result<Response<Incoming>> {
        let mut request =
            Request::builder().method(method).uri(path).header(header::HOST, self.host.as_str());
        for (name, value) in asked.headers {
            request = request.header(name, *value);
        }
        self.wire.ready().await?;
        Ok(self.wire.send_request(request.body(Full::new(asked.body))?).await?)
    }

    /// A GET whose answer is JSON.
    pub async fn get<T: DeserializeOwned>(&mut self, path: &str) -> anyhow::Result<T> {
        let (_, body) = self.ask(Method::GET, path, (None, Bytes::new())).await?;
        serde_json::from_slice(&body).with_context(|| format!("what {path} answers cannot be read"))
    }
}
