//! The gate as a layer: gRPC served on loopback, called with good and bad tokens.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};
use proto::options::v1::Role;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use proto::tasks::v1::tasks_service_server::{TasksService, TasksServiceServer};
use proto::tasks::v1::{
    CompleteTaskRequest, CompleteTaskResponse, ListTasksRequest, ListTasksResponse, TakeTaskRequest,
    TakeTaskResponse, Task, TaskState,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tonic::service::Routes;
use tonic::transport::Channel;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_types::StatusExt;

use super::{Gate, Keys, SERVICE_TOKEN_FOR, check, role_name, role_of};
use crate::Tenant;
use crate::fixtures::{real, rows, task};
use crate::store::{Commit, Store};
use crate::tasks::TaskDesk;
use crate::testing::stores;

#[test]
fn every_role_has_a_name_that_reads_back() {
    for number in 1..=9 {
        let role = Role::try_from(number).unwrap();
        assert_eq!(role_of(&role_name(role)), Some(role));
    }
    assert_eq!(role_of("unspecified"), None);
    assert_eq!(role_of("caretaker"), None);
}

/// A port with a gate, and the keys that it believes: a console's for people, a stranger's for
/// nobody.
struct Port {
    address: SocketAddr,
    keys: Keys,
    tenant: Tenant,
    _serving: JoinSet<()>,
    _folder: tempfile::TempDir,
}

impl Port {
    async fn with(service: impl TasksService) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::open(folder.path(), &["console", "stranger"]).unwrap();
        let people: Vec<Role> = (1..=8).map(|number| Role::try_from(number).unwrap()).collect();
        let issuers = BTreeMap::from([("console".to_owned(), keys.issuer("console", &people).unwrap())]);
        let gate = Gate::new(&issuers).unwrap();
        let (_, health) = tonic_health::server::health_reporter();
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
            .build_v1()
            .unwrap();
        let routes =
            Routes::new(TasksServiceServer::new(service)).add_service(health).add_service(reflection);
        let gated = routes.into_axum_router().layer(axum::middleware::from_fn_with_state(gate, check));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let server = tonic::transport::Server::builder().add_routes(Routes::from(gated));
            server.serve_with_incoming(TcpIncoming::from(listener)).await.unwrap();
        });
        Self { address, keys, tenant: Tenant::generate(), _serving: serving, _folder: folder }
    }

    async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address)).unwrap().connect().await.unwrap()
    }

    async fn client(&self) -> TasksServiceClient<Channel> {
        TasksServiceClient::new(self.channel().await)
    }

    fn token(&self, issuer: &str, tenant: Tenant, roles: &[Role], made_at: Timestamp) -> String {
        let signer = self.keys.signer(issuer).unwrap();
        signer.token("person-7", tenant, roles, (made_at, SERVICE_TOKEN_FOR)).unwrap()
    }

    /// A request of somebody of our tenant.
    fn ask<T>(&self, role: Role, message: T) -> Request<T> {
        bearing(&self.token("console", self.tenant, &[role], real()), message)
    }
}

fn bearing<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

fn list(size: i32, token: &str) -> ListTasksRequest {
    let (service, page_token) = ("trial".to_owned(), token.to_owned());
    ListTasksRequest { service, page_size: size, page_token, ..ListTasksRequest::default() }
}

fn take(request_id: &str, task_id: &str) -> TakeTaskRequest {
    let (request_id, task_id) = (request_id.to_owned(), task_id.to_owned());
    TakeTaskRequest { request_id, task_id, service: "trial".to_owned() }
}

fn refusal<T: std::fmt::Debug>(outcome: Result<Response<T>, Status>) -> (Code, String) {
    let status = outcome.unwrap_err();
    (status.code(), status.get_details_error_info().map(|info| info.reason).unwrap_or_default())
}

fn desk(store: &Store) -> TaskDesk {
    TaskDesk::new(BTreeMap::from([("trial", store.clone())]))
}

async fn open(store: &Store, tenant: Tenant, role: Role, minutes: i64) {
    let mut task = task(tenant, role);
    task.due_at += SignedDuration::from_mins(minutes);
    store.commit(Commit::new().task(task)).await.unwrap();
}

#[tokio::test]
async fn a_call_without_a_good_token_is_refused() {
    let trials = stores("trial", &[]).await;
    let port = Port::with(desk(&trials[0].store)).await;
    let mut client = port.client().await;
    assert_eq!(refusal(client.list_tasks(list(0, "")).await), (Code::Unauthenticated, "NO_TOKEN".into()));
    let hour_ago = real() - SignedDuration::from_hours(1);
    for (token, code, reason) in [
        (
            port.token("console", port.tenant, &[Role::Office], hour_ago),
            Code::Unauthenticated,
            "EXPIRED_TOKEN",
        ),
        (
            port.token("stranger", port.tenant, &[Role::Office], real()),
            Code::Unauthenticated,
            "INVALID_TOKEN",
        ),
        (
            port.token("console", port.tenant, &[Role::Service], real()),
            Code::Unauthenticated,
            "ROLE_NOT_GRANTED",
        ),
        (
            port.token("console", port.tenant, &[Role::TrustAdministrator], real()),
            Code::PermissionDenied,
            "ROLE_MISSING",
        ),
        (port.token("console", port.tenant, &[], real()), Code::PermissionDenied, "ROLE_MISSING"),
        ("rubbish".to_owned(), Code::Unauthenticated, "INVALID_TOKEN"),
    ] {
        let refused = refusal(client.list_tasks(bearing(&token, list(0, ""))).await);
        assert_eq!(refused, (code, reason.to_owned()));
    }
    assert_eq!(rows(&trials[0].store, "audit").await, 0);
}

