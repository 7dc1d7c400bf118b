//! Measures what the README quotes: each figure over the whole real path, beside its limit on this machine.
//!
//! The services run as they are installed (the release binary that stands beside this one), each provider and each
//! limit in a process of its own, all on loopback. Nothing here judges by itself: a figure is a ratio to a limit that
//! was taken in the same run, because two runs on two machines can only be compared by that.
//!
//! Every run is bounded in count and time, and ends only the processes that it started.

mod bare;
mod figures;
mod http;
mod load;
mod measure;
mod picture;
mod process;
mod provider;
mod roster;
mod schoolbell;
mod sink;
mod tools;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::figures::Book;
use crate::measure::{Group, Plan};

/// Measures Schoolbell beside what this machine can do.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Arguments {
    #[command(flatten)]
    wanted: Wanted,
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, Args)]
struct Wanted {
    /// One figure, or one group of figures that are taken together; all without it.
    #[arg(long)]
    only: Option<String>,
    /// Contacts of a large run.
    #[arg(long, default_value_t = 100_000)]
    contacts: u64,
    /// Contacts of the largest run.
    #[arg(long, default_value_t = 1_000_000)]
    most: u64,
    /// Contacts of a school in these; a number as large as the run makes it one huge school.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    school: u64,
    /// E-mails of the run through SMTP.
    #[arg(long, default_value_t = 60_000)]
    mails: u64,
    /// Texts to a provider that limits its rate.
    #[arg(long, default_value_t = 10_000)]
    limited: u64,
    /// Urgent texts without and with a large run.
    #[arg(long, default_value_t = 200)]
    urgent: usize,
    /// Commands from 64 callers.
    #[arg(long, default_value_t = 20_000)]
    commands: usize,
    /// Minutes after which a run is counted as far as it came.
    #[arg(long, default_value_t = 20)]
    patience: u64,
    /// Where the figures are written, and the work is done.
    #[arg(long, default_value = "target/bench")]
    folder: PathBuf,
    /// Keeps the logs of the processes under the folder.
    #[arg(long)]
    keep: bool,
}

/// What this program starts itself as.
#[derive(Debug, Subcommand)]
enum Part {
    /// A provider of texts that counts, and sends receipts.
    #[command(hide = true)]
    Sink,
    /// A service that answers at once and keeps nothing.
    #[command(hide = true)]
    Bare,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    // Children are asked to die with the thread that started them, which is this one: it lives as long as the process.
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        match arguments.part {
            Some(Part::Sink) => sink::serve().await,
            Some(Part::Bare) => bare::serve().await,
            None => measure_all(arguments.wanted).await,
        }
    })
}

async fn measure_all(wanted: Wanted) -> anyhow::Result<()> {
    let groups = Group::chosen(wanted.only.as_deref())?;
    std::fs::create_dir_all(&wanted.folder)?;
    let postgres = std::env::vars().find(|(key, _)| key == "SCHOOLBELL_TEST_POSTGRES").map(|(_, url)| url);
    let plan = Plan {
        contacts: wanted.contacts,
        most: wanted.most,
        school: wanted.school,
        mails: wanted.mails,
        limited: wanted.limited,
        urgent: wanted.urgent,
        commands: wanted.commands,
        patience: Duration::from_mins(wanted.patience),
        folder: wanted.folder.canonicalize()?,
        keep: wanted.keep,
        postgres,
    };
    let mut book = Book::open(&plan.folder)?;
    for group in groups {
        tools::say(&format!("{}: {}", group.name(), group.what()));
        tools::say_what_else_runs();
        match group.measure(&plan).await {
            Ok(figures) => book.enter(figures)?,
            // One that cannot be taken keeps the others from nothing.
            Err(error) => tools::say(&format!("{} could not be measured: {error:#}", group.name())),
        }
    }
    book.print()
}
