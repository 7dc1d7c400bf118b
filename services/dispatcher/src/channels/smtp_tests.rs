//! What only SMTP can do wrong: connections that die, dialogues left half-way, and encryption that is not what it seems.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use simulator::{Behaviour, Failure, Tls, TlsMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::contract::{World, fate, leave, now, outgoing, send};
use super::*;

fn smtp(channels: Vec<Arc<dyn Channel>>) -> Arc<dyn Channel> {
    channels.into_iter().find(|channel| channel.name() == email_smtp::NAME).unwrap()
}

fn open(config: serde_json::Value) -> Arc<dyn Channel> {
    let config: Config = serde_json::from_value(config).unwrap();
    email_smtp::open(&config.email_smtp.unwrap()).unwrap()
}

fn to(mailbox: &str, channel: &dyn Channel) -> Outgoing {
    Outgoing { to: mailbox.to_owned(), ..outgoing(channel) }
}

#[tokio::test]
async fn a_connection_that_drops_after_the_final_dot_leaves_the_fate_unknown() {
    let world = World::start().await;
    let channel = smtp(world.reach().open());
    world.simulator.behave(Behaviour::DropAfterFinalDot { requests: 1 });
    let mail = outgoing(&*channel);
    assert_eq!(fate(&send(&*channel, &mail).await), "unknown ANSWER_LOST");
    assert_eq!(world.simulator.messages().len(), 1, "it was accepted all the same");
    // At least once repeats it, as the same message.
    let Outcome::Accepted { reference } = send(&*channel, &mail).await else { panic!("not accepted") };
    let messages = world.simulator.messages();
    let ids: Vec<_> = messages.iter().filter_map(|message| message.accepted.message_id.as_deref()).collect();
    assert_eq!(ids, [reference.trim_matches(['<', '>']); 2]);
}

#[tokio::test]
async fn a_relay_that_came_back_is_used_through_a_fresh_connection() {
    let world = World::start().await;
    let channel = smtp(world.reach().open());
    let mail = outgoing(&*channel);
    assert_eq!(fate(&send(&*channel, &mail).await), "accepted");
    let world = world.restart().await;
    assert_eq!(fate(&send(&*channel, &mail).await), "accepted");
    assert_eq!(world.simulator.messages().len(), 1, "since the restart");
}

#[tokio::test]
async fn a_refused_recipient_does_not_cost_the_connection_nor_touch_the_next_mail() {
    let world = World::start().await;
    let mut config = world.reach().config();
    config["email.smtp"]["connections"] = serde_json::json!(1);
    let channel = open(config);
    let dead = "nobody@example.org";
    world.simulator.behave(Behaviour::Dead { address: dead.to_owned(), failure: Failure::Permanent });
    let full = "full@example.org";
    world.simulator.behave(Behaviour::Dead { address: full.to_owned(), failure: Failure::Temporary });
    let grey = "grey@example.org";
    world.simulator.behave(Behaviour::Greylist { address: grey.to_owned(), attempts: 1 });
    let table = [
        (dead, "reject Recipient ADDRESS_REFUSED"),
        ("alive@example.org", "accepted"),
        (full, "retry MAILBOX_FULL"),
        (grey, "retry TRY_LATER"),
        (grey, "accepted"),
    ];
    for (mailbox, expected) in table {
        assert_eq!(fate(&send(&*channel, &to(mailbox, &*channel)).await), expected, "{mailbox}");
    }
    let reached: Vec<_> = world.simulator.messages().into_iter().map(|message| message.accepted.to).collect();
    assert_eq!(reached, ["alive@example.org", grey]);
}

#[tokio::test]
async fn a_sender_that_goes_away_in_the_middle_leaves_no_half_dialogue_behind() {
    let world = World::start().await;
    let mut config = world.reach().config();
    config["email.smtp"]["connections"] = serde_json::json!(1);
    let channel = open(config);
    world
        .simulator
        .behave(Behaviour::TimeOutBeforeAccepting { provider: simulator::Provider::Smtp, requests: 1 });
    let abandoned = to("abandoned@example.org", &*channel);
    let waiting = timeout(Duration::from_millis(300), channel.send(&abandoned, &leave(), now())).await;
    assert!(waiting.is_err(), "the relay is silent");
    assert_eq!(fate(&send(&*channel, &to("next@example.org", &*channel)).await), "accepted");
    let reached: Vec<_> = world.simulator.messages().into_iter().map(|message| message.accepted.to).collect();
    assert_eq!(reached, ["next@example.org"]);
}

/// A server's configuration and the certificate that a client must trust for it.
fn certificate() -> (Arc<rustls::ServerConfig>, String) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    (Arc::new(config), issued.cert.pem())
}

