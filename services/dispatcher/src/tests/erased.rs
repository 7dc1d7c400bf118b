//! Addresses, words and what people wrote go; that somebody was told stays, and what is open stays whole.

use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::incidents::{AccidentKind, AccidentRecorded, FirstAid};
use proto::events::scope::Scope;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::said::{accident, letter, snow};
use super::*;
use crate::retention::{self, Retention};
use crate::store::erasure::{Erased, STROKE, Stroke, erase};

const MUM: &str = "+447700900001";
const MAIL: &str = "mum@example.org";
const DAD: &str = "+447700900002";
const DEAD: &str = "+447700900003";
const GRAN: &str = "dead@example.org";
/// Words of people that stand nowhere but in what is erased.
const WORDS: [&str; 8] = [
    "climbing frame",
    "half an hour on the couch",
    "packed lunch",
    "from the hall by 12:30",
    "her aunt collects her",
    "he rang back at noon",
    "07700900077",
    "rang them all",
];
const KEPT: Retention = Retention { days: 90 };

async fn erase_now(world: &World, stroke: Stroke) -> Erased {
    let now = world.now();
    erase(&world.store, KEPT.before(now), now, stroke).await.unwrap()
}

/// Every row of every table, as text.
async fn everything(world: &World) -> String {
    let sqlite = world.store.backend() == sea_orm::DbBackend::Sqlite;
    let tables = if sqlite {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    } else {
        "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    };
    let mut all = String::new();
    for table in world.store.read().query_all_raw(world.statement(tables)).await.unwrap() {
        let table: String = table.try_get("", "name").unwrap();
        let row = if sqlite {
            let columns = format!("SELECT name FROM pragma_table_info('{table}')");
            let columns = world.store.read().query_all_raw(world.statement(&columns)).await.unwrap();
            let column = |row: &sea_orm::QueryResult| row.try_get::<String>("", "name").unwrap();
            let text = |row| {
                let column = column(row);
                format!(
                    "CASE typeof(\"{column}\") WHEN 'blob' THEN lower(hex(\"{column}\")) ELSE COALESCE(\"{column}\", '') END"
                )
            };
            columns.iter().map(text).collect::<Vec<_>>().join(" || ' ' || ")
        } else {
            format!("\"{table}\"::text")
        };
        let rows = format!("SELECT {row} AS text FROM \"{table}\"");
        for row in world.store.read().query_all_raw(world.statement(&rows)).await.unwrap() {
            let text: String = row.try_get("", "text").unwrap();
            all.extend([table.as_str(), ": ", &text, "\n"]);
        }
    }
    all
}

/// Where something personal stands: as it is, or in hexadecimal where the column holds bytes.
async fn found(world: &World) -> Vec<(&'static str, String)> {
    let all = everything(world).await;
    let mut found = Vec::new();
    for needle in [MUM, MAIL, DAD, DEAD, GRAN].into_iter().chain(WORDS) {
        let hex: Vec<String> = needle.bytes().map(|byte| format!("{byte:02x}")).collect();
        let hex = hex.concat();
        let lines = all.lines().filter(|line| line.contains(needle) || line.contains(&hex));
        found.extend(lines.map(|line| (needle, line.split(':').next().unwrap().to_owned())));
    }
    found
}

/// A day on which something of everything happened, all of it over in the evening.
async fn a_day(world: &World) -> Case {
    for address in [DEAD, GRAN] {
        world.dead(address);
    }
    let amy = world.directory.add("Amy", &[parent(&[MUM, MAIL]), parent(&[DAD]), parent(&[DEAD, GRAN])]);
    let case = world.missing(amy).await;
    world.gathered();
    world.until_tasks(&["no_working_address", "not_reached"]).await;
    world.complete_task("not_reached").await;
    let first_aid = FirstAid::Given("half an hour on the couch".into());
    let what = "Fell from the climbing frame".to_owned();
    world.hurt(AccidentRecorded { what, first_aid, ..accident(amy, AccidentKind::HeadInjury) }).await;
    world.closed(snow(Scope::WholeSchool)).await;
    world.announced(letter(Scope::WholeSchool)).await;
    world.until_quiet().await;
    eventually("receipts", 0, async || {
        world.number("SELECT COUNT(*) AS number FROM deliveries WHERE patience_until IS NOT NULL").await
    })
    .await;
    let gathering = world.gatherings().await.remove(0).id;
    redeliver(world, &gathering, "her aunt collects her").await.unwrap();
    world.until_quiet().await;
    let recall = pb::RecallRequest {
        request_id: EventId::generate().to_string(),
        what: Some(pb::recall_request::What::GatheringId(gathering)),
        why: "he rang back at noon".to_owned(),
    };
    world.api.recall(world.request(recall)).await.unwrap();
    let stranger = serde_json::json!({
        "id": "740e5834-3a29-46b4-9a6f-16142fde533a", "reference": "dlv_nobody", "to": "07700900077",
        "status": "delivered", "created_at": "2026-11-24T08:50:00.000000Z", "completed_at": null,
        "notification_type": "sms",
    });
    let receipt = channels::http_client().unwrap().post(&world.receipts).bearer_auth(TOKEN);
    assert_eq!(receipt.body(stranger.to_string()).send().await.unwrap().status(), 204);
    case
}

async fn redeliver(world: &World, gathering: &str, why: &str) -> Result<pb::RedeliverResponse, Status> {
    let request = pb::RedeliverRequest {
        request_id: EventId::generate().to_string(),
        what: Some(pb::redeliver_request::What::GatheringId(gathering.to_owned())),
        why: why.to_owned(),
    };
    Ok(world.api.redeliver(world.request(request)).await?.into_inner())
}

/// What stays of a delivery.
fn facts(deliveries: Vec<rows::deliveries::Model>) -> Vec<rows::deliveries::Model> {
    let bare =
        |row| rows::deliveries::Model { address: String::new(), reference: None, erased_at: None, ..row };
    deliveries.into_iter().map(bare).collect()
}

#[tokio::test]
async fn after_its_time_nothing_but_the_fact_of_a_delivery_is_left() {
    for world in worlds(&Setup::default()).await {
        a_day(&world).await;
        let before = (world.deliveries().await, world.members().await.len(), world.count("attempts").await);
        for needle in [MUM, MAIL, DAD, DEAD, GRAN].into_iter().chain(WORDS) {
            let stands = found(&world).await.iter().any(|(found, _)| *found == needle);
            assert!(stands, "{needle} stands nowhere on {}: this shows nothing", world.backend);
        }
        world.pass(89 * 86_400);
        assert_eq!(erase_now(&world, STROKE).await, Erased::default(), "too early");
        world.pass(3 * 86_400);
        let erased = erase_now(&world, STROKE).await;
        let rows = |number: usize| u64::try_from(number).unwrap();
        assert_eq!(erased.addresses, rows(before.0.len() + 2), "and the two that were known to be dead");
        assert_eq!((erased.gatherings, erased.words), (rows(world.gatherings().await.len()), 6));
        // What everybody may read was said to the website. It leaves the outbox, and an answer its table, after
        // two weeks of real time.
        for table in ["outbox", "answers"] {
            world.meddle(&format!("DELETE FROM {table}")).await;
        }
        assert_eq!(found(&world).await, [], "{}", world.backend);
        let after = world.deliveries().await;
        assert!(after.iter().all(|row| row.address.is_empty() && row.erased_at.is_some()));
        assert_eq!(facts(after), facts(before.0));
        assert_eq!((world.members().await.len(), world.count("attempts").await), (before.1, before.2));
        assert_eq!(erase_now(&world, STROKE).await, Erased::default(), "again");
        world.end().await;
    }
}

#[tokio::test]
async fn what_was_erased_is_answered_for_honestly() {
    for world in worlds(&Setup::default()).await {
        a_day(&world).await;
        let gathering = world.gatherings().await.remove(0).id;
        world.pass(92 * 86_400);
        erase_now(&world, STROKE).await;
        let request = pb::ListDeliveriesRequest { gathering_id: gathering.clone(), ..Default::default() };
        let listed = world.api.list_deliveries(world.request(request)).await.unwrap().into_inner().deliveries;
        let erased_at = kit::clock::to_proto(world.now());
        assert!(listed.iter().all(|row| row.address.is_empty() && row.address_erased_at == Some(erased_at)));
        assert!(listed.iter().any(|row| row.reached && !row.contact_ids.is_empty()));
        let told = listed.iter().find(|row| row.reached).unwrap();
        let notice = world.notices().await.remove(0).id;
        let request = pb::ExplainRequest { contact_id: told.contact_ids[0].clone(), notice_id: notice };
        let steps = world.api.explain(world.request(request)).await.unwrap().into_inner().steps;
        let step = steps.iter().find(|step| step.reason == "ERASED").unwrap();
        assert_eq!(step.at, Some(erased_at));
        assert!(step.sentence.contains("the address and the words were erased"), "{}", step.sentence);
        assert!(steps.iter().any(|step| step.reason == "DELIVERED"), "what became of it stays");

        let refused = redeliver(&world, &gathering, "she asks for it").await.unwrap_err();
        let reason = refused.get_details_error_info().unwrap().reason;
        assert_eq!((refused.code(), reason.as_str()), (Code::FailedPrecondition, "ERASED"));
        assert!(refused.message().starts_with("on 24 February 2027: "), "{}", refused.message());
        let recall = pb::RecallRequest {
            request_id: EventId::generate().to_string(),
            what: Some(pb::recall_request::What::GatheringId(gathering)),
            why: "too late".to_owned(),
        };
        let recalled = world.api.recall(world.request(recall)).await.unwrap().into_inner();
        assert_eq!((recalled.stopped, recalled.in_the_air), (0, 0));
        assert!(recalled.had_left > 0);
        world.end().await;
    }
}

#[tokio::test]
async fn what_is_open_waits_or_wants_another_address_stays_whole() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.gathered();
        world.sweep().await;
        // One that has not left, beside it.
        world.missing(world.directory.add("Ben", &[parent(&[DAD])])).await;
        world.pass(92 * 86_400);
        for open in [
            "state = 'due'",
            "state = 'failed', chunk_id = NULL, next_address = TRUE",
            "state = 'accepted', chunk_id = NULL, next_address = FALSE, patience_until = 1",
        ] {
            world.meddle(&format!("UPDATE deliveries SET {open}")).await;
            assert_eq!(erase_now(&world, STROKE).await, Erased::default(), "{open}");
        }
        world.meddle("UPDATE deliveries SET patience_until = NULL").await;
        let erased = erase_now(&world, STROKE).await;
        assert_eq!((erased.addresses, erased.gatherings), (1, 1));
        let whole = world.gatherings().await.into_iter().filter(|row| !row.about.is_empty()).count();
        assert_eq!(whole, 1, "the one that has not left");
        // A receipt that comes after years starts nothing.
        let id = world.deliveries().await.remove(0).id;
        let late = crate::channels::notify_receipt::ReceiptStatus::PermanentFailure;
        world.learns(&id, late).await;
        let delivery = world.deliveries().await.remove(0);
        assert_eq!((delivery.state.as_str(), delivery.next_address), ("failed", false));
        world.end().await;
    }
}

