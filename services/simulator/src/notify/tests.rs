//! The API over HTTP: what is accepted, refused, limited, and reported back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Behaviour, Event, Failure, NotifyOptions, Options, Provider, ReceiptsTo, Simulator, Travel, Will, clock,
    start,
};

const SOON: Duration = Duration::from_secs(10);

/// A sender of texts and e-mails, as our dispatcher is one, but sharing no code with it.
pub(crate) struct Client {
    url: String,
    options: NotifyOptions,
    http: reqwest::Client,
}

/// A client for plain HTTP. The provider of TLS is the process's, and one test may have installed it before another.
pub(crate) fn http() -> reqwest::Client {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

impl Client {
    pub(crate) fn new(world: &Simulator) -> Self {
        Self { url: world.notify_url(), options: world.options.clone(), http: http() }
    }

    fn bearer(&self) -> String {
        let claims = json!({ "iss": self.options.service_id, "iat": clock::now().as_second() });
        let secret = self.options.api_key_secrets[0].to_string();
        encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    async fn post(&self, kind: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}/v2/notifications/{kind}", self.url));
        match request.bearer_auth(self.bearer()).json(body).send().await {
            Ok(answer) => (answer.status().as_u16(), answer.json().await.unwrap_or_default()),
            Err(_) => (0, Value::Null),
        }
    }

    pub(crate) async fn text(&self, to: &str, body: &str, reference: Option<&str>) -> (u16, Value) {
        let template = self.options.sms_template_id;
        let personalisation = json!({ "body": body });
        let request = json!({
            "phone_number": to,
            "template_id": template,
            "personalisation": personalisation,
            "reference": reference,
        });
        self.post("sms", &request).await
    }

    async fn mail(&self, to: &str, subject: &str, body: &str) -> (u16, Value) {
        let template = self.options.email_template_id;
        let personalisation = json!({ "subject": subject, "body": body });
        let request =
            json!({ "email_address": to, "template_id": template, "personalisation": personalisation });
        self.post("email", &request).await
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let request = self.http.get(format!("{}/v2/notifications{path}", self.url));
        let answer = request.bearer_auth(self.bearer()).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

struct World {
    simulator: Simulator,
    client: Client,
    _folder: tempfile::TempDir,
}

async fn world(notify: NotifyOptions) -> World {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { notify, ..Options::new(folder.path().join("witness.jsonl")) };
    let simulator = start(options).await.unwrap();
    World { client: Client::new(&simulator), simulator, _folder: folder }
}

/// The sender's callback: answers as scripted, then 204, and hands on what it got.
struct Callback {
    target: ReceiptsTo,
    arrived: mpsc::UnboundedReceiver<(String, Value)>,
    _server: AbortOnDropHandle<()>,
}

struct Script {
    answers: Mutex<VecDeque<u16>>,
    arrived: mpsc::UnboundedSender<(String, Value)>,
}

async fn on_receipt(State(script): State<Arc<Script>>, headers: HeaderMap, body: String) -> StatusCode {
    let bearer = headers["authorization"].to_str().unwrap().to_owned();
    script.arrived.send((bearer, serde_json::from_str(&body).unwrap())).unwrap();
    let answer = script.answers.lock().unwrap().pop_front().unwrap_or(204);
    StatusCode::from_u16(answer).unwrap()
}

async fn callback(answers: &[u16]) -> Callback {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = ReceiptsTo {
        url: format!("http://{}/receipts", listener.local_addr().unwrap()),
        bearer_token: "open sesame".to_owned(),
        after: Duration::from_millis(1),
        retry_every: Duration::from_millis(1),
    };
    let (sender, arrived) = mpsc::unbounded_channel();
    let script = Script { answers: Mutex::new(answers.iter().copied().collect()), arrived: sender };
    let router =
        axum::Router::new().route("/receipts", axum::routing::post(on_receipt)).with_state(Arc::new(script));
    #[expect(clippy::disallowed_methods, reason = "aborted when the test drops its handle")]
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Callback { target, arrived, _server: AbortOnDropHandle::new(server) }
}

impl Callback {
    async fn next(&mut self) -> (String, Value) {
        tokio::time::timeout(SOON, self.arrived.recv()).await.expect("a receipt in time").unwrap()
    }
}

#[tokio::test]
async fn a_text_is_answered_as_the_api_does_and_can_be_asked_for() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    let (status, created) = client.text("07700 900001", "Hello", Some("dlv_1")).await;
    assert_eq!(status, 201);
    assert_eq!(created["reference"], "dlv_1");
    assert_eq!(created["content"], json!({ "body": "Hello", "from_number": "GOVUK" }));
    assert_eq!(created["scheduled_for"], Value::Null);

    let id = created["id"].as_str().unwrap();
    let (status, asked) = client.get(&format!("/{id}")).await;
    assert_eq!((status, &asked["phone_number"]), (200, &json!("07700 900001")));
    assert_eq!((&asked["type"], &asked["body"]), (&json!("sms"), &json!("Hello")));

    let (status, unknown) = client.get("/00000000-0000-0000-0000-000000000000").await;
    assert_eq!((status, &unknown["errors"][0]["error"]), (404, &json!("NoResultFound")));
    simulator.stop().await;
}

#[tokio::test]
async fn an_email_has_a_subject_and_no_prefix() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    let (status, created) = client.mail("Ada@Example.org", "Ben", "Hello").await;
    assert_eq!((status, &created["content"]["subject"]), (201, &json!("Ben")));
    assert_eq!(created["sanitised_content"], json!({}));
    let message = &simulator.messages()[0].accepted;
    assert_eq!((message.to.as_str(), message.body.as_str()), ("ada@example.org", "Hello"));
    simulator.stop().await;
}

#[tokio::test]
async fn the_same_reference_twice_is_two_messages_and_both_are_found_by_it() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    for _ in 0..2 {
        assert_eq!(client.text("07700900001", "Hello", Some("dlv 1")).await.0, 201);
    }
    client.text("07700900001", "Hello", Some("dlv_2")).await;
    assert_eq!(simulator.messages().len(), 3);

    let (_, found) = client.get("?reference=dlv%201&template_type=sms&status=sending&status=delivered").await;
    assert_eq!(found["notifications"].as_array().unwrap().len(), 2);
    let newest = found["notifications"][0]["id"].as_str().unwrap();
    let (_, older) = client.get(&format!("?reference=dlv%201&older_than={newest}")).await;
    assert_eq!(older["notifications"].as_array().unwrap().len(), 1);
    assert_eq!(client.get("?reference=dlv_3").await.1["notifications"], json!([]));
    assert_eq!(client.get("?status=lost").await.0, 400);
    simulator.stop().await;
}

