//! A large run: an announcement to whole schools, from the RPC to the last receipt.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use kit::clock::Clock;
use proto::directory::v1::{Audience, WholeSchool, audience};
use proto::ids::SchoolId;
use proto::messaging::v1::SendAnnouncementRequest;
use proto::messaging::v1::messaging_service_client::MessagingServiceClient;
use proto::options::v1::Role;
use tokio::time::{Instant, interval};

use crate::process::Process;
use crate::provider::Provider;
use crate::roster::Roster;
use crate::schoolbell::{Installation, RECEIPTS_TOKEN, Schoolbell, fresh};
use crate::sink::{Run, Seen};
use crate::tools::{say, show};

/// What the texts say.
pub const TEXT: &str =
    "The museum visit of all classes is on Thursday. Please give your child a packed lunch and a coat.";
const LOOK_EVERY: Duration = Duration::from_millis(200);
const SAY_EVERY: Duration = Duration::from_secs(20);

/// What came of a run.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// Contacts who were told.
    pub told: u64,
    /// Texts to somebody who had been told.
    pub repeated: u64,
    /// Receipts that were not taken at once.
    pub put_off: u64,
    /// From the RPC to the last receipt that was taken.
    pub whole: Duration,
    /// From the RPC to the first request.
    pub until_first: Duration,
    /// From the first request to the last.
    pub sending: Duration,
    /// The most memory of our process, in MiB.
    pub memory: f64,
    /// What our process spent on processors.
    pub processor: Duration,
}

impl Outcome {
    /// Texts a second over the whole path.
    pub fn rate(&self) -> f64 {
        per_second(self.told, self.whole)
    }

    /// Texts a second from the RPC to the last request: what is left out is the way back.
    pub fn sent_rate(&self) -> f64 {
        per_second(self.told, self.until_first + self.sending)
    }

    /// Microseconds that our process spent on processors for each. Other work on the machine changes it little.
    pub fn each(&self) -> f64 {
        self.processor.as_secs_f64() * 1e6 / number(self.told).max(1.0)
    }

    /// Says all of it.
    pub fn say(&self, what: &str) {
        say(&format!(
            "{what}: {} told at {} a second; the first after {:.2?}, {} a second from there to the last request after \
             {:.2?}, all receipts after {:.2?}; {} µs of processor for each; {} repeated, {} receipts put off; {} MiB \
             at most",
            self.told,
            show(self.rate()),
            self.until_first,
            show(per_second(self.told, self.sending)),
            self.until_first + self.sending,
            self.whole,
            show(self.each()),
            self.repeated,
            self.put_off,
            show(self.memory),
        ));
    }
}

/// So many in a time.
pub fn per_second(count: u64, time: Duration) -> f64 {
    number(count) / time.as_secs_f64().max(f64::EPSILON)
}

/// A count to reckon with.
#[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
pub fn number(count: u64) -> f64 {
    count as f64
}

/// Loads the schools and starts again, so that what the import took is not counted.
pub async fn settled(
    installation: &Installation,
    rosters: &[Roster],
) -> anyhow::Result<(Schoolbell, Vec<SchoolId>)> {
    let schoolbell = installation.start().await?;
    let began = Instant::now();
    let mut schools = Vec::with_capacity(rosters.len());
    for roster in rosters {
        schools.push(schoolbell.import(roster).await?);
    }
    say(&format!(
        "imported {} schools in {:.1?}; {} MiB at most",
        schools.len(),
        began.elapsed(),
        show(schoolbell.process.peak_memory()?)
    ));
    schoolbell.end().await?;
    Ok((installation.start().await?, schools))
}

/// Announces a text to everybody in the schools.
pub async fn announce(schoolbell: &Schoolbell, schools: &[SchoolId]) -> anyhow::Result<()> {
    for school in schools {
        let words = Words { text: TEXT, ..Words::default() };
        send(schoolbell, *school, words).await?;
    }
    Ok(())
}

/// What is announced.
#[derive(Debug, Clone, Copy, Default)]
pub struct Words<'a> {
    /// As a text.
    pub text: &'a str,
    /// As an e-mail: its subject.
    pub subject: &'a str,
    /// And its body.
    pub body: &'a str,
}

