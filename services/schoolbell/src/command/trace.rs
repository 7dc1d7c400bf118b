//! `schoolbell trace`: one fact's whole story in order, from any id in it.
//!
//! Asks every service for what it knows of the id, goes on with the ids that the answers name, and
//! prints all of it by the school's clock: ids, channels and reasons, no names and no numbers.

use std::collections::BTreeSet;
use std::io::Write;

use anyhow::{Context, bail};
use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proto::directory::v1::GetSchoolRequest;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::ids::{ContactId, PupilId};
use proto::operations::v1::operations_service_client::OperationsServiceClient;
use proto::operations::v1::{TraceRequest, TraceStep};

use super::caller::{Bearer, Caller};
use crate::app;
use crate::settings::Settings;

/// Which story.
#[derive(Debug, Args)]
pub struct Trace {
    /// Any id in it: of an event, a case, an accident, a closure, an announcement, a notice, a
    /// gathering, a delivery, a task; of a pupil or a contact, for today.
    id: String,
    #[command(flatten)]
    caller: Caller,
}

/// How often the story goes on with the ids that it has found: from a delivery to its notice, to
/// the fact, to those who heard it, and to what they said because of it.
const ROUNDS: usize = 6;
/// As many ids as a service takes at once.
const AT_ONCE: usize = 100;
/// Things that a story is about. Everything else that a step names, it only passes.
const FOLLOWED: [&str; 6] = ["evt_", "ntc_", "cas_", "acc_", "clo_", "ann_"];

/// A line of the story: when, where, what, and the sentence.
type Line = (Timestamp, String, String, String);

#[derive(Default)]
struct Story {
    lines: BTreeSet<Line>,
    away: BTreeSet<String>,
}

impl Trace {
    /// Asks and prints.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let bearer = self.caller.bearer(settings, &["system_administrator", "head"])?;
        let zone_name = time_zone(settings, &bearer).await?;
        let zone = TimeZone::get(&zone_name).context("the school's time zone is not known here")?;
        let story = read(settings, &bearer, (&self.id, &zone_name)).await?;
        let mut out = std::io::stdout().lock();
        for (at, service, what, sentence) in &story.lines {
            let at = at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
            writeln!(out, "{at}  {service:<10}  {what:<11}  {sentence}")?;
        }
        if !story.away.is_empty() {
            let away: Vec<&str> = story.away.iter().map(String::as_str).collect();
            bail!("this is not all of it: {} could not be asked", away.join(", "));
        }
        if story.lines.is_empty() {
            bail!("nobody knows anything of {} at this school", self.id);
        }
        Ok(())
    }
}

async fn time_zone(settings: &Settings, bearer: &Bearer) -> anyhow::Result<String> {
    let mut directory = DirectoryServiceClient::connect(app::way_to(settings, "directory")?)
        .await
        .context("the directory cannot be reached; is Schoolbell running?")?;
    let school = directory.get_school(bearer.with(GetSchoolRequest {})).await;
    let school = school.map_err(|status| anyhow::anyhow!("the directory refused: {}", status.message()))?;
    Ok(school.into_inner().school.context("the directory knows no such school")?.time_zone)
}

async fn read(settings: &Settings, bearer: &Bearer, (id, zone): (&str, &str)) -> anyhow::Result<Story> {
    let mut story = Story::default();
    let mut known = BTreeSet::from([id.to_owned()]);
    let mut next = vec![id.to_owned()];
    // The life of a person is more than one story.
    let is_person = id.parse::<PupilId>().is_ok() || id.parse::<ContactId>().is_ok();
    for round in 0..ROUNDS {
        let mut found = BTreeSet::new();
        let today = if round == 0 && is_person { zone } else { "" };
        for service in app::all() {
            for ids in next.chunks(AT_ONCE) {
                let request = TraceRequest {
                    service: service.clone(),
                    ids: ids.to_vec(),
                    today_in_time_zone: today.to_owned(),
                };
                let Some(steps) = ask(settings, bearer, request).await? else {
                    story.away.insert(service.clone());
                    continue;
                };
                for step in steps {
                    found.extend(step.ids.iter().filter(|id| is_followed(id, round)).cloned());
                    story.lines.insert(line(&service, step)?);
                }
            }
        }
        next = found.into_iter().filter(|id| known.insert(id.clone())).collect();
        if next.is_empty() {
            break;
        }
    }
    Ok(story)
}

/// From a task or a dead letter the story goes to whatever it is about; from then on only to facts,
/// notices and what they are about, because a gathering holds other stories too.
fn is_followed(id: &str, round: usize) -> bool {
    let passing = ["gth_", "dlv_"];
    FOLLOWED.iter().any(|prefix| id.starts_with(prefix))
        || (round == 0 && passing.iter().any(|prefix| id.starts_with(prefix)))
}

/// None when the service cannot be reached.
async fn ask(
    settings: &Settings,
    bearer: &Bearer,
    request: TraceRequest,
) -> anyhow::Result<Option<Vec<TraceStep>>> {
    let service = request.service.clone();
    let Ok(mut client) = OperationsServiceClient::connect(app::way_to(settings, &service)?).await else {
        return Ok(None);
    };
    match client.trace(bearer.with(request)).await {
        Ok(answer) => Ok(Some(answer.into_inner().steps)),
        Err(status) if status.code() == tonic::Code::Unavailable => Ok(None),
        Err(status) => bail!("{service} refused: {}", status.message()),
    }
}

fn line(service: &str, step: TraceStep) -> anyhow::Result<Line> {
    let at = step.at.context("a step without a time")?;
    let at = Timestamp::new(at.seconds, at.nanos).context("a step of no time")?;
    Ok((at, service.to_owned(), step.what, step.sentence))
}
