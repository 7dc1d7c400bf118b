//! Things that happen at the same moment, many times over, on one SQLite file and through two
//! replicas of the service on one PostgreSQL database.

use kit::Tenant;
use kit::clock::Clock;
use kit::testing::TestStore;
use kit::testing::answers::{reason, sealed};
use neighbours::Neighbours;
use proto::directory::v1::Audience;
use proto::scheduling::v1 as pb;
use proto::scheduling::v1::scheduling_service_server::SchedulingService;
use tokio::task::JoinSet;
use tonic::Status;

use super::super::Api;
use super::fixture::{
    TODAY, TOMORROW, change, classes, closure, fresh, request_of, said, whole_school, years,
};
use crate::directory::Directory;
use crate::store::MIGRATIONS;
use crate::to_end::Asker;

const ROUNDS: usize = 20;

/// Replicas that share a database: two on PostgreSQL, one on SQLite, which has one writer.
struct Replicas {
    backend: &'static str,
    clock: Clock,
    neighbours: Neighbours,
    apis: Vec<Api>,
    _test: TestStore,
}

impl Replicas {
    async fn each() -> Vec<Self> {
        let mut all = Vec::new();
        for test in kit::testing::stores("scheduling", MIGRATIONS).await {
            let neighbours = Neighbours::start("scheduling", &test.clock).await;
            let api = |store| Api {
                store,
                directory: Directory::new(neighbours.peer()),
                clock: test.clock.clone(),
            };
            let apis = test.replicas("scheduling", MIGRATIONS).await.into_iter().map(api).collect();
            let (backend, clock) = (test.backend, test.clock.clone());
            all.push(Self { backend, clock, neighbours, apis, _test: test });
        }
        all
    }

    fn api(&self, number: usize) -> Api {
        self.apis[number % self.apis.len()].clone()
    }
}

async fn declare(api: Api, school: Tenant, audience: Audience, last_day: &str) -> Result<String, Status> {
    let request = request_of(school, closure(audience, TODAY, last_day));
    sealed(api.declare_closure(request).await).map(|answer| answer.closure_id)
}

async fn end(api: Api, school: Tenant, closure_id: String) -> Result<String, Status> {
    let message = pb::EndClosureRequest { request_id: fresh(), closure_id, open_on: TOMORROW.to_owned() };
    sealed(api.end_closure(request_of(school, message)).await).map(|answer| answer.version.to_string())
}

async fn extend(api: Api, school: Tenant, closure_id: String) -> Result<String, Status> {
    let last_day = Some("2026-11-26".to_owned());
    let message = pb::ChangeClosureRequest { last_day, ..change(&closure_id) };
    sealed(api.change_closure(request_of(school, message)).await).map(|answer| answer.version.to_string())
}

/// Splits what came of acts into answers and reasons.
async fn all(mut acts: JoinSet<Result<String, Status>>) -> (Vec<String>, Vec<String>) {
    let (mut answers, mut reasons) = (Vec::new(), Vec::new());
    while let Some(act) = acts.join_next().await {
        match act.unwrap() {
            Ok(answer) => answers.push(answer),
            Err(status) => reasons.push(reason(Err::<(), _>(status))),
        }
    }
    reasons.sort();
    (answers, reasons)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_closures_that_overlap_one_is_refused() {
    for replicas in Replicas::each().await {
        let class_id = replicas.neighbours.directory.class(1, "3").0;
        for round in 0..ROUNDS {
            // Another school each round; the directory says the same of each.
            let school = Tenant::generate();
            let mut acts = JoinSet::new();
            for (number, audience) in
                [whole_school(), years(&["3"]), classes(&[class_id])].into_iter().enumerate()
            {
                acts.spawn(declare(replicas.api(round + number), school, audience, TOMORROW));
            }
            let (answers, reasons) = all(acts).await;
            assert_eq!(answers.len(), 1, "round {round} on {}: {reasons:?}", replicas.backend);
            assert_eq!(reasons, ["OVERLAPPING_CLOSURE", "OVERLAPPING_CLOSURE"]);
            let said = said(&replicas.apis[0].store, school).await;
            assert_eq!(said.len(), 1);
            assert_eq!(said[0].subject, answers[0]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_meets_another_and_a_change_is_said_once_and_last() {
    for replicas in Replicas::each().await {
        for round in 0..ROUNDS {
            let school = Tenant::generate();
            let closure_id = declare(replicas.api(round), school, whole_school(), TODAY).await.unwrap();
            let mut acts = JoinSet::new();
            acts.spawn(end(replicas.api(round), school, closure_id.clone()));
            acts.spawn(end(replicas.api(round + 1), school, closure_id.clone()));
            acts.spawn(extend(replicas.api(round), school, closure_id.clone()));
            let (_, reasons) = all(acts).await;
            assert!(reasons.iter().all(|reason| reason == "CLOSURE_ENDED"), "{reasons:?}");
            let said = said(&replicas.apis[0].store, school).await;
            let versions: Vec<u64> = said.iter().map(|said| said.version).collect();
            let rising: Vec<u64> = (1..).take(said.len()).collect();
            assert_eq!(versions, rising, "round {round} on {}", replicas.backend);
            let ends = said.iter().filter(|said| said.name == "closure_ended").count();
            assert_eq!((ends, said.last().unwrap().name.as_str()), (1, "closure_ended"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_that_are_set_at_once_all_stand_in_the_last_calendar() {
    for replicas in Replicas::each().await {
        let school = Tenant::generate();
        let mut acts = JoinSet::new();
        let days = ["2026-11-25", "2026-11-26", "2026-11-27", "2026-11-30", "2026-12-01"];
        for (number, day) in days.into_iter().enumerate() {
            let api = replicas.api(number);
            acts.spawn(async move {
                let kind = pb::NonSchoolDay::Inset.into();
                let message = pb::SetNonSchoolDayRequest { request_id: fresh(), date: day.to_owned(), kind };
                sealed(api.set_non_school_day(request_of(school, message)).await).map(|_| String::new())
            });
        }
        let (answers, reasons) = all(acts).await;
        assert_eq!((answers.len(), reasons.len()), (5, 0), "{reasons:?}");
        let said = said(&replicas.apis[0].store, school).await;
        let versions: Vec<u64> = said.iter().map(|said| said.version).collect();
        assert_eq!(versions, [1, 2, 3, 4, 5], "{}", replicas.backend);
        let last = said[4].data["non_school_days"].as_array().unwrap();
        assert_eq!(last.len(), days.len() + 1, "and the bank holiday");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_look_at_once_ask_once() {
    for replicas in Replicas::each().await {
        let school = Tenant::generate();
        let closure_id = declare(replicas.api(0), school, whole_school(), TODAY).await.unwrap();
        replicas.clock.set("2026-11-25T07:00:00Z".parse().unwrap());
        let mut looks = JoinSet::new();
        for number in 0..6 {
            let asker = Asker::of(&replicas.api(number));
            looks.spawn(async move { asker.ask_due().await });
        }
        looks.join_all().await;
        let store = &replicas.apis[0].store;
        let sql = "SELECT subjects FROM tasks WHERE tenant = $1";
        let statement = store.statement(sql, [school.to_string().into()]);
        let tasks = sea_orm::ConnectionTrait::query_all_raw(store.read(), statement).await.unwrap();
        assert_eq!(tasks.len(), 1, "{}", replicas.backend);
        let subjects: String = tasks[0].try_get("", "subjects").unwrap();
        assert!(subjects.contains(&closure_id));
    }
}
