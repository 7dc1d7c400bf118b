//! A restore that was interrupted is run again and ends right; one with keys brings a whole installation
//! to another machine.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tests::apart::binary;
use tests::installation::Backend;
use tests::wait::PATIENCE;
use tokio::process::Command;
use tokio::time::{Instant, interval};

use super::restore::{BENS, Installed, MAYAS, ROHANS, roster};

/// How often a restore is run in the hope of ending it in the middle.
const TRIES: usize = 40;

/// Where in a restore it was ended.
#[derive(Debug, Clone, Copy)]
enum Stage {
    /// The new databases are being prepared; the old ones stand where they stood.
    Prepared,
    /// The old databases have begun to leave.
    Between,
}

impl Stage {
    fn is_reached(self, data: &Path) -> bool {
        let prepared = names(&data.join("restoring")).iter().any(|name| name == "website.db");
        let there = names(data).iter().any(|name| name == "dispatcher.db");
        match self {
            Self::Prepared => prepared && there,
            Self::Between => prepared && !there,
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Runs a restore until it has reached a stage and ends it there as a power cut would; whether it was
/// still in the middle.
async fn interrupted(school: &Installed, backup: &str, stage: Stage) -> bool {
    let data = school.data.path();
    let mut restore = Command::new(binary())
        .arg("--config")
        .arg(&school.config)
        .args(["restore", backup, "--replace"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let (mut moments, deadline) = (interval(Duration::from_millis(1)), Instant::now() + PATIENCE);
    while !stage.is_reached(data) {
        moments.tick().await;
        assert!(Instant::now() < deadline, "{stage:?} is never reached");
        if restore.try_wait().unwrap().is_some() {
            return false;
        }
    }
    restore.kill().await.unwrap();
    data.join("restoring").exists()
}

fn set_aside(data: &Path) -> Vec<PathBuf> {
    let aside = names(data).into_iter().filter(|name| name.starts_with("replaced-"));
    aside.map(|name| data.join(name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_is_killed_in_the_middle_lets_nothing_start_and_ends_right_the_next_time() {
    let mut school = Installed::start(Backend::Sqlite).await;
    let archive = school.data.path().join("roster.zip");
    std::fs::write(&archive, roster().archive()).unwrap();
    let id = school.id.to_string();
    school.succeeds(&["import", archive.to_str().unwrap(), "--school", &id]).await;
    let maya = school.missing("Maya").await;
    school.close().await;
    school.is_told(&maya).await;
    let outside = tempfile::tempdir().unwrap();
    let backup = outside.path().join("backup");
    let backup = backup.to_str().unwrap();
    school.succeeds(&["backup", backup]).await;
    let rohan = school.missing("Rohan").await;
    school.is_told(&rohan).await;
    school.stop().await;

    for stage in [Stage::Prepared, Stage::Between] {
        let mut tries = 1;
        while !interrupted(&school, backup, stage).await {
            assert!(tries < TRIES, "a restore is never met at {stage:?}");
            tries += 1;
        }
        school.fails(&["run", "directory"], "did not finish: run it again").await;
        println!("{stage:?}: ended in the middle at the {tries}. try");
    }
    school.succeeds(&["restore", backup, "--replace"]).await;
    // Nothing was deleted: each restore that moved something has kept it.
    let kept = set_aside(school.data.path()).iter().flat_map(|folder| names(folder)).collect::<Vec<_>>();
    assert!(kept.iter().any(|name| name == "dispatcher.db"), "{kept:?}");
    school.run().await;
    let ben = school.missing("Ben").await;
    school.is_told(&ben).await;
    assert_eq!([MAYAS, ROHANS, BENS].map(|number| school.texts(number)), [1, 1, 1]);
    assert!(school.tasks("directory").await.iter().any(|task| task.kind == "restored"));
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_with_keys_brings_an_installation_to_another_machine() {
    let mut school = Installed::start(Backend::Sqlite).await;
    let archive = school.data.path().join("roster.zip");
    std::fs::write(&archive, roster().archive()).unwrap();
    let id = school.id.to_string();
    school.succeeds(&["import", archive.to_str().unwrap(), "--school", &id]).await;
    let maya = school.missing("Maya").await;
    school.close().await;
    school.is_told(&maya).await;
    let outside = tempfile::tempdir().unwrap();
    let backup = outside.path().join("backup");
    school.succeeds(&["backup", backup.to_str().unwrap(), "--with-keys"]).await;
    school.stop().await;
    let keys = |folder: &Path| {
        let mut files = names(folder);
        files.sort();
        files.into_iter().map(|name| std::fs::read(folder.join(name)).unwrap()).collect::<Vec<_>>()
    };
    let (data, before) = (school.data.path(), keys(&school.data.path().join("keys")));
    assert!(!before.is_empty() && before == keys(&backup.join("keys")));

    // The other machine has the settings and nothing else: no databases, no keys, no streams.
    for name in names(data) {
        let path = data.join(&name);
        let is_ours = name.contains(".db") || ["keys", "nats"].contains(&name.as_str());
        match (is_ours, path.is_dir()) {
            (true, true) => std::fs::remove_dir_all(path).unwrap(),
            (true, false) => std::fs::remove_file(path).unwrap(),
            (false, _) => {}
        }
    }
    school.succeeds(&["restore", backup.to_str().unwrap()]).await;
    assert_eq!(keys(&school.data.path().join("keys")), before);
    school.run().await;
    // Who was signed in before is known, and services believe each other.
    let rohan = school.missing("Rohan").await;
    school.is_told(&rohan).await;
    assert_eq!([MAYAS, ROHANS].map(|number| school.texts(number)), [1, 1]);
    school.stop().await;
}
