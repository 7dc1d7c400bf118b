//! Nobody's name, number, mailbox or words stand in a log, a span, a metric or an error, whatever goes wrong:
//! calls that are cut off in the middle, nonsense, forged receipts, providers that repeat what they refuse.

use std::time::Duration;

use proto::dispatcher::v1 as dispatcher;
use proto::incidents::v1::{AccidentKind, Account, RecordAccidentRequest};
use proto::messaging::v1::SendAnnouncementRequest;
use proto::options::v1::Role;
use proto::scheduling::v1::DeclareClosureRequest;
use proto::tasks::v1 as tasks;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use simulator::{Behaviour, Failure, Provider};
use tests::installation::Backend;
use tests::roster::Contact;
use tests::school::stories::{account, snow, whole_school};
use tests::school::{Said, fresh};
use tests::wait::until;
use tests::{Roster, School};
use tokio::time::timeout;
use tonic::Status;
use tonic::codegen::{Service, http};

const CHILD: &str = "Zebedeeq";
const OTHER: &str = "Wilhelminaq";
const MOTHER: &str = "Philomenaq";
const FATHER: &str = "Bartholomewq";
const MAIL: &str = "mother.q@example.org";
const DEAD_MAIL: &str = "father.q@example.org";
const NUMBER: &str = "07700900231";
const DEAD: &str = "07700900232";
const STRANGER: &str = "07700900233";

/// As they may be spelt anywhere: a number in every form ends alike.
const PERSONAL: [&str; 16] = [
    CHILD,
    OTHER,
    MOTHER,
    FATHER,
    "mother.q",
    "father.q",
    "7700900231",
    "7700 900231",
    "7700900232",
    "7700900233",
    "trampoline",
    "lavender compress",
    "behind the greenhouse",
    "tangerine folders",
    "an otter came to the pond",
    "her aunt knows the code",
];

fn roster() -> Roster {
    let mother = Contact::parent(MOTHER).phone(NUMBER).email(MAIL);
    let father = Contact::parent(FATHER).phone(DEAD).email(DEAD_MAIL);
    Roster::new().pupil(CHILD, "oak", [mother.clone(), father]).pupil(OTHER, "elm", [mother])
}

/// Every status that somebody heard, with all that it carries.
#[derive(Default)]
struct Heard(Vec<String>);

impl Heard {
    fn refusal<T>(&mut self, answer: Result<T, Status>) {
        if let Err(status) = answer {
            let details = String::from_utf8_lossy(status.details());
            self.0.push(format!("{status:?} {} {details}", status.message()));
        }
    }
}

fn hurt(kind: AccidentKind) -> Account {
    Account {
        first_aid: "a lavender compress".to_owned(),
        ..account(kind, "Fell off the trampoline behind the greenhouse")
    }
}

/// Providers that say back what they were given.
fn providers_repeat(school: &School) {
    let refuse = |provider, status, text: &str| {
        let text = Some(text.to_owned());
        school.phones.behave(Behaviour::Answer { provider, status, requests: 1, text });
    };
    for status in [500, 503, 400, 403] {
        refuse(
            Provider::Notify,
            status,
            &format!("not +44{} of {MOTHER}: an otter came to the pond", &NUMBER[1..]),
        );
    }
    for status in [451, 550, 421, 554] {
        refuse(Provider::Smtp, status, &format!("5.1.1 <{MAIL}> of {MOTHER} is not here: lavender compress"));
    }
    let (provider, requests) = (Provider::Notify, 1);
    school.phones.behave(Behaviour::TimeOutAfterAccepting { provider, requests });
    school.phones.behave(Behaviour::DropAfterFinalDot { requests });
}

async fn a_day(school: &School) {
    for address in [DEAD, DEAD_MAIL] {
        let failure = Failure::Permanent;
        school.phones.behave(Behaviour::Dead { address: address.to_owned(), failure });
    }
    school.close_without(&[CHILD, OTHER]).await;
    school.records(CHILD, hurt(AccidentKind::Minor)).await;
    school.records(OTHER, hurt(AccidentKind::HeadInjury)).await;
    school
        .announces(
            "oak",
            "The tangerine folders, please.",
            "Bring the tangerine folders: an otter came to the pond.",
        )
        .await;
    school.arrives(CHILD).await;
    school.task("not_reached").await;
    school.settles().await;
    providers_repeat(school);
    let collection = "Please collect children behind the greenhouse".to_owned();
    school.closes_for(DeclareClosureRequest { collection, ..snow() }).await;
    school.settles().await;
}

