//! What people at school write down and say to everybody: accidents, closures, announcements.

use jiff::Timestamp;
use jiff::civil::Date;
use kit::clock::to_proto;
use proto::directory::v1::audience::Scope;
use proto::directory::v1::{Audience, Classes, WholeSchool};
use proto::incidents::v1 as incidents;
use proto::incidents::v1::incidents_service_client::IncidentsServiceClient;
use proto::messaging::v1 as messaging;
use proto::messaging::v1::messaging_service_client::MessagingServiceClient;
use proto::options::v1::Role;
use proto::scheduling::v1 as scheduling;
use proto::scheduling::v1::scheduling_service_client::SchedulingServiceClient;

use super::{Office, new_request};

/// What the first-aider writes about a child.
#[derive(Debug, Clone, Copy)]
pub struct Account<'a> {
    /// A bump of the head, or anything else.
    pub kind: incidents::AccidentKind,
    /// What happened.
    pub what: &'a str,
    /// What was done for the child.
    pub first_aid: &'a str,
    /// When, by the school's clock.
    pub happened_at: Timestamp,
}

/// What the head says of a closure of the whole school that begins with an afternoon.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    /// The first day.
    pub first_day: Date,
    /// The last day.
    pub last_day: Date,
    /// Why, for everybody.
    pub reason: &'a str,
    /// When and where children are collected.
    pub collection: &'a str,
}

/// What the office writes.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// Of the e-mail.
    pub subject: &'a str,
    /// The e-mail.
    pub body: &'a str,
    /// The text message.
    pub text: &'a str,
}

impl Office {
    /// The first-aider writes an accident on the playground down.
    pub async fn record_accident(&self, pupil_id: &str, account: Account<'_>) -> anyhow::Result<String> {
        let request = incidents::RecordAccidentRequest {
            request_id: new_request(),
            pupil_id: pupil_id.to_owned(),
            account: Some(incidents::Account {
                kind: account.kind.into(),
                what: account.what.to_owned(),
                place: "Playground".to_owned(),
                happened_at: Some(to_proto(account.happened_at)),
                first_aid: account.first_aid.to_owned(),
                first_aider: "The first-aider on duty".to_owned(),
                ..Default::default()
            }),
        };
        let answer =
            self.ask(("RecordAccident", "incidents"), Role::FirstAider, request, async |channel, request| {
                IncidentsServiceClient::new(channel).record_accident(request).await
            });
        Ok(answer.await?.accident_id)
    }

    /// The office writes to everybody at the homes of a class.
    pub async fn announce(&self, class_id: &str, letter: Letter<'_>) -> anyhow::Result<i32> {
        let classes = Classes { class_ids: vec![class_id.to_owned()] };
        let request = messaging::SendAnnouncementRequest {
            request_id: new_request(),
            audience: Some(Audience { scope: Some(Scope::Classes(classes)) }),
            subject: letter.subject.to_owned(),
            body: letter.body.to_owned(),
            text: letter.text.to_owned(),
        };
        let answer =
            self.ask(("SendAnnouncement", "messaging"), Role::Office, request, async |channel, request| {
                MessagingServiceClient::new(channel).send_announcement(request).await
            });
        Ok(answer.await?.pupils)
    }

    /// The head closes the school. Answers with the closure's id.
    pub async fn declare_closure(&self, closing: Closing<'_>) -> anyhow::Result<String> {
        let request = scheduling::DeclareClosureRequest {
            request_id: new_request(),
            audience: Some(Audience { scope: Some(Scope::WholeSchool(WholeSchool {})) }),
            first_day: closing.first_day.to_string(),
            from: scheduling::Session::Afternoon.into(),
            last_day: closing.last_day.to_string(),
            reason: closing.reason.to_owned(),
            collection: closing.collection.to_owned(),
        };
        let answer =
            self.ask(("DeclareClosure", "scheduling"), Role::Head, request, async |channel, request| {
                SchedulingServiceClient::new(channel).declare_closure(request).await
            });
        Ok(answer.await?.closure_id)
    }

    /// The head makes a closure longer, or shorter.
    pub async fn change_closure(&self, closure_id: &str, last_day: Date) -> anyhow::Result<()> {
        let request = scheduling::ChangeClosureRequest {
            request_id: new_request(),
            closure_id: closure_id.to_owned(),
            last_day: Some(last_day.to_string()),
            ..Default::default()
        };
        let answer =
            self.ask(("ChangeClosure", "scheduling"), Role::Head, request, async |channel, request| {
                SchedulingServiceClient::new(channel).change_closure(request).await
            });
        answer.await.map(|_| ())
    }

    /// The head opens the school again.
    pub async fn end_closure(&self, closure_id: &str, open_on: Date) -> anyhow::Result<()> {
        let request = scheduling::EndClosureRequest {
            request_id: new_request(),
            closure_id: closure_id.to_owned(),
            open_on: open_on.to_string(),
        };
        let answer = self.ask(("EndClosure", "scheduling"), Role::Head, request, async |channel, request| {
            SchedulingServiceClient::new(channel).end_closure(request).await
        });
        answer.await.map(|_| ())
    }
}
