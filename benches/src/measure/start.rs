//! How long everything takes to start, beside a bare nats-server, and what it holds when it does nothing.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use tokio::time::Instant;

use super::{Place, Plan, installed, percentile};
use crate::figures::Figure;
use crate::process::{Process, Voice};
use crate::schoolbell::{Backend, Installation};
use crate::tools;

/// Started so often; the one in the middle counts.
const STARTS: usize = 7;
/// For so long it does nothing before its memory is read.
const IDLE_FOR: Duration = Duration::from_secs(15);

pub(super) async fn measure(plan: &Plan) -> anyhow::Result<Vec<Figure>> {
    let place = plan.place("start")?;
    let mut bare = Vec::new();
    for number in 0..STARTS {
        bare.push(bare_start(&place, number).await?);
    }
    let installation = installed(&place, &Backend::Sqlite, "")?;
    // What a first start makes is told, and not compared: it happens once.
    let (first, _) = start(&installation, Duration::ZERO).await?;
    let mut again = Vec::new();
    for _ in 0..STARTS {
        again.push(start(&installation, Duration::ZERO).await?.0);
    }
    let (_, memory) = start(&installation, IDLE_FOR).await?;
    let middle = |times| percentile(times, 50).context("nothing was started");
    Ok(vec![
        Figure::new("idle_memory", memory, None),
        Figure::new("start", middle(again)?, Some(middle(bare)?)),
        Figure::told("start_first", first, "ms"),
    ])
}

/// Milliseconds until it served, and the memory after some time, in MiB.
async fn start(installation: &Installation, idle: Duration) -> anyhow::Result<(f64, f64)> {
    let schoolbell = installation.start().await?;
    let ready_after = schoolbell.process.ready_after.as_secs_f64() * 1_000.0;
    tokio::time::sleep_until(Instant::now() + idle).await;
    let memory = schoolbell.process.memory()?;
    schoolbell.end().await?;
    Ok((ready_after, memory))
}

/// A nats-server with the same store, without users and streams, and where we know it is ready by its own words.
async fn bare_start(place: &Place, number: usize) -> anyhow::Result<f64> {
    let program = tools::wanted("nats-server", "nats-server").context("there is no nats-server")?;
    let settings = place.path().join("nats.conf");
    let store = place.path().join(format!("nats-{number}"));
    write_settings(&settings, &store)?;
    let mut command = Process::command(&program);
    command.arg("-c").arg(&settings);
    let ready = |line: &str| line.contains("Server is ready").then_some(());
    let (process, ()) = Process::start("nats-server", command, (Voice::Error, &place.log()), ready).await?;
    let ready_after = process.ready_after.as_secs_f64() * 1_000.0;
    process.end().await?;
    Ok(ready_after)
}

fn write_settings(settings: &Path, store: &Path) -> anyhow::Result<()> {
    let text = format!(
        "listen: \"127.0.0.1:-1\"\njetstream {{ store_dir: {:?}, sync_interval: always, max_mem: 64MB }}\n",
        store.display().to_string()
    );
    Ok(std::fs::write(settings, text)?)
}
