//! Outcomes become durable, whatever was known before them.

use super::*;
use crate::channels::{Medium, Outcome, RejectKind, why};
use crate::domain::plan::Member;
use crate::domain::settle::{Attempted, Semantics, Settled};
use crate::domain::{DeliveryState, NoticeKind, Reason};
use crate::store::drops::{Drops, Next};
use crate::store::settle::{Finished, settle};

/// A world with one planned text, about Amy and Ben, to their mother.
async fn planned(world: &World) -> (String, Vec<Member>) {
    let mother = parent(&["+447700900001"]);
    for name in ["Amy", "Ben"] {
        world.missing(world.directory.add(name, std::slice::from_ref(&mother))).await;
    }
    world.gathered();
    world.sweep().await;
    let member = |row: rows::members::Model| (row.contact_id.parse().unwrap(), row.pupil_id.parse().unwrap());
    let mut members: Vec<Member> = world.members().await.into_iter().map(member).collect();
    members.sort();
    (world.deliveries().await[0].id.clone(), members)
}

fn finished(world: &World, delivery: &str, outcome: Outcome) -> Finished {
    let attempted = Attempted {
        attempts: 1,
        valid_until: session_ends_at(),
        patience: SignedDuration::from_secs(PATIENCE),
        patience_until: None,
        medium: Medium::Text,
        semantics: Semantics::AtLeastOnce,
    };
    Finished {
        delivery: delivery.to_owned(),
        school: world.school,
        channel: "sms.notify".parse().unwrap(),
        lane: crate::routes::Lane::Normal,
        settled: crate::domain::settle::settle(&attempted, outcome, world.now()),
        attempts: 1,
        started_at: Some(world.now()),
        dropped: None,
    }
}

fn accepted() -> Outcome {
    Outcome::Accepted { reference: "the provider's".to_owned() }
}

async fn receipt(world: &World, delivery: &str, status: crate::channels::notify_receipt::ReceiptStatus) {
    world.learns(delivery, status).await;
}

async fn one(world: &World) -> rows::deliveries::Model {
    world.deliveries().await.remove(0)
}

async fn told(world: &World) -> usize {
    world.members().await.into_iter().filter(|member| member.told).count()
}

/// State, why, in a chunk, waited for, next address, told.
type Row = (&'static str, &'static str, bool, bool, bool, usize);

