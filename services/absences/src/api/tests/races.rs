//! Things that happen at the same moment, many times over, on one SQLite file and through two
//! replicas of the service on one PostgreSQL database.

use std::sync::Arc;

use kit::Tenant;
use kit::store::Store;
use kit::testing::TestStore;
use kit::testing::answers::sealed;
use neighbours::Neighbours;
use proto::absences::v1 as pb;
use proto::absences::v1::absences_service_server::AbsencesService;
use proto::events::scope::Scope;
use proto::ids::{ClassId, PupilId};
use proto::scheduling::v1::Session;
use tokio::task::JoinSet;
use tonic::Status;

use super::super::Api;
use super::fixture::{MORNING, TODAY, close, fresh, register, request_of, said};
use super::timetable::Timetable;
use crate::closing::Closer;
use crate::directory::Directory;
use crate::scheduling::Scheduling;
use crate::store::{MIGRATIONS, closures};

const ROUNDS: usize = 40;

/// Replicas that share a database: two on PostgreSQL, one on SQLite, which has one writer.
struct Replicas {
    backend: &'static str,
    neighbours: Neighbours,
    timetable: Timetable,
    apis: Vec<Api>,
    closers: Vec<Closer>,
    stores: Vec<Store>,
    _test: TestStore,
}

impl Replicas {
    async fn each() -> Vec<Self> {
        let mut all = Vec::new();
        for test in kit::testing::stores("absences", MIGRATIONS).await {
            let timetable = Timetable::default();
            let neighbours = timetable.beside_a_directory(&test.clock).await;
            let closer = |store: &Store| Closer {
                store: store.clone(),
                directory: Directory::new(neighbours.peer()),
                scheduling: Scheduling::new(neighbours.peer()),
                clock: test.clock.clone(),
                closures: Arc::default(),
            };
            let stores = test.replicas("absences", MIGRATIONS).await;
            let closers: Vec<Closer> = stores.iter().map(closer).collect();
            let apis = closers.iter().cloned().map(Api::new).collect();
            all.push(Self {
                backend: test.backend,
                neighbours,
                timetable,
                apis,
                closers,
                stores,
                _test: test,
            });
        }
        all
    }

    fn api(&self, number: usize) -> Api {
        self.apis[number % self.apis.len()].clone()
    }

    async fn said(&self, school: Tenant) -> Vec<(String, String)> {
        said(&self.stores[0], school).await.into_iter().map(|(name, pupil, _)| (name, pupil)).collect()
    }
}

async fn post(
    api: Api,
    school: Tenant,
    class_id: ClassId,
    marks: Vec<(PupilId, &str)>,
) -> Result<(), Status> {
    sealed(api.post_register(request_of(school, register(class_id, &marks))).await).map(|_| ())
}

async fn close_morning(api: Api, school: Tenant) -> Result<(), Status> {
    sealed(api.close_register(request_of(school, close(MORNING))).await).map(|_| ())
}

async fn report(api: Api, school: Tenant, pupil_id: PupilId) -> Result<(), Status> {
    let message = pb::ReportAbsenceRequest {
        request_id: fresh(),
        pupil_id: pupil_id.to_string(),
        date: TODAY.to_owned(),
        session: MORNING,
        code: "I".to_owned(),
        note: String::new(),
    };
    sealed(api.report_absence(request_of(school, message)).await).map(|_| ())
}

async fn open_cases(api: Api, school: Tenant) -> usize {
    let request = request_of(school, pb::ListOpenCasesRequest::default());
    sealed(api.list_open_cases(request).await).unwrap().cases.len()
}

