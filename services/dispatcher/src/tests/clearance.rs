//! The last look: what changed between the plan and the sending is seen.

use proto::directory::v1 as pb;

use super::*;

const MUM: &str = "+447700900001";
const DAD: &str = "+447700900002";

/// A world with a planned text to the mother and one to the father, which nobody sends yet.
async fn planned(world: &World) -> (PupilId, pb::Link, pb::Link) {
    let (mother, father) = (parent(&[MUM]), parent(&[DAD, "dad@example.org"]));
    let amy = world.directory.add("Amy", &[mother.clone(), father.clone()]);
    world.missing(amy).await;
    world.gathered();
    world.sweep().await;
    assert_eq!(world.deliveries().await.len(), 2);
    (amy, mother, father)
}

#[tokio::test]
async fn a_restriction_that_was_set_after_the_plan_stops_the_message_and_is_its_reason() {
    for (restriction, why) in [
        (pb::Restriction::NoChildInformation, "NO_CHILD_INFORMATION"),
        (pb::Restriction::NoContact, "NO_CONTACT"),
    ] {
        for mut world in quiet_worlds().await {
            let (amy, _, father) = planned(&world).await;
            world.directory.restrict(amy, &father, restriction);
            world.run();
            world.until_states(&["delivered", "skipped"]).await;
            assert_eq!(world.fates().await[1].1, why);
            world.until_tasks(&["not_cleared"]).await;
            world.until_quiet().await;
            assert_eq!(world.received().into_keys().collect::<Vec<_>>(), [MUM]);
            let whys: Vec<_> = world.members().await.into_iter().map(|member| member.why).collect();
            assert!(whys.contains(&why.to_owned()));
            world.end().await;
        }
    }
}

#[tokio::test]
async fn an_address_that_is_gone_is_followed_by_the_next_one() {
    for mut world in quiet_worlds().await {
        let (amy, _, father) = planned(&world).await;
        world.directory.change(amy, |pupil| {
            let own = pupil.links.iter_mut().find(|link| link.contact_id == father.contact_id).unwrap();
            own.addresses.remove(0);
        });
        world.run();
        world.until_states(&["delivered", "skipped", "accepted"]).await;
        assert_eq!(world.fates().await[1].1, "ADDRESS_GONE");
        world.until_quiet().await;
        assert_eq!(world.received()["dad@example.org"].len(), 1);
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn a_pupil_who_is_person_only_now_is_in_no_message_and_each_contact_is_a_task() {
    for mut world in quiet_worlds().await {
        let (amy, ..) = planned(&world).await;
        world.directory.change(amy, |pupil| pupil.person_only = true);
        world.run();
        world.until_states(&["skipped", "skipped"]).await;
        world.until_tasks(&["not_cleared", "not_cleared"]).await;
        assert!(world.simulator.messages().is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn one_who_may_not_hear_of_a_child_any_more_falls_out_of_a_message_that_goes_on() {
    for mut world in quiet_worlds().await {
        let mother = parent(&[MUM]);
        let amy = world.directory.add("Amy", std::slice::from_ref(&mother));
        world.missing(amy).await;
        world.missing(world.directory.add("Ben", std::slice::from_ref(&mother))).await;
        world.gathered();
        world.sweep().await;
        world.directory.restrict(amy, &mother, pb::Restriction::NoChildInformation);
        world.run();
        world.until_states(&["delivered"]).await;
        assert!(!world.received()[MUM][0].contains("Amy"));
        world.until_tasks(&["not_cleared"]).await;
        let mut members: Vec<_> =
            world.members().await.into_iter().map(|member| (member.why, member.told)).collect();
        members.sort();
        assert_eq!(members, [(String::new(), true), ("NO_CHILD_INFORMATION".to_owned(), false)]);
        world.end().await;
    }
}

#[tokio::test]
async fn more_people_than_the_directory_takes_in_one_question_are_cleared_in_several() {
    for mut world in quiet_worlds().await {
        // Mailboxes that four share: one round of 300 messages, 1,200 contacts.
        let everybody: Vec<_> =
            (0..1_200).map(|number| parent(&[&format!("family{}@example.org", number / 4)])).collect();
        world.missing(world.directory.add("Amy", &everybody)).await;
        world.gathered();
        world.sweep().await;
        world.run();
        eventually("accepted", 300, async || {
            world.number("SELECT COUNT(*) AS number FROM deliveries WHERE state = 'accepted'").await
        })
        .await;
        world.until_quiet().await;
        assert!(world.times_cleared() >= 2);
        world.end().await;
    }
}
