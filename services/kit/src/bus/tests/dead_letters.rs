//! Dead letters: put aside with their reason, shown, and put through again once that can be done.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use jiff::SignedDuration;
use proto::operations::v1::operations_service_server::OperationsService;
use proto::operations::v1::{DeadLetter, ListDeadLettersRequest, ReplayDeadLetterRequest};
use proto::options::v1::Role;
use tonic::{Request, Status};
use tonic_types::StatusExt;

use super::super::reaction::{Reaction, Verdict};
use super::consumers::{Trial, counting};
use crate::Tenant;
use crate::clock::to_proto;
use crate::fixtures::{Alarm, Rang, account, alarm, caller, number, rang, task};
use crate::identity::Caller;
use crate::operations::{DeadLetterOffice, Drawer};
use crate::store::Commit;
use crate::store::erase::erase;
use crate::testing::eventually;

fn office(trial: &Trial, reaction: &Reaction) -> DeadLetterOffice {
    let key = ("ear--bell".to_owned(), reaction.fact.to_owned());
    let handlers = BTreeMap::from([(key, reaction.handler.clone())]);
    DeadLetterOffice::new(BTreeMap::from([(
        "ear",
        Drawer { store: trial.store.clone(), handlers, tracer: None },
    )]))
}

fn from<T>(caller: &Caller, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller.clone());
    request
}

async fn letters(office: &DeadLetterOffice, caller: &Caller) -> Vec<DeadLetter> {
    let list = ListDeadLettersRequest { service: "ear".to_owned(), ..Default::default() };
    office.list_dead_letters(from(caller, list)).await.unwrap().into_inner().dead_letters
}

async fn replay(
    office: &DeadLetterOffice,
    caller: &Caller,
    request_id: &str,
    id: &str,
) -> Result<DeadLetter, String> {
    let (request_id, dead_letter_id) = (request_id.to_owned(), id.to_owned());
    let request = ReplayDeadLetterRequest { request_id, dead_letter_id, service: "ear".to_owned() };
    let reason = |status: Status| status.get_details_error_info().unwrap().reason;
    let answer = office.replay_dead_letter(from(caller, request)).await.map_err(reason)?;
    Ok(answer.into_inner().dead_letter.unwrap())
}

#[tokio::test]
async fn what_cannot_be_read_is_put_aside_and_the_next_is_heard() {
    for trial in Trial::on_every_store().await {
        let (tenant, asked) = (Tenant::generate(), Arc::default());
        let subject = format!("schoolbell.bell.rang.{tenant}");
        let good = serde_json::to_value(rang(tenant, 1)).unwrap();
        let with = |key: &str, value: &str| {
            let mut event = good.clone();
            event[key] = value.into();
            event.to_string()
        };
        trial.say_raw(&subject, "{ this is no JSON").await;
        trial.say_raw(&subject, &with("type", "schoolbell.bell.alarm.v1")).await;
        trial.say_raw(&subject, &with("school", &Tenant::generate().to_string())).await;
        trial.say_raw(&subject, &with("id", "evt_\u{0}")).await;
        trial.say_raw(&subject, &with("data", "sesame")).await;
        trial.say_raw("schoolbell.bell.rang.nobody", &good.to_string()).await;
        trial.say(&rang(tenant, 2)).await;
        let _hearing = trial.hear(vec![counting(&trial.store, &asked)]);
        trial.everything_is_heard().await;
        assert_eq!(trial.count("dead_letters").await, 6, "{}", trial.backend);
        assert_eq!(trial.count("ledger").await, 1, "{}", trial.backend);
        assert_eq!(trial.count("tasks").await, 0, "nobody's safety hangs on a bell");
        let told = number(&trial.store, "SELECT COUNT(*) FROM dead_letters WHERE why LIKE '%sesame%'").await;
        assert_eq!(told, 0, "a reason repeats nothing of the body");
        let office = office(&trial, &counting(&trial.store, &asked));
        let ours = letters(&office, &caller(tenant, Role::SystemAdministrator)).await;
        assert_eq!(ours.len(), 5, "those of the tenant");
        let all = letters(&office, &caller(tenant, Role::TrustAdministrator)).await;
        assert_eq!(all.len(), 6, "and the one of no tenant, which may be anybody's");
    }
}

