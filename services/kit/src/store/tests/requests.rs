//! `once`: the same request has one effect and one answer.

use std::sync::atomic::{AtomicU32, Ordering};

use futures::future::join_all;
use proto::options::v1::Role;
use proto::tasks::v1::{TakeTaskRequest, TakeTaskResponse, Task};
use tonic::{Code, Response, Status};
use tonic_types::StatusExt;

use super::super::{Answer, Call, Commit, Committed, Store, decide_once, once};
use crate::Tenant;
use crate::audit::Audited;
use crate::fixtures::{LEDGER, account, caller, number};
use crate::identity::Caller;
use crate::rejection::Rejection;
use crate::testing::{MORNING, TestStore, stores};

pub fn answer(tenant: Tenant, request_id: &str) -> Answer {
    Answer {
        tenant: tenant.to_string(),
        request_id: request_id.to_owned(),
        fingerprint: String::new(),
        bytes: Vec::new(),
        audited: false,
        answered_at: 0,
    }
}

fn request(id: &str, content: &str) -> TakeTaskRequest {
    TakeTaskRequest { request_id: id.to_owned(), service: "trial".to_owned(), task_id: content.to_owned() }
}

/// Opens an account of a new name every time that it decides, and answers with that name.
async fn open_account(
    store: &Store,
    caller: &Caller,
    request: &TakeTaskRequest,
    decided: &AtomicU32,
) -> Result<Response<TakeTaskResponse>, Status> {
    let call = Call { caller, rpc: "OpenAccount", request_id: &request.request_id };
    once(store, call, request, || async {
        let id = format!("account-{}", decided.fetch_add(1, Ordering::Relaxed));
        let task = Task { id: id.clone(), ..Task::default() };
        Ok((account(store, &id, 1), TakeTaskResponse { task: Some(task) }))
    })
    .await
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

async fn on_every_store(test: impl AsyncFn(&TestStore, Caller)) {
    for trial in stores("trial", LEDGER).await {
        test(&trial, caller(Tenant::generate(), Role::Office)).await;
    }
}

#[tokio::test]
async fn the_same_request_has_one_effect_and_one_answer() {
    on_every_store(async |trial, caller| {
        let decided = AtomicU32::new(0);
        let request = request("request-1", "a");
        let twins = (0..20).map(|_| open_account(&trial.store, &caller, &request, &decided));
        let answers: Vec<_> =
            join_all(twins).await.into_iter().map(|answer| answer.unwrap().into_inner()).collect();
        let late = open_account(&trial.store, &caller, &request, &decided).await.unwrap().into_inner();
        assert!(answers.iter().all(|answer| *answer == late), "{}: {answers:?}", trial.backend);
        assert_eq!(number(&trial.store, "SELECT COUNT(*) FROM ledger").await, 1, "{}", trial.backend);
    })
    .await;
}

#[tokio::test]
async fn as_many_requests_as_one_transaction_carries_may_be_of_as_many_tenants() {
    on_every_store(async |trial, _| {
        let commits = (0..512).map(|_| {
            let commit = Commit::new().answer(answer(Tenant::generate(), "request-1"));
            trial.store.commit(commit)
        });
        for outcome in join_all(commits).await {
            assert_eq!(outcome.unwrap(), Committed::Now, "{}", trial.backend);
        }
    })
    .await;
}

#[tokio::test]
async fn twins_at_two_replicas_have_one_effect() {
    let trials = stores("trial", LEDGER).await;
    let trial = trials.iter().find(|trial| trial.backend == "PostgreSQL").unwrap();
    let replica = trial.open_again("trial", LEDGER).await;
    let caller = caller(Tenant::generate(), Role::Office);
    let decided = AtomicU32::new(0);
    for index in 0..30 {
        let request = request(&format!("request-{index}"), "a");
        let (here, there) = tokio::join!(
            open_account(&trial.store, &caller, &request, &decided),
            open_account(&replica, &caller, &request, &decided)
        );
        assert_eq!(here.unwrap().into_inner(), there.unwrap().into_inner());
    }
    assert_eq!(number(&replica, "SELECT COUNT(*) FROM ledger").await, 30);
}

#[tokio::test]
async fn a_request_id_is_good_for_one_content_one_caller_and_one_rpc() {
    on_every_store(async |trial, caller| {
        let (store, decided) = (&trial.store, AtomicU32::new(0));
        open_account(store, &caller, &request("request-1", "a"), &decided).await.unwrap();
        let other_content = open_account(store, &caller, &request("request-1", "b"), &decided).await;
        let somebody = Caller { subject: "person-8".to_owned(), ..caller.clone() };
        let other_caller = open_account(store, &somebody, &request("request-1", "a"), &decided).await;
        for refused in [other_content, other_caller] {
            assert_eq!(reason(&refused.unwrap_err()), "REQUEST_ID_REUSED");
        }
        // Another tenant's ids are its own.
        let elsewhere = Caller { tenant: Tenant::generate(), ..caller };
        open_account(store, &elsewhere, &request("request-1", "b"), &decided).await.unwrap();
        assert_eq!(number(store, "SELECT COUNT(*) FROM ledger").await, 2, "{}", trial.backend);
    })
    .await;
}

#[tokio::test]
async fn a_request_id_that_is_no_id_is_refused() {
    on_every_store(async |trial, caller| {
        let decided = AtomicU32::new(0);
        for id in ["", "short", &"x".repeat(101)] {
            let refused = open_account(&trial.store, &caller, &request(id, "a"), &decided).await.unwrap_err();
            assert_eq!(
                (refused.code(), reason(&refused).as_str()),
                (Code::InvalidArgument, "INVALID_REQUEST_ID")
            );
        }
        assert_eq!(decided.load(Ordering::Relaxed), 0);
    })
    .await;
}

#[tokio::test]
async fn commands_that_meet_decide_again_until_each_has_had_its_turn() {
    on_every_store(async |trial, caller| {
        let store = &trial.store;
        store.commit(account(store, "shared", 0)).await.unwrap();
        let add = async |index: u32| {
            let request = request(&format!("request-{index}"), "");
            let call = Call { caller: &caller, rpc: "Add", request_id: &request.request_id };
            once(store, call, &request, || async {
                let version = number(store, "SELECT version FROM ledger").await;
                let sql = "UPDATE ledger SET amount = amount + 1, version = version + 1 WHERE version = $1";
                let commit = Commit::new().guarded(store.statement(sql, [version.into()]));
                Ok((commit, TakeTaskResponse::default()))
            })
            .await
        };
        for outcome in join_all((0..30).map(add)).await {
            outcome.unwrap();
        }
        assert_eq!(number(store, "SELECT amount FROM ledger").await, 30, "{}", trial.backend);
    })
    .await;
}

#[tokio::test]
async fn two_commands_that_open_the_same_account_do_not_fail_but_decide_again() {
    on_every_store(async |trial, caller| {
        let store = &trial.store;
        let open = async |index: u32| {
            let request = request(&format!("request-{index}"), "");
            let call = Call { caller: &caller, rpc: "Open", request_id: &request.request_id };
            once(store, call, &request, || async {
                if number(store, "SELECT COUNT(*) FROM ledger").await > 0 {
                    return Err(Rejection::precondition("ACCOUNT_OPEN", "it is open").into());
                }
                Ok((account(store, "shared", 1), TakeTaskResponse::default()))
            })
            .await
        };
        let outcomes = join_all((0..2).map(open)).await;
        let refused: Vec<String> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).map(reason).collect();
        assert_eq!(refused, ["ACCOUNT_OPEN"], "{}", trial.backend);
    })
    .await;
}

