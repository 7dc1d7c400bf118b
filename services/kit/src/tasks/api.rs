//! `TasksService`, the same on every gRPC port, over the stores of all services of the process.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use proto::options::v1::Role;
use proto::tasks::v1 as pb;
use proto::tasks::v1::tasks_service_server::TasksService;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tonic::{Request, Response, Status};

use super::open;
use crate::audit::{self, Audited};
use crate::clock::{from_micros, to_proto};
use crate::identity::{Caller, role_name, role_of};
use crate::page::Page;
use crate::rejection::{self, Rejection, failure};
use crate::store::{Call, Commit, Error, Store, decide_once, rows};

/// The tasks of every service in this process.
#[derive(Clone)]
pub struct TaskDesk {
    stores: BTreeMap<&'static str, Store>,
}

impl TaskDesk {
    /// A desk over these services.
    #[must_use]
    pub fn new(stores: BTreeMap<&'static str, Store>) -> Self {
        Self { stores }
    }

    fn of(&self, service: &str) -> Result<(&'static str, &Store), Rejection> {
        self.stores.iter().find(|(name, _)| **name == service).map(|(name, store)| (*name, store)).ok_or_else(
            || Rejection::invalid("UNKNOWN_SERVICE", "service", "no service of that name answers here"),
        )
    }

    async fn find(&self, service: &str, id: &str, caller: &Caller) -> Result<rows::tasks::Model, Status> {
        let (_, store) = self.of(service)?;
        let row = rows::tasks::Entity::find_by_id(id.to_owned())
            .one(store.read())
            .await
            .map_err(|error| failure(&Error::from(error)))?;
        row.filter(|row| row.tenant == caller.tenant.to_string() && may_see(caller, &row.role))
            .ok_or_else(|| Rejection::not_found("UNKNOWN_TASK", "there is no such task for you").into())
    }
}

/// The head and the people who keep the system running see every task; a service sees all of its
/// tenant's, to show them; everybody else sees the tasks of the own roles.
fn may_see(caller: &Caller, role: &str) -> bool {
    let all = [Role::Head, Role::Service, Role::SystemAdministrator];
    all.iter().any(|role| caller.is(*role)) || role_of(role).is_some_and(|role| caller.is(role))
}

fn state_name(state: pb::TaskState) -> Option<&'static str> {
    match state {
        pb::TaskState::Unspecified => None,
        pb::TaskState::Open => Some("open"),
        pb::TaskState::Taken => Some("taken"),
        pb::TaskState::Done => Some("done"),
    }
}

fn to_pb(service: &str, row: rows::tasks::Model) -> pb::Task {
    let state = match row.state.as_str() {
        "open" => pb::TaskState::Open,
        "taken" => pb::TaskState::Taken,
        _ => pb::TaskState::Done,
    };
    pb::Task {
        id: row.id,
        service: service.to_owned(),
        kind: row.kind,
        subjects: serde_json::from_str(&row.subjects).unwrap_or_default(),
        why: row.why,
        role: role_of(&row.role).unwrap_or_default().into(),
        opened_at: Some(to_proto(from_micros(row.opened_at))),
        due_at: Some(to_proto(from_micros(row.due_at))),
        state: state.into(),
        by: row.done_by,
        outcome: row.outcome,
    }
}

const RPC: &str = "ListTasks";

/// Tasks are about people: whoever sees some is written down, and whoever sees none has seen nobody.
async fn looked(
    caller: &Caller,
    store: &Store,
    tasks: &[pb::Task],
    reading: Option<u64>,
) -> Result<Audited, Status> {
    if tasks.is_empty() {
        return Ok(Audited::nobody_seen());
    }
    let subjects: Vec<String> = tasks.iter().map(|task| task.id.clone()).collect();
    match reading {
        Some(reading) => audit::look_at(store, caller, (RPC, reading), &subjects).await,
        None => audit::look(store, caller, RPC, &subjects).await,
    }
}

async fn page_of(
    caller: &Caller,
    (service, store): (&str, &Store),
    states: &[&str],
    page: &Page,
) -> Result<(Vec<pb::Task>, String), Status> {
    let mut query = rows::tasks::Entity::find()
        .filter(rows::tasks::Column::Tenant.eq(caller.tenant.to_string()))
        .filter(rows::tasks::Column::State.is_in(states.iter().copied()))
        .order_by_asc(rows::tasks::Column::DueAt)
        .order_by_asc(rows::tasks::Column::Id)
        .limit(page.size + 1);
    if ![Role::Head, Role::Service, Role::SystemAdministrator].iter().any(|role| caller.is(*role)) {
        let roles: Vec<String> = caller.roles.iter().map(|role| role_name(*role)).collect();
        query = query.filter(rows::tasks::Column::Role.is_in(roles));
    }
    if let Some((due, id)) = page.after.as_deref().and_then(|after| after.split_once('/')) {
        let due: i64 = due.parse().unwrap_or_default();
        query = query.filter(Condition::any().add(rows::tasks::Column::DueAt.gt(due)).add(
            Condition::all().add(rows::tasks::Column::DueAt.eq(due)).add(rows::tasks::Column::Id.gt(id)),
        ));
    }
    let found = query.all(store.read()).await.map_err(|error| failure(&Error::from(error)))?;
    let (found, next_page_token) = page.cut(found, |row| format!("{}/{}", row.due_at, row.id));
    Ok((found.into_iter().map(|row| to_pb(service, row)).collect(), next_page_token))
}