#[tokio::test]
async fn each_outcome_leaves_its_row() {
    let retry = || Outcome::Retry { why: why::RATE_LIMITED, after: None };
    let reject = || Outcome::Reject { why: why::SETTINGS, kind: RejectKind::Configuration };
    let unknown = || Outcome::Unknown { why: why::NO_ANSWER };
    let table: [(fn() -> Outcome, Row); 4] = [
        (accepted, ("accepted", "SENT", false, true, false, 2)),
        (retry, ("due", "RATE_LIMITED", true, true, false, 0)),
        (reject, ("failed", "SETTINGS", false, false, true, 0)),
        (unknown, ("unknown", "NO_ANSWER", true, true, false, 2)),
    ];
    for (outcome, expected) in table {
        for world in quiet_worlds().await {
            let (delivery, _) = planned(&world).await;
            settle(&world.store, &[finished(&world, &delivery, outcome())], world.now()).await.unwrap();
            let row = one(&world).await;
            let seen = (
                row.state.as_str(),
                row.why.as_str(),
                row.chunk_id.is_some(),
                row.patience_until.is_some(),
                row.next_address,
                told(&world).await,
            );
            assert_eq!(seen, expected, "{}", world.backend);
            assert_eq!(row.attempts, 1);
            let attempts = format!("SELECT COUNT(*) AS number FROM attempts WHERE state = '{}'", row.state);
            assert_eq!(world.number(&attempts).await, 1);
            if row.chunk_id.is_some() {
                let due = "SELECT MAX(due_at) AS number FROM chunks WHERE owner IS NULL";
                assert!(world.number(due).await > kit::clock::micros(world.now()));
            }
            let misconfigured = usize::from(expected.1 == "SETTINGS");
            assert_eq!(world.tasks().await.len(), misconfigured);
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_receipt_that_is_faster_than_its_outcome_is_not_overwritten() {
    use crate::channels::notify_receipt::ReceiptStatus::{Delivered, PermanentFailure};
    for world in quiet_worlds().await {
        let (delivery, _) = planned(&world).await;
        receipt(&world, &delivery, Delivered).await;
        settle(&world.store, &[finished(&world, &delivery, accepted())], world.now()).await.unwrap();
        assert_eq!((one(&world).await.state.as_str(), told(&world).await), ("delivered", 2));
        receipt(&world, &delivery, PermanentFailure).await;
        assert_eq!((one(&world).await.state.as_str(), told(&world).await), ("delivered", 2));
        assert!(!one(&world).await.next_address);
        world.end().await;
    }
    for world in quiet_worlds().await {
        let (delivery, _) = planned(&world).await;
        receipt(&world, &delivery, PermanentFailure).await;
        settle(&world.store, &[finished(&world, &delivery, accepted())], world.now()).await.unwrap();
        let row = one(&world).await;
        assert_eq!((row.state.as_str(), row.next_address, told(&world).await), ("failed", true, 0));
        assert_eq!(row.chunk_id, None);
        world.end().await;
    }
}

#[tokio::test]
async fn what_was_recalled_and_turns_out_to_have_been_accepted_is_accepted() {
    for world in quiet_worlds().await {
        let (delivery, _) = planned(&world).await;
        let recalled = Settled::at(DeliveryState::Recalled, Reason::Recalled.code());
        let stopped =
            Finished { settled: recalled, started_at: None, ..finished(&world, &delivery, accepted()) };
        settle(&world.store, &[stopped], world.now()).await.unwrap();
        assert_eq!(one(&world).await.state, "recalled");
        settle(&world.store, &[finished(&world, &delivery, accepted())], world.now()).await.unwrap();
        assert_eq!((one(&world).await.state.as_str(), told(&world).await), ("accepted", 2));
        world.end().await;
    }
}

#[tokio::test]
async fn who_fell_out_is_not_told_and_is_somebody_s_task_unless_the_next_address_is_tried() {
    for (reason, next, tasks) in [
        (Reason::NoContact, Next::Nothing, 1),
        (Reason::NoContact, Next::Address, 1),
        (Reason::AddressGone, Next::Nothing, 1),
        (Reason::AddressGone, Next::Address, 0),
        (Reason::Arrived, Next::Nothing, 0),
    ] {
        for world in quiet_worlds().await {
            let (delivery, members) = planned(&world).await;
            let dropped = Some(Drops {
                delivery: delivery.clone(),
                school: world.school,
                kind: NoticeKind::AbsenceUnexplained,
                members: vec![(members[0], reason)],
                next,
            });
            let outcome = Finished { dropped, ..finished(&world, &delivery, accepted()) };
            settle(&world.store, &[outcome], world.now()).await.unwrap();
            let whys: Vec<_> = world.members().await.into_iter().map(|row| (row.told, row.why)).collect();
            assert!(whys.contains(&(false, reason.code().to_owned())), "{whys:?}");
            assert!(whys.contains(&(true, String::new())), "{whys:?}");
            assert_eq!(world.tasks().await.len(), tasks, "{reason:?} {next:?}");
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_batch_of_five_hundred_is_settled_at_once() {
    for world in quiet_worlds().await {
        world.missing(world.directory.add("Amy", &parents(500))).await;
        world.gathered();
        world.sweep().await;
        let outcome = |number: usize| match number % 3 {
            0 => accepted(),
            1 => Outcome::Retry { why: why::TRY_LATER, after: None },
            _ => Outcome::Reject { why: why::ADDRESS_REFUSED, kind: RejectKind::Recipient },
        };
        let deliveries = world.deliveries().await;
        let batch: Vec<_> = deliveries
            .iter()
            .enumerate()
            .map(|(number, delivery)| finished(&world, &delivery.id, outcome(number)))
            .collect();
        settle(&world.store, &batch, world.now()).await.unwrap();
        for (state, expected) in [("accepted", 167), ("due", 167), ("failed", 166)] {
            let sql = format!("SELECT COUNT(*) AS number FROM deliveries WHERE state = '{state}'");
            assert_eq!(world.number(&sql).await, expected);
        }
        assert_eq!(world.count("attempts").await, 500);
        // A crowd of retries shares one chunk.
        let chunks = "SELECT COUNT(DISTINCT chunk_id) AS number FROM deliveries WHERE state = 'due'";
        assert_eq!(world.number(chunks).await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn a_reference_that_a_database_refuses_does_not_stop_everything_else_from_being_settled() {
    for world in quiet_worlds().await {
        let (delivery, _) = planned(&world).await;
        let strange = Outcome::Accepted { reference: "a\0b".to_owned() };
        settle(&world.store, &[finished(&world, &delivery, strange)], world.now()).await.unwrap();
        assert_eq!(one(&world).await.reference.as_deref(), Some("ab"));
        world.end().await;
    }
}
