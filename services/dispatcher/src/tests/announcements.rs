//! What somebody wrote: to its audience, by the media that were chosen, in nobody's way.

use proto::directory::v1::{Link, Restriction};
use proto::events::messaging::AnnouncementSent;
use proto::events::scope::Scope;
use proto::ids::ClassId;

use super::said::letter;
use super::*;

const MUM: &str = "+447700900001";
const MAIL: &str = "mum@example.org";
const DAD: &str = "+447700900002";

#[tokio::test]
async fn everybody_gets_it_once_by_text_and_e_mail_in_the_lane_that_waits_for_the_others() {
    for mut world in quiet_worlds().await {
        let grandmother = Link { emergency_only: true, ..parent(&["+447700900004"]) };
        let links = [parent(&[MUM, MAIL]), parent(&[DAD, MAIL]), grandmother];
        for name in ["Amy", "Ben"] {
            world.directory.add(name, &links);
        }
        world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        let lanes = "SELECT MIN(lane) AS number FROM chunks";
        assert_eq!(world.number(lanes).await, crate::routes::Lane::Bulk.order());
        world.run();
        world.until_all_are_out(3).await;
        let received = world.received();
        assert_eq!(received.keys().collect::<Vec<_>>(), [MUM, DAD, MAIL]);
        assert!(received.values().all(|bodies| bodies.len() == 1));
        assert!(received[MAIL][0].contains("Please send a packed lunch."));
        assert!(received[MUM][0].contains("A packed lunch tomorrow, please."));
        assert!(world.alerts().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn only_the_media_that_were_chosen_are_used_and_nobody_is_asked_for_the_others() {
    for world in worlds(&Setup::default()).await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL]), parent(&[DAD])]);
        world.announced(AnnouncementSent { text: None, ..letter(Scope::WholeSchool) }).await;
        world.until_all_are_out(1).await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [MAIL]);
        world.announced(AnnouncementSent { email: None, ..letter(Scope::WholeSchool) }).await;
        world.until_all_are_out(3).await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [MUM, DAD, MAIL]);
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn one_who_may_not_hear_of_a_child_gets_what_goes_to_everybody_and_not_what_goes_to_a_class() {
    for world in worlds(&Setup::default()).await {
        let barred = Link { restriction: Restriction::NoChildInformation.into(), ..parent(&[DAD]) };
        let class = ClassId::generate();
        let amy = world.directory.add("Amy", &[parent(&[MUM]), barred]);
        world.directory.change(amy, |pupil| pupil.class_id = class.to_string());
        world.directory.add("Ben", &[parent(&["+447700900003"])]);
        world.announced(letter(Scope::WholeSchool)).await;
        world.until_all_are_out(3).await;
        world.announced(letter(Scope::Classes(vec![class]))).await;
        world.until_all_are_out(4).await;
        let received = world.received();
        assert_eq!((received[MUM].len(), received[DAD].len(), received["+447700900003"].len()), (2, 1, 1));
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn because_of_a_letter_nobody_rings_whatever_fails() {
    for world in worlds(&Setup::default()).await {
        world.dead(MUM);
        world.directory.add("Amy", &[parent(&[MUM])]);
        world.announced(letter(Scope::WholeSchool)).await;
        world.until_states(&["failed"]).await;
        world.until_quiet().await;
        // What matters more than the letter is that the next message reaches her.
        world.until_tasks(&["no_working_address"]).await;
        world.end().await;
    }
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        world.announced(letter(Scope::WholeSchool)).await;
        world.directory.go_away();
        world.pass(600);
        assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
        assert!(world.tasks().await.is_empty());
        world.directory.come_back();
        world.sweep().await;
        assert_eq!(world.addresses().await, [MUM]);
        world.end().await;
    }
}

#[tokio::test]
async fn a_letter_that_came_too_late_is_nobody_s_task() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        world.announced(letter(Scope::WholeSchool)).await;
        world.clock.set(said::midnight());
        world.sweep().await;
        assert_eq!(world.gatherings().await[0].state, "left");
        assert!(world.messages().await.is_empty() && world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn of_a_child_about_whom_nothing_runs_by_itself_a_letter_to_its_class_is_the_lead_s_task() {
    for world in worlds(&Setup::default()).await {
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        world.directory.change(amy, |pupil| pupil.person_only = true);
        world.announced(letter(Scope::Pupils(vec![amy]))).await;
        world.until_tasks(&["person_only"]).await;
        world.announced(letter(Scope::WholeSchool)).await;
        world.until_all_are_out(1).await;
        world.until_tasks(&["person_only"]).await;
        world.end().await;
    }
}
