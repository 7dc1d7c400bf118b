//! The same stories with every service in processes of its own, as `docker-compose.yml` starts them:
//! two replicas of absences and of the dispatcher, on PostgreSQL.

use jiff::civil::date;
use proto::dispatcher::v1::Notice;
use proto::incidents::v1::AccidentKind;
use tests::roster::Contact;
use tests::school::stories::{account, snow};
use tests::wait::until;
use tests::{Roster, School};

#[tokio::test(flavor = "multi_thread")]
async fn a_family_is_told_once_although_a_replica_of_absences_and_one_of_the_dispatcher_die() {
    let mother = Contact::parent("Anna").phone("07700900201");
    let father = Contact::parent("Bert").phone("07700900202");
    let roster = Roster::new().pupil("Maya", "oak", [mother.clone(), father.clone()]).pupil(
        "Rohan",
        "elm",
        [mother, father],
    );
    let mut school = School::start_apart(roster).await;
    let closed = school.close_without(&["Maya", "Rohan"]).await;
    assert_eq!(closed.announced, 2);
    // The replica that answered dies, whether or not it had come to publishing what it answered.
    school.kill_one("absences").await;
    let heard = |notices: &Vec<Notice>| notices.len() == 2;
    until("two notices", || async { school.notices().await }, heard).await;
    // The replica that gathers the two dies before or while it sends.
    school.kill_one("dispatcher").await;
    school.messages(2).await;
    school.settles().await;
    for parent in ["+447700900201", "+447700900202"] {
        let received = school.received(parent);
        assert_eq!(received.len(), 1, "{received:#?}");
        assert!(received[0].contains("Maya and Rohan were not in school"), "{received:#?}");
    }
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accident_a_closure_its_end_and_a_letter_are_told_by_services_that_run_apart() {
    let mother = Contact::parent("Anna").phone("07700900201").email("anna@example.org");
    let school = School::start_apart(Roster::new().pupil("Maya", "oak", [mother])).await;
    school.records("Maya", account(AccidentKind::Minor, "Grazed a knee")).await;
    school.messages(1).await;
    assert!(school.received("anna@example.org")[0].contains("Grazed a knee"));
    let closure = school.closes_for(snow()).await;
    school.messages(3).await;
    until("the alert", || school.alerts(), |alerts| alerts.contains("closed")).await;
    school.opens_on(&closure, date(2026, 11, 25)).await;
    school.messages(5).await;
    until("the opening", || school.alerts(), |alerts| alerts.contains("open on Wednesday")).await;
    school.announces("oak", "A packed lunch, please.", "Please send a packed lunch.").await;
    school.messages(7).await;
    school.settles().await;
    let texts = school.received("+447700900201");
    assert_eq!(texts.len(), 3, "{texts:#?}");
    assert!(texts[0].contains("School is closed") && texts[1].contains("school is open"), "{texts:#?}");
    assert!(texts[2].contains("A packed lunch"), "{texts:#?}");
    assert_eq!(school.tasks().await, []);
    school.ends_clean().await;
}

#[tokio::test]
async fn nats_server_finds_no_fault_with_its_settings_and_misses_a_password() {
    let settings = tests::apart::compose::root().join("deploy/nats.conf");
    let check = |services: &[String]| {
        let passwords = services.iter().map(|name| (format!("NATS_PASSWORD_{}", name.to_uppercase()), "p1"));
        let mut command = tokio::process::Command::new(tests::installation::tools().join("nats-server"));
        command.arg("-c").arg(&settings).arg("-t").envs(passwords).output()
    };
    let services = schoolbell::app::all();
    let accepted = check(&services).await.unwrap();
    assert!(accepted.status.success(), "{}", String::from_utf8_lossy(&accepted.stderr));
    assert!(!check(&services[1..]).await.unwrap().status.success());
}
