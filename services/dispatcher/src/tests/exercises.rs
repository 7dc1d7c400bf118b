//! An exercise takes the whole way, and nothing of it leaves.

use proto::directory::v1 as directory;
use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use proto::dispatcher::v1::exercise_request::Words;
use proto::events::scope::Scope;
use tonic::Code;

use super::said::snow;
use super::*;

const MUM: &str = "+447700900001";
const MAIL: &str = "mum@example.org";

fn closed() -> pb::ExerciseRequest {
    let scope = directory::audience::Scope::WholeSchool(directory::WholeSchool {});
    pb::ExerciseRequest {
        request_id: "00000000-0000-7000-8000-000000000001".to_owned(),
        kind: "closure_declared".to_owned(),
        audience: Some(directory::Audience { scope: Some(scope) }),
        words: Some(Words::Closure(pb::ClosureWords {
            first_day: "2026-11-24".to_owned(),
            last_day: "2026-11-24".to_owned(),
            from_afternoon: false,
            reason: "snow".to_owned(),
            collection: String::new(),
        })),
    }
}

#[tokio::test]
async fn an_exercise_is_worded_for_everybody_and_reaches_nobody_while_what_is_real_is_told() {
    for world in worlds(&Setup::default()).await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
        // Nobody is there for Ben, which would be a task, were it real.
        world.directory.add("Ben", &[]);
        let run =
            async || world.api.exercise(world.request(closed())).await.unwrap().into_inner().gathering_id;
        let gathering_id = run().await;
        assert_eq!(run().await, gathering_id, "the same request runs once");
        world.until_states(&["drill", "drill"]).await;
        let request = world.request(pb::GetProgressRequest { gathering_id: gathering_id.clone() });
        let progress = world.api.get_progress(request).await.unwrap().into_inner();
        assert_eq!(
            (progress.exercised, progress.reached, progress.waiting, progress.not_reached),
            (1, 0, 0, 0)
        );
        let request = world.request(pb::GetWordsRequest { gathering_id: gathering_id.clone() });
        let words = world.api.get_words(request).await.unwrap().into_inner().words;
        assert_eq!(words.len(), 3);
        assert!(
            words.iter().all(|one| format!("{} {}", one.subject, one.body).contains("EXERCISE: ")),
            "{words:?}"
        );
        let request = world.request(pb::ListNoticesRequest::default());
        let notices = world.api.list_notices(request).await.unwrap().into_inner().notices;
        assert!(notices.len() == 1 && notices[0].exercise, "{notices:?}");
        let again = pb::RedeliverRequest {
            request_id: "00000000-0000-7000-8000-000000000002".to_owned(),
            what: Some(pb::redeliver_request::What::GatheringId(gathering_id)),
            why: "to see".to_owned(),
        };
        assert_eq!(
            world.api.redeliver(world.request(again)).await.unwrap_err().code(),
            Code::FailedPrecondition
        );
        world.until_quiet().await;
        assert!(world.received().is_empty() && world.tasks().await.is_empty());
        assert_eq!(world.count("outbox").await, 0, "the website hears nothing");

        world.closed(snow(Scope::WholeSchool)).await;
        eventually("both messages", 2, async || world.received().len()).await;
        let received = world.received();
        assert!(received[MUM].len() == 1 && received[MAIL].len() == 1, "{received:?}");
        assert!(!received[MUM][0].contains("EXERCISE"));
        assert!(world.count("outbox").await > 0);
        world.end().await;
    }
}

#[tokio::test]
async fn an_exercise_that_waits_for_the_directory_or_was_interrupted_asks_nobody_to_do_anything() {
    for mut world in quiet_worlds().await {
        world.directory.add("Amy", &[parent(&[MUM, MAIL])]);
        world.api.exercise(world.request(closed())).await.unwrap();
        world.directory.go_away();
        world.pass(121);
        for _ in 0..2 {
            assert!(world.planner.as_ref().unwrap().sweep(world.now()).await.is_err());
            world.pass(121);
        }
        assert!(world.tasks().await.is_empty(), "{}", world.backend);
        world.directory.come_back();
        world.sweep().await;
        assert_eq!(world.deliveries().await.len(), 2);
        // The data is put back to this moment, in which its messages were due.
        let held = crate::store::restored::hold_back(&world.store, world.now()).await.unwrap();
        world.store.mark_restored(world.clock.real(), held).await.unwrap();
        world.run();
        world.until_states(&["drill", "drill"]).await;
        world.until_quiet().await;
        assert!(world.tasks().await.is_empty() && world.received().is_empty(), "{}", world.backend);
        world.end().await;
    }
}

#[tokio::test]
async fn an_exercise_that_says_nothing_or_of_what_goes_to_nobody_else_is_refused() {
    for world in quiet_worlds().await {
        let silent = pb::ExerciseRequest { words: None, ..closed() };
        let alone = pb::ExerciseRequest { kind: "head_injury".to_owned(), ..closed() };
        let other = pb::ExerciseRequest { words: Some(Words::Text("Snow".to_owned())), ..closed() };
        let nobody = pb::ExerciseRequest { audience: None, ..closed() };
        for request in [silent, alone, other, nobody] {
            let refused = world.api.exercise(world.request(request.clone())).await.unwrap_err();
            assert_eq!(refused.code(), Code::InvalidArgument, "{request:?}");
        }
        assert_eq!(world.count("gatherings").await, 0);
        world.end().await;
    }
}
