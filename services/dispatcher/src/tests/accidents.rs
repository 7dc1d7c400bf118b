//! A minor accident: an e-mail with the first aid to everybody entitled, the same day.

use proto::directory::v1::{Link, Restriction};
use proto::events::incidents::{AccidentKind, AccidentRecorded, FirstAid};

use super::said::accident;
use super::*;

const MUM: &str = "mum@example.org";
const DAD: &str = "+447700900002";

fn minor(pupil: PupilId) -> AccidentRecorded {
    accident(pupil, AccidentKind::Minor)
}

#[tokio::test]
async fn everybody_entitled_gets_an_e_mail_and_who_has_no_mailbox_a_text() {
    for world in worlds(&Setup::default()).await {
        let barred =
            Link { restriction: Restriction::NoChildInformation.into(), ..parent(&["b@example.org"]) };
        let grandmother = Link { emergency_only: true, ..parent(&["g@example.org"]) };
        // The mother's mobile stands first, and stays silent: there is more to say than a text holds.
        let links = [parent(&["+447700900001", MUM]), parent(&[DAD]), barred, grandmother];
        world.hurt(minor(world.directory.add("Amy", &links))).await;
        world.until_all_are_out(2).await;
        let received = world.received();
        assert_eq!(received.keys().collect::<Vec<_>>(), [DAD, MUM]);
        assert!(
            received[MUM][0].contains("Amy") && received[MUM][0].contains("First aid given: a cold pack")
        );
        assert!(received[DAD][0].contains("Amy had a minor accident") && !received[DAD][0].contains("cold"));
        assert!(world.tasks().await.is_empty());
        let row = world.messages().await.remove(0);
        assert_eq!(row.valid_until, kit::clock::micros(said::midnight()));
        world.end().await;
    }
}

