//! A service that vanishes without a word, as behind a cable that was pulled: it is found again.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::Trial;
use crate::service::Parts;
use crate::testing::eventually;
use crate::tls::Tls;

/// Carries connections to `port`; the first stays open and carries nothing any more once it is cut.
async fn cable(port: SocketAddr, cut: CancellationToken) -> (SocketAddr, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, mut carrying) = (listener.local_addr().unwrap(), JoinSet::new());
    carrying.spawn(async move {
        let (mut near, _) = listener.accept().await.unwrap();
        let mut far = TcpStream::connect(port).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut near, &mut far) => {}
            () = cut.cancelled() => {}
        }
        let mut others = JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            others.spawn(async move {
                let mut far = TcpStream::connect(port).await.unwrap();
                // Either end may go.
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
        drop((near, far));
    });
    (address, carrying)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_vanished_without_a_word_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let trial = Trial::start(folder.path(), Parts::new()).await;
    let cut = CancellationToken::new();
    let (address, _carrying) = cable(trial.running.grpc, cut.clone()).await;
    let channel = Tls::default().endpoint(format!("http://{address}")).unwrap().connect_lazy();
    let mut client = HealthClient::new(channel.clone());
    client.check(HealthCheckRequest::default()).await.unwrap();
    cut.cancel();
    let answer = eventually("an answer", true, || {
        let mut client = HealthClient::new(channel.clone());
        async move { client.check(HealthCheckRequest::default()).await.is_ok() }
    });
    // The calls have no deadline, so that only the connection's own can help.
    tokio::time::timeout(Duration::from_secs(40), answer).await.expect("an answer");
    trial.stop().await;
}
