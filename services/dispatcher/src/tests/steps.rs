//! One address after the other, and a person at the end.

use super::*;

const ONE: &str = "+447700900001";
const TWO: &str = "+447700900002";
const MAIL: &str = "mum@example.org";

fn no_receipt(world: &World, address: &str) {
    world.simulator.behave(Behaviour::NoReceipt { address: address.to_owned() });
}

#[tokio::test]
async fn two_dead_numbers_and_a_bounce_end_with_a_person_who_is_told_whom_to_ring() {
    for world in worlds(&Setup::default()).await {
        for address in [ONE, TWO, MAIL] {
            world.dead(address);
        }
        let mother = parent(&[ONE, TWO, "+441632960001", MAIL]);
        let amy = world.directory.add("Amy", std::slice::from_ref(&mother));
        world.missing(amy).await;
        world.gathered();
        world.until_tasks(&["no_working_address", "not_reached"]).await;
        world.until_quiet().await;
        let fates = world.fates().await;
        let fate = |state: &str, why: &str| (state.to_owned(), why.to_owned());
        assert_eq!(
            fates,
            [
                fate("failed", "PERMANENT_FAILURE"),
                fate("failed", "PERMANENT_FAILURE"),
                fate("failed", "ADDRESS_UNKNOWN")
            ]
        );
        for task in world.tasks().await {
            assert_eq!(task.subjects, serde_json::json!([mother.contact_id, amy.to_string()]).to_string());
        }
        // The text was taken twice by the provider, and nothing was told.
        assert_eq!(world.simulator.messages().len(), 2);
        assert!(world.members().await.iter().all(|member| !member.told));
        world.pass(60);
        world.until_tasks(&["no_working_address", "not_reached"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn without_a_receipt_the_next_address_is_tried_once_and_a_late_failure_starts_nothing_more() {
    for world in worlds(&Setup::default()).await {
        no_receipt(&world, ONE);
        world.missing(world.directory.add("Amy", &[parent(&[ONE, MAIL])])).await;
        world.gathered();
        world.until_states(&["accepted"]).await;
        world.pass(PATIENCE - 1);
        world.until_quiet().await;
        assert_eq!(world.deliveries().await.len(), 1);
        world.pass(1);
        world.until_states(&["accepted", "accepted"]).await;
        world.until_quiet().await;
        let first = world.deliveries().await.remove(0);
        assert_eq!(first.why, "NO_RECEIPT");
        let failed = crate::channels::notify_receipt::ReceiptStatus::PermanentFailure;
        world.learns(&first.id, failed).await;
        world.pass(1);
        world.until_states(&["failed", "accepted"]).await;
        world.until_quiet().await;
        assert_eq!((world.deliveries().await.len(), world.tasks().await.len()), (2, 0));
        world.end().await;
    }
}

#[tokio::test]
async fn a_text_that_nobody_confirmed_does_not_keep_the_last_address_from_being_tried() {
    for world in worlds(&Setup::default()).await {
        no_receipt(&world, ONE);
        world.dead(TWO);
        world.missing(world.directory.add("Amy", &[parent(&[ONE, TWO, MAIL])])).await;
        world.gathered();
        world.until_states(&["accepted"]).await;
        world.pass(PATIENCE);
        world.until_states(&["accepted", "failed", "accepted"]).await;
        world.until_quiet().await;
        assert_eq!(world.received()[MAIL].len(), 1);
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn parents_whose_numbers_are_dead_get_one_message_to_the_mailbox_that_they_share() {
    for world in worlds(&Setup::default()).await {
        world.dead(ONE);
        world.dead(TWO);
        let (mother, father) = (parent(&[ONE, "family@example.org"]), parent(&[TWO, "family@example.org"]));
        world.missing(world.directory.add("Amy", &[mother.clone(), father.clone()])).await;
        world.gathered();
        world.until_states(&["failed", "failed", "accepted"]).await;
        world.until_quiet().await;
        assert_eq!(world.received()["family@example.org"].len(), 1);
        let mail = world.deliveries().await.remove(2);
        let members = world.members().await;
        let mut told: Vec<_> = members
            .iter()
            .filter(|member| member.delivery_id == mail.id && member.told)
            .map(|member| member.contact_id.clone())
            .collect();
        told.sort();
        let mut both = [mother.contact_id, father.contact_id];
        both.sort();
        assert_eq!(told, both);
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn a_mailbox_that_two_share_and_that_bounces_is_a_task_for_each_of_them() {
    for world in worlds(&Setup::default()).await {
        for address in [ONE, TWO, "family@example.org"] {
            world.dead(address);
        }
        let (mother, father) = (parent(&[ONE, "family@example.org"]), parent(&[TWO, "family@example.org"]));
        world.missing(world.directory.add("Amy", &[mother, father])).await;
        world.gathered();
        world.until_tasks(&["no_working_address", "no_working_address", "not_reached", "not_reached"]).await;
        world.until_quiet().await;
        let failed = world.deliveries().await.into_iter().filter(|row| row.state == "failed").count();
        // Whether the second of them is tried there too depends on who was faster.
        assert!((3..=4).contains(&failed));
        world.end().await;
    }
}

#[tokio::test]
async fn two_steps_that_are_wanted_at_once_for_one_contact_send_one_message() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&[ONE, TWO, MAIL])])).await;
        world.gathered();
        world.sweep().await;
        // The first text was waited for in vain, the second was sent; now both turn out to have failed.
        let failed = "UPDATE deliveries SET state = 'failed', next_address = TRUE, chunk_id = NULL";
        world.meddle(failed).await;
        world.sweep().await;
        world.meddle(failed).await;
        world.sweep().await;
        let addresses: Vec<_> =
            world.deliveries().await.into_iter().map(|delivery| delivery.address).collect();
        assert_eq!(addresses, [ONE, TWO, MAIL]);
        assert!(world.tasks().await.is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn a_channel_that_was_taken_away_fails_over_to_the_next_address() {
    for mut world in worlds(&Setup { runs: Runs::Nothing, ..Setup::default() }).await {
        world.missing(world.directory.add("Amy", &[parent(&[ONE, MAIL])])).await;
        world.gathered();
        world.sweep().await;
        // Planned when there still was another channel.
        world.meddle("UPDATE deliveries SET channel = 'sms.gone'").await;
        world.meddle("UPDATE chunks SET channel = 'sms.gone'").await;
        world.run();
        world.until_states(&["failed", "accepted"]).await;
        assert_eq!(world.fates().await[0].1, "NO_CHANNEL");
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn without_a_channel_for_texts_the_e_mail_is_used_and_who_has_none_is_a_task() {
    for world in worlds(&Setup { channels: &["email.smtp"], ..Setup::default() }).await {
        world.missing(world.directory.add("Amy", &[parent(&[ONE, MAIL]), parent(&[TWO])])).await;
        world.gathered();
        world.until_states(&["accepted"]).await;
        world.until_tasks(&["not_reached"]).await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_provider_that_refuses_our_settings_is_the_administrator_s_task_and_the_next_address_is_used() {
    for world in worlds(&Setup::default()).await {
        let provider = simulator::Provider::Notify;
        let text = Some("BadRequestError".to_owned());
        world.simulator.behave(Behaviour::Answer { provider, status: 400, requests: 1, text });
        world.missing(world.directory.add("Amy", &[parent(&[ONE, MAIL])])).await;
        world.gathered();
        world.until_states(&["failed", "accepted"]).await;
        world.until_tasks(&["channel_misconfigured"]).await;
        world.until_quiet().await;
        world.end().await;
    }
}

#[tokio::test]
async fn a_provider_that_is_away_or_does_not_know_us_keeps_nobody_waiting_longer_than_the_patience() {
    let fate = |state: &str, why: &str| (state.to_owned(), why.to_owned());
    for (status, error, first, misconfigured) in [
        (401, "AuthError", fate("failed", "NOT_SENT_IN_TIME"), true),
        (500, "Exception", fate("unknown", "NO_RECEIPT"), false),
    ] {
        for world in worlds(&Setup::default()).await {
            let provider = simulator::Provider::Notify;
            let text = Some(error.to_owned());
            world.simulator.behave(Behaviour::Answer { provider, status, requests: 1_000, text });
            world.missing(world.directory.add("Amy", &[parent(&[ONE, MAIL])])).await;
            world.gathered();
            eventually("a first try", 1, async || world.count("attempts").await).await;
            let waiting = if misconfigured { "due" } else { "unknown" };
            world.until_states(&[waiting]).await;
            world.pass(PATIENCE - 1);
            eventually("given back", 0, async || {
                world.number("SELECT COUNT(*) AS number FROM chunks WHERE owner IS NOT NULL").await
            })
            .await;
            assert_eq!(world.deliveries().await.len(), 1);
            world.pass(1);
            world.until_states(&[&first.0, "accepted"]).await;
            assert_eq!(world.fates().await[0], first);
            assert_eq!(world.received().keys().collect::<Vec<_>>(), [MAIL]);
            world.until_tasks(if misconfigured { &["channel_misconfigured"] } else { &[] }).await;
            // What waits in vain is let go when its turn comes, and nothing is sent to it any more.
            world.pass(600);
            world.until_quiet().await;
            assert_eq!(world.simulator.messages().len(), 1);
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_provider_that_is_busy_is_tried_again_and_its_answer_that_was_lost_is_asked_for() {
    let setup = Setup { answers_within: 400, ..Setup::default() };
    for world in worlds(&setup).await {
        let provider = simulator::Provider::Notify;
        world.simulator.behave(Behaviour::RateLimited { provider, requests: 1 });
        world.simulator.behave(Behaviour::TimeOutAfterAccepting { provider, requests: 1 });
        world.missing(world.directory.add("Amy", &[parent(&[ONE])])).await;
        world.gathered();
        eventually("a first try", 1, async || world.count("attempts").await).await;
        world.pass(3);
        eventually("a second try", 2, async || world.count("attempts").await).await;
        // The receipt would settle it as well; here it is the provider who is asked.
        world.pass(15);
        world.until_states(&["delivered"]).await;
        world.until_quiet().await;
        assert_eq!(world.simulator.messages().len(), 1, "nothing was sent twice");
        world.end().await;
    }
}

#[tokio::test]
async fn an_unclear_answer_is_asked_about_and_sent_again_before_a_person_is_asked_however_short_the_patience()
{
    let setup = Setup { answers_within: 400, patience: 2, ..Setup::default() };
    for world in worlds(&setup).await {
        let provider = simulator::Provider::Notify;
        world.simulator.behave(Behaviour::TimeOutBeforeAccepting { provider, requests: 1 });
        world.missing(world.directory.add("Amy", &[parent(&[ONE])])).await;
        world.gathered();
        world.until_states(&["unknown"]).await;
        world.pass(8);
        world.until_states(&["unknown"]).await;
        world.pass(4);
        world.until_states(&["delivered"]).await;
        world.until_quiet().await;
        assert_eq!((world.simulator.messages().len(), world.tasks().await.len()), (1, 0));
        world.end().await;
    }
}
