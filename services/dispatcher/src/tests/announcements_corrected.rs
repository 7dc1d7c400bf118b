//! Other words in the place of what somebody wrote: a correction for whoever has the first ones, where they
//! have them; news for the others; and nobody gets the wrong words after that.

use proto::directory::v1::Restriction;
use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::messaging::{AnnouncementSent, Letter};
use proto::events::scope::Scope;

use super::said::letter;
use super::*;
use crate::planner::Line;
use crate::routes::Lane;

mod ways;

const MUM: &str = "+447700900001";
const MAIL: &str = "mum@example.org";
const DAD: &str = "+447700900002";
const BEN: &str = "+447700900003";
/// The same letter for another day.
fn on(day: &str) -> AnnouncementSent {
    AnnouncementSent {
        email: Some(Letter { subject: "Museum visit".into(), body: format!("A packed lunch on {day}.") }),
        text: Some(format!("A packed lunch on {day}, please.")),
        ..letter(Scope::WholeSchool)
    }
}

fn is_correction(body: &str, day: &str) -> bool {
    let begins = body.contains("Correction to our earlier message: ")
        || body.contains("This takes the place of our earlier message.");
    begins && body.contains(&format!("A packed lunch on {day}"))
}

/// The correction is heard.
async fn corrected(world: &World, id: &str, version: u64, day: &str) {
    world.announcement_corrected(id, version, on(day)).await;
}

/// A person stops what a gathering says; how many messages were stopped, and how many had left.
async fn recalled(world: &World, gathering: &str) -> (i32, i32) {
    let request = pb::RecallRequest {
        request_id: EventId::generate().to_string(),
        what: Some(pb::recall_request::What::GatheringId(gathering.to_owned())),
        why: "it was the wrong day".to_owned(),
    };
    let answer = world.api.recall(world.request(request)).await.unwrap().into_inner();
    assert_eq!(answer.in_the_air, 0);
    (answer.stopped, answer.had_left)
}

/// The letter, for longer than a day.
fn lasting(sent: AnnouncementSent) -> AnnouncementSent {
    AnnouncementSent { tell_until: "2026-11-27T00:00:00Z".parse().unwrap(), ..sent }
}

/// As if what was planned had reached everybody.
async fn all_told(world: &World) {
    world.meddle("UPDATE deliveries SET state = 'delivered', chunk_id = NULL").await;
    world.meddle("UPDATE members SET told = TRUE").await;
    world.meddle("DELETE FROM chunks").await;
}

async fn kinds(world: &World) -> Vec<(String, usize)> {
    let messages = world.messages().await;
    let gatherings = world.gatherings().await.into_iter();
    let sizes = gatherings.map(|gathering| {
        let own = messages.iter().filter(|message| message.gathering_id == gathering.id);
        (gathering.kind.clone(), own.count())
    });
    sizes.collect()
}