#[tokio::test]
async fn a_fact_that_matters_for_safety_becomes_a_task_when_nobody_could_take_it() {
    for trial in Trial::on_every_store().await {
        let tenant = Tenant::generate();
        let (asked, ringing) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&asked);
        let never = Reaction::to::<Alarm, _, _>(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Err(Verdict::Retry("the line is busy".to_owned())) }
        });
        let counted = Arc::clone(&ringing);
        let poisoned = Reaction::to::<Rang, _, _>(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            async { Err(Verdict::Poison("nobody knows this bell".to_owned())) }
        });
        let (fire, bell) = (alarm(tenant, 1), rang(tenant, 2));
        trial.say(&fire).await;
        trial.say(&bell).await;
        let _hearing = trial.hear(vec![never, poisoned]);
        trial.everything_is_heard().await;
        assert_eq!((asked.load(Ordering::Relaxed), ringing.load(Ordering::Relaxed)), (2, 1));
        assert_eq!(trial.count("dead_letters").await, 2, "{}", trial.backend);
        let why = "SELECT COUNT(*) FROM dead_letters WHERE why = 'tried 2 times: the line is busy'";
        assert_eq!(number(&trial.store, why).await, 1, "{}", trial.backend);
        assert_eq!(
            number(&trial.store, "SELECT COUNT(*) FROM tasks WHERE subjects LIKE '%bell-1%'").await,
            1
        );

        // A stream that was lost says it all again: still one letter and one task.
        trial.say(&bell).await;
        trial.say(&fire).await;
        eventually("times asked", 4, || async { asked.load(Ordering::Relaxed) }).await;
        trial.everything_is_heard().await;
        assert_eq!(
            (trial.count("dead_letters").await, trial.count("tasks").await),
            (2, 1),
            "{}",
            trial.backend
        );
    }
}

#[tokio::test]
async fn a_fact_on_which_a_reaction_panics_is_put_aside_and_the_others_are_heard() {
    for trial in Trial::on_every_store().await {
        let (tenant, asked) = (Tenant::generate(), Arc::new(AtomicU32::new(0)));
        let (store, counted) = (trial.store.clone(), Arc::clone(&asked));
        let reaction = Reaction::to::<Rang, _, _>(move |event| {
            counted.fetch_add(1, Ordering::Relaxed);
            let commit = account(&store, &event.id.to_string(), 1);
            async move {
                assert_ne!(event.data.number, 1, "as the test wants it");
                Ok(commit)
            }
        });
        let mut hearing = trial.hear(vec![reaction]);
        for number in 1..=3 {
            trial.say(&rang(tenant, number)).await;
        }
        trial.everything_is_heard().await;
        assert_eq!(asked.load(Ordering::Relaxed), 4, "the one is asked about twice");
        let why = "SELECT COUNT(*) FROM dead_letters WHERE why = 'tried 2 times: the reaction panicked'";
        assert_eq!(
            (trial.count("ledger").await, number(&trial.store, why).await),
            (2, 1),
            "{}",
            trial.backend
        );
        assert!(hearing.try_join_next().is_none(), "the process goes on");
    }
}

