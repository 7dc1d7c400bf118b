//! What should not be and comes all the same: refused, put aside or somebody's task, with the
//! reason; never a stop of everything else, never silence. What providers send back that should not
//! be is in `receipts`, a fact of another school in `facts`.

use proto::directory::v1::{Address, AddressKind, Link};
use proto::events::messaging::AnnouncementSent;
use proto::events::scheduling::Closure;
use proto::events::scope::Scope;
use proto::ids::ClassId;

use super::said::{letter, snow};
use super::*;

const MUM: &str = "+447700900001";
const DAD: &str = "+447700900002";
const MAIL: &str = "mum@example.org";

/// Somebody whose one address, whatever it says, stands as one of this kind.
fn at(kind: AddressKind, value: &str) -> Link {
    let address = Address { kind: kind.into(), value: value.to_owned(), barred: false, no_contact: false };
    Link { addresses: vec![address], ..parent(&[]) }
}

async fn reasons(world: &World) -> Vec<String> {
    let mut reasons: Vec<String> =
        world.messages().await.into_iter().filter(|row| row.state == "failed").map(|row| row.why).collect();
    reasons.sort();
    reasons
}

#[tokio::test]
async fn a_fact_of_a_school_that_nobody_knows_is_a_person_s_task_and_ends_with_its_day() {
    for world in quiet_worlds().await {
        world.directory.have_no_roster();
        let case = world.missing(PupilId::generate()).await;
        world.announced(letter(Scope::WholeSchool)).await;
        world.gathered();
        let planner = world.planner.as_ref().unwrap();
        assert!(planner.sweep(world.now()).await.is_err());
        assert!(world.tasks().await.is_empty(), "the roster may be on its way");
        world.pass(120);
        assert!(planner.sweep(world.now()).await.is_err());
        world.until_tasks(&["directory_away"]).await;
        assert!(world.tasks().await[0].subjects.contains(&case.pupil.to_string()));
        world.clock.set(said::midnight());
        world.sweep().await;
        world.until_tasks(&["directory_away", "nobody_to_tell"]).await;
        assert!(world.gatherings().await.iter().all(|gathering| gathering.state == "left"));
        world.end().await;
    }
}

#[tokio::test]
async fn a_pupil_whom_nobody_knows_is_a_task_and_the_others_of_the_gathering_are_told() {
    for world in worlds(&Setup::default()).await {
        let stranger = PupilId::generate();
        world.missing(stranger).await;
        world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.gathered();
        world.until_all_are_out(1).await;
        world.until_tasks(&["nobody_to_tell"]).await;
        assert_eq!(world.tasks().await[0].subjects, serde_json::json!([stranger.to_string()]).to_string());
        let why = "SELECT COUNT(*) AS number FROM decisions WHERE why = 'NOT_ON_ROLL'";
        assert_eq!(world.number(why).await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn what_is_said_to_nobody_is_a_person_s_task() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        let nobody = Scope::Classes(vec![ClassId::generate()]);
        world.announced(letter(nobody.clone())).await;
        world.closed(snow(nobody)).await;
        world.sweep().await;
        world.sweep().await;
        assert!(world.messages().await.is_empty());
        world.until_tasks(&["nobody_concerned", "nobody_concerned"]).await;
        assert!(world.tasks().await.iter().all(|task| task.role == "office"));
        world.end().await;
    }
}

#[tokio::test]
async fn of_a_text_that_one_person_cannot_be_sent_a_person_is_told_and_the_others_get_theirs() {
    for world in worlds(&Setup::default()).await {
        let (mother, father) = (parent(&[MUM]), parent(&[DAD]));
        world.missing(world.directory.add(&"A".repeat(900), std::slice::from_ref(&mother))).await;
        world.missing(world.directory.add("Ben", &[father])).await;
        world.gathered();
        world.until_tasks(&["cannot_be_worded", "not_reached"]).await;
        world.until_quiet().await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [DAD]);
        assert_eq!(reasons(&world).await, ["TEXT_TOO_LONG"]);
        let tasks = world.tasks().await;
        assert!(tasks.iter().all(|task| !task.why.contains("AAA")), "a name is in no task");
        let rings = tasks.iter().find(|task| task.kind == "not_reached").unwrap();
        assert!(rings.subjects.contains(&mother.contact_id));
        world.end().await;
    }
}

#[tokio::test]
async fn words_that_there_are_none_of_stop_no_other_gathering() {
    for mut world in quiet_worlds().await {
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        world.closed(snow(Scope::Pupils(vec![amy]))).await;
        world.sweep().await;
        // As an older or a newer version of the dispatcher may have left it.
        world.meddle("UPDATE gatherings SET kind = 'reopening'").await;
        world.meddle("UPDATE deliveries SET kind = 'reopening'").await;
        world.missing(world.directory.add("Ben", &[parent(&[DAD])])).await;
        world.gathered();
        world.run();
        world.until_tasks(&["cannot_be_worded", "not_reached"]).await;
        world.until_received(1).await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [DAD]);
        assert_eq!(reasons(&world).await, ["CANNOT_BE_WORDED"]);
        world.end().await;
    }
}

#[tokio::test]
async fn a_text_of_1600_characters_is_never_cut_and_what_can_go_goes() {
    for world in worlds(&Setup::default()).await {
        let (mother, father) = (parent(&[MUM, MAIL]), parent(&[DAD]));
        world.directory.add("Amy", &[mother, father.clone()]);
        let long = "a".repeat(1_600);
        let text = Some(long.clone());
        world.announced(AnnouncementSent { text, ..letter(Scope::WholeSchool) }).await;
        world.until_tasks(&["cannot_be_worded"]).await;
        world.until_quiet().await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [MAIL]);
        assert_eq!(reasons(&world).await, ["TEXT_TOO_LONG", "TEXT_TOO_LONG"]);
        // Of a closure somebody must know whom no e-mail told either.
        world.closed(Closure { reason: long, ..snow(Scope::WholeSchool) }).await;
        world.until_tasks(&["cannot_be_worded", "cannot_be_worded", "not_reached"]).await;
        // The e-mails are another part of the plan than the texts.
        world.until_quiet().await;
        let rings = world.tasks().await.into_iter().find(|task| task.kind == "not_reached").unwrap();
        assert!(rings.subjects.contains(&father.contact_id));
        assert!(!world.received().contains_key(DAD) && world.received()[MAIL].len() == 2);
        world.end().await;
    }
}

#[tokio::test]
async fn a_number_that_is_no_mobile_and_an_address_that_cannot_be_end_with_a_person_who_rings() {
    for world in worlds(&Setup::default()).await {
        let impossible = [
            at(AddressKind::Mobile, "+441632960001"),
            at(AddressKind::Mobile, "none"),
            at(AddressKind::Mobile, ""),
            at(AddressKind::Email, "nobody"),
            at(AddressKind::Email, "two@example.org, three@example.org"),
            at(AddressKind::Email, "line\r\nBcc: all@example.org"),
            at(AddressKind::Unspecified, MUM),
            at(AddressKind::Landline, "+441632960002"),
        ];
        let amy = world.directory.add("Amy", &impossible);
        world.directory.change(amy, |pupil| pupil.links.push(parent(&[DAD])));
        world.missing(amy).await;
        world.gathered();
        world.until_tasks(&["not_reached"; 8]).await;
        world.until_quiet().await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [DAD]);
        assert_eq!(reasons(&world).await.len(), 6, "{:?}", world.fates().await);
        // What a provider refuses by its form says nothing about whether the address exists.
        assert_eq!(world.count("suppressions").await, 0);
        world.end().await;
    }
}
