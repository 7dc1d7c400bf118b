//! Whoever was told wrongly hears that it was wrong: they, there, once, and nobody else.

use super::*;

const MUM: &str = "+447700900001";
const DAD: &str = "+447700900002";
const MAIL: &str = "mum@example.org";

fn slow(world: &World, milliseconds: u64) {
    world.simulator.behave(Behaviour::Slow { provider: simulator::Provider::Notify, milliseconds });
}

fn says_in_school(text: &str, names: &str) -> bool {
    text.contains(names) && text.contains("in school. We are sorry")
}

#[tokio::test]
async fn exactly_the_addresses_that_were_told_are_corrected_once() {
    for world in worlds(&Setup::default()).await {
        world.dead(MUM);
        let mother = parent(&[MUM, MAIL]);
        let amy = world.directory.add("Amy", &[mother, parent(&[DAD, "dad@example.org"])]);
        let case = world.missing(amy).await;
        world.gathered();
        world.until_states(&["failed", "delivered", "accepted"]).await;
        world.until_quiet().await;
        world.pass(60);
        world.arrived(&case, 2).await;
        world.until_states(&["failed", "delivered", "accepted", "delivered", "accepted"]).await;
        world.until_quiet().await;
        let received = world.received();
        assert_eq!(received[MUM].len(), 1, "a dead number was not told, so it is not corrected");
        assert_eq!((received[DAD].len(), received[MAIL].len()), (2, 2));
        assert!(says_in_school(&received[DAD][1], "Amy is"), "{received:?}");
        assert!(received[MAIL][1].contains("Amy is in school"));
        assert!(!received.contains_key("dad@example.org"));
        world.arrived(&case, 3).await;
        world.pass(60);
        world.until_quiet().await;
        assert_eq!(world.simulator.messages().len(), 5, "once is enough");
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn a_correction_names_each_child_and_is_urgent() {
    for world in quiet_worlds().await {
        let mother = parent(&[MUM]);
        let mut cases = Vec::new();
        for name in ["Amy", "Ben", "Cem"] {
            cases.push(world.missing(world.directory.add(name, std::slice::from_ref(&mother))).await);
        }
        world.gathered();
        world.sweep().await;
        world.meddle("UPDATE deliveries SET state = 'delivered', chunk_id = NULL").await;
        world.meddle("UPDATE members SET told = TRUE").await;
        world.meddle("DELETE FROM chunks").await;
        world.arrived(&cases[0], 2).await;
        world.arrived(&cases[1], 2).await;
        world.explained(&cases[2], 2).await;
        world.sweep().await;
        world.sweep().await;
        let deliveries = world.deliveries().await;
        assert_eq!(deliveries.len(), 2);
        let correction = &deliveries[1];
        assert_eq!((correction.kind.as_str(), correction.address.as_str()), ("absence_correction", MUM));
        let mut named: Vec<_> = world
            .members()
            .await
            .into_iter()
            .filter(|member| member.delivery_id == correction.id)
            .map(|member| member.pupil_id)
            .collect();
        named.sort();
        assert_eq!(named, [cases[0].pupil.to_string(), cases[1].pupil.to_string()]);
        assert_eq!(world.number("SELECT lane AS number FROM chunks").await, 0);
        world.end().await;
    }
}

#[tokio::test]
async fn who_was_barred_meanwhile_is_not_corrected_and_the_lead_is_asked() {
    for world in worlds(&Setup::default()).await {
        let (mother, father) = (parent(&[MUM]), parent(&[DAD]));
        let amy = world.directory.add("Amy", &[mother.clone(), father.clone()]);
        let case = world.missing(amy).await;
        world.gathered();
        world.until_states(&["delivered", "delivered"]).await;
        world.pass(60);
        world.directory.restrict(amy, &father, proto::directory::v1::Restriction::NoContact);
        world.arrived(&case, 2).await;
        world.until_states(&["delivered", "delivered", "delivered", "skipped"]).await;
        world.until_tasks(&["not_corrected"]).await;
        world.until_quiet().await;
        assert_eq!((world.received()[MUM].len(), world.received()[DAD].len()), (2, 1));
        assert_eq!(world.fates().await[3].1, "NO_CONTACT");
        let task = world.tasks().await.remove(0);
        assert_eq!(task.role, "designated_safeguarding_lead");
        assert!(task.subjects.contains(&father.contact_id) && task.subjects.contains(&amy.to_string()));
        assert!(task.why.contains("told that the pupil was missing"));
        world.end().await;
    }
}

#[tokio::test]
async fn an_arrival_while_the_message_is_in_the_air_is_corrected_when_it_has_landed() {
    for world in worlds(&Setup::default()).await {
        slow(&world, 1_500);
        let case = world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.gathered();
        eventually("in the air", 1, async || world.api.air.deliveries().len()).await;
        world.arrived(&case, 2).await;
        world.until_received(2).await;
        let received = &world.received()[MUM];
        assert!(received[0].contains("have not yet heard why") && says_in_school(&received[1], "Amy is"));
        world.until_states(&["delivered", "delivered"]).await;
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn an_arrival_before_the_gathering_leaves_tells_nobody_anything() {
    for world in worlds(&Setup::default()).await {
        let case = world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.arrived(&case, 2).await;
        world.gathered();
        let gathering = async || world.gatherings().await.remove(0).state;
        eventually("the gathering", "left".to_owned(), gathering).await;
        world.until_quiet().await;
        assert_eq!((world.simulator.messages().len(), world.tasks().await.len()), (0, 0));
        world.end().await;
    }
}

#[tokio::test]
async fn a_sibling_who_arrives_before_the_message_leaves_is_not_in_it_and_not_corrected() {
    for mut world in quiet_worlds().await {
        let mother = parent(&[MUM]);
        let amy = world.missing(world.directory.add("Amy", std::slice::from_ref(&mother))).await;
        world.missing(world.directory.add("Ben", std::slice::from_ref(&mother))).await;
        world.gathered();
        world.sweep().await;
        world.arrived(&amy, 2).await;
        world.run();
        world.until_states(&["delivered"]).await;
        world.until_quiet().await;
        world.pass(60);
        world.until_quiet().await;
        let received = world.received();
        assert_eq!(received[MUM].len(), 1);
        assert!(received[MUM][0].contains("Ben was not in school") && !received[MUM][0].contains("Amy"));
        let whys: Vec<_> =
            world.members().await.into_iter().map(|member| (member.why, member.told)).collect();
        assert!(whys.contains(&("ARRIVED".to_owned(), false)), "{whys:?}");
        assert_eq!((world.gatherings().await.len(), world.tasks().await.len()), (1, 0));
        world.end().await;
    }
}

#[tokio::test]
async fn a_message_whose_only_child_arrived_says_so_as_its_reason() {
    for (explained, why) in [(true, "EXPLAINED"), (false, "ARRIVED")] {
        for mut world in quiet_worlds().await {
            let case = world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
            world.gathered();
            world.sweep().await;
            if explained {
                world.explained(&case, 2).await;
            } else {
                world.arrived(&case, 2).await;
            }
            world.run();
            world.until_states(&["recalled"]).await;
            assert_eq!(world.fates().await[0].1, why);
            world.until_quiet().await;
            assert_eq!((world.simulator.messages().len(), world.tasks().await.len()), (0, 0));
            world.end().await;
        }
    }
}

#[tokio::test]
async fn what_is_not_worth_a_message_any_more_or_has_no_channel_is_the_lead_s_task() {
    for (late, why) in [(true, "EXPIRED"), (false, "NO_CHANNEL")] {
        for mut world in quiet_worlds().await {
            let mother = parent(&[MUM]);
            let case = world.missing(world.directory.add("Amy", std::slice::from_ref(&mother))).await;
            world.gathered();
            world.sweep().await;
            world.meddle("UPDATE deliveries SET state = 'delivered', chunk_id = NULL").await;
            world.meddle("UPDATE members SET told = TRUE").await;
            world.meddle("DELETE FROM chunks").await;
            if late {
                world.clock.set(session_ends_at());
            } else {
                world.planner.as_mut().unwrap().outlets.text = None;
            }
            world.arrived(&case, 2).await;
            world.sweep().await;
            world.sweep().await;
            assert_eq!(world.deliveries().await.len(), 1);
            let task = world.tasks().await.remove(0);
            assert_eq!((task.kind.as_str(), world.tasks().await.len()), ("not_corrected", 1));
            let subjects = serde_json::json!([mother.contact_id, case.pupil.to_string()]);
            assert_eq!(task.subjects, subjects.to_string());
            let decided = format!("SELECT COUNT(*) AS number FROM decisions WHERE why = '{why}'");
            assert_eq!(world.number(&decided).await, 1);
            world.end().await;
        }
    }
}

#[tokio::test]
async fn who_was_told_before_a_person_recalled_it_still_hears_of_the_arrival() {
    for world in worlds(&Setup::default()).await {
        let case = world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.gathered();
        world.until_states(&["delivered"]).await;
        world.meddle("UPDATE notices SET state = 'withdrawn', why = 'RECALLED'").await;
        world.arrived(&case, 2).await;
        world.until_states(&["delivered", "delivered"]).await;
        assert!(says_in_school(&world.received()[MUM][1], "Amy is"));
        world.end().await;
    }
}
