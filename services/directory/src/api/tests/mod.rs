//! The directory as its callers see it, on SQLite and on PostgreSQL. Each file is one story.

mod asking;
mod barring;
mod changing;
mod importing;
mod played;
mod preferring;
mod standing;

use kit::identity::Caller;
use kit::store::Store;
use kit::testing::{TestStore, stores};
use proto::directory::v1 as pb;
use proto::directory::v1::directory_service_server::DirectoryService;
use proto::ids::SchoolId;
use proto::options::v1::Role;
use sea_orm::{ConnectionTrait, FromQueryResult};
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;

use super::Directory;
use crate::domain::phone::TestNumbers;
use crate::import::sample::Sample;
use crate::store::MIGRATIONS;

/// A directory with nothing in it, and somebody who calls.
struct Desk {
    directory: Directory,
    store: Store,
    caller: Caller,
    test: TestStore,
}

/// One on each database.
async fn desks() -> Vec<Desk> {
    let stores = stores("directory", MIGRATIONS).await;
    stores
        .into_iter()
        .map(|test| Desk {
            directory: Directory::new(test.store.clone(), TestNumbers::Accepted),
            store: test.store.clone(),
            caller: Caller {
                subject: "person-1".to_owned(),
                tenant: SchoolId::generate(),
                roles: vec![Role::SystemAdministrator],
            },
            test,
        })
        .collect()
}

/// A fact in the outbox.
#[derive(Debug, FromQueryResult)]
struct Said {
    subject: String,
    body: String,
}

/// A task of the service.
#[derive(Debug, FromQueryResult)]
struct Opened {
    kind: String,
    role: String,
    subjects: String,
    why: String,
}

/// An entry of the audit.
#[derive(Debug, FromQueryResult)]
struct Written {
    subjects: String,
}

impl Desk {
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(self.caller.clone());
        request
    }

    async fn import(&self, archive: Vec<u8>, dry_run: bool) -> pb::ImportRosterResponse {
        let request = pb::ImportRosterRequest {
            request_id: SchoolId::generate().to_string(),
            archive: archive.into(),
            dry_run,
            agreed_removals: 0,
        };
        self.directory.import_roster(self.request(request)).await.unwrap().into_inner()
    }

    async fn load(&self, sample: &Sample) -> pb::ImportRosterResponse {
        let answer = self.import(sample.zip(), false).await;
        assert!(answer.loaded, "{}: {answer:?}", self.test.backend);
        answer
    }

    async fn rows<T: FromQueryResult>(&self, sql: &str) -> Vec<T> {
        T::find_by_statement(self.store.statement(sql, [])).all(self.store.read()).await.unwrap()
    }

    async fn said(&self) -> Vec<Said> {
        self.rows("SELECT subject, body FROM outbox ORDER BY id").await
    }

    async fn opened(&self) -> Vec<Opened> {
        self.rows("SELECT kind, role, subjects, why FROM tasks ORDER BY id").await
    }

    async fn written(&self, rpc: &str) -> Vec<Written> {
        let sql = format!("SELECT subjects FROM audit WHERE rpc = '{rpc}' ORDER BY id");
        self.rows(&sql).await
    }

    /// Every row that an import may touch: equal when nothing changed.
    async fn everything(&self) -> Vec<(&'static str, Vec<serde_json::Value>)> {
        let mut everything = Vec::new();
        for table in [
            "schools",
            "terms",
            "classes",
            "pupils",
            "contacts",
            "links",
            "decisions",
            "outbox",
            "tasks",
            "barred_addresses",
        ] {
            let rows = self
                .store
                .read()
                .query_all_raw(self.store.statement(&format!("SELECT * FROM {table} ORDER BY 1, 2"), []))
                .await
                .unwrap();
            let rows: Vec<serde_json::Value> =
                rows.iter().map(|row| sea_orm::JsonValue::from_query_result(row, "").unwrap()).collect();
            everything.push((table, rows));
        }
        everything
    }

    async fn pupils(&self) -> Vec<pb::PupilSummary> {
        let request = pb::ListPupilsRequest { page_size: 500, ..Default::default() };
        self.directory.list_pupils(self.request(request)).await.unwrap().into_inner().pupils
    }

    async fn pupil(&self, source_id: &str) -> pb::AudiencePupil {
        let pupils = self.pupils().await;
        let summary = pupils.iter().find(|pupil| pupil.source_id == source_id).unwrap();
        let request = pb::GetPupilRequest { pupil_id: summary.id.clone() };
        self.directory.get_pupil(self.request(request)).await.unwrap().into_inner().pupil.unwrap()
    }
}

fn link<'a>(pupil: &'a pb::AudiencePupil, source_id: &str) -> &'a pb::Link {
    pupil.links.iter().find(|link| link.contact_source_id == source_id).unwrap()
}

fn request_id() -> String {
    SchoolId::generate().to_string()
}

/// The code, the reason and the fields of a refusal.
fn refusal<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> (Code, String, Vec<String>) {
    let status = answer.unwrap_err();
    let details = status.get_error_details();
    let reason = details.error_info().unwrap().reason.clone();
    let fields = details
        .bad_request()
        .map(|bad| bad.field_violations.iter().map(|violation| violation.field.clone()).collect())
        .unwrap_or_default();
    (status.code(), reason, fields)
}