#[tokio::test]
async fn a_list_comes_in_pages_of_250() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    for _ in 0..251 {
        client.text("07700900001", "Hello", None).await;
    }
    let (_, first) = client.get("").await;
    assert_eq!(first["notifications"].as_array().unwrap().len(), 250);
    let next = first["links"]["next"].as_str().unwrap();
    let (_, second) = client.get(&next[next.find('?').unwrap()..]).await;
    assert_eq!(second["notifications"].as_array().unwrap().len(), 1);
    assert_eq!(second["links"].get("next"), None);
    simulator.stop().await;
}

#[tokio::test]
async fn a_request_without_a_good_token_is_refused_and_witnessed() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    let url = format!("{}/v2/notifications/sms", client.url);
    let body = json!({ "phone_number": "07700900001" });
    let answer = client.http.post(&url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    let entries = simulator.wait_until_logged(SOON, |entries| entries.len() == 1).await.unwrap();
    let Event::Refused(refused) = &entries[0].event else { panic!("{entries:?}") };
    assert_eq!((refused.status, refused.to.as_deref()), (401, Some("+447700900001")));
    simulator.stop().await;
}

#[tokio::test]
async fn both_limits_answer_429_with_their_own_class() {
    let notify = NotifyOptions { rate_per_minute: Some(3), ..NotifyOptions::default() };
    let World { simulator, client, _folder } = world(notify).await;
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(client.text("07700900001", "Hello", None).await);
    }
    // The bucket holds two; one more accrues only after 20 seconds.
    assert_eq!(answers.iter().map(|answer| answer.0).collect::<Vec<_>>(), [201, 201, 429]);
    assert_eq!(answers[2].1["errors"][0]["error"], "RateLimitError");
    simulator.stop().await;

    let notify = NotifyOptions { daily_limit: Some(1), ..NotifyOptions::default() };
    let World { simulator, client, _folder } = world(notify).await;
    assert_eq!(client.text("07700900001", "Hello", None).await.0, 201);
    let (status, over) = client.text("07700900001", "Hello", None).await;
    assert_eq!((status, &over["errors"][0]["error"]), (429, &json!("TooManyRequestsError")));
    assert_eq!(over["status_code"], 429);
    simulator.stop().await;
}

