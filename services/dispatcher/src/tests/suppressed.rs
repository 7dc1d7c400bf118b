//! Addresses that nothing got to: the next message goes elsewhere, until they are corrected.

use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::events::scope::Scope;

use super::said::letter;
use super::*;
use crate::channels::notify_receipt::ReceiptStatus;
use crate::store::suppressions;

const ONE: &str = "+447700900001";
const TWO: &str = "+447700900002";
const MAIL: &str = "mum@example.org";

/// A text about a missing child to this number, and what is said of it later.
async fn texted(world: &World, number: &str, status: ReceiptStatus) -> PupilId {
    let amy = world.directory.add("Amy", &[parent(&[number, MAIL])]);
    world.missing(amy).await;
    world.gathered();
    world.sweep().await;
    receipt(world, number, status).await;
    amy
}

async fn receipt(world: &World, address: &str, status: ReceiptStatus) {
    let deliveries = world.deliveries().await;
    let own = deliveries.iter().rfind(|delivery| delivery.address == address).unwrap();
    world.learns(&own.id, status).await;
}

/// Where a letter by text goes, and then where the news of a missing child goes.
async fn goes_to(world: &World, pupil: PupilId) -> (Vec<String>, Vec<String>) {
    let planned = async || {
        let before = world.deliveries().await.len();
        world.sweep().await;
        let new = world.deliveries().await.split_off(before);
        let mut addresses: Vec<_> = new.into_iter().map(|delivery| delivery.address).collect();
        addresses.sort();
        addresses
    };
    planned().await;
    world.announced(letter(Scope::Pupils(vec![pupil]))).await;
    let letters = planned().await;
    world.missing(pupil).await;
    world.gathered();
    (letters, planned().await)
}

fn to(addresses: &[&str]) -> Vec<String> {
    addresses.iter().map(|address| (*address).to_owned()).collect()
}

#[tokio::test]
async fn a_number_that_does_not_exist_is_passed_over_until_the_directory_has_another_value() {
    for world in quiet_worlds().await {
        let amy = texted(&world, ONE, ReceiptStatus::PermanentFailure).await;
        assert_eq!(goes_to(&world, amy).await, (to(&[MAIL]), to(&[MAIL])));
        let links = vec![parent(&[TWO, MAIL])];
        world.directory.change(amy, |pupil| pupil.links = links);
        assert_eq!(goes_to(&world, amy).await, (to(&[TWO, MAIL]), to(&[TWO])));
        world.end().await;
    }
}

#[tokio::test]
async fn failures_that_pass_and_what_was_delivered_after_all_suppress_nothing() {
    for status in [ReceiptStatus::TemporaryFailure, ReceiptStatus::TechnicalFailure] {
        for world in quiet_worlds().await {
            let amy = texted(&world, ONE, status).await;
            assert_eq!(goes_to(&world, amy).await, (to(&[ONE, MAIL]), to(&[ONE])));
            world.end().await;
        }
    }
    for world in quiet_worlds().await {
        let amy = texted(&world, ONE, ReceiptStatus::PermanentFailure).await;
        receipt(&world, ONE, ReceiptStatus::Delivered).await;
        assert_eq!(world.count("suppressions").await, 0);
        // A failure that comes after it is no news.
        receipt(&world, ONE, ReceiptStatus::PermanentFailure).await;
        assert_eq!(goes_to(&world, amy).await, (to(&[ONE, MAIL]), to(&[ONE])));
        world.end().await;
    }
}

#[tokio::test]
async fn an_opt_out_outlives_failures_and_deliveries_and_ends_when_its_owner_says_so() {
    for world in quiet_worlds().await {
        let amy = texted(&world, ONE, ReceiptStatus::PermanentFailure).await;
        let delivery = world.deliveries().await[0].id.clone();
        let condemned = |code: &str| suppressions::condemned(&world.store, &delivery, code, world.now());
        assert!(condemned("TEMPORARY_FAILURE").is_none() && condemned("POLICY").is_none());
        for code in ["OPTED_OUT", "PERMANENT_FAILURE"] {
            let commit = kit::store::Commit::new().execute(condemned(code).unwrap());
            world.store.commit(commit).await.unwrap();
        }
        receipt(&world, ONE, ReceiptStatus::Delivered).await;
        assert_eq!(goes_to(&world, amy).await, (to(&[MAIL]), to(&[MAIL])));
        let asked = suppressions::asked_for_messages(&world.store, world.school, ONE);
        world.store.commit(kit::store::Commit::new().execute(asked)).await.unwrap();
        assert_eq!(goes_to(&world, amy).await, (to(&[ONE, MAIL]), to(&[ONE])));
        world.end().await;
    }
}

