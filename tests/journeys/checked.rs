//! `schoolbell check` before a start: a line for each thing that is right or wrong, and never a secret.

use std::path::Path;
use std::process::Output;

use kit::config::Tls;
use kit::testing::authority::Authority;
use tests::apart::Process;
use tests::apart::compose::{Compose, Translation};
use tests::apart::ground::{Ground, HERE};
use tests::apart::protected::{Protected, Standing};
use tests::given::nats::GivenNats;
use tests::wait::until;

struct World {
    ground: Ground,
    services: Protected,
    directory: Process,
    folder: tempfile::TempDir,
}

/// What is set otherwise than it should be.
type Otherwise<'a> = &'a [(&'a str, String)];

impl World {
    async fn start() -> Self {
        schoolbell::app::choose_tls();
        let folder = tempfile::tempdir().unwrap();
        let ground = Ground::start(folder.path()).await;
        let services = Protected::on(&ground, folder.path(), Standing::Production, "");
        let directory = services.command("directory", &ground.certificate("directory"));
        let directory = Process::serve(directory, &services.log()).await;
        Self { ground, services, directory, folder }
    }

    async fn check(&self, tls: &Tls, otherwise: Otherwise<'_>) -> Output {
        let mut command = self.services.command("scheduling", tls);
        let port = self.directory.grpc.rsplit(':').next().unwrap();
        command.env("SCHOOLBELL__PEERS__DIRECTORY", format!("https://{HERE}:{port}"));
        command.envs(otherwise.iter().map(|(key, value)| (format!("SCHOOLBELL__{key}"), value)));
        self.services.said_by(command, &["check", "scheduling"]).await
    }

    /// Everything is right but this one line.
    async fn finds(&self, tls: &Tls, otherwise: Otherwise<'_>, (line, what): (&str, &str)) {
        let checked = self.check(tls, otherwise).await;
        let said = String::from_utf8(checked.stdout).unwrap();
        let words = format!("{said}{}", String::from_utf8_lossy(&checked.stderr));
        self.keeps_secrets(&words, otherwise);
        let wrong: Vec<&str> = said.lines().filter(|line| line.starts_with("WRONG")).collect();
        assert_eq!(checked.status.code(), Some(1), "{said}");
        assert!(matches!(wrong[..], [one] if one.contains(line) && one.contains(what)), "{what}: {said}");
        assert!(words.contains("1 of these must be put right"), "{words}");
    }

    fn keeps_secrets(&self, words: &str, otherwise: Otherwise<'_>) {
        let file = std::fs::read_to_string(self.ground.secrets.join("compose.env")).unwrap();
        let passwords =
            file.lines().filter_map(|line| line.split_once('=')).filter(|(key, _)| key.contains("PASSWORD"));
        for (key, password) in passwords {
            assert!(!words.contains(password), "{key} in {words}");
        }
        assert!(!words.contains("sesame"), "{words} with {otherwise:?}");
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Another nats-server: with these settings of the deployed one.
    async fn another_nats(&self, name: &str, tls: Tls) -> GivenNats {
        let translation = Translation::with_variables(&self.ground.secrets.join("compose.env"));
        let environment = translation.environment(&Compose::read().services["nats"]);
        GivenNats::start_as_deployed(&self.path().join(name), environment, tls).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_one_service_says_what_is_wrong_with_its_bus_its_database_its_peers_and_its_certificate() {
    let world = World::start().await;
    let right = world.ground.certificate("scheduling");
    let checked = world.check(&right, &[]).await;
    let said = String::from_utf8(checked.stdout).unwrap();
    assert!(checked.status.success(), "{said}");
    for line in [
        "ok     settings: production mode",
        "ok     tls: certificate and key go together, and are valid now",
        "ok     nats as scheduling: nats-server 2.",
        "ok     store of scheduling: PostgreSQL ",
        "ok     peer directory: it answers at localhost:",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(
        !said.contains("WRONG") && !said.contains(" of absences") && !said.contains(" as absences"),
        "{said}"
    );
    world.keeps_secrets(&said, &[]);

    // Wrong passwords, and nobody there.
    let port = world.ground.postgres.port();
    let database = |user: &str, port: u16| {
        ("STORE__POSTGRES", format!("postgres://{user}@{HERE}:{port}?sslmode=verify-full"))
    };
    let bus = ("nats as scheduling", "store of scheduling");
    for (otherwise, line, what) in [
        (("NATS__PASSWORDS__SCHEDULING", "sesame".to_owned()), bus.0, "it refuses our user or password"),
        (
            ("NATS__URL", format!("tls://{HERE}:1")),
            bus.0,
            "localhost:1 cannot be used by scheduling: nobody answers",
        ),
        (database("scheduling:sesame", port), bus.1, "it refuses our user or password"),
        (database("scheduling:sesame", 1), bus.1, "at localhost:1 cannot be used: nobody answers there"),
        (
            ("PEERS__DIRECTORY", format!("https://{HERE}:1")),
            "peer directory",
            "localhost:1: nobody answers there",
        ),
    ] {
        world.finds(&right, &[otherwise], (line, what)).await;
    }

    // A certificate of ours that is not good any more, and servers with one.
    let past = world.ground.authority.expired(&world.path().join("past"), &["scheduling", HERE]);
    let past = Tls { authorities: right.authorities.clone(), ..past };
    world.finds(&past, &[], ("tls", "the certificate of tls.certificate has expired")).await;
    let expired = "its certificate has expired";
    let nats = world.another_nats("expired", past.clone()).await;
    world.finds(&right, &[("NATS__URL", nats.url())], (bus.0, expired)).await;
    nats.stop().await;
    world.ground.postgres.show(&world.ground.authority.issue_expired(&[HERE])).await;
    let shows = || async { String::from_utf8(world.check(&right, &[]).await.stdout).unwrap() };
    until("an expired certificate", shows, |said| said.contains(expired)).await;
    world.finds(&right, &[], (bus.1, expired)).await;
    world.ground.postgres.show(&world.ground.authority.issue(&[HERE])).await;
    until("a new certificate", shows, |said| !said.contains("WRONG")).await;

    // Of another authority, each by itself.
    let stranger = Authority::new();
    let theirs = stranger.settings(&world.path().join("stranger"), &["scheduling", HERE]);
    let distrusted = "its certificate is from nobody whom we believe: see tls.authorities";
    let nats = world.another_nats("stranger", theirs).await;
    world.finds(&right, &[("NATS__URL", nats.url())], (bus.0, distrusted)).await;
    nats.stop().await;
    world.ground.postgres.show(&stranger.issue(&[HERE])).await;
    until("a stranger's certificate", shows, |said| said.contains(distrusted)).await;
    world.finds(&right, &[], (bus.1, distrusted)).await;

    world.directory.kill().await;
    world.ground.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_says_which_permission_the_bus_lacks() {
    let world = World::start().await;
    let right = world.ground.certificate("scheduling");
    let mut nats = world.another_nats("narrow", world.ground.certificate("nats")).await;
    nats.changed(|settings| {
        settings.replace("CONSUMER.INFO.schoolbell_directory.scheduling", "CONSUMER.INFO.none")
    })
    .await;
    world
        .finds(
            &right,
            &[("NATS__URL", nats.url())],
            ("nats as scheduling", "CONSUMER.INFO.schoolbell_directory.scheduling--directory"),
        )
        .await;
    nats.changed(|settings| settings.replace("\"schoolbell.scheduling.>\"", "\"schoolbell.>\"")).await;
    let forged = "it may publish to \"schoolbell.absences.check\", in the name of another";
    world.finds(&right, &[("NATS__URL", nats.url())], ("nats as scheduling", forged)).await;
    nats.stop().await;
    world.directory.kill().await;
    world.ground.stop().await;
}
