//! The home page: one list of everything that a person must do, whichever service asks for it.

use askama::Template;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use futures::future::join_all;
use jiff::Timestamp;
use proto::directory::v1::GetSchoolRequest;
use proto::tasks::v1::{CompleteTaskRequest, ListTasksRequest, TakeTaskRequest, Task, TaskState};
use serde::Deserialize;

use super::form::{Form, capital};
use super::frame::{Frame, Place};
use super::names::{Named, Names};
use super::posted::or_kept;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when};
use crate::asking::{NAMES, Refusal, Trouble, ask, service};
use crate::domain::roles;

const PAGE: i32 = 500;
const LIST: &str = "tasks.v1.TasksService/ListTasks";

/// What an address says that has just been done.
#[derive(Debug, Default, Deserialize)]
pub struct Said {
    /// A key; see [`Frame::saying`].
    pub said: Option<String>,
}

/// A task as it is shown.
struct Shown {
    title: String,
    why: String,
    about: Vec<Named>,
    role: &'static str,
    due: String,
    overdue: bool,
    taken_by: Option<String>,
    is_mine: bool,
    address: String,
    due_at: Timestamp,
}

#[derive(Template)]
#[template(path = "home.html")]
struct Page {
    frame: Frame,
    tasks: Vec<Shown>,
    away: Vec<&'static str>,
    /// None of the visitor's roles has tasks.
    none_ever: bool,
    /// The id of a school of which nothing was imported: nobody else can say it.
    unnamed: Option<String>,
}

#[derive(Template)]
#[template(path = "task.html")]
struct TaskPage {
    frame: Frame,
    form: Form,
    task: Shown,
}

#[derive(Template)]
#[template(path = "task_over.html")]
struct Over {
    frame: Frame,
    /// What came of it, as the visitor would have said it.
    typed: String,
}

/// `GET /console`
pub async fn page(visitor: Visitor, Query(said): Query<Said>) -> Response {
    let frame = visitor.frame(Place::Home).await.saying(said.said.as_deref());
    let none_ever = !visitor.may(LIST);
    let (tasks, away) = if none_ever { (Vec::new(), Vec::new()) } else { every_task(&visitor).await };
    let school = visitor.session.caller.tenant;
    let unnamed = has_no_roster(&visitor, &frame).await.then(|| school.to_string());
    let names = visitor.names(tasks.iter().flat_map(|task| task.subjects.clone()).collect()).await;
    let mut tasks: Vec<Shown> = tasks.iter().map(|task| shown(task, (&visitor, &frame), &names)).collect();
    tasks.sort_by_key(|task| task.due_at);
    rendered(&Page { frame, tasks, away, none_ever, unnamed })
}

/// Whether nothing of the school was imported yet. A school whose clock is known was; only of another is it asked.
async fn has_no_roster(visitor: &Visitor, frame: &Frame) -> bool {
    if frame.zone().is_some() {
        return false;
    }
    let asked = ask!(visitor, directory.get_school(GetSchoolRequest {})).await;
    matches!(asked, Err(Trouble::Refused(Refusal { reason, .. })) if reason == "NO_ROSTER")
}

/// Everything that all services ask of the visitor's roles, and those that do not say. What is served beside the console
/// is asked in one question, each other service in one of its own.
async fn every_task(visitor: &Visitor) -> (Vec<Task>, Vec<&'static str>) {
    let request = ListTasksRequest { page_size: PAGE, ..ListTasksRequest::default() };
    let asked = visitor
        .ask()
        .tasks("console", request, |mut client, request| async move { client.list_tasks(request).await });
    let here = asked.await.unwrap_or_default();
    let others: Vec<&'static str> =
        NAMES.into_iter().filter(|name| !here.services.iter().any(|known| known == name)).collect();
    let asked = join_all(others.iter().map(|name| tasks_of(visitor, name))).await;
    let (mut tasks, mut away) = (here.tasks, Vec::new());
    for (name, answer) in others.into_iter().zip(asked) {
        match answer {
            Ok(own) => tasks.extend(own),
            Err(_) => away.push(name),
        }
    }
    (tasks, away)
}

/// Everything that a service asks of the visitor's roles.
async fn tasks_of(visitor: &Visitor, name: &'static str) -> Result<Vec<Task>, Trouble> {
    let (mut tasks, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListTasksRequest {
            service: name.to_owned(),
            page_size: PAGE,
            page_token,
            ..ListTasksRequest::default()
        };
        let asked = visitor
            .ask()
            .tasks(name, request, |mut client, request| async move { client.list_tasks(request).await });
        let answer = asked.await?;
        tasks.extend(answer.tasks);
        if answer.next_page_token.is_empty() {
            return Ok(tasks);
        }
        page_token = answer.next_page_token;
    }
}

