//! The end of a closure, and what it was until then.

use kit::testing::answers::reason;
use proto::scheduling::v1 as pb;
use serde_json::json;

use super::fixture::{TODAY, TOMORROW, World, closure, metadata, whole_school, years};

#[tokio::test]
async fn an_end_says_when_children_come_and_none_of_the_closures_words() {
    for world in World::each().await {
        let closure_id = world.close(TODAY, TOMORROW).await.unwrap();
        world.at("2026-11-25T14:00");
        assert_eq!(world.end(&closure_id, "").await.unwrap(), 2, "{}", world.backend);
        let said = world.said().await.pop().unwrap();
        assert_eq!(
            (said.name.as_str(), said.version, said.subject),
            ("closure_ended", 2, closure_id.clone())
        );
        assert_eq!(
            said.data,
            json!({
                "scope": "whole_school",
                "open_on": "2026-11-26",
                "not_closed_from": "2026-11-26",
                "tell_until": "2026-11-27T00:00:00Z",
            })
        );
        assert_eq!(reason(world.end(&closure_id, "").await), "CLOSURE_ENDED");
        assert_eq!(reason(world.extend(&closure_id, "2026-11-27").await), "CLOSURE_ENDED");
        assert_eq!(world.names().await.len(), 2);
        let listed = world.list("", "").await.remove(0);
        assert_eq!(listed.state, i32::from(pb::ClosureState::Ended));
        assert_eq!((listed.open_on.as_str(), listed.version), ("2026-11-26", 2));
        let history = world.history(&closure_id).await.pop().unwrap();
        assert_eq!((history.1.as_str(), history.3.as_str()), ("EndClosure", "ended"));
    }
}

#[tokio::test]
async fn a_closure_that_is_ended_for_tomorrow_still_closes_today() {
    for world in World::each().await {
        let closure_id = world.close(TODAY, "2026-11-27").await.unwrap();
        world.end(&closure_id, TOMORROW).await.unwrap();
        let today = world.calendar(TODAY, TODAY).await.unwrap().closures;
        assert_eq!(today.len(), 1, "{}", world.backend);
        assert_eq!(today[0].not_closed_from, TOMORROW);
        assert!(world.calendar(TOMORROW, "2026-11-27").await.unwrap().closures.is_empty());
        assert_eq!(world.count("2026-11-23", 1).await.unwrap(), TOMORROW);
        world.close(TOMORROW, TOMORROW).await.unwrap();
    }
}

#[tokio::test]
async fn a_closure_that_is_taken_back_before_it_begins_never_closed_anything() {
    for world in World::each().await {
        let closure_id = world.close("2026-11-30", "2026-12-01").await.unwrap();
        world.end(&closure_id, "").await.unwrap();
        let said = world.said().await.pop().unwrap();
        assert_eq!(said.data["open_on"], "2026-11-30", "{}", world.backend);
        assert_eq!(said.data["not_closed_from"], "2026-11-30");
        assert!(world.calendar("2026-11-30", "2026-12-01").await.unwrap().closures.is_empty());
        assert_eq!(world.count("2026-11-27", 1).await.unwrap(), "2026-11-30");
        world.close("2026-11-30", "2026-11-30").await.unwrap();
    }
}

#[tokio::test]
async fn children_are_never_expected_on_a_day_that_is_closed_or_that_nobody_was_told_of() {
    for world in World::each().await {
        world.neighbours.directory.class(1, "3");
        let today = world.close(TODAY, TODAY).await.unwrap();
        let next = world.declare(closure(years(&["3"]), TOMORROW, TOMORROW)).await.unwrap();
        let refused = world.end(&today, TOMORROW).await.unwrap_err();
        assert_eq!(metadata(&refused, "closure_id"), Some(next), "{}", world.backend);
        assert_eq!(reason(Err::<(), _>(refused)), "OVERLAPPING_CLOSURE");
        for (open_on, wanted) in [
            ("2026-11-27", "OPENS_TOO_LATE"),
            ("2026-11-28", "NOT_A_SCHOOL_DAY"),
            ("2026-12-21", "OUTSIDE_TERM"),
            ("2026-11-23", "PAST_DAY"),
            ("tomorrow", "INVALID_DATE"),
        ] {
            assert_eq!(reason(world.end(&today, open_on).await), wanted, "{open_on}");
        }
        world.at("2026-11-24T16:00");
        world.end(&today, "").await.unwrap();
        assert_eq!(world.said().await.pop().unwrap().data["open_on"], "2026-11-26");
    }
}

#[tokio::test]
async fn a_closure_whose_days_have_passed_waits_for_a_person() {
    for world in World::each().await {
        let closure_id = world.close(TODAY, TODAY).await.unwrap();
        world.at("2026-11-25T08:00");
        assert_eq!(world.list("", "").await[0].state, i32::from(pb::ClosureState::Declared));
        assert!(world.calendar(TOMORROW, TOMORROW).await.unwrap().closures.is_empty(), "but closes nothing");
        world.declare(closure(whole_school(), "2026-11-26", "2026-11-26")).await.unwrap();
        world.end(&closure_id, "").await.unwrap();
        assert_eq!(world.said().await.pop().unwrap().data["open_on"], TOMORROW, "{}", world.backend);
    }
}
