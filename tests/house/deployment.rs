//! Deployment: what operators are given says the same as the code.

use kit::bus::permissions::{Hearers, authorization};
use schoolbell::app;
use tests::apart::compose::Compose;

use crate::tree::{Finding, Tree, assert_none};

const NATS: &str = "deploy/nats.conf";
const POSTGRES: &str = "deploy/postgres/init.sql";
/// The services of which two run, so that one can die.
const TWICE: [&str; 2] = ["absences", "dispatcher"];

fn hearers() -> Hearers {
    app::HEARERS.iter().map(|(service, sayers)| (*service, sayers.to_vec())).collect()
}

fn permissions_are_what_kit_would_write(tree: &Tree, hearers: &Hearers) -> Vec<Finding> {
    let Some(settings) = tree.get(NATS) else { return vec![Finding::missing(NATS, "is missing")] };
    let expected = authorization(hearers, |service| format!("$NATS_PASSWORD_{}", service.to_uppercase()));
    let line = settings.text.lines().position(|line| line.starts_with("authorization")).unwrap_or_default();
    let found: Vec<&str> = settings.text.lines().skip(line).collect();
    if found == expected.lines().collect::<Vec<_>>() {
        return Vec::new();
    }
    vec![settings.finding(line + 1, format!("from here on it should read:\n{expected}"))]
}

fn every_service_has_a_database_and_a_login(tree: &Tree, services: &[String]) -> Vec<Finding> {
    let Some(script) = tree.get(POSTGRES) else { return vec![Finding::missing(POSTGRES, "is missing")] };
    let mut findings = Vec::new();
    for service in services {
        for statement in [
            format!("\\getenv password POSTGRES_PASSWORD_{}\n", service.to_uppercase()),
            format!("CREATE ROLE {service} LOGIN PASSWORD :'password';\n"),
            format!("CREATE DATABASE schoolbell_{service} OWNER {service};\n"),
            format!("REVOKE ALL ON DATABASE schoolbell_{service} FROM PUBLIC;\n"),
        ] {
            if !script.text.contains(&statement) {
                findings.push(script.finding(1, format!("lacks {}", statement.trim())));
            }
        }
    }
    findings
}

#[test]
fn nats_lets_each_service_say_and_hear_what_the_code_does() {
    assert_none(&permissions_are_what_kit_would_write(&Tree::real(), &hearers()));
}

#[test]
fn every_service_has_a_database_of_its_own() {
    assert_none(&every_service_has_a_database_and_a_login(&Tree::real(), &app::all()));
}

#[test]
fn what_is_missing_or_different_is_found() {
    let hearers = Hearers::from([("bell", vec![]), ("ear", vec!["bell"])]);
    let right = authorization(&hearers, |service| format!("$NATS_PASSWORD_{}", service.to_uppercase()));
    let nats = |text: &str| permissions_are_what_kit_would_write(&Tree::of(&[(NATS, text)]), &hearers).len();
    assert_eq!(nats(&format!("listen: \"0.0.0.0:4222\"\n{right}")), 0);
    assert_eq!(nats(&right.replace("_INBOX_ear", "_INBOX_bell")), 1);
    assert_eq!(nats(&format!("{right}more: 1\n")), 1);
    assert_eq!(permissions_are_what_kit_would_write(&Tree::of(&[]), &hearers).len(), 1);
    let script = "CREATE ROLE bell LOGIN PASSWORD :'password';\n";
    let services = ["bell".to_owned()];
    assert_eq!(
        every_service_has_a_database_and_a_login(&Tree::of(&[(POSTGRES, script)]), &services).len(),
        3
    );
}

#[test]
fn compose_runs_every_service_with_its_own_key_login_and_password() {
    let compose = Compose::read();
    let mut names: Vec<String> = compose.ours().map(|(name, _)| name.clone()).collect();
    let mut services = app::all();
    names.sort();
    services.sort();
    assert_eq!(names, services);
    for (name, container) in compose.ours() {
        let run = container.command.iter().skip_while(|word| *word != "run").skip(1).collect::<Vec<_>>();
        assert_eq!(run, [name], "what {name} runs");
        let upper = name.to_uppercase();
        for (key, value) in [
            (format!("SCHOOLBELL__NATS__PASSWORDS__{upper}"), format!("${{NATS_PASSWORD_{upper}:?")),
            (
                "SCHOOLBELL__STORE__POSTGRES".to_owned(),
                format!("postgres://{name}:${{POSTGRES_PASSWORD_{upper}:?"),
            ),
            (format!("SCHOOLBELL__IDENTITY__KEYS__{upper}"), "/etc/schoolbell/key.pem".to_owned()),
            ("SCHOOLBELL__MODE".to_owned(), "trial".to_owned()),
        ] {
            let found = container.environment.get(&key).cloned().unwrap_or_default();
            assert!(found.starts_with(&value), "{name}: {key} is {found:?}");
        }
        let keys: Vec<_> = container.volumes.iter().filter(|volume| volume.contains(".pem")).collect();
        assert_eq!(keys, [&format!("./deploy/secrets/keys/{name}.pem:/etc/schoolbell/key.pem:ro")]);
        let replicas = if TWICE.contains(&name.as_str()) { 2 } else { 1 };
        assert_eq!(container.deploy.replicas, replicas, "{name}");
    }
}
