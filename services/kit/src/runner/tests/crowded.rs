//! A flood of calls: as many as there is room for are answered, the rest are told when to come back.

use jiff::SignedDuration;
use proto::options::v1::Role;
use proto::tasks::v1::ListTasksRequest;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use tokio::task::JoinSet;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

use super::super::Host;
use super::super::limit::CallLimit;
use super::{Trial, connect, hearers, settings};
use crate::Tenant;
use crate::fixtures::{real, rows};
use crate::service::Parts;
use crate::store::Commit;
use crate::tasks::NewTask;

const ROOM: usize = 20;
const TOO_MANY: usize = 10;

fn told_when_to_come_back(status: &Status) -> bool {
    let reason = status.get_details_error_info().map(|info| info.reason);
    status.code() == Code::Unavailable
        && reason.as_deref() == Some("TOO_MANY_CALLS")
        && status.get_details_retry_info().is_some_and(|info| info.retry_delay.is_some())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_flood_of_calls_those_that_there_is_room_for_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let mut host = Host::bind(settings(folder.path()), hearers()).await.unwrap();
    host.calls = CallLimit::of(ROOM, 1);
    let trial = Trial::on(host, Parts::new()).await;
    let tenant = Tenant::generate();
    let signer = trial.running.keys.signer("people").unwrap();
    let life = (real(), SignedDuration::from_mins(10));
    let bearer = format!("Bearer {}", signer.token("person-7", tenant, &[Role::Office], life).unwrap());
    let list = ListTasksRequest { service: "ear".to_owned(), ..ListTasksRequest::default() };
    let channel = connect(&trial.running).await;
    let person = || {
        let (mut client, mut request) =
            (TasksServiceClient::new(channel.clone()), Request::new(list.clone()));
        request.metadata_mut().insert("authorization", bearer.parse().unwrap());
        async move { client.list_tasks(request).await.map(|_| ()) }
    };
    let times = (real(), SignedDuration::from_hours(1));
    let task = NewTask::new(tenant, "ring", Role::Office, times).because("Somebody waits");
    trial.ear.store.commit(Commit::new().task(task)).await.unwrap();
    // Every look at it is written down before it is answered, and that waits until we let go.
    let ours = trial.ear.store.begin().await.unwrap();
    let mut flood = JoinSet::new();
    for _ in 0..ROOM + TOO_MANY {
        flood.spawn(person());
    }
    for _ in 0..TOO_MANY {
        let turned_away = flood.join_next().await.unwrap().unwrap().unwrap_err();
        assert!(told_when_to_come_back(&turned_away), "{turned_away:?}");
    }
    assert!(told_when_to_come_back(&person().await.unwrap_err()));
    let mut health = HealthClient::new(channel.clone());
    health.check(HealthCheckRequest::default()).await.unwrap();
    let peer = trial.bell.peer("ear").unwrap();
    let asked = peer.request(tenant, list.clone(), SignedDuration::from_mins(1)).unwrap();
    let mut client = TasksServiceClient::new(peer.way());
    let letting_go = async {
        // A service that was turned away would have its answer before we let go.
        health.check(HealthCheckRequest::default()).await.unwrap();
        ours.rollback().await.unwrap();
    };
    let (answered, ()) = tokio::join!(client.list_tasks(asked), letting_go);
    answered.unwrap();
    while let Some(answered) = flood.join_next().await {
        answered.unwrap().unwrap();
    }
    person().await.unwrap();
    assert_eq!(rows(&trial.ear.store, "audit").await, i64::try_from(ROOM + 2).unwrap());
    trial.stop().await;
}