#[tokio::test]
async fn told_refusals_come_in_turn_and_are_witnessed() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    let provider = Provider::Notify;
    simulator.behave(Behaviour::RateLimited { provider, requests: 1 });
    simulator.behave(Behaviour::DailyLimitReached { provider, requests: 1 });
    let text = Some("EventletTimeout".to_owned());
    simulator.behave(Behaviour::Answer { provider, status: 504, requests: 1, text });
    for expected in [(429, "RateLimitError"), (429, "TooManyRequestsError"), (504, "EventletTimeout")] {
        let (status, answer) = client.text("07700900001", "Hello", Some("dlv_1")).await;
        assert_eq!((status, answer["errors"][0]["error"].as_str().unwrap()), expected);
    }
    assert_eq!(client.text("07700900001", "Hello", Some("dlv_1")).await.0, 201);
    let entries = crate::read_log(simulator.log_path()).unwrap();
    assert_eq!(entries.len(), 4);
    simulator.stop().await;
}

#[tokio::test]
async fn a_time_out_before_accepting_leaves_no_message_and_one_after_leaves_one() {
    let World { simulator, mut client, _folder } = world(NotifyOptions::default()).await;
    client.http = reqwest::Client::builder().timeout(Duration::from_secs(1)).build().unwrap();
    let provider = Provider::Notify;
    simulator.behave(Behaviour::TimeOutBeforeAccepting { provider, requests: 1 });
    simulator.behave(Behaviour::TimeOutAfterAccepting { provider, requests: 1 });
    assert_eq!(client.text("07700900001", "first", Some("dlv_1")).await.0, 0);
    assert_eq!(client.text("07700900001", "second", Some("dlv_2")).await.0, 0);

    let seen = simulator.wait_until(SOON, |messages| !messages.is_empty()).await.unwrap();
    assert_eq!(seen[0].accepted.reference.as_deref(), Some("dlv_2"));
    assert_eq!(client.get("?reference=dlv_1").await.1["notifications"], json!([]));
    assert_eq!(client.get("?reference=dlv_2").await.1["notifications"].as_array().unwrap().len(), 1);
    assert_eq!(crate::read_log(simulator.log_path()).unwrap().len(), 1);
    simulator.stop().await;
}

#[tokio::test]
async fn receipts_say_delivered_or_how_it_failed() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    let mut callback = callback(&[]).await;
    simulator.send_receipts_to(callback.target.clone());
    for (address, failure) in [("07700 900002", Failure::Permanent), ("07700 900003", Failure::Temporary)] {
        simulator.behave(Behaviour::Dead { address: address.to_owned(), failure });
    }
    let expected = [
        ("07700900001", "delivered"),
        ("07700900002", "permanent-failure"),
        ("07700900003", "temporary-failure"),
    ];
    for (to, status) in expected {
        let (_, created) = client.text(to, "Hello", Some(to)).await;
        let (bearer, receipt) = callback.next().await;
        assert_eq!(bearer, "Bearer open sesame");
        assert_eq!((receipt["status"].as_str(), &receipt["id"]), (Some(status), &created["id"]));
        assert_eq!((receipt["to"].as_str(), receipt["reference"].as_str()), (Some(to), Some(to)));
        assert_eq!(receipt["notification_type"], "sms");
        let completed = receipt["completed_at"].as_str().unwrap();
        assert!(completed.ends_with('Z') && completed.len() == "2026-01-01T00:00:00.000000Z".len());
        let (_, asked) = client.get(&format!("/{}", created["id"].as_str().unwrap())).await;
        assert_eq!(asked["status"], status);
    }
    let wills: Vec<Will> = simulator.messages().iter().map(|message| message.accepted.will).collect();
    assert_eq!(wills, [Will::Deliver, Will::Fail, Will::Fail]);
    simulator.stop().await;
}