#[tokio::test]
async fn an_erasure_that_was_killed_between_two_strokes_goes_on_where_it_was() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &parents(7))).await;
        world.gathered();
        world.sweep().await;
        world.meddle("UPDATE deliveries SET state = 'delivered', chunk_id = NULL").await;
        // As the first of several strokes leaves it.
        let first = "(SELECT id FROM deliveries ORDER BY id LIMIT 2)";
        let erased = format!("UPDATE deliveries SET address = '', erased_at = 1 WHERE id IN {first}");
        world.meddle(&erased).await;
        world.pass(92 * 86_400);
        assert_eq!(erase_now(&world, Stroke(2)).await, Erased { addresses: 5, gatherings: 1, words: 0 });
        let when: Vec<_> = world.deliveries().await.into_iter().map(|row| row.erased_at).collect();
        assert_eq!(when.iter().filter(|at| **at == Some(1)).count(), 2, "once is enough");
        assert_eq!(found(&world).await, []);
        world.end().await;
    }
}

#[tokio::test]
async fn replicas_that_erase_at_once_erase_everything_once() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &parents(40))).await;
        world.gathered();
        world.sweep().await;
        world.meddle("UPDATE deliveries SET state = 'delivered', chunk_id = NULL").await;
        world.pass(92 * 86_400);
        let now = world.now();
        let replicas = world.test.replicas("dispatcher", crate::store::MIGRATIONS).await;
        let erasing = replicas.iter().map(|store| erase(store, KEPT.before(now), now, Stroke(3)));
        let erased: Vec<Erased> =
            futures::future::join_all(erasing).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(erased.iter().map(|erased| erased.addresses).sum::<u64>(), 40, "{erased:?}");
        // What one left because the other had it in hand is found by the next look.
        erase_now(&world, STROKE).await;
        assert!(world.gatherings().await.iter().all(|row| row.erased_at.is_some()));
        for other in replicas.into_iter().skip(1) {
            other.close().await.unwrap();
        }
        world.end().await;
    }
}

#[tokio::test]
async fn the_loop_erases_at_the_start_by_the_clock_of_the_school_and_ends_when_it_is_asked_to() {
    for mut world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        world.gathered();
        world.sweep().await;
        world.meddle("UPDATE deliveries SET state = 'delivered', chunk_id = NULL").await;
        world.pass(92 * 86_400);
        world.work.spawn(retention::run(KEPT, world.store.clone(), world.stop.clone()));
        eventually("erased", 0, async || {
            world.number("SELECT COUNT(*) AS number FROM deliveries WHERE erased_at IS NULL").await
        })
        .await;
        world.end().await;
    }
}