/// Words where ids belong, and words that are refused.
async fn nonsense(school: &School, heard: &mut Heard) {
    for word in [CHILD, MAIL, NUMBER, "her aunt knows the code\0", "'; DROP TABLE deliveries; -- Zebedeeq"] {
        let id = || word.to_owned();
        let explain = dispatcher::ExplainRequest { contact_id: id(), notice_id: id() };
        heard.refusal(school.dispatcher().explain(school.by(Role::Head, explain)).await);
        let list =
            dispatcher::ListDeliveriesRequest { contact_id: id(), page_token: id(), ..Default::default() };
        heard.refusal(school.dispatcher().list_deliveries(school.by(Role::Head, list)).await);
        let request = RecordAccidentRequest {
            request_id: id(),
            pupil_id: id(),
            account: Some(hurt(AccidentKind::Minor)),
        };
        heard.refusal(school.incidents().record_accident(school.by(Role::FirstAider, request)).await);
        let naming = Account {
            what: format!("Ran into {OTHER} behind the greenhouse {word}"),
            ..hurt(AccidentKind::Minor)
        };
        let request = RecordAccidentRequest {
            request_id: fresh(),
            pupil_id: school.pupil(CHILD),
            account: Some(naming),
        };
        heard.refusal(school.incidents().record_accident(school.by(Role::FirstAider, request)).await);
        let request = dispatcher::PreviewRequest {
            kind: id(),
            audience: Some(whole_school()),
            by_text: true,
            by_email: true,
            words: Some(dispatcher::preview_request::Words::Text(format!("{OTHER} knows about {word}"))),
        };
        heard.refusal(school.dispatcher().preview(school.by(Role::Head, request)).await);
        let why = format!("{MOTHER} says that {word}");
        let what = Some(dispatcher::recall_request::What::NoticeId(id()));
        let request = dispatcher::RecallRequest { request_id: fresh(), what, why };
        heard.refusal(school.dispatcher().recall(school.by(Role::Head, request)).await);
        let no_token =
            school.by_token(word.trim_end_matches('\0'), dispatcher::ListNoticesRequest::default());
        heard.refusal(school.dispatcher().list_notices(no_token).await);
        let mut channel = school.channel.clone();
        for service in ["grpc.health.v1.Health", "schoolbell.directory.v1.DirectoryService", MAIL] {
            let path: String = word.chars().filter(char::is_ascii_alphanumeric).collect();
            let request = http::Request::post(format!("/{service}/{path}")).body(tonic::body::Body::empty());
            std::future::poll_fn(|cx| channel.poll_ready(cx)).await.unwrap();
            let answer = channel.call(request.unwrap()).await.unwrap();
            heard.0.push(format!("{:?}", answer.headers()));
        }
    }
    let archive = b"PK\x03\x04 Zebedeeq, Philomenaq, 07700900231".to_vec();
    let request = proto::directory::v1::ImportRosterRequest {
        request_id: fresh(),
        archive: archive.into(),
        dry_run: false,
        agreed_removals: 0,
    };
    heard.refusal(school.directory().import_roster(school.by(Role::SystemAdministrator, request)).await);
}

/// Somebody who is not the provider, and a provider that speaks of strangers.
async fn forged_receipts(school: &School) {
    let client = reqwest::Client::new();
    let door = format!("http://{}/dispatcher/receipts/notify", school.http);
    let stranger = format!(
        r#"{{"id":"740e5834-3a29-46b4-9a6f-16142fde533a","reference":"{MAIL}","to":"{STRANGER}","status":"delivered",
        "created_at":"2026-11-24T08:50:00.000000Z","completed_at":null,"notification_type":"sms"}}"#
    );
    for token in [school.receipts_token(), NUMBER] {
        for body in [stranger.clone(), stranger.replace("delivered", MOTHER), format!("{MOTHER} {STRANGER}")]
        {
            client.post(format!("{door}?of={STRANGER}")).bearer_auth(token).body(body).send().await.unwrap();
        }
    }
    for path in [format!("/website/{MAIL}/alerts.json"), format!("/{MOTHER}"), format!("/metrics?{NUMBER}")] {
        client.get(format!("http://{}{path}", school.http)).send().await.unwrap();
    }
}

