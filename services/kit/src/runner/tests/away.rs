//! A database server that goes away: who calls hears so soon, and who does not need it is answered.

use std::time::Duration;

use jiff::SignedDuration;
use proto::tasks::v1::ListTasksRequest;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use tokio::net::TcpStream;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use super::super::Host;
use super::{Trial, connect, hearers, settings};
use crate::Tenant;
use crate::config::Secret;
use crate::service::Parts;
use crate::testing::{Postgres, eventually};

/// Less than a wait for a connection takes.
const DEADLINE: Duration = Duration::from_secs(13);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_calls_while_the_database_is_away_hears_so_while_they_still_look() {
    let (server, folder) = (Postgres::start().await, tempfile::tempdir().unwrap());
    let mut settings = settings(folder.path());
    settings.store.postgres = Some(Secret::new(server.address.clone()));
    let trial = Trial::on(Host::bind(settings, hearers()).await.unwrap(), Parts::new()).await;
    let list = || async {
        let peer = trial.bell.peer("ear").unwrap();
        let list = ListTasksRequest { service: "ear".to_owned(), ..ListTasksRequest::default() };
        let request = peer.request(Tenant::generate(), list, SignedDuration::from_mins(1)).unwrap();
        TasksServiceClient::new(peer.way()).list_tasks(request).await
    };
    list().await.unwrap();
    let (_, host) = server.address.split_once('@').unwrap();
    let host = host.to_owned();
    drop(server);
    eventually("a server", false, || async { TcpStream::connect(&host).await.is_ok() }).await;
    // The first meet connections that have just been closed; whoever comes then could only wait.
    for _ in 0..5 {
        let refused = tokio::time::timeout(DEADLINE, list()).await.expect("a refusal").unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        assert_eq!(refused.get_details_error_info().unwrap().reason, "TRY_AGAIN");
    }
    let mut health = HealthClient::new(connect(&trial.running).await);
    health.check(HealthCheckRequest::default()).await.unwrap();
}