#[tokio::test]
async fn who_was_told_is_corrected_where_they_were_and_who_was_not_hears_the_new_words_as_news() {
    for world in worlds(&Setup::default()).await {
        world.dead(DAD);
        world.directory.add("Amy", &[parent(&[MUM, MAIL]), parent(&[DAD])]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.until_states(&["delivered", "failed", "accepted"]).await;
        world.until_quiet().await;
        // Another family comes to the school meanwhile.
        world.directory.add("Ben", &[parent(&[BEN])]);
        corrected(&world, &id, 2, "Friday").await;
        world.until_received(6).await;
        world.until_quiet().await;
        let received = world.received();
        for told in [MUM, MAIL] {
            assert_eq!(received[told].len(), 2, "{received:?}");
            assert!(!is_correction(&received[told][0], "Friday"));
            assert!(is_correction(&received[told][1], "Friday"), "{received:?}");
        }
        assert!(received[BEN].len() == 1 && received[BEN][0].contains("A packed lunch on Friday, please."));
        assert!(!is_correction(&received[BEN][0], "Friday"));
        assert_eq!(received[DAD].len(), 1, "a dead number was not told, so it is not corrected");
        assert_eq!(
            kinds(&world).await,
            [("announcement", 3), ("announcement_correction", 2), ("announcement", 1)]
                .map(|(kind, messages)| (kind.to_owned(), messages))
        );
        world.until_tasks(&["no_working_address"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_correction_leaves_before_every_bulk_run_and_the_news_with_it() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        all_told(&world).await;
        world.directory.add("Ben", &[parent(&[BEN])]);
        corrected(&world, &id, 2, "Friday").await;
        world.sweep().await;
        let lane = |kind: &str| {
            format!(
                "SELECT c.lane AS number FROM chunks c JOIN deliveries d ON d.chunk_id = c.id WHERE d.kind = '{kind}'"
            )
        };
        assert_eq!(world.number(&lane("announcement_correction")).await, Lane::Normal.order());
        assert_eq!(world.number(&lane("announcement")).await, Lane::Bulk.order());
        let decided = "SELECT COUNT(*) AS number FROM decisions WHERE why = 'CORRECTED'";
        assert_eq!(world.number(decided).await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn what_had_not_left_never_does_and_nobody_hears_of_a_mistake_that_nobody_saw() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        corrected(&world, &id, 2, "Friday").await;
        world.sweep().await;
        world.run();
        world.until_received(2).await;
        world.until_quiet().await;
        let received = world.received();
        for address in [MUM, MAIL] {
            assert_eq!(received[address].len(), 1);
            assert!(received[address][0].contains("A packed lunch on Friday"), "{received:?}");
            assert!(!is_correction(&received[address][0], "Friday"));
        }
        let stopped =
            "SELECT COUNT(*) AS number FROM deliveries WHERE state = 'recalled' AND why = 'REPLACED'";
        assert_eq!(world.number(stopped).await, 2);
        // The correction that nobody needed is none for the whole school when it is asked for again.
        let empty = world.gatherings().await.into_iter().find(|one| one.kind == "announcement_correction");
        let request = pb::RedeliverRequest {
            request_id: EventId::generate().to_string(),
            what: Some(pb::redeliver_request::What::GatheringId(empty.unwrap().id)),
            why: "nobody was in it".to_owned(),
        };
        let again = world.api.redeliver(world.request(request)).await.unwrap().into_inner();
        assert_eq!((again.messages, again.contacts), (0, 0));
        world.end().await;
    }
}

#[tokio::test]
async fn what_is_in_the_air_when_it_is_corrected_counts_as_told() {
    for world in worlds(&Setup::default()).await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        world
            .simulator
            .behave(Behaviour::Slow { provider: simulator::Provider::Notify, milliseconds: 2_500 });
        let id = world.announced(letter(Scope::WholeSchool)).await;
        eventually("in the air", 1, async || world.api.air.deliveries().len()).await;
        corrected(&world, &id, 2, "Friday").await;
        world.until_received(2).await;
        let received = &world.received()[MUM];
        assert!(received[0].contains("A packed lunch tomorrow") && is_correction(&received[1], "Friday"));
        world.until_states(&["delivered", "delivered"]).await;
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn what_a_sender_starts_that_had_looked_before_it_was_corrected_counts_as_told() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        corrected(&world, &id, 2, "Friday").await;
        // The planner waits before it looks, for just that.
        let started = "UPDATE deliveries SET state = 'started' WHERE kind = 'announcement'";
        tokio::join!(world.sweep(), world.meddle(started));
        assert_eq!(
            kinds(&world).await,
            [("announcement", 1), ("announcement_correction", 1)].map(|(kind, own)| (kind.to_owned(), own))
        );
        world.end().await;
    }
}

#[tokio::test]
async fn facts_may_come_in_any_order_and_the_newest_words_are_the_last() {
    for world in worlds(&Setup::default()).await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        let id = proto::ids::AnnouncementId::generate().to_string();
        corrected(&world, &id, 3, "Friday").await;
        world.until_received(1).await;
        world.said(&id, 1, letter(Scope::WholeSchool)).await;
        corrected(&world, &id, 2, "Thursday").await;
        corrected(&world, &id, 3, "Friday").await;
        world.until_quiet().await;
        let received = world.received();
        assert_eq!(received[MUM].len(), 1, "{received:?}");
        assert!(received[MUM][0].contains("Friday") && !is_correction(&received[MUM][0], "Friday"));
        corrected(&world, &id, 4, "Monday").await;
        world.until_received(2).await;
        assert!(is_correction(&world.received()[MUM][1], "Monday"));
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_correction_does_not_leave_beside_a_newer_one_that_is_just_heard() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        corrected(&world, &id, 2, "Thursday").await;
        // Another replica hears the next: what it withdraws is not seen here yet.
        world.meddle("UPDATE versions SET version = 3").await;
        world.sweep().await;
        let gatherings = world.gatherings().await;
        assert_eq!((gatherings.len(), gatherings[1].state.as_str()), (2, "open"), "{}", world.backend);
        world.meddle("UPDATE versions SET version = 2").await;
        corrected(&world, &id, 3, "Friday").await;
        world.sweep().await;
        let states: Vec<_> = world.gatherings().await.into_iter().map(|one| one.state).collect();
        assert_eq!(states, ["left", "left", "left", "left"], "{}", world.backend);
        assert_eq!(kinds(&world).await[3], ("announcement".to_owned(), 1), "as news: nobody was told");
        world.end().await;
    }
}

#[tokio::test]
async fn a_correction_that_is_corrected_before_it_left_leaves_in_the_last_words_only() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        all_told(&world).await;
        for (version, day) in [(2, "Thursday"), (3, "Friday")] {
            corrected(&world, &id, version, day).await;
            world.sweep().await;
        }
        world.run();
        world.until_received(1).await;
        world.until_quiet().await;
        assert!(is_correction(&world.received()[MUM][0], "Friday"));
        corrected(&world, &id, 4, "Monday").await;
        world.until_received(2).await;
        world.until_quiet().await;
        assert!(
            is_correction(&world.received()[MUM][1], "Monday"),
            "once, though two messages told her before"
        );
        world.end().await;
    }
}