/// Calls whose caller goes away at some moment between their beginning and their end. A server that is
/// left too often ends the connection, which is as good an end as any.
async fn cut_off(school: &School) {
    let gathering = school.notices().await.remove(0).gathering_id;
    for patience in (0..30).map(Duration::from_millis) {
        let (request_id, account) = (fresh(), Some(hurt(AccidentKind::Minor)));
        let request = RecordAccidentRequest { request_id, pupil_id: school.pupil(CHILD), account };
        let mut incidents = school.incidents();
        let call = incidents.record_accident(school.by(Role::FirstAider, request));
        let _ = timeout(patience, call).await;
        let request = SendAnnouncementRequest {
            request_id: fresh(),
            audience: Some(whole_school()),
            subject: format!("{CHILD} writes"),
            body: "An otter came to the pond.".to_owned(),
            text: "The tangerine folders, please.".to_owned(),
        };
        let mut messaging = school.messaging();
        let _ = timeout(patience, messaging.send_announcement(school.by(Role::Office, request))).await;
        let what = Some(dispatcher::recall_request::What::GatheringId(gathering.clone()));
        let why = "her aunt knows the code".to_owned();
        let request = dispatcher::RecallRequest { request_id: fresh(), what, why };
        let mut dispatcher = school.dispatcher();
        let _ = timeout(patience, dispatcher.recall(school.by(Role::Head, request))).await;
        let request = dispatcher::ListDeliveriesRequest { page_size: 500, ..Default::default() };
        let _ = timeout(patience, dispatcher.list_deliveries(school.by(Role::Head, request))).await;
    }
}

/// Somebody writes down what came of a task, in words of their own.
async fn outcome(school: &School) {
    let task = school.task("not_reached").await;
    let request = tasks::CompleteTaskRequest {
        request_id: fresh(),
        service: "dispatcher".to_owned(),
        task_id: task.id,
        outcome: format!("rang {MOTHER} on {NUMBER}: her aunt knows the code"),
    };
    let mut client = TasksServiceClient::new(school.to("dispatcher"));
    client.complete_task(school.by(Role::Head, request)).await.unwrap();
}

/// Where something personal stands, with the line.
fn found(place: &str, text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| {
        let word = PERSONAL.iter().find(|word| line.to_lowercase().contains(&word.to_lowercase()))?;
        let shown: String = line.chars().take(2_000).collect();
        Some(format!("{place}: {word} in {shown}"))
    });
    lines.take(10).collect()
}

async fn nothing_personal_is_said(backend: Backend) {
    let school = School::start_overheard(backend, roster()).await;
    let mut heard = Heard::default();
    a_day(&school).await;
    outcome(&school).await;
    nonsense(&school, &mut heard).await;
    forged_receipts(&school).await;
    cut_off(&school).await;
    let carried: String =
        school.phones.messages().iter().map(|message| message.accepted.body.as_str()).collect();
    for word in [CHILD, "trampoline", "lavender compress", "behind the greenhouse", "tangerine folders"] {
        assert!(carried.contains(word), "no message said {word}: this shows nothing");
    }
    // It ends with requests under way.
    school.phones.behave(Behaviour::Slow { provider: Provider::Notify, milliseconds: 700 });
    school.announces("elm", "The tangerine folders, please.", "An otter came to the pond.").await;
    let open = |deliveries: &Vec<dispatcher::Delivery>| {
        deliveries.iter().any(|delivery| delivery.state() == dispatcher::DeliveryState::Due)
    };
    until("a message that is under way", || school.deliveries(), open).await;
    let page = reqwest::get(format!("http://{}/metrics", school.http)).await.unwrap();
    let metrics = page.text().await.unwrap();
    let Said { log, spans } = school.ends_and_has_said().await;
    for (text, known) in [
        (&log, "\"dispatcher"),
        (&log, "put aside"),
        (&log, "\"level\":\"DEBUG\""),
        (&spans, "send"),
        (&metrics, "sms.notify"),
    ] {
        assert!(text.contains(known), "{known} is not said: this shows nothing");
    }
    assert!(heard.0.len() > 30, "{} refusals", heard.0.len());
    let found: Vec<String> =
        [("log", &log), ("span", &spans), ("metric", &metrics), ("status", &heard.0.join("\n"))]
            .into_iter()
            .flat_map(|(place, text)| found(place, text))
            .collect();
    assert!(found.is_empty(), "{backend:?}: {} found:\n{}", found.len(), found.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_nothing_personal_stands_in_a_log_a_span_a_metric_or_an_error() {
    nothing_personal_is_said(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_does_it_when_the_rows_are_on_postgresql() {
    nothing_personal_is_said(Backend::Postgres).await;
}
