//! Schoolbell as it comes: nothing is set but where it may write and listen.

use std::path::{Path, PathBuf};
use std::process::Output;

use tests::apart::{Process, binary};
use tests::installation::tools;
use tests::wait::until;
use tokio::process::Command;

/// Settings of whoever tries it out: no provider, no receipts, no website of the school.
fn settings(folder: &Path) -> PathBuf {
    let file = folder.join("schoolbell.toml");
    let text = format!(
        "mode = \"trial\"\ndata = {data:?}\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n[nats]\ntools = [{tools:?}]\n",
        data = folder.join("data").display().to_string(),
        tools = tools().display().to_string(),
    );
    std::fs::write(&file, text).unwrap();
    file
}

fn schoolbell(file: &Path) -> Command {
    let mut command = Command::new(binary());
    command.arg("--config").arg(file);
    command
}

async fn says(file: &Path, process: &Process, arguments: &[&str]) -> String {
    let mut command = schoolbell(file);
    let Output { status, stdout, stderr } =
        command.env("SCHOOLBELL__GRPC", &process.grpc).args(arguments).output().await.unwrap();
    assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sets_nothing_gets_an_installation_that_stays_up_takes_a_school_and_ends_when_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = settings(folder.path());
    let log = folder.path().join("log");
    let mut all = schoolbell(&file);
    all.arg("all");
    let process = Process::serve(all, &log).await;
    let healthy = |answer: &String| answer.starts_with("HTTP/1.1 200");
    until("everything is up", async || process.health().await, healthy).await;

    let school = Path::new(env!("CARGO_MANIFEST_DIR")).join("../services/schoolbell/demo-school");
    let imported = says(&file, &process, &["import", school.to_str().unwrap()]).await;
    let (_, id) = imported.rsplit_once(" into ").unwrap();
    let (id, _) = id.split_once(';').unwrap();
    let token = says(&file, &process, &["token", "--school", id, "--role", "office"]).await;
    assert_eq!(token.trim().split('.').count(), 3, "a token has three parts");

    let words = std::fs::read_to_string(&log).unwrap();
    assert!(!words.contains("the process stops"), "{words}");
    assert!(healthy(&process.health().await));
    process.end().await;
}
