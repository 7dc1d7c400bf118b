//! Quiet hours: texts that can wait are held until the morning, and what is about safety never is.

use proto::directory::v1::{Link, Restriction};
use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::incidents::{AccidentKind, AccidentRecorded};
use proto::events::messaging::AnnouncementSent;
use proto::events::scope::Scope;

use super::said::{accident, letter, snow};
use super::*;

const MUM: &str = "+447700900001";
const MAIL: &str = "mum@example.org";
const DAD: &str = "+447700900002";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// It is this time at the school.
fn it_is(world: &World, now: &str) {
    world.clock.set(at(now));
    world.wakes.iter().for_each(|wake| wake.notify_one());
}

/// A letter of the evening that is worth telling for two days.
fn evening_letter() -> AnnouncementSent {
    AnnouncementSent { tell_until: at("2026-11-27T00:00:00Z"), ..letter(Scope::WholeSchool) }
}

async fn explained(world: &World, contact: &str) -> Vec<String> {
    let notice_id = world.notices().await.remove(0).id;
    let request = pb::ExplainRequest { contact_id: contact.to_owned(), notice_id };
    let answer = world.api.explain(world.request(request)).await.unwrap().into_inner();
    answer.steps.into_iter().map(|step| step.sentence).collect()
}

#[tokio::test]
async fn a_letter_of_the_evening_is_e_mailed_at_once_and_texted_in_the_morning() {
    for mut world in quiet_worlds().await {
        let mother = parent(&[MUM, MAIL]);
        world.directory.add("Amy", std::slice::from_ref(&mother));
        it_is(&world, "2026-11-24T19:30:00Z");
        world.announced(evening_letter()).await;
        world.sweep().await;
        assert_eq!(
            world.fates().await,
            [("held".to_owned(), "QUIET_HOURS".to_owned()), ("due".to_owned(), "DUE".to_owned())]
        );
        let said = explained(&world, &mother.contact_id).await;
        let held = "by text, held until 08:00 on Wednesday 25 November: texts of this kind wait until the quiet \
                    hours are over";
        assert!(said.iter().any(|sentence| sentence == held), "{said:?}");
        let request =
            pb::ListDeliveriesRequest { contact_id: mother.contact_id.clone(), ..Default::default() };
        let listed = world.api.list_deliveries(world.request(request)).await.unwrap().into_inner().deliveries;
        let until = |channel: &str| {
            let own = listed.iter().find(|delivery| delivery.channel == channel).unwrap();
            own.held_until.map(|until| until.seconds)
        };
        assert_eq!(until("sms.notify"), Some(at("2026-11-25T08:00:00Z").as_second()));
        assert_eq!(until("email.smtp"), None);

        world.run();
        world.until_received(1).await;
        it_is(&world, "2026-11-25T07:59:59Z");
        // What is about safety goes by the same line, and overtakes it.
        let ben = world.directory.add("Ben", &[parent(&[DAD])]);
        let bump = accident(ben, AccidentKind::HeadInjury);
        world.hurt(AccidentRecorded { tell_until: at("2026-11-26T00:00:00Z"), ..bump }).await;
        world.until_received(2).await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [DAD, MAIL]);
        it_is(&world, "2026-11-25T08:00:00Z");
        world.until_all_are_out(3).await;
        assert!(world.received()[MUM][0].contains("A packed lunch tomorrow, please."));
        world.end().await;
    }
}

#[tokio::test]
async fn what_was_held_is_cleared_and_worded_again_when_it_leaves() {
    for mut world in quiet_worlds().await {
        let (mother, father) = (parent(&[MUM]), parent(&[DAD]));
        let amy = world.directory.add("Amy", &[mother.clone(), father.clone()]);
        it_is(&world, "2026-11-24T21:00:00Z");
        world.announced(evening_letter()).await;
        world.sweep().await;
        world.directory.restrict(amy, &father, Restriction::NoContact);
        world.run();
        it_is(&world, "2026-11-25T08:00:00Z");
        world.until_states(&["delivered", "skipped"]).await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [MUM]);
        world.end().await;
    }
}

