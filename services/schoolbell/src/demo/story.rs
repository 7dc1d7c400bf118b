//! The story: what happens, in plain sentences with the school's clock, for whoever watches.
//!
//! Nobody in it is real. It goes to stdout, or to stderr when stdout is for a machine; it is no log.

use std::io::Write;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use kit::clock::Clock;
use kit::runner::Running;
use simulator::{Entry, Event, Medium, Simulator, Will};

use super::phones;
use super::public::Website;
use super::stage::{Place, ZONE};
use super::witness::roster::Roster;

/// Who listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// A person.
    Stdout,
    /// A person beside a machine.
    Stderr,
    /// Nobody: the figures are all that matters.
    Nobody,
}

/// Tells what happens.
pub struct Story {
    clock: Clock,
    zone: TimeZone,
    listener: Listener,
}

impl Story {
    /// A story by this clock.
    pub fn new(clock: Clock, listener: Listener) -> Self {
        Self { clock, zone: TimeZone::get(ZONE).unwrap_or(TimeZone::UTC), listener }
    }

    /// Real time, as the outside world's log has it.
    pub fn real(&self) -> Timestamp {
        self.clock.real()
    }

    /// The school's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How far the school's clock is ahead of real time.
    pub fn ahead(&self) -> SignedDuration {
        self.clock.ahead()
    }

    /// One line.
    pub fn line(&self, text: &str) -> anyhow::Result<()> {
        match self.listener {
            Listener::Stdout => writeln!(std::io::stdout().lock(), "{text}")?,
            Listener::Stderr => writeln!(std::io::stderr().lock(), "{text}")?,
            Listener::Nobody => {}
        }
        Ok(())
    }

    /// Something that happens now.
    pub fn say(&self, text: &str) -> anyhow::Result<()> {
        self.line(&format!("{}  {text}", self.shown(self.clock.now())))
    }

    /// Where to look.
    pub fn opening(
        &self,
        simulator: &Simulator,
        (running, website): (&Running, &Website),
        place: &Place,
    ) -> anyhow::Result<()> {
        self.line("One morning at Elm Park Primary School. Nobody in it is real.")?;
        self.line("")?;
        for (what, place) in [
            ("Parents' phones", simulator.http_url()),
            ("The staff console", format!("http://{}/console", running.http)),
            ("The school's website", website.address.clone()),
            ("gRPC (with reflection)", running.grpc.to_string()),
            ("Metrics and health", format!("http://{}/metrics and /health", running.http)),
            ("The outside world's log", place.log().display().to_string()),
            ("The school's files", place.roster().display().to_string()),
            ("Databases, keys and bus", place.data().display().to_string()),
        ] {
            self.line(&format!("  {what:<24} {place}"))?;
        }
        self.line("")
    }

    /// How to sign in to the console: a link for each role.
    pub fn ways_in(&self, links: &[(String, String)]) -> anyhow::Result<()> {
        self.line("Sign in to the console with one of these links:")?;
        for (role, link) in links {
            self.line(&format!("  {role:<28} {link}"))?;
        }
        self.line("")
    }

    /// What belongs to the line before.
    pub fn aside(&self, text: &str) -> anyhow::Result<()> {
        self.line(&format!("            {text}"))
    }

    /// What the outside world saw: a message with its words, or a refusal. Receipts are for machines.
    pub fn outside(&self, roster: &Roster, entry: &Entry) -> anyhow::Result<()> {
        let at = self.shown(self.school_time(entry.at));
        match &entry.event {
            Event::Accepted(accepted) => {
                let whom = self::whom(roster, accepted.channel, &accepted.to);
                let end = if accepted.will == Will::Fail { " (will not arrive)" } else { "" };
                self.line(&format!("{at}  {whom}{end}:"))?;
                for line in accepted.subject.iter().map(String::as_str).chain(accepted.body.lines()) {
                    self.aside(line)?;
                }
            }
            Event::Refused(refused) => {
                let whom = self::whom(roster, refused.channel, refused.to.as_deref().unwrap_or("nobody"));
                self.line(&format!("{at}  {whom} is refused ({}): {}", refused.status, refused.why))?;
            }
            Event::Receipt(_) => {}
        }
        Ok(())
    }

    fn school_time(&self, real: Timestamp) -> Timestamp {
        real.checked_add(self.ahead()).unwrap_or(real)
    }

    fn shown(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%H:%M:%S").to_string()
    }
}

fn whom(roster: &Roster, medium: Medium, address: &str) -> String {
    let what = if medium == Medium::Sms { "Text" } else { "E-mail" };
    let readers: Vec<String> =
        roster.readers(address).map(|contact| phones::about(roster, contact)).collect();
    format!("{what} to {address}, {}", readers.join(" and "))
}