#[tokio::test]
async fn a_dead_letter_is_put_through_once_the_reaction_is_mended() {
    for trial in Trial::on_every_store().await {
        let (tenant, mended) = (Tenant::generate(), Arc::new(AtomicBool::new(false)));
        let (store, works) = (trial.store.clone(), Arc::clone(&mended));
        let reaction = Reaction::to::<Rang, _, _>(move |event| {
            let commit = account(&store, &event.id.to_string(), 1);
            let works = works.load(Ordering::Relaxed);
            async move { if works { Ok(commit) } else { Err(Verdict::Poison("not understood".to_owned())) } }
        });
        let event = rang(tenant, 1);
        trial.say(&event).await;
        let _hearing = trial.hear(vec![reaction.clone()]);
        trial.everything_is_heard().await;

        let (office, administrator) = (office(&trial, &reaction), caller(tenant, Role::SystemAdministrator));
        let listed = letters(&office, &administrator).await;
        assert_eq!((listed.len(), listed[0].event_id.as_str()), (1, event.id.to_string().as_str()));
        assert_eq!(listed[0].why, "not understood");
        let id = &listed[0].id;
        let elsewhere = caller(Tenant::generate(), Role::SystemAdministrator);
        assert_eq!(letters(&office, &elsewhere).await, []);
        assert_eq!(replay(&office, &elsewhere, "request-0", id).await, Err("UNKNOWN_DEAD_LETTER".to_owned()));

        let refused = replay(&office, &administrator, "request-1", id).await;
        assert_eq!(refused, Err("STILL_REFUSED".to_owned()), "{}", trial.backend);
        mended.store(true, Ordering::Relaxed);
        for _ in 0..2 {
            let replayed = replay(&office, &administrator, "request-1", id).await.unwrap();
            assert!(replayed.replayed_at.is_some(), "{}", trial.backend);
        }
        let again = replay(&office, &administrator, "request-2", id).await;
        assert_eq!(again, Err("ALREADY_REPLAYED".to_owned()));
        // The stream says it once more: it has had its effect.
        trial.say(&event).await;
        trial.everything_is_heard().await;
        assert_eq!((trial.count("ledger").await, trial.count("inbox").await), (1, 1), "{}", trial.backend);
    }
}

#[tokio::test]
async fn a_letter_that_was_kept_for_long_enough_loses_its_content_and_says_so() {
    for trial in Trial::on_every_store().await {
        let (tenant, asked) = (Tenant::generate(), Arc::default());
        let reaction = counting(&trial.store, &asked);
        let subject = format!("schoolbell.bell.rang.{tenant}");
        trial.say_raw(&subject, "{ open sesame").await;
        let _hearing = trial.hear(vec![reaction.clone()]);
        trial.everything_is_heard().await;
        let done = Commit::new().task(task(tenant, Role::Office)).task(task(tenant, Role::Office));
        trial.store.commit(done).await.unwrap();
        let words = "UPDATE tasks SET state = 'done', outcome = 'sesame' \
                     WHERE id = (SELECT id FROM tasks ORDER BY id LIMIT 1)";
        trial.store.commit(Commit::new().execute(trial.store.statement(words, []))).await.unwrap();

        let (office, administrator) = (office(&trial, &reaction), caller(tenant, Role::SystemAdministrator));
        let now = trial.store.clock().now();
        let why = Commit::new().audit_because(&administrator, "Recall", (&[], "sesame"), now);
        trial.store.commit(why).await.unwrap();
        assert_eq!(erase(&trial.store, now, now).await.unwrap(), 0, "it is of this moment");
        let later = now + SignedDuration::from_hours(1);
        assert_eq!(erase(&trial.store, later, later).await.unwrap(), 3, "{}", trial.backend);
        assert_eq!(erase(&trial.store, later, later).await.unwrap(), 0, "again");
        let letter = letters(&office, &administrator).await.remove(0);
        assert_eq!(letter.erased_at, Some(to_proto(later)));
        assert!(!letter.why.is_empty());
        let refused = replay(&office, &administrator, "request-1", &letter.id).await;
        assert_eq!(refused, Err("ERASED".to_owned()));
        let kept = "SELECT COUNT(*) FROM dead_letters WHERE length(body) > 0";
        assert_eq!(number(&trial.store, kept).await, 0, "{}", trial.backend);
        let kept =
            "SELECT COUNT(*) FROM tasks WHERE outcome = 'sesame' OR (state = 'open' AND outcome <> '')";
        assert_eq!(number(&trial.store, kept).await, 0, "{}", trial.backend);
    }
}
