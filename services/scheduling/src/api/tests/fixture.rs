//! One school and its service on each database, and what an answer left behind in it.

use jiff::Timestamp;
use kit::Tenant;
use kit::bus::{Raw, Verdict};
use kit::clock::Clock;
use kit::store::Store;
use kit::testing::answers::{self, sealed};
use kit::testing::{TestStore, kept};
use neighbours::Neighbours;
use proto::directory::v1 as directory;
use proto::directory::v1::audience::Scope;
use proto::events::directory::SchoolDescribed;
use proto::events::{About, Event};
use proto::ids::{ClassId, EventId, PupilId};
use proto::options::v1::Role;
use proto::scheduling::v1 as pb;
use proto::scheduling::v1::scheduling_service_server::SchedulingService;
use serde_json::Value as Json;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use super::super::Api;
use crate::directory::Directory;
use crate::reactions::{self, Hearer};
use crate::store::MIGRATIONS;
use crate::to_end::Asker;

/// A Tuesday in term.
pub const TODAY: &str = "2026-11-24";
pub const TOMORROW: &str = "2026-11-25";

/// The service of one school on one database.
pub struct World {
    pub backend: &'static str,
    pub store: Store,
    pub clock: Clock,
    pub api: Api,
    pub asker: Asker,
    pub school: Tenant,
    pub neighbours: Neighbours,
    _test: TestStore,
}

/// What an answered RPC left in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    pub name: String,
    pub subject: String,
    pub version: u64,
    pub data: Json,
}

impl World {
    /// One on each database, on a Tuesday at ten to nine.
    pub async fn each() -> Vec<Self> {
        let mut worlds = Vec::new();
        for test in kit::testing::stores("scheduling", MIGRATIONS).await {
            let neighbours = Neighbours::start("scheduling", &test.clock).await;
            let (store, clock) = (test.store.clone(), test.clock.clone());
            let directory = Directory::new(neighbours.peer());
            let api = Api { store: store.clone(), directory, clock: clock.clone() };
            worlds.push(Self {
                backend: test.backend,
                asker: Asker::of(&api),
                store,
                clock,
                api,
                school: Tenant::generate(),
                neighbours,
                _test: test,
            });
        }
        worlds
    }

    /// Sets the clock to a time as in `2026-11-24T08:50`.
    pub fn at(&self, time: &str) {
        let now: Timestamp = format!("{time}:00Z").parse().unwrap();
        self.clock.set(now);
    }

    pub fn request<T>(&self, message: T) -> Request<T> {
        request_of(self.school, message)
    }

    pub async fn declare(&self, message: pb::DeclareClosureRequest) -> Result<String, Status> {
        let answer = self.api.declare_closure(self.request(message)).await;
        sealed(answer).map(|answer| answer.closure_id)
    }

    /// The whole school, from a morning on.
    pub async fn close(&self, first_day: &str, last_day: &str) -> Result<String, Status> {
        self.declare(closure(whole_school(), first_day, last_day)).await
    }

    /// Changes the last day; answers with the version.
    pub async fn extend(&self, closure_id: &str, last_day: &str) -> Result<i64, Status> {
        let message = pb::ChangeClosureRequest { last_day: Some(last_day.to_owned()), ..change(closure_id) };
        self.change(message).await
    }

    pub async fn change(&self, message: pb::ChangeClosureRequest) -> Result<i64, Status> {
        sealed(self.api.change_closure(self.request(message)).await).map(|answer| answer.version)
    }

    /// Ends a closure; an empty day is the next one. Answers with the version.
    pub async fn end(&self, closure_id: &str, open_on: &str) -> Result<i64, Status> {
        let message = pb::EndClosureRequest {
            request_id: fresh(),
            closure_id: closure_id.to_owned(),
            open_on: open_on.to_owned(),
        };
        sealed(self.api.end_closure(self.request(message)).await).map(|answer| answer.version)
    }

    pub async fn set(&self, date: &str, kind: pb::NonSchoolDay) -> Result<(), Status> {
        let message =
            pb::SetNonSchoolDayRequest { request_id: fresh(), date: date.to_owned(), kind: kind.into() };
        sealed(self.api.set_non_school_day(self.request(message)).await).map(|_| ())
    }

    pub async fn calendar(&self, first: &str, last: &str) -> Result<pb::GetCalendarResponse, Status> {
        let message = pb::GetCalendarRequest { first_day: first.to_owned(), last_day: last.to_owned() };
        self.api.get_calendar(self.request(message)).await.map(Response::into_inner)
    }

    pub async fn count(&self, from: &str, school_days: i32) -> Result<String, Status> {
        let message = pb::CountSchoolDaysRequest { from: from.to_owned(), school_days };
        self.api.count_school_days(self.request(message)).await.map(|answer| answer.into_inner().date)
    }

