//! A collector of spans (OTLP over gRPC) that is spoken to with TLS only. It keeps what it was told.

use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::routing::post;
use kit::config::Tls;
use tokio::task::JoinSet;
use tonic::service::Routes;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};

/// Of the protocol's one call for spans.
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// A collector; it ends with this value.
pub struct Collector {
    /// Where it listens.
    pub port: u16,
    told: Arc<Mutex<Vec<Bytes>>>,
    _task: JoinSet<()>,
}

impl Collector {
    /// Starts one with this certificate.
    pub async fn start(tls: &Tls) -> Self {
        let read = |path: &Option<std::path::PathBuf>| std::fs::read(path.as_ref().unwrap()).unwrap();
        let identity = Identity::from_pem(read(&tls.certificate), read(&tls.key));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&told);
        let export = post(move |body: Bytes| async move {
            keep.lock().unwrap().push(body);
            // Nothing to add: an answer that is only its end.
            [("content-type", "application/grpc"), ("grpc-status", "0")]
        });
        let routes = Routes::from(axum::Router::new().route(EXPORT, export));
        let mut server = Server::builder().tls_config(ServerTlsConfig::new().identity(identity)).unwrap();
        let mut task = JoinSet::new();
        task.spawn(async move {
            server.add_routes(routes).serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
        });
        Self { port, told, _task: task }
    }

    /// How often it was told something that holds these words.
    #[must_use]
    pub fn heard(&self, words: &str) -> usize {
        let holds = |body: &&Bytes| body.windows(words.len()).any(|bytes| bytes == words.as_bytes());
        self.told.lock().unwrap().iter().filter(holds).count()
    }

    /// Everything that it was told, as far as it is text.
    #[must_use]
    pub fn everything(&self) -> String {
        self.told.lock().unwrap().iter().map(|body| String::from_utf8_lossy(body).into_owned()).collect()
    }
}
