//! What providers say later: late, twice, in any order, about strangers, or nonsense.

use super::*;

/// A world with one text that was accepted and of which nothing is known yet.
async fn accepted(world: &World) -> String {
    world.missing(world.directory.add("Amy", &[parent(&["+447700900001", "mum@example.org"])])).await;
    world.gathered();
    world.sweep().await;
    let id = world.deliveries().await[0].id.clone();
    world.meddle("UPDATE deliveries SET state = 'accepted', why = 'SENT', chunk_id = NULL").await;
    world.meddle("UPDATE members SET told = TRUE").await;
    world.meddle("DELETE FROM chunks").await;
    id
}

fn body(reference: &str, status: &str) -> String {
    serde_json::json!({
        "id": "740e5834-3a29-46b4-9a6f-16142fde533a", "reference": reference, "to": "07700900001",
        "status": status, "created_at": "2026-11-24T08:50:00.000000Z", "completed_at": null,
        "notification_type": "sms",
    })
    .to_string()
}

async fn post(world: &World, token: &str, body: impl Into<reqwest::Body>) -> u16 {
    let request = channels::http_client().unwrap().post(&world.receipts);
    request.bearer_auth(token).body(body).send().await.unwrap().status().as_u16()
}

async fn state(world: &World) -> (String, bool, bool) {
    let delivery = world.deliveries().await.remove(0);
    (delivery.state, delivery.next_address, world.members().await.iter().any(|member| member.told))
}

fn is(state: &str, next_address: bool, told: bool) -> (String, bool, bool) {
    (state.to_owned(), next_address, told)
}

#[tokio::test]
async fn in_whatever_order_receipts_come_what_was_delivered_stays_delivered() {
    for world in quiet_worlds().await {
        let delivery = accepted(&world).await;
        assert_eq!(post(&world, TOKEN, body(&delivery, "temporary-failure")).await, 204);
        assert_eq!(state(&world).await, is("failed", true, false));
        assert_eq!(post(&world, TOKEN, body(&delivery, "permanent-failure")).await, 204);
        assert_eq!(world.deliveries().await[0].why, "TEMPORARY_FAILURE");
        assert_eq!(post(&world, TOKEN, body(&delivery, "delivered")).await, 204);
        assert_eq!(state(&world).await, is("delivered", false, true));
        for status in ["technical-failure", "permanent-failure", "delivered"] {
            assert_eq!(post(&world, TOKEN, body(&delivery, status)).await, 204);
            assert_eq!(state(&world).await, is("delivered", false, true));
        }
        // Each of the four is kept once, by the channel that it went by.
        let kept = "SELECT COUNT(*) AS number FROM receipts WHERE channel = 'sms.notify'";
        assert_eq!(world.number(kept).await, 4);
        assert_eq!(world.count("dead_letters").await, 0);
        world.end().await;
    }
}

#[tokio::test]
async fn a_failure_of_what_was_stopped_starts_nothing() {
    for stopped in ["recalled", "expired", "skipped"] {
        for world in quiet_worlds().await {
            let delivery = accepted(&world).await;
            world.meddle(&format!("UPDATE deliveries SET state = '{stopped}'")).await;
            assert_eq!(post(&world, TOKEN, body(&delivery, "permanent-failure")).await, 204);
            assert_eq!(state(&world).await, is(stopped, false, false));
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_receipt_for_a_stranger_and_nonsense_are_put_aside_and_can_be_replayed() {
    for world in quiet_worlds().await {
        let delivery = accepted(&world).await;
        world.meddle(&format!("UPDATE deliveries SET id = 'dlv_elsewhere' WHERE id = '{delivery}'")).await;
        assert_eq!(post(&world, TOKEN, body(&delivery, "delivered")).await, 204);
        assert_eq!(post(&world, TOKEN, body(&delivery, "delivered")).await, 204);
        for nonsense in ["", "[]", "{\"id\": \"x\", \"status\": \"teleported\"}", "\0\u{1}"] {
            assert_eq!(post(&world, TOKEN, nonsense.to_owned()).await, 204);
        }
        assert_eq!(world.count("dead_letters").await, 5, "one of each");
        let about_people = "SELECT COUNT(*) AS number FROM dead_letters WHERE why LIKE '%07700%'";
        assert_eq!(world.number(about_people).await, 0);

        world.meddle(&format!("UPDATE deliveries SET id = '{delivery}' WHERE id = 'dlv_elsewhere'")).await;
        let raw = Raw { subject: "receipts.notify".to_owned(), body: body(&delivery, "delivered").into() };
        let handled = (world.receipt)(raw).await.unwrap();
        world.store.commit(handled.commit).await.unwrap();
        assert_eq!(state(&world).await, is("delivered", false, true));
        let raw = Raw { subject: "receipts.notify".to_owned(), body: b"[]".to_vec() };
        assert!(matches!((world.receipt)(raw).await, Err(Verdict::Poison(_))));
        world.end().await;
    }
}

#[tokio::test]
async fn a_wrong_token_or_a_flood_is_refused_and_leaves_nothing() {
    for world in quiet_worlds().await {
        let delivery = accepted(&world).await;
        for token in ["", "wrong", "the-token-of-receipts2"] {
            assert_eq!(post(&world, token, body(&delivery, "delivered")).await, 401);
        }
        assert_eq!(post(&world, TOKEN, vec![b' '; 64 * 1024 + 1]).await, 413);
        assert_eq!(state(&world).await, is("accepted", false, true));
        assert_eq!((world.count("receipts").await, world.count("dead_letters").await), (0, 0));
        world.end().await;
    }
}

#[tokio::test]
async fn while_the_store_is_away_the_provider_is_asked_to_try_again() {
    for world in quiet_worlds().await {
        let delivery = accepted(&world).await;
        world.store.close().await.unwrap();
        assert_eq!(post(&world, TOKEN, body(&delivery, "delivered")).await, 503);
        assert_eq!(post(&world, TOKEN, "nonsense".to_owned()).await, 503);
        world.end().await;
    }
}

#[tokio::test]
async fn receipts_that_are_late_and_come_twice_settle_everything_in_the_end() {
    for world in worlds(&Setup::default()).await {
        world.simulator.behave(Behaviour::Receipts { travel: simulator::Travel::Withheld });
        world.missing(world.directory.add("Amy", &[parent(&["+447700900001"])])).await;
        world.gathered();
        world.until_states(&["accepted"]).await;
        world.simulator.behave(Behaviour::Receipts { travel: simulator::Travel::Twice });
        world.until_states(&["delivered"]).await;
        world.until_quiet().await;
        world.end().await;
    }
}