    pub async fn list(&self, first: &str, last: &str) -> Vec<pb::Closure> {
        let (first_day, last_day) = (first.to_owned(), last.to_owned());
        let message = pb::ListClosuresRequest { first_day, last_day, ..Default::default() };
        self.api.list_closures(self.request(message)).await.unwrap().into_inner().closures
    }

    /// The directory says what the school is.
    pub async fn hear(&self, event: &Event<SchoolDescribed>) -> Result<(), Verdict> {
        let hearer = Hearer { store: self.store.clone(), clock: self.clock.clone() };
        let subject = proto::events::subject_of("directory", "school_described", event.school);
        let raw = Raw { subject, body: serde_json::to_vec(event).unwrap() };
        kit::testing::hear(&self.store, &reactions::all(&hearer), raw).await
    }

    pub fn described(&self, version: u64, described: SchoolDescribed) -> Event<SchoolDescribed> {
        let about =
            About { school: self.school, subject: self.school.to_string(), version, time: self.clock.now() };
        Event::new(EventId::generate(), about, described)
    }

    /// Every fact of this school so far.
    pub async fn said(&self) -> Vec<Said> {
        said(&self.store, self.school).await
    }

    /// The names and versions of every fact so far.
    pub async fn names(&self) -> Vec<(String, u64)> {
        self.said().await.into_iter().map(|said| (said.name, said.version)).collect()
    }

    /// Every task so far: kind, role and subjects.
    pub async fn tasks(&self) -> Vec<(String, String, Vec<String>)> {
        let tasks = kept::tasks(&self.store, self.school).await;
        tasks.into_iter().map(|task| (task.kind, task.role, task.subjects)).collect()
    }

    /// Who did what to whose data.
    pub async fn audit(&self) -> Vec<(String, String)> {
        let audit = kept::audit(&self.store, self.school).await;
        audit.into_iter().map(|(_, rpc, subjects)| (rpc, subjects)).collect()
    }

    /// The history of a closure: version, RPC, last day, state.
    pub async fn history(&self, closure_id: &str) -> Vec<(i64, String, String, String)> {
        let sql = "SELECT closure_id, version, rpc, last_day, state FROM closure_versions \
                   WHERE school = $1 ORDER BY id";
        let rows = kept::rows(&self.store, self.school, sql).await;
        rows.iter()
            .filter(|row| row.try_get::<String>("", "closure_id").unwrap() == closure_id)
            .map(|row| {
                let text = |column| row.try_get("", column).unwrap();
                (row.try_get("", "version").unwrap(), text("rpc"), text("last_day"), text("state"))
            })
            .collect()
    }
}

/// Every fact of a school so far.
pub async fn said(store: &Store, school: Tenant) -> Vec<Said> {
    let facts = kept::facts(store, school).await;
    facts
        .into_iter()
        .map(|event| {
            let text = |value: &Json| value.as_str().unwrap().to_owned();
            let kind = text(&event["type"]);
            let name = kind.trim_start_matches("schoolbell.scheduling.").trim_end_matches(".v1").to_owned();
            let version = event["version"].as_u64().unwrap();
            Said { name, subject: text(&event["subject"]), version, data: event["data"].clone() }
        })
        .collect()
}

pub fn fresh() -> String {
    PupilId::generate().to_string()
}

pub fn whole_school() -> directory::Audience {
    directory::Audience { scope: Some(Scope::WholeSchool(directory::WholeSchool {})) }
}

pub fn years(names: &[&str]) -> directory::Audience {
    let year_groups = names.iter().map(|name| (*name).to_owned()).collect();
    directory::Audience { scope: Some(Scope::YearGroups(directory::YearGroups { year_groups })) }
}

pub fn classes(ids: &[ClassId]) -> directory::Audience {
    let class_ids = ids.iter().map(ToString::to_string).collect();
    directory::Audience { scope: Some(Scope::Classes(directory::Classes { class_ids })) }
}

pub fn closure(audience: directory::Audience, first_day: &str, last_day: &str) -> pb::DeclareClosureRequest {
    pb::DeclareClosureRequest {
        request_id: fresh(),
        audience: Some(audience),
        first_day: first_day.to_owned(),
        from: pb::Session::Unspecified.into(),
        last_day: last_day.to_owned(),
        reason: "The heating has failed".to_owned(),
        collection: "From the hall until 10:30".to_owned(),
    }
}

pub fn change(closure_id: &str) -> pb::ChangeClosureRequest {
    pb::ChangeClosureRequest { request_id: fresh(), closure_id: closure_id.to_owned(), ..Default::default() }
}

/// A value that came with a refusal.
pub fn metadata(status: &Status, key: &str) -> Option<String> {
    status.get_details_error_info().unwrap().metadata.get(key).cloned()
}

/// A request of a person who may do what these tests do.
pub fn request_of<T>(school: Tenant, message: T) -> Request<T> {
    answers::request_of(school, ("head-1", Role::Head), message)
}
