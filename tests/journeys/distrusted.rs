//! Whoever cannot be believed is not spoken to: a process says where it met whom, and what is wrong, and
//! where waiting does not help it ends.

use std::path::Path;

use kit::config::Tls;
use kit::testing::authority::Authority;
use tests::apart::Process;
use tests::apart::ground::{Ground, HERE};
use tests::apart::protected::{Protected, Standing};
use tests::given::nats::GivenNats;
use tests::wait::{PATIENCE, until};
use tokio::process::Command;

const NATS: &str = "SCHOOLBELL__NATS__URL";
const POSTGRES: &str = "SCHOOLBELL__STORE__POSTGRES";
const DIRECTORY: &str = "SCHOOLBELL__PEERS__DIRECTORY";

/// What it says of how it could not start.
async fn last_words(mut command: Command) -> String {
    let ended = tokio::time::timeout(PATIENCE, command.output()).await.unwrap().unwrap();
    assert!(!ended.status.success());
    let said = String::from_utf8(ended.stderr).unwrap();
    said.lines().filter(|line| !line.starts_with('{')).collect::<Vec<_>>().join(" ")
}

/// The value of a variable that a command is given.
fn given(command: &Command, key: &str) -> String {
    let mut variables = command.as_std().get_envs();
    let value = variables.find_map(|(name, value)| (name == key).then_some(value?)).unwrap();
    value.to_str().unwrap().to_owned()
}

struct Distrusted {
    ground: Ground,
    services: Protected,
    /// A certificate for incidents, and whom they believe.
    right: Tls,
    /// The same, but whom they believe has issued nothing here.
    misled: Tls,
    folder: tempfile::TempDir,
}

impl Distrusted {
    async fn start() -> Self {
        schoolbell::app::choose_tls();
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::start(folder.path()).await;
        let services = Protected::on(&ground, folder.path(), Standing::Production, "");
        let right = ground.certificate("incidents");
        let elsewhere = folder.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        let misled = Tls { authorities: Authority::new().trust(&elsewhere).authorities, ..right.clone() };
        Self { ground, services, right, misled, folder }
    }

    fn incidents(&self, tls: &Tls, directory: &str) -> Command {
        let mut command = self.services.command("incidents", tls);
        command.env(DIRECTORY, directory);
        command
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bus_or_a_database_that_cannot_be_believed_ends_the_process_with_its_place_and_the_reason() {
    let world = Distrusted::start().await;
    let nobody = "https://localhost:1";
    let nats = format!("nats at {}", world.ground.nats.url().replace("tls://", ""));
    let database = format!("the server at {HERE}:{}", world.ground.postgres.port());
    let stranger = "its certificate is from nobody whom we believe: see tls.authorities";

    // Of another authority than the process believes: the database, then the bus. Both are met at once, so each time
    // the database has its own authority named, and the other of the two is in order.
    let [right, misled] = [&world.ground.trust, &world.misled].map(|tls| tls.authorities.as_ref().unwrap());
    for (tls, of_database, place) in [(&world.right, misled, &database), (&world.misled, right, &nats)] {
        let mut command = world.incidents(tls, nobody);
        let address = format!("{}&sslrootcert={}", given(&command, POSTGRES), of_database.display());
        command.env(POSTGRES, &address);
        let words = last_words(command).await;
        assert!(words.contains(place) && words.contains(stranger), "{words}");
    }

    // Without TLS, though it is asked for.
    let plain = GivenNats::start(&world.path().join("plain")).await;
    let mut command = world.incidents(&world.right, nobody);
    command.env(NATS, plain.url().replace("nats://127.0.0.1", "tls://localhost"));
    let words = last_words(command).await;
    assert!(words.contains("nats at localhost:") && words.contains("it does not speak TLS"), "{words}");
    plain.stop().await;
    let mut command = world.incidents(&world.right, nobody);
    let server = kit::testing::postgres();
    command.env(POSTGRES, format!("{server}?sslmode=verify-full"));
    let words = last_words(command).await;
    assert!(words.contains("it does not speak TLS"), "{words}");
    let secret = server.split(['/', ':', '@']).nth(4).unwrap();
    assert!(secret.len() > 8 && !words.contains(secret), "{words}");

    // In plain text to another machine: refused before anything is tried, by the key.
    for (key, address) in [
        (NATS, "nats://nats.example.org:4222"),
        (POSTGRES, "postgres://incidents:sesame@db.example.org:5432?sslmode=require"),
        (DIRECTORY, "http://directory.example.org:7400"),
        ("SCHOOLBELL__TELEMETRY__OTLP_ENDPOINT", "http://collector.example.org:4317"),
    ] {
        let mut command = world.incidents(&world.right, nobody);
        command.env(key, address);
        let words = last_words(command).await;
        let key = key.replace("SCHOOLBELL__", "").replace("__", ".").to_lowercase();
        assert!(words.contains("plain text to another host: see ") && words.contains(&key), "{words}");
        assert!(!words.contains("sesame"), "{words}");
    }
    world.ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_cannot_be_believed_is_named_from_the_start_and_asked_nothing() {
    let world = Distrusted::start().await;
    let stranger = Authority::new().settings(&world.path().join("stranger"), &["directory", HERE]);
    let stranger = Tls { authorities: world.ground.trust.authorities.clone(), ..stranger };
    let log = world.path().join("directories.log");
    let [known, unknown] = [world.ground.certificate("directory"), stranger]
        .map(|tls| world.services.command("directory", &tls));
    let known = Process::serve(known, &log).await;
    let unknown = Process::serve(unknown, &log).await;
    let port = |process: &Process| process.grpc.rsplit(':').next().unwrap().to_owned();
    let [known_port, unknown_port] = [&known, &unknown].map(port);
    for (number, (address, said)) in [
        (format!("https://localhost:{known_port}"), "a service can be asked"),
        (format!("https://localhost:{unknown_port}"), "its certificate is from nobody whom we believe"),
        (format!("https://127.0.0.2:{known_port}"), "nobody answers there"),
        (format!("http://127.0.0.1:{known_port}"), "it takes no plain text: perhaps it speaks TLS"),
    ]
    .into_iter()
    .enumerate()
    {
        let log = world.path().join(format!("incidents-{number}.log"));
        let process = Process::serve(world.incidents(&world.right, &address), &log).await;
        let place = address.split_once("://").unwrap().1.to_owned();
        let says = |text: &String| {
            let line = text.lines().find(|line| line.contains("\"peer\":\"directory\""));
            line.is_some_and(|line| line.contains(said) && line.contains(&place))
        };
        let look = || async { std::fs::read_to_string(&log).unwrap() };
        until(said, look, says).await;
        process.end().await;
    }
    known.end().await;
    unknown.end().await;
    world.ground.stop().await;
}
