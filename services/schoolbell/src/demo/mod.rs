//! `schoolbell demo`: plays one school morning that can be watched, through every real part, and lets
//! a witness judge it.
//!
//! [`stage`] starts the outside world and all services on ports of the system's choice, [`morning`] is
//! the script, [`witness`] says from the log of the outside world who was told twice, wrongly or not
//! at all, and [`report`] counts. It needs nothing prepared and leaves nothing behind, however it ends.

pub mod databases;
pub mod doors;
pub mod morning;
pub mod office;
pub mod pace;
mod phones;
pub mod public;
mod report;
pub mod school;
pub mod settling;
pub mod stage;
pub mod story;
pub mod witness;

use std::path::Path;
use std::pin::pin;
use std::time::Instant;

use anyhow::bail;
use clap::Args;
use kit::config::{Secret, Telemetry};
use kit::telemetry;
use kit::tls::Tls;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::PEOPLE;
use crate::settings::Settings;
use doors::Doors;
use morning::Script;
use office::Office;
use pace::Pace;
use public::Website;
use report::Report;
use stage::{Place, Stage};
use story::{Listener, Story};
use witness::Verdict;

/// How the morning is played.
#[derive(Debug, Args)]
pub struct Demo {
    /// Ends when the morning has been judged, instead of staying up to be looked at.
    #[arg(long)]
    once: bool,
    /// Ends with one line of JSON on stdout; the story goes to stderr.
    #[arg(long)]
    json: bool,
    /// A PostgreSQL server, `postgres://user:password@host:port`; this run's databases are made there
    /// and dropped at its end.
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

impl Demo {
    /// Plays the morning. Fails unless all four figures of the witness are 0.
    pub async fn run(self, settings: Settings) -> anyhow::Result<()> {
        let _telemetry =
            telemetry::start(&quiet(&settings.telemetry), &Tls::read(&settings.tls)?, &crate::app::all())?;
        let place = Place::find(self.postgres.clone().map(Secret::new))?;
        let outcome = Box::pin(self.show(settings, &place)).await;
        let cleared = place.clear().await;
        outcome.and(cleared)
    }

    async fn show(&self, settings: Settings, place: &Place) -> anyhow::Result<()> {
        let began = Instant::now();
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut asked_to_stop = pin!(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        let Stage { world, running } = tokio::select! {
            stage = Stage::set(settings, place) => stage?,
            () = &mut asked_to_stop => bail!("stopped while it was starting"),
        };
        let listener = if self.json { Listener::Stderr } else { Listener::Stdout };
        let story = Story::new(world.clock.clone(), listener);
        let stop = running.stop_token();
        let office = Office::at(Doors::of(&running)?, running.keys.signer(PEOPLE)?);
        let website = Website::at(running.http, office.school)?;
        story.opening(&world.simulator, (&running, &website), place)?;
        story.ways_in(&office.ways_in(running.http)?)?;
        let (files, mut ended) = (place.roster(), pin!(running.wait()));
        let (office, website, story) = (&office, &website, &story);
        let script = Script { office, world: &world, website, story, pace: Pace::WATCHED };
        let performed = tokio::select! {
            performed = self.perform(script, &files, began) => performed,
            ended = &mut ended => return ended.and_then(|()| bail!("it stopped by itself")),
            () = &mut asked_to_stop => Err(anyhow::anyhow!("stopped before the morning was over")),
        };
        if performed.is_ok() && !self.once {
            story.line("It stays up to be looked at until Ctrl-C.")?;
            tokio::select! {
                ended = &mut ended => return ended.and_then(|()| bail!("it stopped by itself")),
                () = &mut asked_to_stop => {}
            }
        }
        stop.cancel();
        let ended = ended.await;
        world.simulator.stop().await;
        performed.and_then(|verdict| report::pass(&verdict)).and(ended)
    }

    /// Plays the morning and reports.
    async fn perform(&self, script: Script<'_>, files: &Path, began: Instant) -> anyhow::Result<Verdict> {
        let judged = script.play(files).await?;
        let report = Report::of(&judged, began.elapsed());
        report.tell(script.story, &judged.verdict)?;
        if self.json {
            report.write_json(&mut std::io::stdout().lock())?;
        }
        Ok(judged.verdict)
    }
}

/// Watchers want to read the story: unless somebody asked for other than the compiled-in level, only
/// warnings are logged beside it.
fn quiet(given: &Telemetry) -> Telemetry {
    let log = if given.log == "info" { "warn".to_owned() } else { given.log.clone() };
    Telemetry { log, ..given.clone() }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        demo: Demo,
    }

    #[test]
    fn it_is_asked_for_with_few_words() {
        let line = Line::parse_from(["demo"]);
        assert!(!line.demo.once && !line.demo.json && line.demo.postgres.is_none());
        let line = Line::parse_from(["demo", "--once", "--json", "--postgres", "postgres://a:b@127.0.0.1:5"]);
        assert!(line.demo.once && line.demo.json);
        assert_eq!(line.demo.postgres.as_deref(), Some("postgres://a:b@127.0.0.1:5"));
        assert!(Line::try_parse_from(["demo", "--pupils", "3"]).is_err());
    }

    #[test]
    fn whoever_asks_for_more_logs_gets_them() {
        let log = |log: &str| quiet(&Telemetry { log: log.to_owned(), ..Telemetry::default() }).log;
        assert_eq!(log("info"), "warn");
        assert_eq!(log("dispatcher=debug,info"), "dispatcher=debug,info");
    }
}