#[tokio::test]
async fn encryption_from_the_start_and_by_starttls_carries_mail_and_nothing_goes_without() {
    for (mode, security) in [(TlsMode::Implicit, "tls"), (TlsMode::StartTls, "starttls")] {
        let (config, pem) = certificate();
        let world = World::start_with(|options| options.smtp_tls = Some(Tls { config, mode })).await;
        let mut config = world.reach().config();
        config["email.smtp"]["host"] = serde_json::json!("localhost");
        config["email.smtp"]["security"] = serde_json::json!(security);
        let mistrusting = open(config.clone());
        assert_eq!(fate(&send(&*mistrusting, &outgoing(&*mistrusting)).await), "retry TLS", "{security}");
        assert_eq!(world.simulator.messages().len(), 0);
        config["email.smtp"]["ca_certificates"] = serde_json::json!(pem);
        let channel = open(config);
        assert_eq!(fate(&send(&*channel, &outgoing(&*channel)).await), "accepted", "{security}");
    }
    let world = World::start().await;
    let mut config = world.reach().config();
    config["email.smtp"]["host"] = serde_json::json!("localhost");
    config["email.smtp"]["security"] = serde_json::json!("starttls");
    let channel = open(config);
    assert_eq!(fate(&send(&*channel, &outgoing(&*channel)).await), "retry TLS", "a relay without starttls");
    assert_eq!(world.simulator.messages().len(), 0);
}

#[tokio::test]
async fn words_slipped_in_before_the_handshake_end_the_connection() {
    let world = World::start().await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mut config = world.reach().config();
    config["email.smtp"]["host"] = serde_json::json!("localhost");
    config["email.smtp"]["port"] = serde_json::json!(listener.local_addr().unwrap().port());
    config["email.smtp"]["security"] = serde_json::json!("starttls");
    let channel = open(config);
    let stranger = async {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.write_all(b"220 relay\r\n").await.unwrap();
        read_line(&mut tcp).await;
        tcp.write_all(b"250-relay\r\n250 STARTTLS\r\n").await.unwrap();
        read_line(&mut tcp).await;
        tcp.write_all(b"220 go ahead\r\n250 injected\r\n").await.unwrap();
        // Whoever believed it would now begin a handshake.
        let mut rest = Vec::new();
        tcp.read_to_end(&mut rest).await.unwrap();
        rest
    };
    let mail = outgoing(&*channel);
    let (outcome, said) = tokio::join!(send(&*channel, &mail), stranger);
    assert_eq!(fate(&outcome), "retry TLS");
    assert_eq!(said, b"");
}

async fn read_line(tcp: &mut tokio::net::TcpStream) {
    let mut byte = [0];
    while byte != *b"\n" {
        tcp.read_exact(&mut byte).await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_final_dot_is_tried_once_more_and_then_later() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let world = World::start().await;
    let mut config = world.reach().config();
    config["email.smtp"]["port"] = serde_json::json!(listener.local_addr().unwrap().port());
    config["email.smtp"].as_object_mut().unwrap().retain(|key, _| key != "username" && key != "password");
    let channel = open(config);
    let moody = async {
        for _ in 0..2 {
            let (mut tcp, _) = listener.accept().await.unwrap();
            tcp.write_all(b"220 relay\r\n").await.unwrap();
            read_line(&mut tcp).await;
            tcp.write_all(b"250 relay\r\n").await.unwrap();
            read_line(&mut tcp).await;
        }
    };
    let mail = outgoing(&*channel);
    let (outcome, ()) = tokio::join!(send(&*channel, &mail), moody);
    assert_eq!(fate(&outcome), "retry CONNECTION_LOST");
}

#[tokio::test]
async fn a_bar_that_is_set_while_the_relay_is_slow_keeps_the_message_from_it() {
    // Barred while the relay thinks about the recipient, or about the message that it is offered.
    for barred_at in ["RCPT", "DATA"] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let world = World::start().await;
        let mut config = world.reach().config();
        config["email.smtp"]["port"] = serde_json::json!(listener.local_addr().unwrap().port());
        config["email.smtp"].as_object_mut().unwrap().retain(|key, _| key != "username" && key != "password");
        let channel = open(config);
        let barred = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&barred);
        let leave = Leave::while_it_holds(move || !seen.load(Ordering::Relaxed));
        let relay = async {
            let (mut tcp, _) = listener.accept().await.unwrap();
            tcp.write_all(b"220 relay\r\n").await.unwrap();
            let mut said = Vec::new();
            for (command, reply) in [
                ("EHLO", "250 relay\r\n"),
                ("MAIL", "250 ok\r\n"),
                ("RCPT", "250 ok\r\n"),
                ("DATA", "354 go on\r\n"),
            ] {
                read_line(&mut tcp).await;
                said.push(command);
                barred.fetch_or(command == barred_at, Ordering::Relaxed);
                tcp.write_all(reply.as_bytes()).await.unwrap();
                if command == barred_at {
                    break;
                }
            }
            assert_eq!(said.last(), Some(&barred_at));
            tcp
        };
        let mail = outgoing(&*channel);
        let (outcome, mut tcp) = tokio::join!(channel.send(&mail, &leave, now()), relay);
        assert_eq!(outcome, Err(NotSent::MayNot), "{barred_at}");
        drop(channel);
        let mut rest = Vec::new();
        tcp.read_to_end(&mut rest).await.unwrap();
        assert_eq!(rest, b"", "nothing of the message was said");
    }
}

