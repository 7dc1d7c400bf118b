//! How fast `email.smtp` is, beside Postfix' own sender into the same sink. Not a test: it prints figures and judges none.
//!
//! `cargo test --release --package dispatcher --lib rate_beside_postfix -- --ignored --nocapture`, with `smtp-sink` and `smtp-source` (Debian's
//! package `postfix`; neither needs its server) on PATH or in /usr/sbin. Everything stays on loopback and ends by itself.

use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::channels::contract::{leave, now};
use crate::channels::*;

const MESSAGES: usize = 60_000;
const CONNECTIONS: usize = 20;
const BODY: usize = 1_200;

/// Postfix' sink, ended with the test.
struct Sink {
    process: Child,
    port: u16,
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn postfix(program: &str) -> Command {
    let beside = std::path::Path::new("/usr/sbin").join(program);
    let mut command = if beside.exists() { Command::new(beside) } else { Command::new(program) };
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

impl Sink {
    /// `None` where it is not installed.
    async fn start(options: &[&str]) -> Option<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap().port();
        let address = format!("127.0.0.1:{port}");
        let process = postfix("smtp-sink").args(options).arg(&address).arg("1024").spawn().ok()?;
        let sink = Self { process, port };
        kit::testing::eventually("the sink", true, async || TcpStream::connect(&address).await.is_ok()).await;
        Some(sink)
    }

    /// Messages per second of Postfix' own sender, which keeps its connections open.
    fn limit(&self) -> Option<f64> {
        let begun = Instant::now();
        let mut source = postfix("smtp-source");
        source.args([
            "-d",
            "-s",
            &CONNECTIONS.to_string(),
            "-l",
            &BODY.to_string(),
            "-m",
            &MESSAGES.to_string(),
        ]);
        source.args([
            "-f",
            "office@example.org",
            "-t",
            "parent@example.org",
            &format!("127.0.0.1:{}", self.port),
        ]);
        source.status().ok().filter(std::process::ExitStatus::success)?;
        Some(per_second(begun.elapsed()))
    }
}

fn per_second(took: Duration) -> f64 {
    f64::from(u32::try_from(MESSAGES).unwrap()) / took.as_secs_f64()
}

fn channel(port: u16, further: &serde_json::Value) -> Arc<dyn Channel> {
    let mut config = serde_json::json!({
        "host": "127.0.0.1", "port": port, "security": "plain", "from": "Hillside School <office@example.org>",
        "connections": CONNECTIONS,
    });
    config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    email_smtp::open(&serde_json::from_value(config).unwrap()).unwrap()
}

/// Messages per second, as many under way as the channel bears.
async fn rate(channel: Arc<dyn Channel>) -> f64 {
    let line = format!("{}\n", "a".repeat(59));
    let next = Arc::new(AtomicUsize::new(0));
    let (mut senders, begun) = (JoinSet::new(), Instant::now());
    for _ in 0..channel.limits().connections {
        let (channel, next, body) = (Arc::clone(&channel), Arc::clone(&next), line.repeat(BODY / 60));
        senders.spawn(async move {
            let (leave, mut accepted) = (leave(), 0);
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= MESSAGES {
                    return accepted;
                }
                let outgoing = Outgoing {
                    key: format!("dlv_{number:032x}"),
                    to: format!("parent{number}@example.org"),
                    subject: Some("Absence".to_owned()),
                    body: body.clone(),
                    purpose: Purpose::Needed,
                };
                let outcome = channel.send(&outgoing, &leave, now()).await;
                assert!(matches!(outcome, Ok(Outcome::Accepted { .. })), "{outcome:?}");
                accepted += 1;
            }
        });
    }
    assert_eq!(senders.join_all().await.into_iter().sum::<usize>(), MESSAGES);
    per_second(begun.elapsed())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: run it by itself, in release mode"]
async fn rate_beside_postfix() {
    let Some(sink) = Sink::start(&[]).await else {
        println!("smtp-sink is not installed (Debian's package postfix has it): nothing measured");
        return;
    };
    let limit = sink.limit();
    println!("{MESSAGES} messages of {BODY} bytes, {CONNECTIONS} connections");
    println!("smtp-source -d: {:.0}/s", limit.unwrap_or(f64::NAN));
    let bounces = serde_json::json!({
        "bounces": { "mailbox": "bounces@example.org", "token": "a-token-of-sixteen-or-more" },
    });
    let signed = |key: &str| {
        serde_json::json!({
            "dkim": { "selector": "s1", "domain": "example.org", "private_key": key },
        })
    };
    let stubborn = Sink::start(&["-p"]).await.unwrap();
    for (what, port, further) in [
        ("pipelining", sink.port, serde_json::json!({})),
        ("pipelining, return addresses", sink.port, bounces),
        ("pipelining, signed with ed25519", sink.port, signed(include_str!("dkim/ed25519.pem"))),
        ("pipelining, signed with rsa", sink.port, signed(include_str!("dkim/rsa.pem"))),
        ("a relay without pipelining", stubborn.port, serde_json::json!({})),
    ] {
        let rate = rate(channel(port, &further)).await;
        println!("{what}: {rate:.0}/s, {:.2} of smtp-source", rate / limit.unwrap_or(f64::NAN));
    }
}