#[tokio::test]
async fn health_and_reflection_need_no_token_and_nothing_else_is_open() {
    let trials = stores("trial", &[]).await;
    let port = Port::with(desk(&trials[0].store)).await;
    let channel = port.channel().await;
    HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await.unwrap();
    let list = MessageRequest::ListServices(String::new());
    let ask = ServerReflectionRequest { host: String::new(), message_request: Some(list) };
    let mut answers = ServerReflectionClient::new(channel.clone())
        .server_reflection_info(tokio_stream::iter([ask]))
        .await
        .unwrap()
        .into_inner();
    assert!(format!("{:?}", answers.message().await.unwrap()).contains("TasksService"));
    // Also what somebody adds without saying who may call it.
    let mut unknown = tonic::client::Grpc::new(channel);
    unknown.ready().await.unwrap();
    let path = axum::http::uri::PathAndQuery::from_static("/grpc.secrets.v1.Secrets/Tell");
    let codec = tonic_prost::ProstCodec::<HealthCheckRequest, HealthCheckRequest>::default();
    let outcome = unknown.unary(Request::new(HealthCheckRequest::default()), path, codec).await;
    assert_eq!(refusal(outcome), (Code::Unimplemented, "UNKNOWN_RPC".into()));
}

#[tokio::test]
async fn a_token_of_another_tenant_sees_nothing_of_ours() {
    for trial in stores("trial", &[]).await {
        let port = Port::with(desk(&trial.store)).await;
        open(&trial.store, port.tenant, Role::Office, 0).await;
        let mut client = port.client().await;
        let ours = client.list_tasks(port.ask(Role::Head, list(0, ""))).await.unwrap().into_inner().tasks;
        assert_eq!(ours.len(), 1, "{}", trial.backend);
        let token =
            port.token("console", Tenant::generate(), &[Role::Head, Role::SystemAdministrator], real());
        let seen = client.list_tasks(bearing(&token, list(0, ""))).await.unwrap().into_inner();
        assert_eq!(seen.tasks, [], "{}", trial.backend);
        let stolen = client.take_task(bearing(&token, take("request-1", &ours[0].id))).await;
        assert_eq!(refusal(stolen), (Code::NotFound, "UNKNOWN_TASK".into()));
    }
}

#[tokio::test]
async fn a_task_is_listed_taken_and_completed_by_those_whom_it_is_for() {
    for trial in stores("trial", &[]).await {
        let store = &trial.store;
        let port = Port::with(desk(store)).await;
        open(store, port.tenant, Role::Office, 0).await;
        open(store, port.tenant, Role::FirstAider, 1).await;
        let mut client = port.client().await;
        let ask = list(0, "");
        let listed = client.list_tasks(port.ask(Role::Office, ask.clone())).await.unwrap().into_inner().tasks;
        let all = client.list_tasks(port.ask(Role::Head, ask.clone())).await.unwrap().into_inner().tasks;
        assert_eq!((listed.len(), all.len()), (1, 2), "{}", trial.backend);
        assert_eq!(listed[0].role(), Role::Office);
        let hidden = client.take_task(port.ask(Role::Office, take("request-0", &all[1].id))).await;
        assert_eq!(refusal(hidden), (Code::NotFound, "UNKNOWN_TASK".into()));

        let ours = &listed[0].id;
        for _ in 0..2 {
            let taken = client.take_task(port.ask(Role::Office, take("request-1", ours))).await.unwrap();
            let task = taken.into_inner().task.unwrap();
            assert_eq!((task.state(), task.by.as_str()), (TaskState::Taken, "person-7"), "{}", trial.backend);
        }
        let again = client.take_task(port.ask(Role::Office, take("request-2", ours))).await;
        assert_eq!(refusal(again), (Code::FailedPrecondition, "TASK_NOT_OPEN".into()));

        let mut complete = CompleteTaskRequest {
            request_id: "request-3".to_owned(),
            service: "trial".to_owned(),
            task_id: ours.clone(),
            outcome: String::new(),
        };
        let empty = client.complete_task(port.ask(Role::Office, complete.clone())).await;
        assert_eq!(refusal(empty), (Code::InvalidArgument, "REQUIRED".into()));
        complete.outcome = "rang and was answered".to_owned();
        let done = client.complete_task(port.ask(Role::Office, complete.clone())).await.unwrap();
        let task = done.into_inner().task.unwrap();
        assert_eq!((task.state(), task.outcome.as_str()), (TaskState::Done, "rang and was answered"));
        complete.request_id = "request-4".to_owned();
        let twice = client.complete_task(port.ask(Role::Office, complete)).await;
        assert_eq!(refusal(twice), (Code::FailedPrecondition, "TASK_DONE".into()));

        assert_eq!(client.list_tasks(port.ask(Role::Office, ask)).await.unwrap().into_inner().tasks, []);
        let done = ListTasksRequest { states: vec![TaskState::Done.into()], ..list(0, "") };
        let done = client.list_tasks(port.ask(Role::Office, done)).await.unwrap().into_inner().tasks;
        assert_eq!(done.len(), 1);
        // Three looks at a task, one taking, one completion; a look at nothing has seen nobody.
        assert_eq!(rows(store, "audit").await, 5, "{}", trial.backend);
    }
}