async fn all(mut acts: JoinSet<Result<(), Status>>, backend: &str) {
    while let Some(act) = acts.join_next().await {
        act.unwrap().unwrap_or_else(|status| panic!("{backend}: {status:?}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_n_that_meets_the_close_is_announced_exactly_once() {
    for replicas in Replicas::each().await {
        let class_id = ClassId::generate();
        let pupils: Vec<PupilId> =
            (0..3).map(|_| replicas.neighbours.directory.add_to(class_id, "3")).collect();
        for round in 0..ROUNDS {
            // Another school each round; the directory says the same of each.
            let school = Tenant::generate();
            let mut acts = JoinSet::new();
            for (number, pupil_id) in pupils.iter().enumerate() {
                let api = replicas.api(round + number);
                acts.spawn(post(api, school, class_id, vec![(*pupil_id, "N")]));
            }
            acts.spawn(close_morning(replicas.api(round), school));
            acts.spawn(close_morning(replicas.api(round + 1), school));
            all(acts, replicas.backend).await;
            let mut said = replicas.said(school).await;
            said.sort();
            let mut wanted: Vec<_> =
                pupils.iter().map(|pupil| ("unexplained".to_owned(), pupil.to_string())).collect();
            wanted.sort();
            assert_eq!(said, wanted, "round {round} on {}", replicas.backend);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_meets_the_n_and_the_close_leaves_nobody_told_in_error() {
    for replicas in Replicas::each().await {
        let class_id = ClassId::generate();
        let pupil_id = replicas.neighbours.directory.add_to(class_id, "3");
        for round in 0..ROUNDS {
            let school = Tenant::generate();
            let mut acts = JoinSet::new();
            acts.spawn(post(replicas.api(round), school, class_id, vec![(pupil_id, "N")]));
            acts.spawn(report(replicas.api(round + 1), school, pupil_id));
            acts.spawn(close_morning(replicas.api(round), school));
            all(acts, replicas.backend).await;
            let said = replicas.said(school).await;
            let names: Vec<&str> = said.iter().map(|(name, _)| name.as_str()).collect();
            assert!(
                names.is_empty() || names == ["unexplained", "explained"],
                "round {round} on {}: {names:?}",
                replicas.backend
            );
            assert_eq!(open_cases(replicas.api(round), school).await, 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_classes_post_at_once_and_none_is_turned_away() {
    for replicas in Replicas::each().await {
        let school = Tenant::generate();
        let classes: Vec<(ClassId, PupilId)> = (0..30)
            .map(|_| ClassId::generate())
            .map(|class_id| (class_id, replicas.neighbours.directory.add_to(class_id, "3")))
            .collect();
        let mut acts = JoinSet::new();
        for (number, (class_id, pupil_id)) in classes.into_iter().enumerate() {
            acts.spawn(post(replicas.api(number), school, class_id, vec![(pupil_id, "N")]));
        }
        all(acts, replicas.backend).await;
        assert_eq!(open_cases(replicas.api(0), school).await, 30, "{}", replicas.backend);
        close_morning(replicas.api(1), school).await.unwrap();
        assert_eq!(replicas.said(school).await.len(), 30);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_n_that_meets_a_closure_and_the_close_is_followed_up_by_nobody_in_the_end() {
    for replicas in Replicas::each().await {
        let class_id = ClassId::generate();
        let pupil_id = replicas.neighbours.directory.add_to(class_id, "3");
        for round in 0..ROUNDS / 2 {
            let school = Tenant::generate();
            let scope = Scope::Classes(vec![class_id]);
            let mut acts = JoinSet::new();
            acts.spawn(post(replicas.api(round), school, class_id, vec![(pupil_id, "N")]));
            acts.spawn(close_morning(replicas.api(round + 1), school));
            let timetable = replicas.timetable.clone();
            let id = timetable.close(&scope, Session::Morning, (TODAY, TODAY));
            let heard = replicas.stores[0].clone();
            let days = TODAY.parse().unwrap()..=TODAY.parse().unwrap();
            let closer = replicas.closers[round % replicas.closers.len()].clone();
            acts.spawn(async move {
                heard.commit(closures::hear(&heard, school, (&id.to_string(), 1), Some(days))).await?;
                closer.end_covered().await;
                Ok(())
            });
            all(acts, replicas.backend).await;
            replicas.closers[0].end_covered().await;
            assert_eq!(open_cases(replicas.api(round), school).await, 0, "{}", replicas.backend);
            let said = replicas.said(school).await;
            let names: Vec<&str> = said.iter().map(|(name, _)| name.as_str()).collect();
            assert!(
                names.is_empty() || names == ["unexplained", "explained"],
                "round {round} on {}: {names:?}",
                replicas.backend
            );
            replicas.timetable.end(id, TODAY);
        }
    }
}
