//! PostgreSQL's own tools copy the databases and put them back, by the commands that `schoolbell backup`
//! writes down, under services that run apart, each with its own login.

use std::path::Path;

use kit::config::Secret;
use proto::dispatcher::v1::Delivery;
use proto::operations::v1::{DeadLetter, ListDeadLettersRequest};
use proto::options::v1::Role;
use proto::tasks::v1::Task;
use schoolbell::app;
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use tests::apart::ground::{Ground, HERE};
use tests::apart::protected::{Protected, Standing};
use tests::roster::Contact;
use tests::wait::until;
use tests::{Roster, School};
use tokio::process::Command;

const ADDRESSES: [&str; 3] = ["+447700900201", "+447700900202", "+447700900203"];

fn roster() -> Roster {
    Roster::new()
        .pupil("Maya", "oak", [Contact::parent("Anna").phone("07700900201")])
        .pupil("Rohan", "elm", [Contact::parent("Bert").phone("07700900202")])
        .pupil("Ben", "fir", [Contact::parent("Dora").phone("07700900203")])
}

/// The server as its own tools are told of it.
struct Server<'a>(&'a Ground);

impl Server<'_> {
    fn secret(&self) -> Secret {
        let address = self.0.postgres.address();
        Secret::new(address.split([':', '@']).nth(2).unwrap())
    }

    /// Runs a line of `COMMANDS.txt` in its folder.
    async fn run(&self, line: &str, folder: &Path) {
        let tools = self.0.postgres.program("pg_dump").parent().unwrap().display().to_string();
        let done = Command::new("sh")
            .args(["-c", line])
            .current_dir(folder)
            .env("PATH", format!("{tools}:/usr/bin:/bin"))
            .env("PGHOST", HERE)
            .env("PGPORT", self.0.postgres.port().to_string())
            .env("PGUSER", "postgres")
            .env("PGPASSWORD", self.secret().reveal())
            .output()
            .await
            .unwrap();
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    }

    /// Whether only the owner of each database may connect to it.
    async fn keeps_services_apart(&self) {
        let db = Database::connect(format!("{}/postgres", self.0.postgres.address())).await.unwrap();
        for service in app::all() {
            let sql = "SELECT r.rolname AS owner, has_database_privilege($2, d.datname, 'CONNECT') AS open \
                       FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = $1";
            let other = if service == "absences" { "website" } else { "absences" };
            let values = [format!("schoolbell_{service}").into(), other.into()];
            let found = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
            let found = db.query_one_raw(found).await.unwrap().unwrap();
            let owner: String = found.try_get("", "owner").unwrap();
            let open: bool = found.try_get("", "open").unwrap();
            assert_eq!((owner, open), (service, false));
        }
        db.close().await.unwrap();
    }
}

/// The lines of a file of commands that begin with a program's name, a comment or not.
fn lines<'a>(commands: &'a str, program: &str) -> Vec<&'a str> {
    let lines = commands.lines().map(|line| line.trim_start_matches("# "));
    lines.filter(|line| line.split(' ').next() == Some(program)).collect()
}

async fn mark(services: &Protected, ground: &Ground, service: &str) -> std::process::Output {
    let command = services.command(service, &ground.certificate(service));
    services.said_by(command, &["restore", "--put-back", service]).await
}

impl Server<'_> {
    async fn dead_letters(&self, school: &School) -> Vec<DeadLetter> {
        let request = ListDeadLettersRequest { service: "dispatcher".to_owned(), ..Default::default() };
        let request = school.by(Role::SystemAdministrator, request);
        school.operations("dispatcher").list_dead_letters(request).await.unwrap().into_inner().dead_letters
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_that_were_dumped_and_put_back_say_nothing_twice_and_keep_what_is_old_for_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let ground = Ground::start(folder.path()).await;
    let server = Server(&ground);
    let mut school = School::start_protected(roster(), &ground, Standing::Trial).await;
    school.post_register("oak", &["Maya"]).await;
    school.close().await;
    school.messages(1).await;
    school.settles().await;

    // The backup of a service's settings tells how, and nothing of the password.
    let backup = folder.path().join("backup");
    let directory = school.protected().command("directory", &ground.certificate("directory"));
    let told = school.protected().said_by(directory, &["backup", backup.to_str().unwrap()]).await;
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let commands = std::fs::read_to_string(backup.join("COMMANDS.txt")).unwrap();
    let dumps = lines(&commands, "pg_dump");
    assert_eq!(dumps.len(), app::all().len(), "{commands}");
    for dump in dumps {
        server.run(dump, &backup).await;
    }

    // Afterwards Rohan's parent is told.
    school.post_register("elm", &["Rohan"]).await;
    school.messages(2).await;
    school.settles().await;
    let said_later = school.notices().await.into_iter().map(|notice| notice.event_id);
    let said_later: Vec<String> = said_later.collect();
    let in_use = mark(school.protected(), &ground, "dispatcher").await;
    assert!(String::from_utf8_lossy(&in_use.stderr).contains("in use"), "{in_use:?}");

    school
        .meanwhile(&ground, async |services| {
            for line in lines(&commands, "pg_restore") {
                server.run(line, &backup).await;
            }
            server.keeps_services_apart().await;
            let marks: Vec<&str> = lines(&commands, "schoolbell");
            let marked: Vec<&str> =
                marks.iter().filter_map(|line| line.strip_prefix("schoolbell restore --put-back ")).collect();
            assert_eq!(marked.len(), app::all().len(), "{commands}");
            for service in marked {
                let done = mark(services, &ground, service).await;
                assert!(done.status.success(), "{service}: {}", String::from_utf8_lossy(&done.stderr));
            }
        })
        .await;

    // What was said after the backup waits for a person, and is not said again.
    let waits = |letters: &Vec<DeadLetter>| {
        letters
            .iter()
            .any(|letter| said_later.contains(&letter.event_id) && letter.why.starts_with("RESTORED: "))
    };
    until("a fact put aside", || server.dead_letters(&school), waits).await;
    let tasks: Vec<Task> = school.tasks().await;
    for (service, kind) in [("directory", "restored"), ("dispatcher", "dead_letter")] {
        assert!(tasks.iter().any(|task| task.kind == kind), "no {kind} of {service}: {tasks:#?}");
    }
    // What is new is told.
    school.post_register("fir", &["Ben"]).await;
    let told = |deliveries: &Vec<Delivery>| deliveries.iter().filter(|one| one.reached).count() == 2;
    until("Maya's and Ben's deliveries", || school.deliveries(), told).await;
    assert_eq!(ADDRESSES.map(|address| school.received(address).len()), [1, 1, 1]);
    school.stop().await;
    ground.stop().await;
}
