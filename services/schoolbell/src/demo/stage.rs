//! The stage: a temporary folder, the outside world on loopback, and every service, set up as for
//! anybody else's installation but for its providers, its clock and its short waits.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use kit::clock::Clock;
use kit::config::{Identity, Mode, Secret, Tls};
use kit::runner::Running;
use serde_json::json;
use simulator::{Behaviour, Failure, NotifyOptions, Options, ReceiptsTo, Simulator};

use super::databases::Databases;
use super::phones;
use super::school::{Cast, FILES};
use super::witness::roster::Roster;
use crate::app;
use crate::settings::Settings;

/// The morning: a Tuesday in term, ten minutes to nine by the school's clock.
pub const DAY: civil::Date = civil::date(2026, 11, 24);
const STARTS_AT: civil::Time = civil::time(8, 50, 0, 0);
/// Where the school is.
pub const ZONE: &str = "Europe/London";

/// How long absences wait for each other; long enough for somebody to come in meanwhile.
pub const GATHERS_FOR: SignedDuration = SignedDuration::from_secs(3);
/// How long a text's receipt may take.
pub const PATIENCE: SignedDuration = SignedDuration::from_secs(4);
/// The same for a head injury, which comes among few messages, and for closures, which go to all at
/// once.
const HEAD_PATIENCE: SignedDuration = SignedDuration::from_secs(10);
const CLOSURE_PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// Messages a second that the simulated providers bear: more than anybody wants to wait for.
const RATE: u32 = 1_000;
/// How long the network takes to say what became of a text.
const RECEIPT_AFTER: Duration = Duration::from_millis(300);
const RECEIPT_AGAIN: Duration = Duration::from_secs(1);

/// Where this run keeps what it writes.
pub struct Place {
    folder: tempfile::TempDir,
    databases: Option<Databases>,
}

impl Place {
    /// A new folder, and names for new databases if there is a server for them.
    pub fn find(postgres: Option<Secret>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("schoolbell-demo-").tempdir();
        let folder = folder.context("there is no place for a temporary folder")?;
        Ok(Self { folder, databases: postgres.map(Databases::on) })
    }

    /// What the outside world saw.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("outside-world.jsonl")
    }

    /// The school's files, as it would hand them over.
    pub fn roster(&self) -> PathBuf {
        self.folder.path().join("roster")
    }

    /// Keys, databases and the bus.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Removes all of it.
    pub async fn clear(self) -> anyhow::Result<()> {
        let dropped = match &self.databases {
            Some(databases) => databases.drop_all().await,
            None => Ok(()),
        };
        dropped.and(self.folder.close().context("the temporary folder stays behind"))
    }
}

/// The school and the world around it, before any service runs.
pub struct World {
    /// The outside world.
    pub simulator: Simulator,
    /// The witness's reading of the school.
    pub roster: Roster,
    /// Who plays which part.
    pub cast: Cast,
    /// The school's time.
    pub clock: Clock,
}

impl World {
    /// Writes the school's files to `roster` and starts the outside world, which writes what it sees
    /// to `log`.
    pub async fn begin(files: &Path, log: PathBuf) -> anyhow::Result<Self> {
        let (roster, cast) = (Roster::read(&FILES)?, Cast::read()?);
        super::school::write(files)?;
        let clock = Clock::starting_at(starts_at()?);
        let simulator = outside_world(log, (&roster, &cast), &clock).await?;
        Ok(Self { simulator, roster, cast, clock })
    }
}

/// Everything that was started.
pub struct Stage {
    /// The school, and the world around it.
    pub world: World,
    /// The services.
    pub running: Running,
}

impl Stage {
    /// Starts all of it. `settings` are the installation's; what the demo needs otherwise is changed.
    pub async fn set(settings: Settings, place: &Place) -> anyhow::Result<Self> {
        let world = World::begin(&place.roster(), place.log()).await?;
        let token = Secret::random();
        let settings = demo_settings(settings, place, &world, token.clone())?;
        let running = app::start(settings, &app::all()).await?;
        world.simulator.send_receipts_to(ReceiptsTo {
            url: format!("http://{}/dispatcher/receipts/notify", running.http),
            bearer_token: token.reveal().to_owned(),
            after: RECEIPT_AFTER,
            retry_every: RECEIPT_AGAIN,
        });
        Ok(Self { world, running })
    }
}

fn starts_at() -> anyhow::Result<Timestamp> {
    Ok(DAY.to_datetime(STARTS_AT).to_zoned(TimeZone::get(ZONE)?)?.timestamp())
}

async fn outside_world(
    log: PathBuf,
    (roster, cast): (&Roster, &Cast),
    clock: &Clock,
) -> anyhow::Result<Simulator> {
    let options = Options {
        notify: NotifyOptions { service_name: roster.school.clone(), ..NotifyOptions::default() },
        people: phones::people(roster),
        school_clock: clock.ahead(),
        ..Options::new(log)
    };
    let simulator = simulator::start(options).await.context("the outside world cannot be started")?;
    for address in cast.dead() {
        simulator.behave(Behaviour::Dead { address, failure: Failure::Permanent });
    }
    Ok(simulator)
}

fn demo_settings(
    settings: Settings,
    place: &Place,
    World { simulator, roster, clock, .. }: &World,
    token: Secret,
) -> anyhow::Result<Settings> {
    let options = NotifyOptions::default();
    let smtp = simulator.smtp_address();
    let channels = json!({
        "sms.notify": {
            "base_url": simulator.notify_url(),
            "api_key": simulator.api_key("demo"),
            "sms_template_id": options.sms_template_id,
            "service_name": roster.school,
            "rate_per_second": RATE,
            "burst": RATE,
        },
        "email.smtp": {
            "host": smtp.ip(),
            "port": smtp.port(),
            "security": "plain",
            "from": format!("{} <office@elm-park.example.org>", roster.school),
            "rate_per_second": RATE,
            "burst": RATE,
            "connections": 16,
        },
    });
    let mut settings = Settings {
        mode: Mode::Demo,
        data: place.data(),
        clock_ahead_by: Some(clock.ahead()),
        peers: std::collections::BTreeMap::new(),
        tls: Tls::default(),
        identity: Identity::default(),
        ..settings
    };
    settings.grpc.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    settings.http.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    settings.grpc.set_port(0);
    settings.http.set_port(0);
    settings.nats.url = None;
    // Everybody comes to where it is, by plain HTTP on this machine.
    settings.console.public_url = None;
    settings.website.public_url = None;
    settings.store.postgres = None;
    if let Some(databases) = &place.databases {
        settings.store.postgres = Some(databases.server.clone());
        settings.store.database_prefix.clone_from(&databases.prefix);
    }
    // The script closes the register itself, when everybody watches.
    settings.absences.close_at_register_time = false;
    settings.dispatcher.timing.absence_gathers_for_seconds = GATHERS_FOR.as_secs();
    settings.dispatcher.timing.absence_patience_seconds = PATIENCE.as_secs();
    settings.dispatcher.timing.head_injury_patience_seconds = HEAD_PATIENCE.as_secs();
    settings.dispatcher.timing.closure_patience_seconds = CLOSURE_PATIENCE.as_secs();
    settings.dispatcher.receipts_token = Some(token);
    settings.dispatcher.receipts_token_file = None;
    settings.dispatcher.channels = serde_json::from_value(channels).context("the demo's channels")?;
    Ok(settings)
}
