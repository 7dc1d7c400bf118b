//! One school and its service on each database, and what an answer left behind in it.

use kit::Tenant;
use kit::clock::Clock;
use kit::store::Store;
use kit::testing::answers::{self, sealed};
use kit::testing::{TestStore, kept};
use neighbours::Neighbours;
use proto::directory::v1 as directory;
use proto::directory::v1::audience::Scope;
use proto::events::Event;
use proto::events::messaging::AnnouncementSent;
use proto::ids::{ClassId, PupilId};
use proto::messaging::v1 as pb;
use proto::messaging::v1::messaging_service_server::MessagingService;
use proto::options::v1::Role;
use tonic::{Request, Status};

use super::super::Api;
use crate::directory::Directory;
use crate::store::MIGRATIONS;

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
    /// One on each database, on a Tuesday at ten to nine.
    pub async fn each() -> Vec<Self> {
        let mut worlds = Vec::new();
        for test in kit::testing::stores("messaging", MIGRATIONS).await {
            let neighbours = Neighbours::start("messaging", &test.clock).await;
            worlds.push(Self {
                backend: test.backend,
                store: test.store.clone(),
                clock: test.clock.clone(),
                api: Api {
                    store: test.store.clone(),
                    directory: Directory::new(neighbours.peer()),
                    clock: test.clock.clone(),
                },
                school: Tenant::generate(),
                neighbours,
                test,
            });
        }
        worlds
    }

    /// A class with so many pupils.
    pub fn class(&self, pupils: usize, year_group: &str) -> (ClassId, Vec<PupilId>) {
        self.neighbours.directory.class(pupils, year_group)
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

    pub async fn correct(
        &self,
        message: pb::CorrectAnnouncementRequest,
    ) -> Result<pb::CorrectAnnouncementResponse, Status> {
        sealed(self.api.correct_announcement(self.request(message)).await)
    }

    pub async fn get(&self, announcement_id: &str) -> Result<pb::Announcement, Status> {
        let message = pb::GetAnnouncementRequest { announcement_id: announcement_id.to_owned() };
        sealed(self.api.get_announcement(self.request(message)).await)
            .map(|answer| answer.announcement.unwrap())
    }

    pub async fn list(&self, page_size: i32, page_token: &str) -> pb::ListAnnouncementsResponse {
        let message = pb::ListAnnouncementsRequest { page_size, page_token: page_token.to_owned() };
        sealed(self.api.list_announcements(self.request(message)).await).unwrap()
    }

    /// Every fact so far, as what an announcement was then.
    pub async fn said(&self) -> Vec<Event<AnnouncementSent>> {
        let facts = kept::facts(&self.store, self.school).await;
        facts.into_iter().map(|fact| serde_json::from_value(fact).unwrap()).collect()
    }

    /// What the facts so far are called.
    pub async fn said_as(&self) -> Vec<String> {
        let facts = kept::facts(&self.store, self.school).await;
        facts.iter().map(|fact| fact["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Who did what to whose data.
    pub async fn audit(&self) -> Vec<(String, String, String)> {
        kept::audit(&self.store, self.school).await
    }
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

/// The same trip on another day.
pub fn on_friday(announcement_id: &str, version: i64) -> pb::CorrectAnnouncementRequest {
    pb::CorrectAnnouncementRequest {
        request_id: PupilId::generate().to_string(),
        announcement_id: announcement_id.to_owned(),
        version,
        subject: "Museum visit".to_owned(),
        body: "Dear families,\n\nplease send a packed lunch on Friday.".to_owned(),
        text: "Please remember a packed lunch for the museum on Friday.".to_owned(),
    }
}

/// A request of a person who may do what these tests do.
pub fn request_of<T>(school: Tenant, message: T) -> Request<T> {
    answers::request_of(school, ("person-7", Role::Office), message)
}
