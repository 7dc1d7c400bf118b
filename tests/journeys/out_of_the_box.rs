//! Schoolbell as it comes: nothing is set but where it may write and listen.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tests::apart::{Process, binary};
use tests::installation::tools;
use tests::wait::{PATIENCE, until};
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

/// What is said by a command that ends badly.
async fn refuses(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().await.unwrap();
    assert!(!status.success(), "{command:?}");
    [stdout, stderr].map(|said| String::from_utf8(said).unwrap()).concat()
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
    let school = school.to_str().unwrap();
    let tried = says(&file, &process, &["import", school, "--dry-run"]).await;
    assert!(tried.contains("into a new school") && !tried.contains("sch_"), "{tried}");
    let imported = says(&file, &process, &["import", school]).await;
    let (_, id) = imported.rsplit_once(" into ").unwrap();
    let (id, _) = id.split_once(';').unwrap();
    let token = says(&file, &process, &["token", "--school", id, "--role", "office"]).await;
    assert_eq!(token.trim().split('.').count(), 3, "a token has three parts");

    // The second time the school is named, by its id or by a token.
    let riddle =
        refuses(schoolbell(&file).env("SCHOOLBELL__GRPC", &process.grpc).args(["import", school])).await;
    assert!(
        riddle.contains("school.csv:2: orgSourcedId: expected: ") && riddle.contains("--school"),
        "{riddle}"
    );
    let again = says(&file, &process, &["import", school, "--school", id]).await;
    assert!(again.contains(&format!(" into {id};")), "{again}");
    let administrator = ["token", "--school", id, "--role", "system_administrator"];
    let token = folder.path().join("token");
    std::fs::write(&token, says(&file, &process, &administrator).await).unwrap();
    let again = says(&file, &process, &["import", school, "--token-file", token.to_str().unwrap()]).await;
    assert!(again.contains(&format!(" into {id};")), "{again}");

    // Another process keeps its hands off the folder of this one.
    let second = refuses(schoolbell(&file).arg("all")).await;
    assert!(second.contains("is in use by another process"), "{second}");
    let mode = std::fs::metadata(folder.path().join("data")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "nobody else reads what is kept about people");

    let words = std::fs::read_to_string(&log).unwrap();
    assert!(!words.contains("the process stops"), "{words}");
    assert!(healthy(&process.health().await));
    process.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_it_before_it_serves_is_obeyed() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = schoolbell(&settings(folder.path()));
    // It waits for a nats-server that is away.
    command.args(["run", "directory"]).env("SCHOOLBELL__NATS__URL", "nats://127.0.0.1:1");
    command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let begun = folder.path().join("data/in-use.lock");
    until("it has begun", async || begun.exists(), |begun| *begun).await;
    let id = child.id().unwrap().to_string();
    Command::new("kill").args(["-s", "TERM", &id]).status().await.unwrap();
    let status = tokio::time::timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    assert!(status.success(), "{status}");
}
