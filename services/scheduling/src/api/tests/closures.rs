//! A closure from its declaration to its change.

use kit::testing::answers::{fields, reason, sealed};
use proto::scheduling::v1 as pb;
use proto::scheduling::v1::scheduling_service_server::SchedulingService;
use serde_json::json;
use tonic::Code;

use super::fixture::{TODAY, TOMORROW, World, change, classes, closure, metadata, whole_school, years};

#[tokio::test]
async fn a_declared_closure_is_said_at_once_with_everything_that_its_words_need() {
    for world in World::each().await {
        let closure_id = world.close(TODAY, TOMORROW).await.unwrap();
        let said = world.said().await;
        assert_eq!(world.names().await, [("closure_declared".to_owned(), 1)], "{}", world.backend);
        assert_eq!(said[0].subject, closure_id);
        assert_eq!(
            said[0].data,
            json!({
                "scope": "whole_school",
                "first_day": TODAY,
                "from": "morning",
                "last_day": TOMORROW,
                "reason": "The heating has failed",
                "collection": "From the hall until 10:30",
                "tell_until": "2026-11-26T00:00:00Z",
            })
        );
        assert_eq!(world.audit().await, [("DeclareClosure".to_owned(), json!([closure_id]).to_string())]);
        let listed = world.list("", "").await;
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].id.as_str(), listed[0].version), (closure_id.as_str(), 1));
        assert_eq!(listed[0].audience, Some(whole_school()));
        assert_eq!(listed[0].state, i32::from(pb::ClosureState::Declared));
    }
}

#[tokio::test]
async fn the_same_request_declares_one_closure() {
    for world in World::each().await {
        let message = closure(whole_school(), TODAY, TODAY);
        let first = world.declare(message.clone()).await.unwrap();
        assert_eq!(world.declare(message).await.unwrap(), first);
        assert_eq!(world.names().await.len(), 1, "{}", world.backend);
    }
}

#[tokio::test]
async fn an_overlap_is_refused_by_the_pupils_and_names_the_other_closure() {
    for world in World::each().await {
        let directory = &world.neighbours.directory;
        let [ash, elm] = ["3", "4"].map(|year_group| directory.class(1, year_group).0);
        let first = world.declare(closure(years(&["3"]), TODAY, TOMORROW)).await.unwrap();
        for (audience, day, free) in [
            (whole_school(), TOMORROW, false),
            (years(&["3", "4"]), TODAY, false),
            (classes(&[ash]), TODAY, false),
            (classes(&[elm]), TODAY, true),
            (years(&["3"]), "2026-11-26", true),
        ] {
            let answer = world.declare(closure(audience.clone(), day, day)).await;
            if free {
                answer.unwrap();
                continue;
            }
            let refused = answer.unwrap_err();
            assert_eq!(refused.code(), Code::FailedPrecondition, "{audience:?} on {}", world.backend);
            assert_eq!(metadata(&refused, "closure_id").as_deref(), Some(first.as_str()));
            assert_eq!(reason(Err::<(), _>(refused)), "OVERLAPPING_CLOSURE");
        }
        // The year group meets the class that is closed already.
        assert_eq!(reason(world.declare(closure(years(&["4"]), TODAY, TODAY)).await), "OVERLAPPING_CLOSURE");
        assert_eq!(reason(world.extend(&first, "2026-11-26").await), "OVERLAPPING_CLOSURE");
        assert_eq!(world.names().await.len(), 3, "what was refused left nothing");
    }
}

#[tokio::test]
async fn a_mistyped_year_group_or_class_is_never_silently_left_out() {
    for world in World::each().await {
        world.neighbours.directory.class(1, "3");
        let refused = world.declare(closure(years(&["3", "13"]), TODAY, TODAY)).await.unwrap_err();
        assert_eq!(fields(&refused), ["audience.year_groups.year_groups[1]"], "{}", world.backend);
        assert_eq!(reason(Err::<(), _>(refused)), "AUDIENCE_EMPTY");
        let nobody = classes(&[proto::ids::ClassId::generate()]);
        let refused = world.declare(closure(nobody, TODAY, TODAY)).await.unwrap_err();
        assert_eq!(fields(&refused), ["audience.classes.class_ids[0]"]);
        world.declare(closure(years(&[" 3 "]), TODAY, TODAY)).await.unwrap();
    }
}

