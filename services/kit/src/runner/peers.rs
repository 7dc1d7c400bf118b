//! Whether the services that this process asks can be asked, and why not.
//!
//! Connections to peers are made when they are first used, which may be the hour at which it matters; so
//! each peer is asked for its health from the start of the process on until it has answered once, and
//! what stands in the way is said when it changes. Later outages are said by those whom they hold up.

use std::time::Duration;

use futures::future::join_all;
use tokio_util::sync::CancellationToken;
use tonic::transport::Endpoint;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::unreached::{Why, place};

const ANSWERS_WITHIN: Duration = Duration::from_secs(5);
/// Between two questions, the first time and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A service elsewhere.
pub(super) struct Peer {
    pub(super) name: String,
    pub(super) address: String,
    pub(super) endpoint: Endpoint,
}

/// Asks each until it has answered, and then waits for `stop`.
pub(super) async fn run(peers: Vec<Peer>, stop: CancellationToken) -> anyhow::Result<()> {
    let _all_answered = stop.run_until_cancelled(join_all(peers.iter().map(find))).await;
    stop.cancelled().await;
    Ok(())
}

async fn find(peer: &Peer) {
    let (mut said, mut pause) = (None, FIRST_PAUSE);
    while let Err(why) = ask(&peer.endpoint).await {
        if said.as_ref() != Some(&why) {
            tracing::warn!(peer = peer.name, at = place(&peer.address), why = %why, "a service cannot be asked");
            said = Some(why);
        }
        tokio::time::sleep(pause).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
    tracing::info!(peer = peer.name, at = place(&peer.address), "a service can be asked");
}

/// Whether somebody who speaks gRPC answers there.
pub async fn ask(endpoint: &Endpoint) -> Result<(), Why> {
    let asking = async {
        let channel = endpoint.connect().await.map_err(|error| Why::of(&error))?;
        match HealthClient::new(channel).check(HealthCheckRequest::default()).await {
            Ok(_) => Ok(()),
            Err(status) => refused(&status),
        }
    };
    let answer = tokio::time::timeout(ANSWERS_WITHIN, asking).await.unwrap_or(Err(Why::Silent));
    // A client in plain text does not wait for a greeting. How it is turned away by a server that waits
    // for a handshake depends on who is faster.
    match answer {
        Err(Why::Closed | Why::Garbled) if endpoint.uri().scheme_str() == Some("http") => Err(Why::OnlyTls),
        answer => answer,
    }
}

/// A refusal is an answer too, unless it is our own client's.
fn refused(status: &Status) -> Result<(), Why> {
    let why = match status.code() {
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled => Why::of(status),
        _ => return Ok(()),
    };
    // The connection stood, so that it is not that nobody is there.
    Err(if matches!(why, Why::Unclear(_)) { Why::Garbled } else { why })
}
