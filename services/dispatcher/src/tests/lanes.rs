//! Who goes first, what a provider's limits do, and what is sent at most once.

use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::scope::Scope;
use simulator::Provider;

use super::said::letter;
use super::*;

const MUM: &str = "+447700900001";
const MAIL: &str = "mum@example.org";

#[tokio::test]
async fn a_letter_is_not_starved_by_a_flood_of_what_is_more_urgent() {
    let setup = Setup { connections: 1, runs: Runs::Nothing, ..Setup::default() };
    for mut world in worlds(&setup).await {
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        world.announced(letter(Scope::Pupils(vec![amy]))).await;
        world.missing(world.directory.add("Ben", &parents(120))).await;
        world.gathered();
        world.sweep().await;
        world.run();
        world.simulator.behave(Behaviour::Slow { provider: Provider::Notify, milliseconds: 20 });
        let letter_is_out = async || world.received().contains_key(MUM);
        eventually("the letter", true, letter_is_out).await;
        let before = world.simulator.messages().len();
        assert!(before < 90, "{before} others went first");
        world.simulator.behave(Behaviour::Normal);
        world.until_all_are_out(121).await;
        world.end().await;
    }
}

#[tokio::test]
async fn what_a_process_had_started_when_it_died_is_asked_about_and_sent_only_if_the_provider_has_none() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
        world.announced(letter(Scope::WholeSchool)).await;
        world.sweep().await;
        assert_eq!(world.deliveries().await.len(), 2);
        world.meddle("UPDATE deliveries SET state = 'started'").await;
        world.run();
        // Notify says that it knows of no such text; nobody can be asked about the e-mail.
        world.until_states(&["delivered", "unknown"]).await;
        world.until_tasks(&["message_may_have_left"]).await;
        world.until_quiet().await;
        assert_eq!(world.received().keys().collect::<Vec<_>>(), [MUM]);
        world.end().await;
    }
}

#[tokio::test]
async fn a_letter_that_may_have_left_is_not_sent_twice_and_a_person_is_asked() {
    for world in worlds(&Setup { answers_within: 300, ..Setup::default() }).await {
        world.simulator.behave(Behaviour::DropAfterFinalDot { requests: 1 });
        let amy = world.directory.add("Amy", &[parent(&[MAIL])]);
        world.announced(letter(Scope::WholeSchool)).await;
        world.until_states(&["unknown"]).await;
        eventually("a question", 1, async || {
            world.pass(11);
            world.tasks().await.len()
        })
        .await;
        world.until_quiet().await;
        let task = world.tasks().await.remove(0);
        assert_eq!(task.kind, "message_may_have_left");
        assert!(task.subjects.contains(&amy.to_string()), "{:?}", task.subjects);
        assert!(task.subjects.contains(&world.members().await[0].contact_id), "{:?}", task.subjects);
        assert_eq!(world.received()[MAIL].len(), 1);
        // She says that it did not come.
        let gathering = world.gatherings().await.remove(0).id;
        let request = pb::RedeliverRequest {
            request_id: EventId::generate().to_string(),
            what: Some(pb::redeliver_request::What::GatheringId(gathering)),
            why: "it did not come".to_owned(),
        };
        world.api.redeliver(world.request(request)).await.unwrap();
        eventually("the second copy", 2, async || world.received()[MAIL].len()).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_provider_that_asks_for_a_rest_gets_it_and_everybody_is_told_afterwards() {
    for world in worlds(&Setup::default()).await {
        world.simulator.behave(Behaviour::RateLimited { provider: Provider::Notify, requests: 3 });
        world.missing(world.directory.add("Amy", &parents(20))).await;
        world.gathered();
        let rate = "SELECT COUNT(*) AS number FROM budgets WHERE rate < 1000";
        eventually("slowed down", 1, async || world.number(rate).await).await;
        eventually("everybody", 20, async || {
            world.pass(1);
            world.received().len()
        })
        .await;
        assert!(world.received().values().all(|bodies| bodies.len() == 1));
        world.end().await;
    }
}

#[tokio::test]
async fn when_the_day_s_limit_is_used_up_nothing_more_is_asked_and_the_next_address_is_tried() {
    for world in worlds(&Setup::default()).await {
        // The provider's day ends by real time: two minutes before its session does, an absence waits for it at no hour of
        // the day on which these tests run.
        world.pass(session_ends_at().duration_since(world.now()).as_secs() - 120);
        world.simulator.behave(Behaviour::DailyLimitReached { provider: Provider::Notify, requests: 1 });
        world.missing(world.directory.add("Amy", &[parent(&[MUM, MAIL])])).await;
        world.gathered();
        world.until_received(1).await;
        // The provider would take it now, and is not asked again today; tomorrow is too late for an absence.
        let cem = parent(&["+447700900003", "cem@example.org"]);
        world.missing(world.directory.add("Ben", &[cem])).await;
        world.gathered();
        world.until_received(2).await;
        assert!(world.received().keys().all(|address| address.contains('@')));
        let said = "SELECT COUNT(*) AS number FROM deliveries WHERE state = 'failed' AND why = 'DAILY_LIMIT'";
        assert_eq!(world.number(said).await, 2);
        let asked = "SELECT COUNT(*) AS number FROM attempts WHERE why = 'DAILY_LIMIT'";
        assert_eq!(world.number(asked).await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn whether_a_provider_does_its_part_and_what_waits_can_be_asked() {
    for world in worlds(&Setup::default()).await {
        let health =
            async || world.api.get_health(world.request(pb::GetHealthRequest {})).await.unwrap().into_inner();
        let texts = async || {
            health().await.providers.into_iter().find(|provider| provider.channel == "sms.notify").unwrap()
        };
        let nothing = texts().await;
        assert_eq!((nothing.requests, nothing.failures, nothing.did_its_part_at), (0, 0, None));
        let (provider, text) = (Provider::Notify, None);
        world.simulator.behave(Behaviour::Answer { provider, status: 503, requests: 1_000, text });
        let amy = world.directory.add("Amy", &[parent(&[MUM])]);
        world.missing(amy).await;
        world.gathered();
        eventually("a failure", true, async || texts().await.failures > 0).await;
        let failing = texts().await;
        assert!(failing.requests > 0 && failing.did_its_part_at.is_none(), "{failing:?}");
        assert!(!failing.why.is_empty() && failing.per_second <= failing.may_per_second, "{failing:?}");
        let lanes = health().await.lanes;
        assert_eq!(
            lanes.iter().map(|lane| lane.lane.as_str()).collect::<Vec<_>>(),
            ["urgent", "normal", "bulk"]
        );
        assert_eq!(lanes.iter().map(|lane| lane.open + lane.held).sum::<i32>(), 1, "{lanes:?}");
        assert!(lanes.iter().any(|lane| lane.waits_since.is_some()), "{lanes:?}");
        world.simulator.behave(Behaviour::Normal);
        world.missing(world.directory.add("Ben", &[parent(&["+447700900002"])])).await;
        world.gathered();
        eventually("a success", true, async || texts().await.did_its_part_at.is_some()).await;
        let works = texts().await;
        assert_eq!((works.failures, works.why.as_str()), (0, ""));
        world.end().await;
    }
}