#[tokio::test]
async fn who_was_barred_meanwhile_hears_nothing_more_and_nobody_is_asked() {
    for world in worlds(&Setup::default()).await {
        let (mother, father) = (parent(&[MUM]), parent(&[DAD]));
        let amy = world.directory.add("Amy", &[mother, father.clone()]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.until_states(&["delivered", "delivered"]).await;
        world.directory.restrict(amy, &father, Restriction::NoContact);
        corrected(&world, &id, 2, "Friday").await;
        world.until_states(&["delivered", "delivered", "delivered", "skipped"]).await;
        world.until_quiet().await;
        assert_eq!((world.received()[MUM].len(), world.received()[DAD].len()), (2, 1));
        assert_eq!(world.fates().await[3].1, "NO_CONTACT");
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn its_texts_keep_the_quiet_hours_of_letters_and_its_e_mails_leave_at_once() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
        let id = world.announced(lasting(letter(Scope::WholeSchool))).await;
        world.sweep().await;
        all_told(&world).await;
        world.clock.set("2026-11-24T20:00:00Z".parse().unwrap());
        world.announcement_corrected(&id, 2, lasting(on("Friday"))).await;
        world.sweep().await;
        world.run();
        world.until_received(1).await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [MAIL]);
        world.clock.set("2026-11-25T08:00:00Z".parse().unwrap());
        world.pass(1);
        world.until_received(2).await;
        assert!(is_correction(&world.received()[MUM][0], "Friday"));
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn that_nobody_is_left_in_its_scope_is_a_person_s_task_only_where_nobody_is_corrected() {
    for told in [true, false] {
        for world in quiet_worlds().await {
            let amy = world.directory.add("Amy", &[parent(&[MUM])]);
            let id = world.announced(letter(Scope::WholeSchool)).await;
            world.sweep().await;
            if told {
                all_told(&world).await;
            }
            world.directory.remove(amy);
            corrected(&world, &id, 2, "Friday").await;
            world.sweep().await;
            let (messages, asked): (_, &[&str]) = if told { (1, &[]) } else { (0, &["nobody_concerned"]) };
            assert_eq!(kinds(&world).await[1], ("announcement_correction".to_owned(), messages));
            world.until_tasks(asked).await;
            world.end().await;
        }
    }
}

#[tokio::test]
async fn what_is_corrected_too_late_to_be_told_is_told_to_nobody_and_is_nobody_s_task() {
    for world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM])]);
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        world.meddle("UPDATE members SET told = TRUE").await;
        world.announcement_corrected(&id, 2, on("Friday")).await;
        world.clock.set(said::midnight());
        world.sweep().await;
        assert_eq!(world.gatherings().await[1].state, "left");
        assert_eq!((world.messages().await.len(), world.tasks().await.len()), (1, 0));
        world.end().await;
    }
}

#[tokio::test]
async fn both_are_listed_as_words_of_the_announcement_and_the_contact_is_told_why() {
    for world in worlds(&Setup::default()).await {
        let mother = parent(&[MUM]);
        world.directory.add("Amy", std::slice::from_ref(&mother));
        let id = world.announced(letter(Scope::WholeSchool)).await;
        world.until_states(&["delivered"]).await;
        corrected(&world, &id, 2, "Friday").await;
        world.until_states(&["delivered", "delivered"]).await;
        let request = pb::ListNoticesRequest::default();
        let notices = world.api.list_notices(world.request(request)).await.unwrap().into_inner().notices;
        let listed: Vec<_> =
            notices.iter().map(|notice| (notice.kind.as_str(), notice.announcement_id.as_str())).collect();
        assert_eq!(listed, [("announcement_correction", id.as_str()), ("announcement", id.as_str())]);
        let request =
            pb::ExplainRequest { contact_id: mother.contact_id.clone(), notice_id: notices[0].id.clone() };
        let steps = world.api.explain(world.request(request)).await.unwrap().into_inner().steps;
        assert!(steps.iter().any(|step| step.reason == "CORRECTED"), "{steps:?}");
        let request = pb::GetWordsRequest { gathering_id: notices[0].gathering_id.clone() };
        let words = world.api.get_words(world.request(request)).await.unwrap().into_inner().words;
        assert!(is_correction(&words[0].body, "Friday"), "{words:?}");
        world.end().await;
    }
}
