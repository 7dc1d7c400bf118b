//! One suite that every channel of [`all`] passes, against the simulator over real sockets.
//!
//! A new provider adds its line to `all`, its table to `config` and its refusals to `refusals`; nothing else here may tell one
//! channel from another. Each outcome that is seen is also searched for what must never be in one.

use std::net::Ipv4Addr;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use simulator::{Behaviour, Provider};
use tokio::net::TcpListener;
use tokio::time::timeout;

pub(super) use self::world::{Reach, World};
use super::*;

mod world;

const PASSWORD: &str = "correct-horse-battery";
const NUMBER: &str = "+447700900123";
const MAILBOX: &str = "parent.of.alex@example.org";
const BODY: &str = "Alex is not in school this morning; we have not yet heard why.";
const CONNECTIONS: usize = 3;
const PATIENT: Duration = Duration::from_secs(20);
const IMPATIENT: Duration = Duration::from_millis(300);

fn provider(channel: &dyn Channel) -> Provider {
    if channel.name().as_str().ends_with(".notify") { Provider::Notify } else { Provider::Smtp }
}

pub(super) fn outgoing(channel: &dyn Channel) -> Outgoing {
    Outgoing {
        key: "dlv_0192f7b2".to_owned(),
        to: match channel.name().medium() {
            Medium::Text => NUMBER,
            Medium::Email => MAILBOX,
        }
        .to_owned(),
        subject: (channel.name().medium() == Medium::Email).then(|| "Absence".to_owned()),
        body: BODY.to_owned(),
        purpose: Purpose::Needed,
        lane: Lane::Normal,
    }
}

/// Real time, which providers check signatures against.
#[expect(
    clippy::disallowed_methods,
    reason = "the simulator checks tokens against the real clock, as Notify does"
)]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

fn assert_clean(text: &str) {
    for forbidden in [
        "900123",
        "parent.of.alex",
        "example.org",
        "Alex",
        "not in school",
        PASSWORD,
        "5c001be1-0000-4000-8000-000000000002",
    ] {
        assert!(!text.contains(forbidden), "{forbidden} stands in: {text}");
    }
}

/// Leave that always holds.
pub(super) fn leave() -> Leave {
    Leave::while_it_holds(|| true)
}

/// Sends, and searches all that is said about it.
pub(super) async fn send(channel: &dyn Channel, outgoing: &Outgoing) -> Outcome {
    let outcome = channel.send(outgoing, &leave(), now()).await.unwrap();
    assert_clean(&format!("{outcome:?} {channel:?} {outgoing:?}"));
    if let Outcome::Retry { why, .. } | Outcome::Reject { why, .. } | Outcome::Unknown { why } = &outcome {
        assert_clean(&why.to_string());
    }
    outcome
}

/// An outcome in words, for tables.
pub(super) fn fate(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { .. } => "accepted".to_owned(),
        Outcome::Retry { why, .. } => format!("retry {}", why.code()),
        Outcome::Reject { why, kind } => format!("reject {kind:?} {}", why.code()),
        Outcome::Unknown { why } => format!("unknown {}", why.code()),
    }
}

#[tokio::test]
async fn every_channel_has_a_name_that_parses_and_limits_that_let_something_through() {
    let world = World::start().await;
    let channels = world.reach().open();
    let names: Vec<String> = channels.iter().map(|channel| channel.name().to_string()).collect();
    assert_eq!(names, ["sms.notify", "email.notify", "email.smtp"]);
    for channel in channels {
        assert_eq!(channel.name().as_str().parse(), Ok(channel.name()));
        let limits = channel.limits();
        assert!(limits.characters > 160 && limits.per_second > 0 && limits.burst > 0);
        assert!(limits.connections >= CONNECTIONS, "each connection has something to carry");
    }
}

