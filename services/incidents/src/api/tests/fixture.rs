//! One school and its service on each database, and what an answer left behind in it.

use jiff::Timestamp;
use kit::Tenant;
use kit::clock::{Clock, to_proto};
use kit::store::Store;
use kit::testing::answers::{self, sealed};
use kit::testing::{TestStore, kept};
use neighbours::Neighbours;
use proto::events::Event;
use proto::events::incidents::AccidentRecorded;
use proto::ids::PupilId;
use proto::incidents::v1 as pb;
use proto::incidents::v1::incidents_service_server::IncidentsService;
use proto::options::v1::Role;
use tonic::{Request, Status};

use super::super::Api;
use crate::directory::Directory;
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
    pub neighbours: Neighbours,
    pub test: TestStore,
}

impl World {
    /// One on each database.
    pub async fn each() -> Vec<Self> {
        let mut worlds = Vec::new();
        for test in kit::testing::stores("incidents", MIGRATIONS).await {
            test.clock.set(ELEVEN.parse().unwrap());
            let neighbours = Neighbours::start("incidents", &test.clock).await;
            let (store, clock) = (test.store.clone(), test.clock.clone());
            let directory = Directory::new(neighbours.peer());
            worlds.push(Self {
                backend: test.backend,
                api: Api { store: store.clone(), directory, clock: clock.clone() },
                store,
                clock,
                school: Tenant::generate(),
                neighbours,
                test,
            });
        }
        worlds
    }

    /// A pupil on roll.
    pub fn pupil(&self, first_name: &str) -> PupilId {
        self.neighbours.directory.add(first_name, &[])
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
        let facts = kept::facts(&self.store, self.school).await;
        facts.into_iter().map(|fact| serde_json::from_value(fact).unwrap()).collect()
    }

    /// Every task so far: kind, role and subjects.
    pub async fn tasks(&self) -> Vec<(String, String, Vec<String>)> {
        let tasks = kept::tasks(&self.store, self.school).await;
        tasks.into_iter().map(|task| (task.kind, task.role, task.subjects)).collect()
    }

    /// Every account of every accident, oldest first: who, why, what.
    pub async fn history(&self) -> Vec<(String, String, String)> {
        let sql = "SELECT who, why, what FROM accounts WHERE accident_id IN \
                   (SELECT id FROM accidents WHERE school = $1) ORDER BY accident_id, version";
        let rows = kept::rows(&self.store, self.school, sql).await;
        let text = kept::text;
        rows.iter().map(|row| (text(row, "who"), text(row, "why"), text(row, "what"))).collect()
    }

    /// Who did what to whose data.
    pub async fn audit(&self) -> Vec<(String, String, String)> {
        kept::audit(&self.store, self.school).await
    }
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
        version: 0,
    }
}

pub fn instant(text: &str) -> prost_types::Timestamp {
    let at: Timestamp = text.parse().unwrap();
    to_proto(at)
}

/// A request of a person who may do what these tests do.
pub fn request_of<T>(school: Tenant, message: T) -> Request<T> {
    answers::request_of(school, ("person-7", Role::FirstAider), message)
}
