//! E-mails a second over the whole path, beside Postfix's `smtp-source -d` on the same `smtp-sink`.
//!
//! Both have 20 connections and bodies of 1,200 bytes. The sink counts for nobody, so what was accepted is read from our own
//! metrics; that nobody is told twice is shown by the texts, which the same sender sends.

use std::path::Path;
use std::time::Duration;

use hyper::Method;
use hyper::body::Bytes;
use kit::clock::Clock;
use tokio::process::Command;
use tokio::time::{Instant, interval};

use super::{Plan, installed, mean};
use crate::figures::Figure;
use crate::http::Connection;
use crate::load::{self, Words, per_second, settled};
use crate::process::{Process, output};
use crate::roster::{Reach, Roster};
use crate::schoolbell::{Backend, Schoolbell};
use crate::tools::{self, say, show};

const CONNECTIONS: usize = 20;
/// Bytes of a body, with what the template adds.
const BODY: usize = 1_200;
const ADDED: usize = 31;
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What is counted of our metrics: every line that says all of this.
const ACCEPTED: [&str; 3] =
    ["dispatcher_attempts_total{", r#"channel="email.smtp""#, r#"outcome="accepted""#];
/// Tries to find a port that nobody has.
const PORTS_TRIED: usize = 5;

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let place = plan.place("mails")?;
    let sink = tools::wanted("smtp-sink", "smtp-sink");
    let Some(sink) = sink else { anyhow::bail!("there is no smtp-sink to send to") };
    let (process, address) = start(&sink, &place.log()).await?;
    let before = limit(&address, plan.mails, plan.patience).await?;
    let installation = installed(&place, &Backend::Sqlite, &settings(&address))?;
    let rosters = Roster::many(plan.mails, plan.school, Reach::Mailbox);
    let (schoolbell, schools) = settled(&installation, &rosters).await?;
    let body = words(BODY - ADDED);
    let (began, began_at) = (Instant::now(), Clock::system().real());
    for school in schools {
        let words = Words { subject: "Museum visit on Thursday", body: &body, ..Words::default() };
        load::send(&schoolbell, school, words).await?;
    }
    let accepted = all_accepted(&schoolbell, plan.mails, plan.patience).await?;
    let took = began.elapsed();
    say(&format!(
        "{accepted} e-mails at {} a second since {began_at}; {} MiB at most",
        show(per_second(accepted, took)),
        show(schoolbell.process.peak_memory()?)
    ));
    schoolbell.end().await?;
    let limit = mean(before, limit(&address, plan.mails, plan.patience).await?);
    process.end().await?;
    Ok(vec![Figure::new("mails", per_second(accepted, took), limit)])
}

/// Words that are as long as this.
fn words(length: usize) -> String {
    let sentence = "The coach leaves at nine from the gate, and is back at three. ";
    let mut text: String = sentence.chars().cycle().take(length.saturating_sub(1)).collect();
    text.push('.');
    text
}

async fn start(program: &Path, log: &Path) -> anyhow::Result<(Process, String)> {
    for _ in 0..PORTS_TRIED {
        // It cannot pick a port itself; one that was free a moment ago mostly still is.
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Process::command(program);
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        command.arg(&address).arg("1000");
        let mut process = Process::silent("smtp-sink", command, log)?;
        if process.serves(&address).await? {
            return Ok((process, address));
        }
    }
    anyhow::bail!("smtp-sink finds no port")
}

async fn limit(address: &str, mails: u64, patience: Duration) -> anyhow::Result<Option<f64>> {
    let Some(source) = tools::wanted("smtp-source", "smtp-sink") else { return Ok(None) };
    let mut command = Command::new(source);
    command.args(["-d", "-s", &CONNECTIONS.to_string(), "-m", &mails.to_string(), "-l", &BODY.to_string()]);
    command.args(["-f", "office@example.org", "-t", "parent@example.org", address]);
    let began = Instant::now();
    output("smtp-source", &mut command, patience).await?;
    Ok(Some(per_second(mails, began.elapsed())))
}

fn settings(address: &str) -> String {
    let (host, port) = address.split_once(':').unwrap_or((address, "25"));
    format!(
        "[dispatcher.channels.\"email.smtp\"]\nhost = \"{host}\"\nport = {port}\nsecurity = \"plain\"\n\
         from = \"Hillside School <office@example.org>\"\nconnections = {CONNECTIONS}\n\
         rate_per_second = 1000000\nburst = 1000000\n"
    )
}

async fn all_accepted(schoolbell: &Schoolbell, mails: u64, patience: Duration) -> anyhow::Result<u64> {
    let mut metrics = Connection::open(&schoolbell.http).await?;
    let (mut ticks, until) = (interval(LOOK_EVERY), Instant::now() + patience);
    loop {
        ticks.tick().await;
        let (_, text) = metrics.ask(Method::GET, "/metrics", (None, Bytes::new())).await?;
        let count = accepted(&String::from_utf8_lossy(&text));
        if count >= mails || Instant::now() > until {
            return Ok(count);
        }
    }
}

fn accepted(metrics: &str) -> u64 {
    let lines = metrics.lines().filter(|line| ACCEPTED.iter().all(|part| line.contains(part)));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_accepted_is_counted_over_all_that_metrics_tell_apart() {
        let metrics = "# HELP dispatcher_attempts_total Requests.\n\
                       dispatcher_attempts_total{channel=\"email.smtp\",lane=\"bulk\",outcome=\"accepted\"} 40\n\
                       dispatcher_attempts_total{channel=\"email.smtp\",lane=\"normal\",outcome=\"accepted\"} 2\n\
                       dispatcher_attempts_total{channel=\"email.smtp\",lane=\"bulk\",outcome=\"failed\"} 100\n\
                       dispatcher_attempts_total{channel=\"sms.notify\",lane=\"bulk\",outcome=\"accepted\"} 100\n";
        assert_eq!(accepted(metrics), 42);
    }

    #[test]
    fn words_are_as_long_as_they_are_wanted() {
        assert_eq!(words(1_169).len(), 1_169);
        assert!(words(100).ends_with('.'));
    }
}