/// Announces to everybody in a school.
pub async fn send(schoolbell: &Schoolbell, school: SchoolId, words: Words<'_>) -> anyhow::Result<()> {
    let scope = audience::Scope::WholeSchool(WholeSchool {});
    let request = SendAnnouncementRequest {
        request_id: fresh(),
        audience: Some(Audience { scope: Some(scope) }),
        subject: words.subject.to_owned(),
        body: words.body.to_owned(),
        text: words.text.to_owned(),
    };
    let request = schoolbell.by(school, Role::Head, request)?;
    MessagingServiceClient::new(schoolbell.channel.clone()).send_announcement(request).await?;
    Ok(())
}

/// A run that has begun.
pub struct Running {
    contacts: u64,
    began_at: Timestamp,
    spent_before: Duration,
    until: Instant,
}

impl Running {
    /// Tells the provider what comes, and announces.
    pub async fn begin(
        (schoolbell, schools): (&Schoolbell, &[SchoolId]),
        provider: &mut Provider,
        (contacts, limit): (u64, Option<(u32, u32)>),
        patience: Duration,
    ) -> anyhow::Result<Self> {
        let receipts_to = Some((schoolbell.http.clone(), RECEIPTS_TOKEN.to_owned()));
        provider.begin(&Run { limit, receipts_to }).await?;
        let (began_at, spent_before) = (Clock::system().real(), schoolbell.process.processor_time()?);
        let until = Instant::now() + patience;
        announce(schoolbell, schools).await?;
        Ok(Self { contacts, began_at, spent_before, until })
    }

    /// Waits until everybody was told and every receipt was taken, or until it has lasted too long.
    pub async fn end(&self, provider: &mut Provider, schoolbell: &mut Schoolbell) -> anyhow::Result<Outcome> {
        let (mut ticks, mut said_at) = (interval(LOOK_EVERY), Instant::now());
        loop {
            ticks.tick().await;
            let seen = provider.seen().await?;
            anyhow::ensure!(
                !schoolbell.process.has_ended()?,
                "schoolbell ended after {} texts",
                seen.accepted
            );
            let done = seen.told >= self.contacts && seen.receipts >= seen.accepted;
            if done || Instant::now() > self.until {
                if !done {
                    say(&format!("too slow: {} of {} were told", seen.told, self.contacts));
                }
                return self.outcome(&seen, &schoolbell.process);
            }
            if said_at.elapsed() > SAY_EVERY {
                said_at = Instant::now();
                say(&format!("{} accepted, {} receipts taken", seen.accepted, seen.receipts));
            }
        }
    }

    fn outcome(&self, seen: &Seen, process: &Process) -> anyhow::Result<Outcome> {
        let at = Timestamp::from_microsecond;
        let between = |from: Timestamp, to: Timestamp| to.duration_since(from).unsigned_abs();
        let (first, last, receipt) = (at(seen.first_at)?, at(seen.last_at)?, at(seen.last_receipt_at)?);
        anyhow::ensure!(seen.accepted > 0, "nobody was told");
        Ok(Outcome {
            told: seen.told,
            repeated: seen.repeated,
            put_off: seen.receipts_refused,
            whole: between(self.began_at, last.max(receipt)),
            until_first: between(self.began_at, first),
            sending: between(first, last),
            memory: process.peak_memory()?,
            processor: process.processor_time()?.saturating_sub(self.spent_before),
        })
    }
}

/// A whole run in a new installation under `folder`.
pub async fn whole(
    (folder, installation): (&Path, &Installation),
    provider: &mut Provider,
    rosters: &[Roster],
    patience: Duration,
) -> anyhow::Result<Outcome> {
    let contacts = rosters.iter().map(|roster| roster.contacts.end - roster.contacts.start).sum();
    let (mut schoolbell, schools) = settled(installation, rosters).await?;
    let running = Running::begin((&schoolbell, &schools), provider, (contacts, None), patience).await?;
    let outcome = running.end(provider, &mut schoolbell).await?;
    outcome.say(&folder.file_name().unwrap_or_default().to_string_lossy());
    schoolbell.end().await?;
    Ok(outcome)
}