#[tokio::test]
async fn a_change_is_said_in_a_new_version_and_nothing_new_is_not() {
    for world in World::each().await {
        let closure_id = world.close(TODAY, TODAY).await.unwrap();
        assert_eq!(world.extend(&closure_id, TODAY).await.unwrap(), 1);
        assert_eq!(world.change(change(&closure_id)).await.unwrap(), 1);
        assert_eq!(world.extend(&closure_id, TOMORROW).await.unwrap(), 2, "{}", world.backend);
        let words = pb::ChangeClosureRequest {
            reason: Some("The road is icy".to_owned()),
            collection: Some(String::new()),
            ..change(&closure_id)
        };
        assert_eq!(world.change(words).await.unwrap(), 3);
        let said = world.said().await;
        let names: Vec<(&str, u64)> = said.iter().map(|said| (said.name.as_str(), said.version)).collect();
        assert_eq!(names, [("closure_declared", 1), ("closure_changed", 2), ("closure_changed", 3)]);
        assert!(said.iter().all(|said| said.subject == closure_id));
        assert_eq!(said[1].data["last_day"], TOMORROW);
        assert_eq!(said[1].data["tell_until"], "2026-11-26T00:00:00Z");
        assert_eq!(said[2].data["reason"], "The road is icy");
        assert_eq!(said[2].data["collection"], json!(null), "empty takes the words away");
        let history = world.history(&closure_id).await;
        let versions: Vec<_> = history.iter().map(|(version, rpc, ..)| (*version, rpc.as_str())).collect();
        assert_eq!(versions, [(1, "DeclareClosure"), (2, "ChangeClosure"), (3, "ChangeClosure")]);
    }
}

#[tokio::test]
async fn closures_are_listed_by_their_days_page_by_page() {
    for world in World::each().await {
        let days = ["2026-11-24", "2026-11-26", "2026-11-30"];
        let mut ids = Vec::new();
        for day in days {
            ids.push(world.close(day, day).await.unwrap());
        }
        for (first, last, found) in [
            ("", "", &ids[..]),
            ("2026-11-25", "", &ids[1..]),
            ("", "2026-11-29", &ids[..2]),
            ("2026-11-26", "2026-11-26", &ids[1..2]),
            ("2026-12-01", "", &[]),
            ("-001000-01-01", "", &ids[..]),
        ] {
            let listed: Vec<String> =
                world.list(first, last).await.into_iter().map(|closure| closure.id).collect();
            assert_eq!(listed, found, "{first} to {last} on {}", world.backend);
        }
        let (mut token, mut walked) = (String::new(), Vec::new());
        for _ in 0..3 {
            let message = pb::ListClosuresRequest { page_size: 1, page_token: token, ..Default::default() };
            let page = world.api.list_closures(world.request(message)).await.unwrap().into_inner();
            walked.extend(page.closures.into_iter().map(|closure| closure.id));
            token = page.next_page_token;
        }
        assert_eq!((walked, token.as_str()), (ids, ""));
    }
}

#[tokio::test]
async fn a_closure_of_another_school_is_not_there() {
    for world in World::each().await {
        let closure_id = world.close(TODAY, TODAY).await.unwrap();
        let stranger = kit::Tenant::generate();
        let message = pb::EndClosureRequest {
            request_id: super::fixture::fresh(),
            closure_id: closure_id.clone(),
            open_on: String::new(),
        };
        let answer = world.api.end_closure(super::fixture::request_of(stranger, message)).await;
        assert_eq!(reason(sealed(answer)), "UNKNOWN_CLOSURE", "{}", world.backend);
        let unknown = proto::ids::ClosureId::generate().to_string();
        assert_eq!(reason(world.extend(&unknown, TOMORROW).await), "UNKNOWN_CLOSURE");
    }
}

#[tokio::test]
async fn the_pupils_of_the_largest_part_are_read_whole() {
    for world in World::each().await {
        let class_id = world.neighbours.directory.class(1, &"ż".repeat(3 << 20)).0;
        world.declare(closure(classes(&[class_id]), TODAY, TODAY)).await.unwrap();
    }
}
