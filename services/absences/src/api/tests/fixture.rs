//! One school and its service on each database, and what an answer left behind in it.

use std::sync::Arc;

use jiff::Timestamp;
use kit::Tenant;
use kit::bus::{Raw, Reaction};
use kit::clock::Clock;
use kit::store::Store;
use kit::testing::answers::{self, sealed};
use kit::testing::{TestStore, kept};
use neighbours::Neighbours;
use proto::absences::v1 as pb;
use proto::absences::v1::absences_service_server::AbsencesService;
use proto::events::{About, Event, Fact, subject_of};
use proto::ids::{ClassId, EventId, PupilId};
use proto::options::v1::Role;
use tonic::{Request, Status};

use super::super::Api;
use super::timetable::Timetable;
use crate::closing::Closer;
use crate::directory::Directory;
use crate::reactions::{self, Hearer};
use crate::scheduling::Scheduling;
use crate::store::MIGRATIONS;

pub const TODAY: &str = "2026-11-24";
pub const MORNING: i32 = pb::Session::Morning as i32;
pub const AFTERNOON: i32 = pb::Session::Afternoon as i32;

/// The service of one school on one database.
pub struct World {
    pub backend: &'static str,
    pub store: Store,
    pub clock: Clock,
    pub closer: Closer,
    pub api: Api,
    pub school: Tenant,
    pub neighbours: Neighbours,
    pub timetable: Timetable,
    pub reactions: Vec<Reaction>,
    test: TestStore,
}

/// What an answered RPC left in the outbox: name of the fact, pupil, version.
pub type Said = (String, String, u64);

impl World {
    /// One on each database, on a Tuesday at ten to nine.
    pub async fn each() -> Vec<Self> {
        let mut worlds = Vec::new();
        for test in kit::testing::stores("absences", MIGRATIONS).await {
            let timetable = Timetable::default();
            let neighbours = timetable.beside_a_directory(&test.clock).await;
            let closer = Closer {
                store: test.store.clone(),
                directory: Directory::new(neighbours.peer()),
                scheduling: Scheduling::new(neighbours.peer()),
                clock: test.clock.clone(),
                closures: Arc::default(),
            };
            let reactions = reactions::all(&Hearer {
                store: closer.store.clone(),
                directory: closer.directory.clone(),
                closures: Arc::clone(&closer.closures),
            });
            worlds.push(Self {
                backend: test.backend,
                store: test.store.clone(),
                clock: test.clock.clone(),
                api: Api::new(closer.clone()),
                closer,
                reactions,
                school: Tenant::generate(),
                neighbours,
                timetable,
                test,
            });
        }
        worlds
    }

    /// The data was put back to an earlier state: to what it is.
    pub async fn restored(&mut self) {
        let held_back = crate::closing::hold_back(&self.store, self.clock.now()).await.unwrap();
        self.store.mark_restored(self.clock.real(), held_back).await.unwrap();
        self.store.close().await.unwrap();
        self.store = self.test.open_again("absences", MIGRATIONS).await;
        self.closer.store = self.store.clone();
        self.api = Api::new(self.closer.clone());
    }

    /// A class with so many pupils.
    pub fn class(&self, pupils: usize) -> (ClassId, Vec<PupilId>) {
        self.neighbours.directory.class(pupils, "3")
    }

    pub fn at(&self, time: &str) {
        let now: Timestamp = format!("{TODAY}T{time}:00Z").parse().unwrap();
        self.clock.set(now);
    }

    pub fn request<T>(&self, message: T) -> Request<T> {
        request_of(self.school, message)
    }

    pub async fn post(
        &self,
        class_id: ClassId,
        marks: &[(PupilId, &str)],
    ) -> Result<pb::PostRegisterResponse, Status> {
        sealed(self.api.post_register(self.request(register(class_id, marks))).await)
    }

    pub async fn close(&self) -> Result<pb::CloseRegisterResponse, Status> {
        sealed(self.api.close_register(self.request(close(MORNING))).await)
    }

    pub async fn report(
        &self,
        pupil_id: PupilId,
        code: &str,
        session: i32,
    ) -> Result<pb::ReportAbsenceResponse, Status> {
        let message = pb::ReportAbsenceRequest {
            request_id: fresh(),
            pupil_id: pupil_id.to_string(),
            date: TODAY.to_owned(),
            session,
            code: code.to_owned(),
            note: "a cold".to_owned(),
        };
        sealed(self.api.report_absence(self.request(message)).await)
    }

