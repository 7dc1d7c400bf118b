//! What people do at a school besides registers: accidents, closures, announcements.

use jiff::civil::Date;
use kit::clock::to_proto;
use proto::directory::v1 as directory;
use proto::dispatcher::v1 as dispatcher;
use proto::incidents::v1 as incidents;
use proto::incidents::v1::incidents_service_client::IncidentsServiceClient;
use proto::messaging::v1 as messaging;
use proto::messaging::v1::messaging_service_client::MessagingServiceClient;
use proto::options::v1::Role;
use proto::scheduling::v1 as scheduling;
use proto::scheduling::v1::scheduling_service_client::SchedulingServiceClient;
use tonic::transport::Channel;

use super::{DAY, Home, School, fresh};

/// Everybody.
#[must_use]
pub fn whole_school() -> directory::Audience {
    let scope = directory::audience::Scope::WholeSchool(directory::WholeSchool {});
    directory::Audience { scope: Some(scope) }
}

/// An accident on the playground a moment before the register opened, with a cold pack.
#[must_use]
pub fn account(kind: incidents::AccidentKind, what: &str) -> incidents::Account {
    incidents::Account {
        kind: kind.into(),
        what: what.to_owned(),
        place: "playground".to_owned(),
        happened_at: Some(to_proto("2026-11-24T08:45:00Z".parse().unwrap())),
        first_aid: "a cold pack for ten minutes".to_owned(),
        no_first_aid_because: String::new(),
        first_aider: "Mx Green".to_owned(),
        names_checked: false,
    }
}

/// A closure of the whole school for snow, from today's afternoon on.
#[must_use]
pub fn snow() -> scheduling::DeclareClosureRequest {
    scheduling::DeclareClosureRequest {
        request_id: fresh(),
        audience: Some(whole_school()),
        first_day: DAY.to_owned(),
        from: scheduling::Session::Afternoon.into(),
        last_day: DAY.to_owned(),
        reason: "heavy snow".to_owned(),
        collection: "Please collect children from the hall by 12:30".to_owned(),
    }
}

impl School {
    /// The incidents service.
    pub fn incidents(&self) -> IncidentsServiceClient<Channel> {
        IncidentsServiceClient::new(self.to("incidents"))
    }

    /// The scheduling service.
    pub fn scheduling(&self) -> SchedulingServiceClient<Channel> {
        SchedulingServiceClient::new(self.to("scheduling"))
    }

    /// The messaging service.
    pub fn messaging(&self) -> MessagingServiceClient<Channel> {
        MessagingServiceClient::new(self.to("messaging"))
    }

    /// A first-aider records an accident; the id of it.
    pub async fn records(&self, pupil: &str, account: incidents::Account) -> String {
        let request = incidents::RecordAccidentRequest {
            request_id: fresh(),
            pupil_id: self.pupil(pupil),
            account: Some(account),
        };
        let record =
            async || self.incidents().record_accident(self.by(Role::FirstAider, request.clone())).await;
        self.answered(record).await.accident_id
    }

    /// The account of an accident is corrected.
    pub async fn amends(&self, accident_id: &str, account: incidents::Account) {
        let request = incidents::AmendAccidentRequest {
            request_id: fresh(),
            accident_id: accident_id.to_owned(),
            account: Some(account),
            why: "written down in a hurry".to_owned(),
            version: 0,
        };
        self.incidents().amend_accident(self.by(Role::FirstAider, request)).await.unwrap();
    }

    /// The head closes; the closure's id.
    pub async fn closes_for(&self, request: scheduling::DeclareClosureRequest) -> String {
        let answer = self.scheduling().declare_closure(self.by(Role::Head, request)).await.unwrap();
        answer.into_inner().closure_id
    }

    /// The head makes a closure longer.
    pub async fn stays_closed_until(&self, closure_id: &str, last_day: Date) {
        let request = scheduling::ChangeClosureRequest {
            request_id: fresh(),
            closure_id: closure_id.to_owned(),
            last_day: Some(last_day.to_string()),
            reason: None,
            collection: None,
        };
        self.scheduling().change_closure(self.by(Role::Head, request)).await.unwrap();
    }

    /// The head opens again.
    pub async fn opens_on(&self, closure_id: &str, open_on: Date) {
        let request = scheduling::EndClosureRequest {
            request_id: fresh(),
            closure_id: closure_id.to_owned(),
            open_on: open_on.to_string(),
        };
        self.scheduling().end_closure(self.by(Role::Head, request)).await.unwrap();
    }

    /// The office writes to a class; the id of it.
    pub async fn announces(&self, class: &str, text: &str, body: &str) -> String {
        let class_ids = vec![self.classes[class].clone()];
        let scope = directory::audience::Scope::Classes(directory::Classes { class_ids });
        let request = messaging::SendAnnouncementRequest {
            request_id: fresh(),
            audience: Some(directory::Audience { scope: Some(scope) }),
            subject: "Museum visit".to_owned(),
            body: body.to_owned(),
            text: text.to_owned(),
        };
        let send = async || self.messaging().send_announcement(self.by(Role::Office, request.clone())).await;
        self.answered(send).await.announcement_id
    }

    /// Who would be told of a closure of everybody.
    pub async fn previews_a_closure(&self) -> dispatcher::PreviewResponse {
        let request = dispatcher::PreviewRequest {
            kind: "closure_declared".to_owned(),
            audience: Some(whole_school()),
            by_text: false,
            by_email: false,
            words: None,
        };
        self.dispatcher().preview(self.by(Role::Head, request)).await.unwrap().into_inner()
    }

    /// A document of the public website.
    pub async fn website(&self, document: &str) -> reqwest::Response {
        let path = format!("/website/{}/{document}", self.id);
        let address = match &self.home {
            Home::Here(_) | Home::Overheard(_) | Home::Mortal(_) => self.http,
            Home::Apart(apart) => apart.http("website"),
            Home::Protected(home) => return home.document("website", &path).await.unwrap(),
        };
        reqwest::get(format!("http://{address}{path}")).await.unwrap()
    }

    /// The alerts on the public website.
    pub async fn alerts(&self) -> String {
        self.website("alerts.json").await.text().await.unwrap()
    }
}