fn shown(task: &Task, (visitor, frame): (&Visitor, &Frame), names: &Names) -> Shown {
    let due_at = when::of(task.due_at.as_ref());
    let is_mine = task.by == visitor.session.caller.subject;
    let taken = task.state() == TaskState::Taken;
    Shown {
        // A service that is newer than this page may ask for something else.
        title: title(&task.kind).map_or_else(|| capital(&task.kind.replace('_', " ")), str::to_owned),
        why: capital(&task.why),
        about: names.all(&task.subjects),
        role: roles::label(task.role()),
        due: frame.when(due_at),
        overdue: due_at < frame.now(),
        taken_by: taken.then(|| if is_mine { "you".to_owned() } else { "a colleague".to_owned() }),
        is_mine: taken && is_mine,
        address: format!("/console/tasks/{}/{}", task.service, task.id),
        due_at,
    }
}

/// What kinds of tasks are called: what to do, not what went wrong.
pub fn title(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "ring_about_head_injury" => "Ring home about a head injury",
        "nobody_to_tell" => "Nobody can be told by message: tell somebody yourself",
        "not_reached" | "absence_not_told" => "Ring: no message got through",
        "no_working_address" => "Ask for a number or a mailbox that works",
        "person_only" | "person_only_absent" => "Missing, and no message may go: decide who is told",
        "left_before_restriction" => "A message left just before somebody was barred",
        "directory_away" | "not_cleared" | "many_not_told" => "Messages wait: decide what to do meanwhile",
        "message_may_have_left" => "Find out whether a message has left",
        "cannot_be_worded" => "A message could not be written: tell them yourself",
        "register_missing" => "A register is missing",
        "register_not_closed" => "A register was not closed",
        "marks_missing" => "Marks are missing in a register",
        "restricted_pupil_withdrawn" => "A pupil with a restriction has left the list",
        "import_would_weaken" => "An import would weaken what protects a child: decide",
        "barred_address_given_up" => "A barred address has changed hands",
        "address_shared" => "An address is shared with somebody who is barred",
        "closure_to_end" => "A closure is over: say when the school is open",
        "collection_not_told" => "Tell them when and where children are collected",
        "accident_amended_late" => "An accident's record was changed late: tell them",
        "accident_of_absent_pupil" => "An accident of a child who is marked as missing",
        "told_missing_then_closed" => "Told that a child is missing, then the school closed",
        "not_corrected" => "Told wrongly, and not corrected: ring",
        "scope_unknown" | "nobody_concerned" => "It is not known whom this is about",
        "dead_letter" => "Something could not be processed: look at it",
        "restored" => "Data was put back to an earlier state: see what is missing",
        "channel_misconfigured" => "A provider refuses our messages: look at its settings",
        "absent_not_on_roll" => "Missing, and not on roll any more: look at the register",
        _ => return None,
    })
}

/// `POST /console/tasks/{service}/{id}/take`
pub async fn take(
    Path((name, id)): Path<(String, String)>,
    Posted { visitor, typed }: Posted,
) -> Result<Response, Stopped> {
    let name = service(&name)?;
    let form = Form::with(typed);
    let request = TakeTaskRequest { request_id: form.request_id, service: name.to_owned(), task_id: id };
    visitor
        .ask()
        .tasks(name, request, |mut client, request| async move { client.take_task(request).await })
        .await?;
    Ok(visitor.done("/console", "taken"))
}

/// `GET /console/tasks/{service}/{id}`: saying what came of it.
pub async fn task(visitor: Visitor, Path((name, id)): Path<(String, String)>) -> Result<Response, Stopped> {
    one(&visitor, (&name, &id), Form::new()).await
}

async fn one(visitor: &Visitor, (name, id): (&str, &str), form: Form) -> Result<Response, Stopped> {
    let tasks = tasks_of(visitor, service(name)?).await?;
    let Some(task) = tasks.into_iter().find(|task| task.id == id) else {
        return Ok(over(visitor, &form).await);
    };
    let frame = visitor.frame(Place::Home).await;
    let names = visitor.names(task.subjects.clone()).await;
    let task = shown(&task, (visitor, &frame), &names);
    Ok(rendered(&TaskPage { frame, form, task }))
}

/// A task that is not on the list any more: what was typed about it is not lost.
async fn over(visitor: &Visitor, form: &Form) -> Response {
    let frame = visitor.frame(Place::Home).await;
    let typed = form.value("outcome").to_owned();
    (StatusCode::NOT_FOUND, rendered(&Over { frame, typed })).into_response()
}

/// `POST /console/tasks/{service}/{id}`
pub async fn complete(
    Path((name, id)): Path<(String, String)>,
    Posted { visitor, typed }: Posted,
) -> Result<Response, Stopped> {
    let known = service(&name)?;
    let mut form = Form::with(typed);
    let outcome = form.needs("outcome", "Say what came of it");
    if form.is_good() {
        let request = CompleteTaskRequest {
            request_id: form.request_id.clone(),
            service: name.clone(),
            task_id: id.clone(),
            outcome,
        };
        let done = visitor
            .ask()
            .tasks(known, request, |mut client, request| async move { client.complete_task(request).await });
        match done.await {
            Ok(_) => {
                return Ok(visitor.done("/console", "done"));
            }
            Err(trouble) => form.refused(&trouble, &[("outcome", "outcome", "What came of it")]),
        }
    }
    let typed = form.typed.clone();
    let address = format!("/console/tasks/{name}/{id}");
    or_kept(one(&visitor, (&name, &id), form).await, (&visitor, &address, &typed))
}