#[tokio::test]
async fn the_tasks_of_every_service_here_are_one_answer_unless_one_has_too_many() {
    let mut stores = stores("trial", &[]).await;
    let (one, other) = (stores.remove(0), stores.remove(0));
    let desk = TaskDesk::new(BTreeMap::from([("ear", one.store.clone()), ("mouth", other.store.clone())]));
    let port = Port::with(desk).await;
    open(&one.store, port.tenant, Role::Office, 0).await;
    open(&other.store, port.tenant, Role::Office, 1).await;
    let mut client = port.client().await;
    let all = |page_size| ListTasksRequest { page_size, ..ListTasksRequest::default() };
    let both = client.list_tasks(port.ask(Role::Office, all(0))).await.unwrap().into_inner();
    assert_eq!((both.tasks.len(), both.next_page_token.as_str()), (2, ""));
    assert_eq!(both.services, ["ear", "mouth"]);
    assert_eq!((rows(&one.store, "audit").await, rows(&other.store, "audit").await), (1, 1));
    open(&other.store, port.tenant, Role::Office, 2).await;
    let few = client.list_tasks(port.ask(Role::Office, all(1))).await.unwrap().into_inner();
    assert_eq!((few.tasks.len(), few.services), (1, vec!["ear".to_owned()]), "the other is asked alone");
}

#[tokio::test]
async fn a_list_of_tasks_is_walked_by_when_they_are_due() {
    for trial in stores("trial", &[]).await {
        let port = Port::with(desk(&trial.store)).await;
        for minutes in [5, 1, 1, 4, 2, 1, 3] {
            open(&trial.store, port.tenant, Role::Office, minutes).await;
        }
        let mut client = port.client().await;
        let (mut walked, mut token) = (Vec::<Task>::new(), String::new());
        loop {
            let page = client.list_tasks(port.ask(Role::Office, list(2, &token))).await.unwrap().into_inner();
            walked.extend(page.tasks);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let due: Vec<i64> = walked.iter().map(|task| task.due_at.as_ref().unwrap().seconds).collect();
        let mut ids: Vec<&str> = walked.iter().map(|task| task.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert!(due.is_sorted() && ids.len() == 7, "{}: {walked:?}", trial.backend);
        let bad = client.list_tasks(port.ask(Role::Office, list(2, "rubbish"))).await;
        assert_eq!(refusal(bad), (Code::InvalidArgument, "INVALID_PAGE_TOKEN".into()));
        let nobody = ListTasksRequest { service: "nobody".to_owned(), ..list(0, "") };
        let nobody = client.list_tasks(port.ask(Role::Office, nobody)).await;
        assert_eq!(refusal(nobody), (Code::InvalidArgument, "UNKNOWN_SERVICE".into()));
    }
}

/// Answers without writing down who asked.
struct Forgetful;

#[tonic::async_trait]
impl TasksService for Forgetful {
    async fn list_tasks(&self, _: Request<ListTasksRequest>) -> Result<Response<ListTasksResponse>, Status> {
        Ok(Response::new(ListTasksResponse { next_page_token: "seen".to_owned(), ..Default::default() }))
    }

    async fn take_task(&self, _: Request<TakeTaskRequest>) -> Result<Response<TakeTaskResponse>, Status> {
        Err(Status::failed_precondition("nothing was seen"))
    }

    async fn complete_task(
        &self,
        _: Request<CompleteTaskRequest>,
    ) -> Result<Response<CompleteTaskResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tokio::test]
async fn an_audited_answer_that_was_not_written_down_is_withheld() {
    let port = Port::with(Forgetful).await;
    let mut client = port.client().await;
    let withheld = client.list_tasks(port.ask(Role::Office, list(0, ""))).await;
    assert_eq!(refusal(withheld), (Code::Internal, "NOT_AUDITED".into()));
    // A refusal shows nobody's data and needs no entry.
    let refused = client.take_task(port.ask(Role::Office, take("request-1", "tsk_1"))).await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
}