#[tokio::test]
async fn an_accepted_message_stands_in_the_witness_log_once_and_whole() {
    let world = World::start().await;
    for channel in world.reach().open() {
        // Markup, umlauts, a lone dot and typography reach the reader as they were written, or as Notify is known to change them.
        let body = "# Alex – not in school\n.\n* Siân's class, £2, ring 01632 960001";
        let outgoing = Outgoing {
            body: body.to_owned(),
            key: format!("dlv_{}", channel.name().as_str().replace('.', "_")),
            ..outgoing(&*channel)
        };
        let Outcome::Accepted { reference } = send(&*channel, &outgoing).await else {
            panic!("{} did not accept", channel.name());
        };
        let messages = world.simulator.messages();
        let mine: Vec<_> = messages
            .iter()
            .map(|message| &message.accepted)
            .filter(|accepted| {
                accepted.reference.as_ref() == Some(&outgoing.key)
                    || accepted.message_id.as_ref().is_some_and(|id| id.starts_with(&outgoing.key))
            })
            .collect();
        let [accepted] = mine.as_slice() else { panic!("{}: {} messages", channel.name(), mine.len()) };
        assert_eq!(accepted.to, outgoing.to);
        assert_eq!(accepted.subject, outgoing.subject);
        let seen =
            accepted.body.replace('\u{2013}', "-").replace(['\\', '\u{200B}'], "").replace("\r\n", "\n");
        assert!(seen.contains("# Alex - not in school\n.\n* Siân's class, £2, ring 01632 960001"), "{seen}");
        let known = [Some(&accepted.id), accepted.message_id.as_ref()];
        assert!(
            known.into_iter().flatten().any(|id| *id == reference.trim_matches(['<', '>'])),
            "{}",
            channel.name()
        );
        match channel.find(&outgoing.key, now()).await {
            Found::Accepted { provider_reference } => assert_eq!(provider_reference, reference),
            found => assert_eq!(found, Found::CannotAsk),
        }
    }
}

/// What each provider may answer, and the fate of it.
fn refusals(channel: &dyn Channel) -> &'static [(u16, &'static str, &'static str)] {
    match provider(channel) {
        Provider::Notify => &[
            (400, "ValidationError", "reject Recipient ADDRESS_REFUSED"),
            (400, "BadRequestError", "reject Configuration SETTINGS"),
            (401, "AuthError", "retry CREDENTIALS"),
            (403, "AuthError", "retry CREDENTIALS"),
            (404, "NoResultFound", "retry WRONG_ENDPOINT"),
            (429, "RateLimitError", "retry RATE_LIMITED"),
            (429, "TooManyRequestsError", "retry DAILY_LIMIT"),
            (500, "Exception", "unknown PROVIDER_FAULT"),
            (504, "EventletTimeout", "unknown NO_ANSWER"),
        ],
        Provider::Smtp => &[
            (421, "4.3.2 closing", "retry SERVICE_CLOSING"),
            (450, "4.2.0 later", "retry TRY_LATER"),
            (452, "4.2.2 full", "retry MAILBOX_FULL"),
            (550, "5.1.1 <parent.of.alex@example.org> unknown", "reject Recipient ADDRESS_UNKNOWN"),
            (550, "5.7.1 no", "reject Configuration POLICY"),
            (552, "5.2.2 full", "retry MAILBOX_FULL"),
            (554, "5.6.0 no", "reject Message MESSAGE_REFUSED"),
        ],
    }
}

#[tokio::test]
async fn every_refusal_has_its_fate_and_the_next_message_goes() {
    let world = World::start().await;
    for channel in world.reach().open() {
        let provider = provider(&*channel);
        let outgoing = outgoing(&*channel);
        let before = world.witnessed(&outgoing);
        for (status, text, expected) in refusals(&*channel) {
            let text = Some((*text).to_owned());
            world.simulator.behave(Behaviour::Answer { provider, status: *status, requests: 1, text });
            let outcome = send(&*channel, &outgoing).await;
            assert_eq!(&fate(&outcome), expected, "{} {status}", channel.name());
        }
        assert_eq!(world.witnessed(&outgoing), before, "{}", channel.name());
        assert_eq!(fate(&send(&*channel, &outgoing).await), "accepted", "{}", channel.name());
    }
}