#[tokio::test]
async fn a_decision_that_its_own_effect_stands_in_the_way_of_is_answered_from_memory() {
    on_every_store(async |trial, caller| {
        let store = &trial.store;
        let open = async |caller: &Caller, content: &str| {
            let request = request("request-1", content);
            let call = Call { caller, rpc: "Open", request_id: &request.request_id };
            decide_once(store, call, &request, || async {
                if number(store, "SELECT COUNT(*) FROM ledger").await > 0 {
                    return Err(Rejection::precondition("ACCOUNT_OPEN", "it is open").into());
                }
                let task = Task { id: content.to_owned(), ..Task::default() };
                Ok((account(store, "one", 1), TakeTaskResponse { task: Some(task) }))
            })
            .await
        };
        let first = open(&caller, "a").await.unwrap().into_inner();
        assert_eq!(open(&caller, "a").await.unwrap().into_inner(), first, "{}", trial.backend);
        assert_eq!(reason(&open(&caller, "b").await.unwrap_err()), "REQUEST_ID_REUSED");
        let elsewhere = Caller { tenant: Tenant::generate(), ..caller };
        assert_eq!(reason(&open(&elsewhere, "a").await.unwrap_err()), "ACCOUNT_OPEN");
    })
    .await;
}

#[tokio::test]
async fn a_request_is_known_also_when_it_could_be_decided_again() {
    on_every_store(async |trial, caller| {
        let (store, decided) = (&trial.store, AtomicU32::new(0));
        let open = async |content: &str| {
            let request = request("request-1", content);
            let call = Call { caller: &caller, rpc: "Open", request_id: &request.request_id };
            decide_once(store, call, &request, || async {
                let id = format!("account-{}", decided.fetch_add(1, Ordering::Relaxed));
                let task = Task { id: id.clone(), ..Task::default() };
                Ok((account(store, &id, 1), TakeTaskResponse { task: Some(task) }))
            })
            .await
        };
        for outcome in join_all((0..20).map(|_| open("a"))).await {
            assert_eq!(outcome.unwrap().into_inner().task.unwrap().id, "account-0", "{}", trial.backend);
        }
        assert_eq!(reason(&open("b").await.unwrap_err()), "REQUEST_ID_REUSED");
        assert_eq!(number(store, "SELECT COUNT(*) FROM ledger").await, 1, "{}", trial.backend);
    })
    .await;
}

#[tokio::test]
async fn a_rejection_is_not_remembered() {
    on_every_store(async |trial, caller| {
        let request = request("request-1", "");
        let call = Call { caller: &caller, rpc: "Open", request_id: "request-1" };
        let open = AtomicU32::new(0);
        let decide = || async {
            match open.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Rejection::precondition("NOT_YET", "not yet").into()),
                _ => Ok((Commit::new(), TakeTaskResponse::default())),
            }
        };
        assert_eq!(reason(&once(&trial.store, call, &request, decide).await.unwrap_err()), "NOT_YET");
        once(&trial.store, call, &request, decide).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn only_an_answer_that_was_written_down_carries_the_seal_also_when_it_is_repeated() {
    on_every_store(async |trial, caller| {
        let at = MORNING.parse().unwrap();
        for (id, audited) in [("request-1", true), ("request-2", false)] {
            let request = request(id, "");
            let call = Call { caller: &caller, rpc: "Look", request_id: id };
            for _ in 0..2 {
                let decide = || async {
                    let commit = Commit::new();
                    let commit = if audited { commit.audit(&caller, "Look", &[], at) } else { commit };
                    Ok((commit, TakeTaskResponse::default()))
                };
                let answer = once(&trial.store, call, &request, decide).await.unwrap();
                assert_eq!(answer.extensions().get::<Audited>().is_some(), audited, "{}", trial.backend);
            }
        }
    })
    .await;
}