#[tokio::test]
async fn a_receipt_is_repeated_after_trouble_and_dropped_after_a_refusal() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    let callback = callback(&[503, 429, 204, 401]).await;
    simulator.send_receipts_to(callback.target.clone());
    client.text("07700900001", "Hello", None).await;
    let answered = |entries: &[crate::Entry]| -> Vec<(u32, Option<u16>)> {
        let receipts = entries.iter().filter_map(|entry| match &entry.event {
            Event::Receipt(receipt) => Some((receipt.attempt, receipt.answered)),
            Event::Accepted(_) | Event::Refused(_) => None,
        });
        receipts.collect()
    };
    let first = [(1, Some(503)), (2, Some(429)), (3, Some(204))];
    simulator.wait_until_logged(SOON, |entries| answered(entries) == first).await.unwrap();

    client.text("07700900001", "Hello", None).await;
    let entries = simulator.wait_until_logged(SOON, |entries| answered(entries).len() == 4).await.unwrap();
    assert_eq!(answered(&entries).last(), Some(&(1, Some(401))));
    client.text("07700900001", "Hello", None).await;
    let entries = simulator.wait_until_logged(SOON, |entries| answered(entries).len() == 5).await.unwrap();
    assert_eq!(answered(&entries).last(), Some(&(1, Some(204))), "the refused one never came again");
    simulator.stop().await;
}

#[tokio::test]
async fn a_receipt_is_given_up_after_five_repeats_that_reach_nobody() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    let nobody = callback(&[]).await.target;
    simulator.send_receipts_to(nobody);
    client.text("07700900001", "Hello", None).await;
    let last_try = |entries: &[crate::Entry]| matches!(entries.last().map(|entry| &entry.event), Some(Event::Receipt(receipt)) if receipt.attempt == 6);
    let entries = simulator.wait_until_logged(SOON, last_try).await.unwrap();
    assert_eq!(entries.len(), 7);
    simulator.stop().await;
}

#[tokio::test]
async fn receipts_wait_for_somebody_to_send_them_to_and_for_being_released() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    let mut callback = callback(&[]).await;
    client.text("07700900001", "early", Some("early")).await;
    simulator.send_receipts_to(callback.target.clone());
    assert_eq!(callback.next().await.1["reference"], "early");

    simulator.behave(Behaviour::Receipts { travel: Travel::Withheld });
    client.text("07700900001", "withheld", Some("withheld")).await;
    simulator.behave(Behaviour::NoReceipt { address: "07700900002".to_owned() });
    client.text("07700900002", "silent", Some("silent")).await;
    assert_eq!(simulator.messages().last().unwrap().accepted.will, Will::None);

    simulator.behave(Behaviour::Receipts { travel: Travel::Twice });
    for _ in 0..2 {
        assert_eq!(callback.next().await.1["reference"], "withheld");
    }
    simulator.behave(Behaviour::Receipts { travel: Travel::Late { milliseconds: 1 } });
    client.text("07700900001", "late", Some("late")).await;
    assert_eq!(callback.next().await.1["reference"], "late", "and never one for the silent number");
    simulator.stop().await;
}

#[tokio::test]
async fn two_thousand_receipts_all_arrive() {
    let World { simulator, client, _folder } = world(NotifyOptions::default()).await;
    let mut callback = callback(&[]).await;
    simulator.send_receipts_to(callback.target.clone());
    for number in 0..2_000 {
        client.text(&format!("+999{number:09}"), "Hello", None).await;
    }
    let mut ids = std::collections::HashSet::new();
    for _ in 0..2_000 {
        ids.insert(callback.next().await.1["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 2_000);
    simulator.stop().await;
}