#[tokio::test]
async fn a_letter_that_is_recalled_in_the_night_never_leaves() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        it_is(&world, "2026-11-24T21:00:00Z");
        world.announced(evening_letter()).await;
        world.sweep().await;
        world.run();
        let gathering = world.gatherings().await.remove(0).id;
        let request = pb::RecallRequest {
            request_id: EventId::generate().to_string(),
            what: Some(pb::recall_request::What::GatheringId(gathering)),
            why: "the wrong day".to_owned(),
        };
        let stopped = world.api.recall(world.request(request)).await.unwrap().into_inner();
        assert_eq!((stopped.stopped, stopped.had_left), (1, 0));
        it_is(&world, "2026-11-25T08:00:00Z");
        world.until_states(&["recalled"]).await;
        assert!(world.received().is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn what_is_about_safety_leaves_at_any_hour() {
    for world in worlds(&Setup::default()).await {
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        it_is(&world, "2026-11-24T23:00:00Z");
        world.hurt(accident(amy, AccidentKind::HeadInjury)).await;
        world.until_all_are_out(1).await;
        world.closed(snow(Scope::WholeSchool)).await;
        world.until_all_are_out(2).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_graze_that_could_be_told_by_text_in_the_night_only_is_a_person_s_task_that_says_why() {
    for world in worlds(&Setup::default()).await {
        let (mother, father) = (parent(&[MUM, MAIL]), parent(&[DAD]));
        let amy = world.directory.add("Amy", &[mother, father.clone()]);
        it_is(&world, "2026-11-24T21:30:00Z");
        let told_today = accident(amy, AccidentKind::Minor);
        world.hurt(told_today.clone()).await;
        world.until_tasks(&["not_reached"]).await;
        world.until_all_are_out(1).await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [MAIL]);
        let task = world.tasks().await.remove(0);
        assert_eq!(task.subjects, serde_json::json!([father.contact_id, amy.to_string()]).to_string());
        let said = explained(&world, &father.contact_id).await;
        assert!(said.iter().any(|sentence| sentence.contains("then it comes too late")), "{said:?}");
        // Where there is time until the morning, it waits.
        let until = at("2026-11-26T00:00:00Z");
        world.hurt(AccidentRecorded { tell_until: until, ..told_today }).await;
        world.until_number("SELECT COUNT(*) AS number FROM deliveries WHERE state = 'held'", 1).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_text_whose_turn_comes_in_the_night_is_held_like_one_that_was_planned_then() {
    for mut world in quiet_worlds().await {
        let barred = Link { emergency_only: true, ..parent(&["+447700900003"]) };
        world.directory.add("Amy", &[parent(&[MUM]), barred]);
        it_is(&world, "2026-11-24T18:59:00Z");
        world.announced(evening_letter()).await;
        world.sweep().await;
        assert_eq!(world.fates().await, [("due".to_owned(), "DUE".to_owned())]);
        it_is(&world, "2026-11-24T19:00:00Z");
        world.run();
        world.until_states(&["held"]).await;
        assert!(world.received().is_empty());
        it_is(&world, "2026-11-25T08:00:01Z");
        world.until_all_are_out(1).await;
        world.end().await;
    }
}

#[tokio::test]
async fn the_night_in_which_the_clocks_go_back_is_an_hour_longer() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        it_is(&world, "2026-10-24T18:30:00Z");
        world
            .announced(AnnouncementSent { tell_until: at("2026-10-28T00:00:00Z"), ..evening_letter() })
            .await;
        world.sweep().await;
        // Saturday, half past seven by the clocks of the school; the whole Sunday is quiet.
        let due = world.number("SELECT due_at AS number FROM chunks").await;
        assert_eq!(due, kit::clock::micros(at("2026-10-26T08:00:00Z")));
        world.end().await;
    }
}