    pub async fn arrive(&self, pupil_id: PupilId) -> Result<pb::RecordArrivalResponse, Status> {
        let message = pb::RecordArrivalRequest {
            request_id: fresh(),
            pupil_id: pupil_id.to_string(),
            date: TODAY.to_owned(),
            session: MORNING,
        };
        sealed(self.api.record_arrival(self.request(message)).await)
    }

    pub async fn explain(&self, case_id: &str, code: &str) -> Result<pb::ExplainAbsenceResponse, Status> {
        let message = pb::ExplainAbsenceRequest {
            request_id: fresh(),
            case_id: case_id.to_owned(),
            code: code.to_owned(),
            note: String::new(),
        };
        sealed(self.api.explain_absence(self.request(message)).await)
    }

    pub async fn open_cases(&self) -> Vec<pb::Case> {
        let message = pb::ListOpenCasesRequest { date: TODAY.to_owned(), ..Default::default() };
        sealed(self.api.list_open_cases(self.request(message)).await).unwrap().cases
    }

    /// Hears a fact of this school as a consumer hears it, and does what it wakes.
    pub async fn hears<T: Fact>(&self, subject: &str, version: u64, fact: T) {
        let (school, time) = (self.school, self.clock.now());
        let about = About { school, subject: subject.to_owned(), version, time };
        let event = Event::new(EventId::generate(), about, fact);
        let subject = subject_of(T::SERVICE, T::NAME, school);
        let raw = Raw { subject, body: serde_json::to_vec(&event).unwrap() };
        kit::testing::hear(&self.store, &self.reactions, raw).await.unwrap();
    }

    /// Every fact of this school so far.
    pub async fn said(&self) -> Vec<Said> {
        said(&self.store, self.school).await
    }

    /// Every task so far: kind, role and subjects.
    pub async fn tasks(&self) -> Vec<(String, String, Vec<String>)> {
        let tasks = kept::tasks(&self.store, self.school).await;
        tasks.into_iter().map(|task| (task.kind, task.role, task.subjects)).collect()
    }

    /// What every task so far says.
    pub async fn why_of_tasks(&self) -> Vec<String> {
        kept::tasks(&self.store, self.school).await.into_iter().map(|task| task.why).collect()
    }

    /// The codes that a pupil's mark has had, oldest first, each with who changed it and by what.
    pub async fn history(&self, pupil_id: PupilId) -> Vec<(Option<String>, Option<String>, String)> {
        let sql =
            "SELECT pupil_id, code_before, code_after, rpc FROM entry_changes WHERE school = $1 ORDER BY id";
        let rows = kept::rows(&self.store, self.school, sql).await;
        rows.into_iter()
            .filter(|row| row.try_get::<String>("", "pupil_id").unwrap() == pupil_id.to_string())
            .map(|row| {
                let code = |column| row.try_get("", column).unwrap();
                (code("code_before"), code("code_after"), row.try_get("", "rpc").unwrap())
            })
            .collect()
    }

    /// Who did what to whose data.
    pub async fn audit(&self) -> Vec<(String, String, String)> {
        kept::audit(&self.store, self.school).await
    }
}

/// Every fact of a school so far.
pub async fn said(store: &Store, school: Tenant) -> Vec<Said> {
    let facts = kept::facts(store, school).await;
    facts
        .into_iter()
        .map(|event| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            let kind = text(&event["type"]);
            let name = kind.trim_start_matches("schoolbell.absences.").trim_end_matches(".v1").to_owned();
            (name, text(&event["data"]["pupil_id"]), event["version"].as_u64().unwrap())
        })
        .collect()
}

pub fn fresh() -> String {
    PupilId::generate().to_string()
}

pub fn register(class_id: ClassId, marks: &[(PupilId, &str)]) -> pb::PostRegisterRequest {
    let mark = |(pupil_id, code): &(PupilId, &str)| pb::Mark {
        pupil_id: pupil_id.to_string(),
        code: (*code).to_owned(),
    };
    pb::PostRegisterRequest {
        request_id: fresh(),
        class_id: class_id.to_string(),
        date: TODAY.to_owned(),
        session: MORNING,
        marks: marks.iter().map(mark).collect(),
    }
}

pub fn close(session: i32) -> pb::CloseRegisterRequest {
    pb::CloseRegisterRequest { request_id: fresh(), date: TODAY.to_owned(), session }
}

/// A request of a person who may do what these tests do.
pub fn request_of<T>(school: Tenant, message: T) -> Request<T> {
    answers::request_of(school, ("person-7", Role::Office), message)
}
