//! The world as a whole: its log, its page and its control, over real sockets.

use std::time::Duration;

use serde_json::{Value, json};

use crate::notify::tests::{Client, http};
use crate::{Behaviour, Error, Failure, Options, Person, Provider, Will, read_log, start};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn the_log_reads_back_what_was_accepted_and_goes_on_counting_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("witness.jsonl");
    for round in 1..=2_u64 {
        let world = start(Options::new(&log)).await.unwrap();
        let client = Client::new(&world);
        assert_eq!(client.text("07700 900001", "Hello", Some("dlv_1")).await.0, 201);
        assert_eq!(client.text("01632 960001", "Hello", None).await.0, 400);
        assert_eq!(world.messages().len(), 1);
        world.stop().await;

        let entries = read_log(&log).unwrap();
        let counted: Vec<u64> = entries.iter().map(|entry| entry.seq).collect();
        assert_eq!(counted, (1..=2 * round).collect::<Vec<_>>());
        let accepted = entries[0].accepted().unwrap();
        assert_eq!(accepted.to, "+447700900001");
        assert_eq!(accepted.body, "Schoolbell: Hello");
        assert_eq!(accepted.reference.as_deref(), Some("dlv_1"));
        assert_eq!(accepted.will, Will::Deliver);
    }
    let first = std::fs::read_to_string(&log).unwrap().lines().next().unwrap().to_owned();
    let line: Value = serde_json::from_str(&first).unwrap();
    for (field, value) in [("seq", json!(1)), ("event", json!("accepted")), ("channel", json!("sms"))] {
        assert_eq!(line[field], value);
    }
}

#[tokio::test]
async fn a_log_with_a_broken_line_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("witness.jsonl");
    std::fs::write(&log, "{\"seq\":1").unwrap();
    assert!(matches!(start(Options::new(&log)).await, Err(Error::Log(_))));
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let folder = tempfile::tempdir().unwrap();
    let options =
        Options { listen: [0, 0, 0, 0].into(), ..Options::new(folder.path().join("witness.jsonl")) };
    assert!(matches!(start(options).await, Err(Error::NotLoopback(_))));
}

#[tokio::test]
async fn the_page_shows_people_and_messages_under_a_strict_policy() {
    let folder = tempfile::tempdir().unwrap();
    let people = vec![Person {
        name: "Ada Ray".to_owned(),
        about: "mother of Ben".to_owned(),
        addresses: vec!["07700 900001".to_owned(), "Ada@Example.org".to_owned()],
    }];
    let world = start(Options { people, ..Options::new(folder.path().join("witness.jsonl")) }).await.unwrap();
    Client::new(&world).text("+447700900001", "Ben is away", None).await;

    let page = http().get(world.http_url()).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'self'"), "{policy}");
    assert!(page.text().await.unwrap().contains("Parents’ phones"));

    let people = get_json(&format!("{}/people.json", world.http_url())).await;
    assert_eq!(people["people"][0]["addresses"][0]["key"], "+447700900001");
    assert_eq!(people["people"][0]["addresses"][1]["key"], "ada@example.org");
    let messages = get_json(&format!("{}/messages.json", world.http_url())).await;
    assert_eq!(messages["messages"][0]["body"], "Schoolbell: Ben is away");
    let later = get_json(&format!("{}/messages.json?after=1", world.http_url())).await;
    assert_eq!(later["messages"], json!([]));
    world.stop().await;
}

#[tokio::test]
async fn control_tells_the_world_to_misbehave_and_refuses_what_it_does_not_know() {
    let folder = tempfile::tempdir().unwrap();
    let world = start(Options::new(folder.path().join("witness.jsonl"))).await.unwrap();
    let client = Client::new(&world);
    let control = format!("{}/control", world.http_url());

    let told = json!({ "behaviour": "answer", "provider": "notify", "status": 503, "requests": 1 });
    assert_eq!(http().post(&control).json(&told).send().await.unwrap().status(), 204);
    assert_eq!(client.text("07700900001", "Hello", None).await.0, 503);
    assert_eq!(client.text("07700900001", "Hello", None).await.0, 201);

    let unknown = json!({ "behaviour": "explode" });
    assert_eq!(http().post(&control).json(&unknown).send().await.unwrap().status(), 422);
    let not_json = http().post(&control).body(told.to_string()).send().await.unwrap();
    assert_eq!(not_json.status(), 415, "a foreign page cannot send JSON without asking first");
    world.stop().await;
}

#[tokio::test]
async fn waiting_ends_when_the_condition_holds_or_the_time_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let world = start(Options::new(folder.path().join("witness.jsonl"))).await.unwrap();
    let client = Client::new(&world);

    let (sent, seen) = tokio::join!(
        client.text("07700900001", "Hello", None),
        world.wait_until(SOON, |messages| messages.len() == 1)
    );
    assert_eq!((sent.0, seen.unwrap().len()), (201, 1));

    let never = world.wait_until(Duration::from_millis(20), |messages| messages.len() == 2).await;
    assert!(matches!(never, Err(Error::TimedOut { seen: 1, .. })));
    world.stop().await;
}

#[tokio::test]
async fn stopping_ends_waits_that_would_never_end() {
    let folder = tempfile::tempdir().unwrap();
    let world = start(Options::new(folder.path().join("witness.jsonl"))).await.unwrap();
    world.behave(Behaviour::TimeOutAfterAccepting { provider: Provider::Notify, requests: 1 });
    world.behave(Behaviour::Dead { address: "07700900009".to_owned(), failure: Failure::Permanent });
    let client = Client::new(&world);
    let hanging = tokio::time::timeout(SOON, client.text("07700900001", "Hello", None));
    let stopping = async {
        world.wait_until(SOON, |messages| messages.len() == 1).await.unwrap();
        world.stop().await;
    };
    let (answer, ()) = tokio::join!(hanging, stopping);
    assert!(answer.is_ok(), "the client is not left hanging");
}

async fn get_json(url: &str) -> Value {
    http().get(url).send().await.unwrap().json().await.unwrap()
}
