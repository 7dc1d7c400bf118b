//! One school and its service on each database, and what an answer left behind in it.

use kit::Tenant;
use kit::audit::Audited;
use kit::clock::Clock;
use kit::identity::Caller;
use kit::store::Store;
use kit::testing::TestStore;
use proto::directory::v1 as directory;
use proto::directory::v1::audience::Scope;
use proto::events::Event;
use proto::events::messaging::AnnouncementSent;
use proto::ids::{ClassId, PupilId};
use proto::messaging::v1 as pb;
use proto::messaging::v1::messaging_service_server::MessagingService;
use proto::options::v1::Role;
use sea_orm::{ConnectionTrait, QueryResult, Value};
use tonic::{Request, Response, Status};
use tonic_types::StatusExt;

use super::super::Api;
use super::neighbour::{Neighbour, Roll};
use crate::store::MIGRATIONS;

/// The service of one school on one database.
pub struct World {
    pub backend: &'static str,
    pub store: Store,
    pub clock: Clock,
    pub api: Api,
    pub school: Tenant,
    neighbour: Neighbour,
    pub test: TestStore,
}

impl World {
    /// One on each database, on a Tuesday at ten to nine.
    pub async fn each() -> Vec<Self> {
        let mut worlds = Vec::new();
        for test in kit::testing::stores("messaging", MIGRATIONS).await {
            let neighbour = Neighbour::start(&test.clock).await;
            worlds.push(Self {
                backend: test.backend,
                store: test.store.clone(),
                clock: test.clock.clone(),
                api: Api {
                    store: test.store.clone(),
                    directory: neighbour.directory.clone(),
                    clock: test.clock.clone(),
                },
                school: Tenant::generate(),
                neighbour,
                test,
            });
        }
        worlds
    }

    pub fn roll(&self) -> &Roll {
        &self.neighbour.roll
    }

    /// A class with so many pupils.
    pub fn class(&self, pupils: usize, year_group: &str) -> (ClassId, Vec<PupilId>) {
        let class_id = ClassId::generate();
        (class_id, (0..pupils).map(|_| self.roll().add(class_id, year_group)).collect())
    }

    pub fn request<T>(&self, message: T) -> Request<T> {
        request_of(self.school, message)
    }

    pub async fn send(
        &self,
        message: pb::SendAnnouncementRequest,
    ) -> Result<pb::SendAnnouncementResponse, Status> {
        sealed(self.api.send_announcement(self.request(message)).await)
    }

    pub async fn list(&self, page_size: i32, page_token: &str) -> pb::ListAnnouncementsResponse {
        let message = pb::ListAnnouncementsRequest { page_size, page_token: page_token.to_owned() };
        sealed(self.api.list_announcements(self.request(message)).await).unwrap()
    }

    /// Every fact so far.
    pub async fn said(&self) -> Vec<Event<AnnouncementSent>> {
        let rows = self.query("SELECT body FROM outbox ORDER BY id", []).await;
        let body = |row: &QueryResult| row.try_get::<String>("", "body").unwrap();
        rows.iter().map(|row| serde_json::from_str(&body(row)).unwrap()).collect()
    }

    /// Who did what to whose data.
    pub async fn audit(&self) -> Vec<(String, String, String)> {
        let school: Value = self.school.to_string().into();
        let sql = "SELECT who, rpc, subjects FROM audit WHERE tenant = $1 ORDER BY id";
        let rows = self.query(sql, [school]).await;
        let text = |row: &QueryResult, column: &str| row.try_get::<String>("", column).unwrap();
        rows.iter().map(|row| (text(row, "who"), text(row, "rpc"), text(row, "subjects"))).collect()
    }

    async fn query<const N: usize>(&self, sql: &str, values: [Value; N]) -> Vec<QueryResult> {
        self.store.read().query_all_raw(self.store.statement(sql, values)).await.unwrap()
    }
}

pub fn request_of<T>(school: Tenant, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let caller = Caller { subject: "person-7".to_owned(), tenant: school, roles: vec![Role::Office] };
    request.extensions_mut().insert(caller);
    request
}

pub fn whole_school() -> Scope {
    Scope::WholeSchool(directory::WholeSchool {})
}

pub fn year_groups(names: &[&str]) -> Scope {
    Scope::YearGroups(directory::YearGroups {
        year_groups: names.iter().map(|name| (*name).to_owned()).collect(),
    })
}

pub fn classes(class_ids: &[ClassId]) -> Scope {
    Scope::Classes(directory::Classes { class_ids: class_ids.iter().map(ToString::to_string).collect() })
}

pub fn pupils(pupil_ids: &[PupilId]) -> Scope {
    Scope::Pupils(directory::Pupils { pupil_ids: pupil_ids.iter().map(ToString::to_string).collect() })
}

/// A text and an e-mail to an audience.
pub fn museum(scope: Scope) -> pb::SendAnnouncementRequest {
    pb::SendAnnouncementRequest {
        request_id: PupilId::generate().to_string(),
        audience: Some(directory::Audience { scope: Some(scope) }),
        subject: "Museum visit".to_owned(),
        body: "Dear families,\n\nplease send a packed lunch.".to_owned(),
        text: "Please remember a packed lunch for the museum tomorrow.".to_owned(),
    }
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

/// The fields of a refusal, in their order.
pub fn fields<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let details = answer.unwrap_err().get_error_details();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    violations.into_iter().map(|violation| violation.field).collect()
}