#[tokio::test]
async fn a_mailbox_that_bounces_is_followed_by_the_mobile() {
    for world in worlds(&Setup::default()).await {
        world.dead(MUM);
        world.hurt(minor(world.directory.add("Amy", &[parent(&[DAD, MUM])]))).await;
        world.until_states(&["failed", "delivered"]).await;
        world.until_quiet().await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [DAD]);
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn a_child_with_nobody_to_tell_is_the_office_s_task_and_a_person_only_one_the_lead_s() {
    for world in worlds(&Setup::default()).await {
        let grandmother = Link { emergency_only: true, ..parent(&["g@example.org"]) };
        let alone = world.directory.add("Amy", &[grandmother]);
        let private = world.directory.add("Ben", &[parent(&[MUM])]);
        world.directory.change(private, |pupil| pupil.person_only = true);
        world.hurt(minor(alone)).await;
        world.hurt(minor(private)).await;
        world.until_tasks(&["nobody_to_tell", "person_only"]).await;
        world.until_quiet().await;
        for task in world.tasks().await {
            let (role, pupil) = match task.kind.as_str() {
                "person_only" => ("designated_safeguarding_lead", private),
                _ => ("office", alone),
            };
            assert_eq!((task.role.as_str(), task.subjects), (role, format!("[\"{pupil}\"]")));
        }
        assert!(world.simulator.messages().is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn two_children_who_ran_into_each_other_are_two_messages_that_name_their_own_child_only() {
    for world in worlds(&Setup::default()).await {
        let (amy, ben) = (
            world.directory.add("Amy", &[parent(&[MUM])]),
            world.directory.add("Ben", &[parent(&["dad@example.org"])]),
        );
        world.hurt(minor(amy)).await;
        world.hurt(minor(ben)).await;
        world.until_all_are_out(2).await;
        let received = world.received();
        assert!(received[MUM][0].contains("Amy") && !received[MUM][0].contains("Ben"));
        assert!(received["dad@example.org"][0].contains("Ben"));
        assert!(!received["dad@example.org"][0].contains("Amy"));
        world.end().await;
    }
}

#[tokio::test]
async fn siblings_who_ran_into_each_other_are_a_message_each_to_their_mother() {
    for world in worlds(&Setup::default()).await {
        let mother = parent(&[MUM]);
        for name in ["Amy", "Ben"] {
            world.hurt(minor(world.directory.add(name, std::slice::from_ref(&mother)))).await;
        }
        world.until_all_are_out(2).await;
        let bodies = &world.received()[MUM];
        let names = |name: &str| bodies.iter().filter(|body| body.contains(name)).count();
        assert_eq!((bodies.len(), names("Amy"), names("Ben")), (2, 1, 1));
        world.end().await;
    }
}

fn amended(pupil: PupilId) -> AccidentRecorded {
    AccidentRecorded { first_aid: FirstAid::Given("a plaster".into()), ..minor(pupil) }
}

#[tokio::test]
async fn words_that_were_amended_before_they_left_never_leave() {
    for planned in [false, true] {
        for mut world in quiet_worlds().await {
            let amy = world.directory.add("Amy", &[parent(&[MUM])]);
            let id = world.hurt(minor(amy)).await;
            if planned {
                world.sweep().await;
                assert_eq!(world.deliveries().await.len(), 1);
            }
            world.said(&id, 2, amended(amy)).await;
            world.run();
            world.until_received(1).await;
            world.until_quiet().await;
            let mut fates = world.fates().await;
            assert_eq!(fates.pop(), Some(("accepted".to_owned(), "SENT".to_owned())));
            let replaced = vec![("recalled".to_owned(), "REPLACED".to_owned()); usize::from(planned)];
            assert_eq!(fates, replaced);
            let received = world.received();
            assert_eq!(received[MUM].len(), 1);
            assert!(received[MUM][0].contains("a plaster") && !received[MUM][0].contains("cold pack"));
            assert!(world.tasks().await.is_empty());
            world.end().await;
        }
    }
}

#[tokio::test]
async fn what_is_amended_after_it_left_is_an_update_to_everybody() {
    for world in worlds(&Setup::default()).await {
        let amy = world.directory.add("Amy", &[parent(&[MUM]), parent(&[DAD])]);
        let id = world.hurt(minor(amy)).await;
        world.until_all_are_out(2).await;
        world.said(&id, 2, amended(amy)).await;
        world.until_all_are_out(4).await;
        let received = world.received();
        assert!(received[MUM][1].contains("takes the place of our earlier message"));
        assert!(received[MUM][1].contains("a plaster"));
        assert!(received[DAD][1].contains("Update: Amy had a minor accident"), "{:?}", received[DAD]);
        // An older account that the bus brings late is no news.
        world.said(&id, 1, minor(amy)).await;
        assert_eq!(world.notices().await.len(), 2);
        world.end().await;
    }
}

#[tokio::test]
async fn a_minor_accident_that_turns_out_to_be_a_head_injury_is_told_as_one_at_once() {
    for world in worlds(&Setup::default()).await {
        let mother = parent(&["+447700900001", MUM]);
        let amy = world.directory.add("Amy", std::slice::from_ref(&mother));
        let id = world.hurt(minor(amy)).await;
        world.until_all_are_out(1).await;
        world.said(&id, 2, accident(amy, AccidentKind::HeadInjury)).await;
        world.until_all_are_out(3).await;
        let received = world.received();
        assert!(
            received["+447700900001"][0]
                .contains("Update: Amy bumped their head at school today. This takes the place")
        );
        assert!(received[MUM][1].contains("bumped their head") && received[MUM][1].contains("999"));
        world.until_tasks(&["ring_about_head_injury"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn an_amended_head_injury_asks_a_person_to_ring_about_the_same_accident_and_not_about_another() {
    for world in worlds(&Setup::default()).await {
        let amy = world.directory.add("Amy", &[parent(&[DAD])]);
        let id = world.hurt(accident(amy, AccidentKind::HeadInjury)).await;
        world.until_all_are_out(1).await;
        let first_aid = FirstAid::Given("a cold pack, and half an hour on the couch".into());
        world.said(&id, 2, AccidentRecorded { first_aid, ..accident(amy, AccidentKind::HeadInjury) }).await;
        world.until_all_are_out(2).await;
        world.until_tasks(&["ring_about_head_injury", "ring_about_head_injury"]).await;
        let whys = world.tasks().await.into_iter().map(|task| task.why);
        let of_the_same = whys.filter(|why| why.contains("not another")).count();
        assert_eq!(of_the_same, 1, "on {}", world.backend);
        let received = world.received();
        assert!(
            received[DAD][0].contains("Amy has bumped their head") && !received[DAD][0].contains("Update")
        );
        assert!(
            received[DAD][1].contains("Update: Amy bumped their head at school today. This takes the place")
        );
        world.end().await;
    }
}
