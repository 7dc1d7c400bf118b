//! One school and its service on each database, and what an answer left behind in it.

use jiff::Timestamp;
use kit::Tenant;
use kit::audit::Audited;
use kit::bus::{Raw, Verdict};
use kit::clock::Clock;
use kit::identity::Caller;
use kit::store::Store;
use kit::testing::TestStore;
use proto::directory::v1 as directory;
use proto::directory::v1::audience::Scope;
use proto::events::directory::SchoolDescribed;
use proto::events::{About, Event};
use proto::ids::{ClassId, EventId, PupilId};
use proto::options::v1::Role;
use proto::scheduling::v1 as pb;
use proto::scheduling::v1::scheduling_service_server::SchedulingService;
use sea_orm::{ConnectionTrait, Value};
use serde_json::Value as Json;
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use super::super::Api;
use super::neighbour::Neighbour;
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
    pub neighbour: Neighbour,
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
            let neighbour = Neighbour::start(&test.clock).await;
            let (store, clock) = (test.store.clone(), test.clock.clone());
            let api =
                Api { store: store.clone(), directory: neighbour.directory.clone(), clock: clock.clone() };
            worlds.push(Self {
                backend: test.backend,
                asker: Asker::of(&api),
                store,
                clock,
                api,
                school: Tenant::generate(),
                neighbour,
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
        let rows = self.query("SELECT kind, role, subjects FROM tasks WHERE tenant = $1 ORDER BY id").await;
        rows.into_iter()
            .map(|row| {
                let subjects: String = row.try_get("", "subjects").unwrap();
                let (kind, role) = (row.try_get("", "kind").unwrap(), row.try_get("", "role").unwrap());
                (kind, role, serde_json::from_str(&subjects).unwrap())
            })
            .collect()
    }

    /// Who did what to whose data.
    pub async fn audit(&self) -> Vec<(String, String)> {
        let rows = self.query("SELECT rpc, subjects FROM audit WHERE tenant = $1 ORDER BY id").await;
        let text = |row: &sea_orm::QueryResult, column: &str| row.try_get::<String>("", column).unwrap();
        rows.iter().map(|row| (text(row, "rpc"), text(row, "subjects"))).collect()
    }

    /// The history of a closure: version, RPC, last day, state.
    pub async fn history(&self, closure_id: &str) -> Vec<(i64, String, String, String)> {
        let sql = "SELECT closure_id, version, rpc, last_day, state FROM closure_versions \
                   WHERE school = $1 ORDER BY id";
        let rows = self.query(sql).await;
        rows.iter()
            .filter(|row| row.try_get::<String>("", "closure_id").unwrap() == closure_id)
            .map(|row| {
                let text = |column| row.try_get("", column).unwrap();
                (row.try_get("", "version").unwrap(), text("rpc"), text("last_day"), text("state"))
            })
            .collect()
    }

    async fn query(&self, sql: &str) -> Vec<sea_orm::QueryResult> {
        let school: Value = self.school.to_string().into();
        self.store.read().query_all_raw(self.store.statement(sql, [school])).await.unwrap()
    }
}

/// Every fact of a school so far.
pub async fn said(store: &Store, school: Tenant) -> Vec<Said> {
    let rows =
        store.read().query_all_raw(store.statement("SELECT body FROM outbox ORDER BY id", [])).await.unwrap();
    rows.into_iter()
        .map(|row| row.try_get::<String>("", "body").unwrap())
        .map(|body| serde_json::from_str::<Json>(&body).unwrap())
        .filter(|event| event["school"] == school.to_string())
        .map(|event| {
            let text = |value: &Json| value.as_str().unwrap().to_owned();
            let kind = text(&event["type"]);
            let name = kind.trim_start_matches("schoolbell.scheduling.").trim_end_matches(".v1").to_owned();
            let version = event["version"].as_u64().unwrap();
            Said { name, subject: text(&event["subject"]), version, data: event["data"].clone() }
        })
        .collect()
}

pub fn request_of<T>(school: Tenant, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let caller = Caller { subject: "head-1".to_owned(), tenant: school, roles: vec![Role::Head] };
    request.extensions_mut().insert(caller);
    request
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

/// The answer, which the gate would let through: it carries the proof of its audit entry.
pub fn sealed<T>(answer: Result<Response<T>, Status>) -> Result<T, Status> {
    let answer = answer?;
    assert!(answer.extensions().get::<Audited>().is_some(), "an answer without an audit entry");
    Ok(answer.into_inner())
}

/// The stable reason of a refusal.
pub fn reason<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    answer.unwrap_err().get_error_details().error_info().unwrap().reason.clone()
}

/// A value that came with a refusal.
pub fn metadata(status: &Status, key: &str) -> Option<String> {
    status.get_error_details().error_info().unwrap().metadata.get(key).cloned()
}

/// The fields of a refusal, in their order.
pub fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    let mut fields: Vec<String> = violations.into_iter().map(|violation| violation.field).collect();
    fields.sort();
    fields
}