#[tokio::test]
async fn silence_before_accepting_is_unknown_and_the_provider_knows_of_nothing() {
    let world = World::start().await;
    for channel in world.reach().impatient().open() {
        world
            .simulator
            .behave(Behaviour::TimeOutBeforeAccepting { provider: provider(&*channel), requests: 1 });
        let outgoing = outgoing(&*channel);
        let before = world.witnessed(&outgoing);
        assert_eq!(fate(&send(&*channel, &outgoing).await), "unknown NO_ANSWER", "{}", channel.name());
        assert_eq!(world.witnessed(&outgoing), before);
        let found = channel.find(&outgoing.key, now()).await;
        assert!(matches!(found, Found::NotFound | Found::CannotAsk), "{}: {found:?}", channel.name());
    }
}

#[tokio::test]
async fn silence_after_accepting_is_unknown_and_found_by_our_key() {
    let world = World::start().await;
    for channel in world.reach().impatient().open() {
        world
            .simulator
            .behave(Behaviour::TimeOutAfterAccepting { provider: provider(&*channel), requests: 1 });
        let outgoing = outgoing(&*channel);
        let before = world.witnessed(&outgoing);
        assert_eq!(fate(&send(&*channel, &outgoing).await), "unknown NO_ANSWER", "{}", channel.name());
        assert_eq!(world.witnessed(&outgoing), before + 1);
        let found = channel.find(&outgoing.key, now()).await;
        assert!(matches!(found, Found::Accepted { .. } | Found::CannotAsk), "{}: {found:?}", channel.name());
    }
}

