//! The binary itself, as a person starts it. (That it is tested here is also why
//! `cargo test --workspace` builds it for the tests that run it in processes of its own.)

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as it should be")]

use std::process::{Command, Output};

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
