//! The binary itself, as a person starts it. (That it is tested here is also why
//! `cargo test --workspace` builds it for the tests that run it in processes of its own.)

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

use std::path::Path;
use std::process::{Command, Output};

use kit::identity::Keys;

fn schoolbell(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_schoolbell"))
        .args(arguments)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

const SCHOOL: &str = "sch_0192f0c1000070008000000000000001";

#[test]
fn a_token_is_printed_for_a_role_and_refused_in_production() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let arguments = ["token", "--school", SCHOOL, "--role", "office"];
    // In another folder than the installation's there is no key, and none is made.
    let output = schoolbell(&arguments, &[("SCHOOLBELL__DATA", data)]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && words.contains("is `data` the folder of the running"), "{words}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    Keys::open(&folder.path().join("keys"), &["people"]).unwrap();
    let output = schoolbell(&arguments, &[("SCHOOLBELL__DATA", data)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim().split('.').count(), 3);

    let production = [
        ("SCHOOLBELL__DATA", data),
        ("SCHOOLBELL__MODE", "production"),
        ("SCHOOLBELL__NATS__URL", "nats://127.0.0.1:1"),
    ];
    let output = schoolbell(&arguments, &production);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("production refuses tokens"));
}

#[test]
fn what_cannot_be_is_said_in_words() {
    for (arguments, said) in [
        (&["token", "--school", "Hillside", "--role", "office"][..], "32 hexadecimal digits"),
        (&["token", "--school", SCHOOL, "--role", "caretaker"][..], "there is no role caretaker"),
        (&["run", "canteen"][..], "there is no service canteen"),
        (&["dance"][..], "unrecognized subcommand"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let output = schoolbell(arguments, &[("SCHOOLBELL__DATA", folder.path().to_str().unwrap())]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(words.contains(said), "{arguments:?}: {words}");
    }
}

#[test]
fn a_check_says_line_by_line_what_is_wrong_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("own.toml");
    let check = |text: &str| {
        std::fs::write(&config, text).unwrap();
        let data = folder.path().join("data");
        let arguments = ["--config", config.to_str().unwrap(), "check", "--offline"];
        let output = schoolbell(&arguments, &[("SCHOOLBELL__DATA", data.to_str().unwrap())]);
        assert!(!data.exists(), "a check makes nothing");
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (fine, said) = check("");
    assert!(fine, "{said}");
    assert!(said.contains("ok     settings: trial mode") && said.contains("ok     templates: "), "{said}");
    for (text, wrong) in [
        ("colour = \"red\"", "WRONG  settings: "),
        ("[tls]\ncertificate = \"/nowhere\"\nkey = \"/nowhere\"", "WRONG  tls: the file of tls.certificate"),
        ("[identity.keys]\nabsences = \"/nowhere.pem\"", "WRONG  identity.keys.absences: "),
        (
            "[identity.issuers.people]\npublic_key = \"open sesame\"\nmay_grant = []",
            "WRONG  identity.issuers.people: ",
        ),
    ] {
        let (fine, said) = check(text);
        assert!(!fine, "{text}");
        assert!(said.contains(wrong) && !said.contains("sesame"), "{text}: {said}");
    }
}

#[test]
fn a_check_says_what_a_start_would_refuse() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("own.toml");
    let data = folder.path().join("data");
    std::fs::write(folder.path().join("file"), "").unwrap();
    let below_a_file = folder.path().join("file/data");
    let production = "mode = \"production\"\n[nats]\nurl = \"tls://nats.example.org:4222\"";
    let lasting = "[dispatcher.retention]\naddresses_kept_for = \"2d\"";
    for (data, services, text, wrong) in [
        (&data, "", "[website]\ncache = \"10m\"", "website: website.cache is 600s"),
        (&data, "", "[website]\ncut_off_after = \"1s\"", "website: website.cut_off_after is 1s"),
        (&data, "", "[website]\npublic_url = \"alerts.example.org\"", "website: website.public_url is not"),
        (&data, "", "[console]\nsession_idle = \"10s\"", "console: console.session_idle is 10s"),
        (&data, "", lasting, "dispatcher.retention: dispatcher.retention.addresses_kept_for is 2 days"),
        (&data, "", "[telemetry]\nlog = \"dispatcher=loud,,=\"", "telemetry.log: telemetry.log is not"),
        (&data, "", "faults = [{ service = \"canteen\", point = \"kept\" }]", "faults: there is no service"),
        (
            &data,
            "",
            "faults = [{ service = \"website\", point = \"lunch\" }]",
            "faults: website has no fault",
        ),
        (&data, "", production, "identity: production needs identity.keys."),
        (&data, "console", production, "console: production needs console.public_url"),
        (&data, "absences", "", "peer scheduling: peers.scheduling is not set, and absences cannot"),
        (&below_a_file, "", "", "/file/data cannot be made"),
    ] {
        std::fs::write(&config, text).unwrap();
        let mut arguments = vec!["--config", config.to_str().unwrap(), "check", "--offline"];
        arguments.extend((!services.is_empty()).then_some(services));
        let output = schoolbell(&arguments, &[("SCHOOLBELL__DATA", data.to_str().unwrap())]);
        let said = String::from_utf8(output.stdout).unwrap();
        let found = said.lines().any(|line| line.starts_with("WRONG") && line.contains(wrong));
        assert!(!output.status.success() && found, "{wrong}: {said}");
    }
}

#[test]
fn production_signs_for_a_command_only_with_a_key_that_its_settings_name_and_believe() {
    let folder = tempfile::tempdir().unwrap();
    let made = schoolbell(&["keys", folder.path().join("secrets").to_str().unwrap()], &[]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let [config, key, other] = ["identity.toml", "keys/people.pem", "keys/absences.pem"]
        .map(|file| folder.path().join("secrets").join(file));
    let roster = concat!(env!("CARGO_MANIFEST_DIR"), "/demo-school");
    let import = |config: Option<&Path>, key: Option<&Path>| {
        let mut arguments = vec!["import", roster];
        arguments.extend(config.into_iter().flat_map(|config| ["--config", config.to_str().unwrap()]));
        let mut environment = vec![
            ("SCHOOLBELL__DATA", folder.path().to_str().unwrap()),
            ("SCHOOLBELL__MODE", "production"),
            ("SCHOOLBELL__NATS__URL", "nats://127.0.0.1:1"),
            ("SCHOOLBELL__GRPC", "127.0.0.1:1"),
        ];
        environment.extend(key.map(|key| ("SCHOOLBELL__IDENTITY__KEYS__PEOPLE", key.to_str().unwrap())));
        String::from_utf8(schoolbell(&arguments, &environment).stderr).unwrap()
    };
    let (config, key) = (Some(config.as_path()), Some(key.as_path()));
    for (config, key) in [(None, None), (config, None), (None, key)] {
        let words = import(config, key);
        assert!(words.contains("production takes a token"), "{words}");
    }
    let words = import(config, Some(&other));
    assert!(words.contains("is not the one that identity.issuers.people names"), "{words}");
    let words = import(config, key);
    assert!(words.contains("the directory cannot be reached"), "it has asked with a token: {words}");
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let environment = [("SCHOOLBELL__DATA", data.to_str().unwrap())];
    let backup = folder.path().join("backup");
    std::fs::create_dir(&backup).unwrap();
    let output = schoolbell(&["restore", backup.to_str().unwrap()], &environment);
    assert!(!output.status.success());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(words.contains("no complete backup"), "{words}");
    let output = schoolbell(&["backup", folder.path().join("other").to_str().unwrap()], &environment);
    assert!(String::from_utf8_lossy(&output.stderr).contains("there are no databases"));
}