#[tokio::test]
async fn a_message_that_may_not_leave_any_more_does_not_and_the_next_one_goes() {
    let world = World::start().await;
    for channel in world.reach().open() {
        let outgoing = outgoing(&*channel);
        let before = world.witnessed(&outgoing);
        let barred = Leave::while_it_holds(|| false);
        assert_eq!(channel.send(&outgoing, &barred, now()).await, Err(NotSent::MayNot), "{}", channel.name());
        assert_eq!(world.witnessed(&outgoing), before, "{}", channel.name());
        assert_eq!(fate(&send(&*channel, &outgoing).await), "accepted", "{}", channel.name());
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_retry() {
    let world = World::start().await;
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    for channel in (Reach { http: nobody, smtp: nobody, ..world.reach() }).open() {
        let outgoing = outgoing(&*channel);
        assert_eq!(fate(&send(&*channel, &outgoing).await), "retry UNREACHABLE", "{}", channel.name());
        let found = channel.find(&outgoing.key, now()).await;
        assert!(matches!(found, Found::Failed { .. } | Found::CannotAsk), "{}: {found:?}", channel.name());
    }
}

#[tokio::test]
async fn wrong_credentials_lose_nothing_and_are_not_tried_again_at_once() {
    let world = World::start().await;
    let reach = world.reach();
    let api_key = reach.api_key.replace("000000000002", "000000000009");
    for channel in (Reach { api_key, password: "wrong", ..reach }).open() {
        let outcome = send(&*channel, &outgoing(&*channel)).await;
        assert_eq!(fate(&outcome), "retry CREDENTIALS", "{}", channel.name());
        let Outcome::Retry { after, .. } = outcome else { unreachable!() };
        assert!(after.is_some_and(|after| after >= Duration::from_mins(1)), "{}", channel.name());
    }
    assert_eq!(world.simulator.messages().len(), 0);
}

#[tokio::test]
async fn an_address_that_is_none_is_the_recipients_fault() {
    let world = World::start().await;
    for channel in world.reach().open() {
        let outgoing = Outgoing { to: "12".to_owned(), ..outgoing(&*channel) };
        let Outcome::Reject { kind, .. } = send(&*channel, &outgoing).await else {
            panic!("{}", channel.name())
        };
        assert_eq!(kind, RejectKind::Recipient, "{}", channel.name());
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_never_reaches_the_provider() {
    let world = World::start().await;
    let nobody = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    for channel in (Reach { http: nobody, smtp: nobody, ..world.reach() }).open() {
        let body = "a".repeat(channel.limits().characters + 1);
        let outcome = send(&*channel, &Outgoing { body, ..outgoing(&*channel) }).await;
        assert_eq!(fate(&outcome), "reject Message TOO_LONG", "{}", channel.name());
    }
    for channel in world.reach().open() {
        let body = "a".repeat(channel.limits().characters);
        let outcome = send(&*channel, &Outgoing { body, ..outgoing(&*channel) }).await;
        assert_eq!(fate(&outcome), "accepted", "{} takes the longest", channel.name());
    }
}

#[tokio::test]
async fn no_more_connections_are_open_than_the_limit_says() {
    let world = World::start().await;
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = silent.local_addr().unwrap();
    for channel in (Reach { http: address, smtp: address, ..world.reach() }).open() {
        let outgoing = outgoing(&*channel);
        let leave = leave();
        let senders = join_all((0..2 * CONNECTIONS).map(|_| channel.send(&outgoing, &leave, now())));
        let counting = async {
            let mut open = Vec::new();
            for _ in 0..CONNECTIONS {
                open.push(silent.accept().await.unwrap());
            }
            // All senders have been polled by now; one connection more would already be on its way.
            timeout(Duration::from_millis(200), silent.accept()).await.is_err()
        };
        tokio::select! {
            _ = senders => panic!("{} got an answer from a silent server", channel.name()),
            kept = counting => assert!(kept, "{} opened more connections than it may", channel.name()),
        }
    }
}

#[tokio::test]
async fn what_is_absent_or_wrong_in_the_config_is_named_without_its_value() {
    let http = http_client_for_tests();
    assert!(all(&Config::default(), &http).unwrap().is_empty());
    let world = World::start().await;
    let table = [
        (
            "sms.notify",
            "api_key",
            "secret-words",
            "channel sms.notify: api_key does not end in a service id and a secret",
        ),
        ("sms.notify", "base_url", "ftp://x", "channel sms.notify: base_url is not an http or https address"),
        ("email.smtp", "from", "secret-words", "channel email.smtp: from is not a mailbox in ascii letters"),
        (
            "email.smtp",
            "hello_name",
            "a b\r\n",
            "channel email.smtp: hello_name is not a domain in ascii letters",
        ),
    ];
    for (channel, key, value, expected) in table {
        let mut config = world.reach().config();
        config[channel][key] = serde_json::json!(value);
        let config: Config = serde_json::from_value(config).unwrap();
        assert_eq!(all(&config, &http).unwrap_err().to_string(), expected);
    }
    for (channel, secret) in
        [("sms.notify", "api_key"), ("email.notify", "api_key"), ("email.smtp", "password")]
    {
        let mut config = world.reach().config();
        let value = config[channel].as_object_mut().unwrap().remove(secret).unwrap();
        let opened =
            |config: &serde_json::Value| all(&serde_json::from_value(config.clone()).unwrap(), &http);
        let missing = opened(&config).unwrap_err().to_string();
        assert_eq!(missing, format!("channel {channel} lacks a secret"));
        let file = world.log.path().join("secret");
        std::fs::write(&file, format!("{}\n", value.as_str().unwrap())).unwrap();
        config[channel][format!("{secret}_file")] = serde_json::json!(file);
        assert!(opened(&config).is_ok(), "{channel} takes its secret from a file");
        config[channel]["surprise"] = serde_json::json!(1);
        assert!(serde_json::from_value::<Config>(config).is_err(), "{channel} takes an unknown key");
    }
}

#[tokio::test]
async fn what_would_leave_this_machine_unencrypted_is_named() {
    let world = World::start().await;
    let read = |config: serde_json::Value| serde_json::from_value::<Config>(config).unwrap().unprotected();
    assert_eq!(read(world.reach().config()), []);
    let mut config = world.reach().config();
    config["sms.notify"]["base_url"] = serde_json::json!("http://relay.example.org:80/x");
    config["email.notify"]["base_url"] = serde_json::json!("http://[::1]:80");
    config["email.smtp"]["host"] = serde_json::json!("relay.example.org");
    assert_eq!(read(config.clone()), [sms_notify::NAME, email_smtp::NAME]);
    config["sms.notify"]["base_url"] = serde_json::json!("https://relay.example.org");
    config["email.notify"]["base_url"] = serde_json::json!("HTTP://127.0.0.1:80@stranger.example.org/");
    config["email.smtp"]["security"] = serde_json::json!("starttls");
    assert_eq!(read(config), [email_notify::NAME]);
}

fn http_client_for_tests() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    http_client().unwrap()
}