#[tokio::test]
async fn a_farewell_to_an_idle_connection_is_answered_with_a_fresh_one() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let world = World::start().await;
    let mut config = world.reach().config();
    config["email.smtp"]["port"] = serde_json::json!(listener.local_addr().unwrap().port());
    config["email.smtp"].as_object_mut().unwrap().retain(|key, _| key != "username" && key != "password");
    let channel = open(config);
    let relay = async {
        let farewell: &[&[u8]] = &[b"250 relay\r\n", b"421 4.4.2 idle too long\r\n"];
        let welcome: &[&[u8]] = &[b"250 relay\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"];
        for replies in [farewell, welcome] {
            let (mut tcp, _) = listener.accept().await.unwrap();
            tcp.write_all(b"220 relay\r\n").await.unwrap();
            for reply in replies {
                read_line(&mut tcp).await;
                tcp.write_all(reply).await.unwrap();
            }
            if replies.len() == welcome.len() {
                let mut content = Vec::new();
                while !content.ends_with(b"\r\n.\r\n") {
                    tcp.read_buf(&mut content).await.unwrap();
                }
                tcp.write_all(b"250 taken\r\n").await.unwrap();
            }
        }
    };
    let mail = outgoing(&*channel);
    let (outcome, ()) = tokio::join!(send(&*channel, &mail), relay);
    assert_eq!(fate(&outcome), "accepted");
}

#[tokio::test]
async fn settings_that_cannot_hold_are_named_without_their_values() {
    let world = World::start().await;
    let key = include_str!("smtp_dkim/rsa.pem");
    let dkim = |selector: &str, key: &str| serde_json::json!({ "selector": selector, "domain": "example.org", "private_key": key });
    let bounces = |mailbox: &str, token: &str| serde_json::json!({ "mailbox": mailbox, "token": token });
    let (good, short) = ("bounces@mail.example.org", "secret-words");
    let table = [
        ("dkim", dkim("s1", key), None),
        ("dkim", dkim("s1; t=y", key), Some("dkim.selector is not a domain in ascii letters")),
        (
            "dkim",
            dkim("s1", "secret-words"),
            Some("dkim.private_key is no rsa key of 2048 bits or more and no ed25519 key in pem"),
        ),
        ("bounces", bounces(good, "secret-words-of-a-good-length"), None),
        ("bounces", bounces(good, short), Some("bounces.token has fewer than 16 letters")),
        (
            "bounces",
            bounces("secret-words", short),
            Some("bounces.mailbox is not a mailbox in ascii letters"),
        ),
        (
            "bounces",
            bounces("bounces-of-hillside@example.org", "secret-words-of-a-good-length"),
            Some("bounces.mailbox has more than 10 letters before the @"),
        ),
        ("unsubscribe", serde_json::json!("mailto:office@example.org?subject=No%20more"), None),
        (
            "unsubscribe",
            serde_json::json!("https://example.org/stop"),
            Some("unsubscribe is not a mailto: address"),
        ),
        (
            "unsubscribe",
            serde_json::json!("mailto:a@example.org>\r\nBcc: b"),
            Some("unsubscribe is not a mailto: address"),
        ),
    ];
    let opened = |config: serde_json::Value| {
        let config: Config = serde_json::from_value(config).unwrap();
        email_smtp::open(&config.email_smtp.unwrap()).map(drop).map_err(|error| error.to_string())
    };
    for (key, value, expected) in table {
        let mut config = world.reach().config();
        config["email.smtp"][key] = value;
        let expected = expected.map_or(Ok(()), |why| Err(format!("channel email.smtp: {why}")));
        assert_eq!(opened(config), expected);
    }
    let mut config = world.reach().config();
    config["email.smtp"]["bounces"] = bounces(good, "secret-words-of-a-good-length");
    config["email.smtp"]["envelope_from"] = serde_json::json!("office@example.org");
    assert_eq!(
        opened(config).unwrap_err(),
        "channel email.smtp: envelope_from is set beside bounces.mailbox"
    );
}
