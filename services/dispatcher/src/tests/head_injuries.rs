//! A bump of the head: a text and an e-mail to everybody at once, and a person who rings.

use proto::directory::v1::{Link, Restriction};
use proto::events::incidents::AccidentKind;
use proto::events::scope::Scope;

use super::said::{accident, letter};
use super::*;

const MUM: &str = "+447700900001";
const MUM_TOO: &str = "+447700900011";
const MAIL: &str = "mum@example.org";
const DAD: &str = "+447700900002";

async fn bumped(world: &World, links: &[Link]) -> PupilId {
    let pupil = world.directory.add("Amy", links);
    world.hurt(accident(pupil, AccidentKind::HeadInjury)).await;
    pupil
}

#[tokio::test]
async fn everybody_entitled_gets_a_text_and_an_e_mail_and_a_person_rings_emergency_contacts_last() {
    for world in worlds(&Setup::default()).await {
        let grandmother = Link { emergency_only: true, ..parent(&["+447700900004"]) };
        let barred =
            Link { restriction: Restriction::NoChildInformation.into(), ..parent(&["+447700900005"]) };
        let (mother, father) = (parent(&[MUM, MUM_TOO, MAIL]), parent(&[DAD]));
        // The grandmother stands first in the school's order.
        let links = [grandmother.clone(), father.clone(), barred, mother.clone()];
        let amy = bumped(&world, &links).await;
        world.until_all_are_out(3).await;
        let received = world.received();
        assert_eq!(received.keys().collect::<Vec<_>>(), [MUM, DAD, MAIL]);
        for text in [MUM, DAD] {
            assert!(received[text][0].contains("Amy has bumped their head at school. Please ring us now"));
        }
        assert!(
            received[MAIL][0].contains("First aid given: a cold pack") && received[MAIL][0].contains("111")
        );
        let tasks = world.tasks().await;
        assert_eq!(tasks.len(), 1);
        assert_eq!((tasks[0].kind.as_str(), tasks[0].role.as_str()), ("ring_about_head_injury", "office"));
        let in_order =
            [amy.to_string(), father.contact_id, mother.contact_id, grandmother.contact_id.clone()];
        assert_eq!(tasks[0].subjects, serde_json::json!(in_order).to_string());
        world.end().await;
    }
}

#[tokio::test]
async fn with_nobody_entitled_the_lead_decides_and_nothing_is_sent() {
    for world in worlds(&Setup::default()).await {
        let barred = Link { restriction: Restriction::NoContact.into(), no_contact: true, ..parent(&[DAD]) };
        let grandmother = Link { emergency_only: true, ..parent(&[MUM]) };
        bumped(&world, &[barred, grandmother]).await;
        world.until_tasks(&["nobody_to_tell"]).await;
        world.until_quiet().await;
        assert_eq!(world.tasks().await[0].role, "designated_safeguarding_lead");
        assert!(world.simulator.messages().is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn a_text_without_a_receipt_is_followed_by_the_next_number_although_the_e_mail_was_taken() {
    for world in worlds(&Setup::default()).await {
        world.simulator.behave(Behaviour::NoReceipt { address: MUM.to_owned() });
        world.simulator.behave(Behaviour::NoReceipt { address: MUM_TOO.to_owned() });
        bumped(&world, &[parent(&[MUM, MUM_TOO, MAIL])]).await;
        world.until_states(&["accepted", "accepted"]).await;
        world.pass(179);
        world.until_quiet().await;
        assert_eq!(world.deliveries().await.len(), 2);
        world.pass(1);
        world.until_states(&["accepted", "accepted", "accepted"]).await;
        world.until_quiet().await;
        assert_eq!(world.received()[MUM_TOO].len(), 1);
        // After the last number nobody is asked: the e-mail was taken, and a person rings anyway.
        world.pass(180);
        let emailed = "SELECT COUNT(*) AS number FROM decisions WHERE why = 'EMAILED'";
        eventually("said why", 1, async || world.number(emailed).await).await;
        world.until_quiet().await;
        assert_eq!(world.received()[MAIL].len(), 1);
        world.until_tasks(&["ring_about_head_injury"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_mother_whom_neither_text_nor_e_mail_reaches_is_a_task_of_her_own() {
    for world in worlds(&Setup::default()).await {
        for address in [MUM, MAIL] {
            world.dead(address);
        }
        bumped(&world, &[parent(&[MUM, MAIL])]).await;
        world.until_tasks(&["no_working_address", "not_reached", "ring_about_head_injury"]).await;
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn an_e_mail_that_bounces_beside_a_text_that_arrives_asks_nothing_of_anybody() {
    for world in worlds(&Setup::default()).await {
        world.dead(MAIL);
        bumped(&world, &[parent(&[MUM, MAIL])]).await;
        world.until_states(&["delivered", "failed"]).await;
        world.until_quiet().await;
        world.until_tasks(&["ring_about_head_injury"]).await;
        assert_eq!(world.deliveries().await.len(), 2);
        world.end().await;
    }
}

#[tokio::test]
async fn it_overtakes_a_letter_to_everybody() {
    let setup = Setup { connections: 1, ..Setup::default() };
    for world in worlds(&setup).await {
        let provider = simulator::Provider::Notify;
        world.simulator.behave(Behaviour::Slow { provider, milliseconds: 50 });
        world.directory.add("Ben", &parents(400));
        world.announced(letter(Scope::WholeSchool)).await;
        world.until_received(5).await;
        bumped(&world, &[parent(&[MUM])]).await;
        eventually("the text", true, async || world.received().contains_key(MUM)).await;
        let before = world.simulator.messages().len();
        assert!(before < 250, "{before} others went first");
        world.end().await;
    }
}

#[tokio::test]
async fn while_the_directory_is_away_nothing_leaves_and_a_person_is_asked() {
    for world in quiet_worlds().await {
        bumped(&world, &[parent(&[MUM])]).await;
        world.directory.go_away();
        world.pass(120);
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
        world.until_tasks(&["directory_away"]).await;
        assert!(world.deliveries().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn who_rings_is_told_that_a_deaf_mother_takes_no_voice_calls() {
    for world in worlds(&Setup::default()).await {
        let mother = Link { no_voice: true, ..parent(&[MUM]) };
        bumped(&world, &[mother.clone(), parent(&[DAD])]).await;
        world.until_all_are_out(2).await;
        let task = world.tasks().await.remove(0);
        assert!(task.why.contains("do not ring") && task.why.ends_with(&mother.contact_id), "{}", task.why);
        world.end().await;
    }
}
