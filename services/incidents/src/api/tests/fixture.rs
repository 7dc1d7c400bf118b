//! One school and its service on each database, and what an answer left behind in it.

use jiff::Timestamp;
use kit::Tenant;
use kit::audit::Audited;
use kit::clock::{Clock, to_proto};
use kit::identity::Caller;
use kit::store::Store;
use kit::testing::TestStore;
use proto::events::Event;
use proto::events::incidents::AccidentRecorded;
use proto::ids::PupilId;
use proto::incidents::v1 as pb;
use proto::incidents::v1::incidents_service_server::IncidentsService;
use proto::options::v1::Role;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use super::super::Api;
use super::neighbour::Neighbour;
use crate::store::MIGRATIONS;

/// When the clocks of these tests begin: eleven in the morning of a Tuesday.
pub const ELEVEN: &str = "2026-11-24T11:00:00.123456Z";

/// The service of one school on one database.
pub struct World {
    pub backend: &'static str,
    pub store: Store,
    pub clock: Clock,
    pub api: Api,
    pub school: Tenant,
    pub neighbour: Neighbour,
    pub test: TestStore,
}

impl World {
    /// One on each database.
    pub async fn each() -> Vec<Self> {
        let mut worlds = Vec::new();
        for test in kit::testing::stores("incidents", MIGRATIONS).await {
            test.clock.set(ELEVEN.parse().unwrap());
            let neighbour = Neighbour::start(&test.clock).await;
            let (store, clock) = (test.store.clone(), test.clock.clone());
            let directory = neighbour.directory.clone();
            worlds.push(Self {
                backend: test.backend,
                api: Api { store: store.clone(), directory, clock: clock.clone() },
                store,
                clock,
                school: Tenant::generate(),
                neighbour,
                test,
            });
        }
        worlds
    }

    /// A pupil on roll.
    pub fn pupil(&self, first_name: &str) -> PupilId {
        self.neighbour.roll.add(first_name)
    }

    pub fn at(&self, time: &str) {
        self.clock.set(time.parse().unwrap());
    }

    pub fn request<T>(&self, message: T) -> Request<T> {
        request_of(self.school, message)
    }

    pub async fn record(
        &self,
        pupil_id: PupilId,
        account: pb::Account,
    ) -> Result<pb::RecordAccidentResponse, Status> {
        let message = record(pupil_id, account);
        sealed(self.api.record_accident(self.request(message)).await)
    }

    pub async fn amend(
        &self,
        accident_id: &str,
        account: pb::Account,
    ) -> Result<pb::AmendAccidentResponse, Status> {
        sealed(self.api.amend_accident(self.request(amend(accident_id, account))).await)
    }

    pub async fn list(&self, message: pb::ListAccidentsRequest) -> pb::ListAccidentsResponse {
        sealed(self.api.list_accidents(self.request(message)).await).unwrap()
    }

    /// Every accident as it stands, newest first.
    pub async fn standing(&self) -> Vec<pb::Accident> {
        self.list(pb::ListAccidentsRequest::default()).await.accidents
    }

    /// Every fact of this school so far.
    pub async fn said(&self) -> Vec<Event<AccidentRecorded>> {
        let sql = "SELECT body FROM outbox ORDER BY id";
        let rows = self.store.read().query_all_raw(self.store.statement(sql, [])).await.unwrap();
        let events = rows.iter().map(|row| serde_json::from_str(&text(row, "body")).unwrap());
        events.filter(|event: &Event<AccidentRecorded>| event.school == self.school).collect()
    }

    /// Every task so far: kind, role and subjects.
    pub async fn tasks(&self) -> Vec<(String, String, Vec<String>)> {
        let rows = self.query("SELECT kind, role, subjects FROM tasks WHERE tenant = $1 ORDER BY id").await;
        rows.iter()
            .map(|row| {
                let subjects = serde_json::from_str(&text(row, "subjects")).unwrap();
                (text(row, "kind"), text(row, "role"), subjects)
            })
            .collect()
    }

    /// Every account of every accident, oldest first: who, why, what.
    pub async fn history(&self) -> Vec<(String, String, String)> {
        let sql = "SELECT who, why, what FROM accounts WHERE accident_id IN \
                   (SELECT id FROM accidents WHERE school = $1) ORDER BY accident_id, version";
        let rows = self.query(sql).await;
        rows.iter().map(|row| (text(row, "who"), text(row, "why"), text(row, "what"))).collect()
    }

    /// Who did what to whose data.
    pub async fn audit(&self) -> Vec<(String, String, String)> {
        let rows = self.query("SELECT who, rpc, subjects FROM audit WHERE tenant = $1 ORDER BY id").await;
        rows.iter().map(|row| (text(row, "who"), text(row, "rpc"), text(row, "subjects"))).collect()
    }

    async fn query(&self, sql: &str) -> Vec<QueryResult> {
        let school: Value = self.school.to_string().into();
        self.store.read().query_all_raw(self.store.statement(sql, [school])).await.unwrap()
    }
}

fn text(row: &QueryResult, column: &str) -> String {
    row.try_get("", column).unwrap()
}

pub fn request_of<T>(school: Tenant, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let caller = Caller { subject: "person-7".to_owned(), tenant: school, roles: vec![Role::FirstAider] };
    request.extensions_mut().insert(caller);
    request
}

pub fn fresh() -> String {
    PupilId::generate().to_string()
}

/// A grazed knee, twenty minutes before [`ELEVEN`].
pub fn grazed_knee() -> pb::Account {
    pb::Account {
        kind: pb::AccidentKind::Minor.into(),
        what: "Tripped over a skipping rope and grazed a knee".to_owned(),
        place: "Playground".to_owned(),
        happened_at: Some(instant("2026-11-24T10:40:00Z")),
        first_aid: "Cleaned, plaster put on".to_owned(),
        no_first_aid_because: String::new(),
        first_aider: "Mrs Okafor".to_owned(),
        names_checked: false,
    }
}

pub fn record(pupil_id: PupilId, account: pb::Account) -> pb::RecordAccidentRequest {
    pb::RecordAccidentRequest { request_id: fresh(), pupil_id: pupil_id.to_string(), account: Some(account) }
}

pub fn amend(accident_id: &str, account: pb::Account) -> pb::AmendAccidentRequest {
    pb::AmendAccidentRequest {
        request_id: fresh(),
        accident_id: accident_id.to_owned(),
        account: Some(account),
        why: "the class teacher saw more of it".to_owned(),
    }
}

pub fn instant(text: &str) -> prost_types::Timestamp {
    let at: Timestamp = text.parse().unwrap();
    to_proto(at)
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

/// The fields of a refusal.
pub fn fields(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}
