//! A command with its fact, from 64 callers at once, beside the same message answered by a service that keeps nothing.
//!
//! The command is `SetPersonOnly`: the directory decides alone, and writes a row, a fact, an audit entry and the answer.
//! Each caller is of another school, because decisions about one school wait for each other by design.

use std::path::Path;
use std::time::Duration;

use proto::directory::v1::SetPersonOnlyRequest;
use proto::directory::v1::directory_service_client::DirectoryServiceClient;
use proto::options::v1::Role;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tonic::transport::Channel;

use super::{Plan, installed, percentile};
use crate::figures::Figure;
use crate::load::per_second;
use crate::process::{Process, Voice};
use crate::roster::{Reach, Roster};
use crate::schoolbell::{Backend, fresh, with_token};
use crate::tools::{say, show};

const CALLERS: usize = 64;
/// Callers of one connection: a school's software opens few.
const PER_CONNECTION: usize = 8;

/// Who calls, with the pupils that are decided about.
struct Caller {
    token: String,
    pupils: Vec<String>,
}

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let place = plan.place("commands")?;
    let each = plan.commands.div_ceil(CALLERS);
    let mut figures = Vec::new();
    let backends = [("commands", Some(Backend::Sqlite)), ("commands_postgres", postgres(plan))];
    for (name, backend) in backends {
        let Some(backend) = backend else { continue };
        let installation = installed(&place, &backend, "")?.only(&["directory"]);
        let schoolbell = installation.start().await?;
        let mut callers = Vec::with_capacity(CALLERS);
        for number in 0..CALLERS {
            let school = format!("{name}-{number}");
            let contacts = 0..u64::try_from(2 * each)?;
            let school = schoolbell.import(&Roster { school, contacts, reach: Reach::Mailbox }).await?;
            let pupils = schoolbell.pupils(school, each).await?.into_iter().map(|(_, id)| id).collect();
            callers.push(Caller { token: schoolbell.token(school, Role::Head)?, pupils });
        }
        let limit = bare(&place.log(), &callers).await?;
        let before = schoolbell.process.processor_time()?;
        let rate = calls(name, &schoolbell.grpc, &callers).await?;
        // Less noisy than a rate: what else runs takes time from it, and does not add to it.
        let spent = schoolbell.process.processor_time()?.saturating_sub(before).as_secs_f64() * 1e6;
        let each = spent / f64::from(u32::try_from(each * CALLERS)?);
        say(&format!("{name}: {} µs of processor time for each, without NATS and PostgreSQL", show(each)));
        schoolbell.end().await?;
        figures.push(match name {
            "commands" => Figure::new(name, rate, Some(limit)),
            _ => {
                Figure { limit: Some(limit), ratio: Some(rate / limit), ..Figure::told(name, rate, "RPC/s") }
            }
        });
        std::fs::remove_dir_all(place.path().join("installation"))?;
    }
    Ok(figures)
}

fn postgres(plan: &Plan) -> Option<Backend> {
    plan.postgres.clone().map(Backend::Postgres)
}

async fn bare(log: &Path, callers: &[Caller]) -> anyhow::Result<f64> {
    let mut command = Process::command(&std::env::current_exe()?);
    command.arg("bare");
    let ready = |line: &str| line.strip_prefix("listening ").map(ToOwned::to_owned);
    let (process, address) = Process::start("the bare service", command, (Voice::Out, log), ready).await?;
    let rate = calls("answered at once", &address, callers).await?;
    process.end().await?;
    Ok(rate)
}

/// Every caller decides about each of its pupils, one after the other; RPCs a second.
async fn calls(what: &str, address: &str, callers: &[Caller]) -> anyhow::Result<f64> {
    let mut channels = Vec::new();
    for _ in 0..callers.len().div_ceil(PER_CONNECTION) {
        channels.push(Channel::from_shared(format!("http://{address}"))?.connect().await?);
    }
    let began = Instant::now();
    let mut calling = JoinSet::new();
    for (place, Caller { token, pupils }) in callers.iter().enumerate() {
        let Some(channel) = channels.get(place / PER_CONNECTION) else { continue };
        calling.spawn(decide(channel.clone(), token.clone(), pupils.clone()));
    }
    let mut times = Vec::new();
    while let Some(called) = calling.join_next().await {
        times.extend(called??);
    }
    let rate = per_second(u64::try_from(times.len())?, began.elapsed());
    let at = |percent| percentile(times.clone(), percent).map_or_else(String::new, show);
    say(&format!(
        "{what}: {} RPCs at {} a second, p50 {} ms, p99 {} ms",
        times.len(),
        show(rate),
        at(50),
        at(99)
    ));
    Ok(rate)
}

async fn decide(channel: Channel, token: String, pupils: Vec<String>) -> anyhow::Result<Vec<f64>> {
    let mut client = DirectoryServiceClient::new(channel);
    let mut times = Vec::with_capacity(pupils.len());
    for pupil_id in pupils {
        let asked_at = Instant::now();
        let request = SetPersonOnlyRequest {
            request_id: fresh(),
            pupil_id,
            person_only: true,
            reason: "decided by the head".to_owned(),
        };
        client.set_person_only(with_token(&token, request)?).await?;
        times.push(milliseconds(asked_at.elapsed()));
    }
    Ok(times)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