/// What a service asks of the caller's roles; none when more is to be done in the school than fits onto a page.
async fn whole(
    caller: &Caller,
    (service, store): (&'static str, &Store),
    page: &Page,
) -> Result<Option<(&'static str, Vec<pb::Task>, Audited)>, Status> {
    let found = open::at_most(store, caller.tenant, page.size).await.map_err(|error| failure(&error))?;
    let Some(rows) = &found.answer else { return Ok(None) };
    let rows = rows.iter().filter(|row| may_see(caller, &row.role));
    let tasks: Vec<pb::Task> = rows.map(|row| to_pb(service, row.clone())).collect();
    let audited = looked(caller, store, &tasks, Some(found.number)).await?;
    Ok(Some((service, tasks, audited)))
}

impl TaskDesk {
    /// What is to be done for every service here, of those whose tasks fit onto a page.
    async fn of_all(
        &self,
        caller: &Caller,
        page_size: i32,
    ) -> Result<Response<pb::ListTasksResponse>, Status> {
        let page = Page::read(page_size, "", "")?;
        let asked = self.stores.iter().map(|(service, store)| whole(caller, (service, store), &page));
        let (mut answer, mut audited) = (pb::ListTasksResponse::default(), Audited::nobody_seen());
        for (service, tasks, looked) in try_join_all(asked).await?.into_iter().flatten() {
            answer.tasks.extend(tasks);
            answer.services.push(service.to_owned());
            audited = looked;
        }
        Ok(audited.seal(answer))
    }
}

#[tonic::async_trait]
impl TasksService for TaskDesk {
    async fn list_tasks(
        &self,
        request: Request<pb::ListTasksRequest>,
    ) -> Result<Response<pb::ListTasksResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let mut states: Vec<&str> = request.states().filter_map(state_name).collect();
        if request.service.is_empty() && states.is_empty() {
            return self.of_all(&caller, request.page_size).await;
        }
        if states.is_empty() {
            states = vec!["open", "taken"];
        }
        let (service, store) = self.of(&request.service)?;
        let arguments = format!("{} {service} {states:?}", caller.tenant);
        let page = Page::read(request.page_size, &request.page_token, &arguments)?;
        let (tasks, next_page_token) = page_of(&caller, (service, store), &states, &page).await?;
        let audited = looked(&caller, store, &tasks, None).await?;
        let services = vec![service.to_owned()];
        Ok(audited.seal(pb::ListTasksResponse { tasks, next_page_token, services }))
    }

    async fn take_task(
        &self,
        request: Request<pb::TakeTaskRequest>,
    ) -> Result<Response<pb::TakeTaskResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (service, store) = self.of(&request.service)?;
        let call = Call { caller: &caller, rpc: "TakeTask", request_id: &request.request_id };
        decide_once(store, call, &request, || async {
            let mut row = self.find(service, &request.task_id, &caller).await?;
            if row.state != "open" {
                return Err(
                    Rejection::precondition("TASK_NOT_OPEN", "somebody has taken or done this task").into()
                );
            }
            let change = "UPDATE tasks SET state = 'taken', done_by = $1 WHERE id = $2 AND state = 'open'";
            let commit = Commit::new()
                .guarded(store.statement(change, [caller.subject.clone().into(), row.id.clone().into()]))
                .audit(&caller, "TakeTask", std::slice::from_ref(&row.id), store.clock().now());
            "taken".clone_into(&mut row.state);
            row.done_by.clone_from(&caller.subject);
            Ok((commit, pb::TakeTaskResponse { task: Some(to_pb(service, row)) }))
        })
        .await
    }

    async fn complete_task(
        &self,
        request: Request<pb::CompleteTaskRequest>,
    ) -> Result<Response<pb::CompleteTaskResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        let (service, store) = self.of(&request.service)?;
        let outcome = rejection::required(&request.outcome, "outcome", 500)?;
        let call = Call { caller: &caller, rpc: "CompleteTask", request_id: &request.request_id };
        decide_once(store, call, &request, || async {
            let mut row = self.find(service, &request.task_id, &caller).await?;
            if row.state == "done" {
                return Err(Rejection::precondition("TASK_DONE", "this task is done").into());
            }
            let change =
                "UPDATE tasks SET state = 'done', done_by = $1, outcome = $2 WHERE id = $3 AND state <> 'done'";
            let values = [caller.subject.clone().into(), outcome.clone().into(), row.id.clone().into()];
            let commit = Commit::new().guarded(store.statement(change, values)).audit(
                &caller,
                "CompleteTask",
                std::slice::from_ref(&row.id),
                store.clock().now(),
            );
            "done".clone_into(&mut row.state);
            row.done_by.clone_from(&caller.subject);
            row.outcome.clone_from(&outcome);
            Ok((commit, pb::CompleteTaskResponse { task: Some(to_pb(service, row)) }))
        })
        .await
    }
}