#[tokio::test]
async fn whom_message_after_message_fails_to_reach_is_listed_until_one_gets_through() {
    for world in quiet_worlds().await {
        let list = async || {
            let request = world.request(pb::GetFailingContactsRequest { days: 0 });
            world.api.get_failing_contacts(request).await.unwrap().into_inner()
        };
        let mother = parent(&[ONE]);
        let amy = world.directory.add("Amy", std::slice::from_ref(&mother));
        let told = async |status| {
            let before = world.deliveries().await.len();
            world.missing(amy).await;
            world.gathered();
            world.sweep().await;
            world.learns(&world.deliveries().await[before].id, status).await;
        };
        told(ReceiptStatus::TechnicalFailure).await;
        told(ReceiptStatus::TemporaryFailure).await;
        assert_eq!(
            list().await,
            pb::GetFailingContactsResponse::default(),
            "once is no pattern, and a fault of the provider says nothing of the address"
        );
        told(ReceiptStatus::PermanentFailure).await;
        let found = list().await;
        let [failing] = &found.contacts[..] else { panic!("one in {found:?}") };
        assert_eq!((&failing.contact_id, failing.failed, failing.reached), (&mother.contact_id, 2, 0));
        assert!(failing.last_failed_at.is_some() && failing.last_reached_at.is_none());
        assert_eq!((found.suppressed[0].address.as_str(), found.suppressed[0].opted_out), (ONE, false));
        told(ReceiptStatus::Delivered).await;
        assert_eq!(list().await, pb::GetFailingContactsResponse::default(), "it works after all");
        let odd = world.request(pb::GetFailingContactsRequest { days: -1 });
        assert!(world.api.get_failing_contacts(odd).await.is_err());
        world.end().await;
    }
}

#[tokio::test]
async fn another_school_uses_the_address_as_ever() {
    for world in quiet_worlds().await {
        texted(&world, ONE, ReceiptStatus::PermanentFailure).await;
        let own = suppressions::of(&world.store, world.school).await.unwrap();
        assert_ne!(own, crate::domain::Suppressed::none());
        let other = suppressions::of(&world.store, SchoolId::generate()).await.unwrap();
        assert_eq!(other, crate::domain::Suppressed::none());
        world.end().await;
    }
}

#[tokio::test]
async fn whose_last_number_is_dead_is_one_task_of_the_office_and_the_next_message_is_explained() {
    for world in worlds(&Setup::default()).await {
        world.dead(ONE);
        let mother = parent(&[ONE]);
        let amy = world.directory.add("Amy", std::slice::from_ref(&mother));
        world.missing(amy).await;
        world.gathered();
        world.until_tasks(&["no_working_address", "not_reached"]).await;
        world.until_quiet().await;
        // For a letter nobody tries it again; for a missing child it is tried, and fails again.
        world.announced(letter(Scope::Pupils(vec![amy]))).await;
        world.until_number("SELECT COUNT(*) AS number FROM gatherings WHERE state = 'left'", 2).await;
        let notice_id = world.notices().await.remove(1).id;
        let request = pb::ExplainRequest { contact_id: mother.contact_id.clone(), notice_id };
        let steps = world.api.explain(world.request(request)).await.unwrap().into_inner().steps;
        assert!(steps.iter().any(|step| step.reason == "ADDRESS_DEAD"), "{steps:?}");
        world.missing(amy).await;
        world.gathered();
        world.until_tasks(&["no_working_address", "not_reached", "not_reached"]).await;
        assert_eq!(world.received()[ONE].len(), 2);
        let task = world.tasks().await.into_iter().find(|task| task.kind == "no_working_address").unwrap();
        assert_eq!(task.role, "office");
        assert!(task.subjects.contains(&mother.contact_id) && !task.why.contains("07700"));
        world.end().await;
    }
}

#[tokio::test]
async fn a_number_that_the_provider_refuses_for_good_is_suppressed_with_the_outcome() {
    for world in worlds(&Setup::default()).await {
        world.simulator.behave(Behaviour::Answer {
            provider: simulator::Provider::Notify,
            status: 400,
            requests: 1,
            text: Some("InvalidPhoneError".to_owned()),
        });
        world.missing(world.directory.add("Amy", &[parent(&[ONE, MAIL])])).await;
        world.gathered();
        world.until_states(&["failed", "accepted"]).await;
        assert_eq!(world.number("SELECT COUNT(*) AS number FROM suppressions WHERE kind = 'dead'").await, 1);
        world.end().await;
    }
}

#[tokio::test]
async fn a_dead_address_is_forgotten_with_the_others_and_an_opt_out_is_kept() {
    use crate::store::erasure::{STROKE, erase};
    for world in quiet_worlds().await {
        let amy = texted(&world, ONE, ReceiptStatus::PermanentFailure).await;
        let then = world.now();
        texted(&world, TWO, ReceiptStatus::PermanentFailure).await;
        world.meddle("UPDATE suppressions SET kind = 'opted_out' WHERE address LIKE '%2'").await;
        erase(&world.store, then, world.now(), STROKE).await.unwrap();
        assert_eq!(world.count("suppressions").await, 2);
        world.pass(1);
        erase(&world.store, world.now(), world.now(), STROKE).await.unwrap();
        let kept = "SELECT COUNT(*) AS number FROM suppressions WHERE kind = 'opted_out'";
        assert_eq!((world.count("suppressions").await, world.number(kept).await), (1, 1));
        assert_eq!(goes_to(&world, amy).await, (to(&[ONE, MAIL]), to(&[ONE])));
        world.end().await;
    }
}
