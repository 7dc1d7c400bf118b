//! What is kept of facts that come late, twice or in any order, and what of it is shown when.

use super::*;

#[tokio::test]
async fn the_highest_version_of_an_alert_is_shown_in_whatever_order_they_come() {
    for world in worlds().await {
        let id = closure_id();
        for (version, headline) in [(2, "two"), (1, "one"), (3, "three"), (2, "two again")] {
            world.hear(&id, version, NOW, closed(headline)).await;
        }
        assert_eq!(world.headlines().await, ["three"], "{}", world.test.backend);
        let open = alert(AlertKind::Reopening, "Open again from Wednesday", "2026-11-26T00:00:00Z");
        world.hear(&id, 4, NOW, open).await;
        world.hear(&id, 3, NOW, closed("three")).await;
        assert_eq!(world.headlines().await, ["Open again from Wednesday"]);
        let page = world.get("").await.body;
        assert!(page.contains("Open again") && !page.to_lowercase().contains("clos"), "{page}");
    }
}

#[tokio::test]
async fn a_fact_that_is_heard_twice_changes_nothing() {
    for world in worlds().await {
        let event = event(world.school, ("clo_x", 1, NOW), closed("Closed"));
        world.hear_event(&event).await.unwrap();
        let before = world.get("alerts.json").await.body;
        world.set_clock("2026-11-24T09:50:00Z");
        world.hear_event(&event).await.unwrap();
        assert_eq!(world.get("alerts.json").await.body, before);
    }
}

#[tokio::test]
async fn an_alert_goes_by_itself_when_it_expires_and_an_older_version_does_not_bring_it_back() {
    for world in worlds().await {
        let id = closure_id();
        world.hear(&id, 2, NOW, alert(AlertKind::Closure, "short", "2026-11-24T12:00:00Z")).await;
        world.set_clock("2026-11-24T11:59:59Z");
        assert_eq!(world.headlines().await, ["short"]);
        world.set_clock("2026-11-24T12:00:00Z");
        assert_eq!(world.headlines().await, Vec::<String>::new());
        world.hear(&id, 1, NOW, closed("long")).await;
        assert_eq!(world.headlines().await, Vec::<String>::new());
        assert!(world.get("").await.body.contains("There are no alerts"));
        assert!(world.get("banner").await.body.contains("There are no"));
    }
}

#[tokio::test]
async fn a_closure_of_today_comes_before_a_newer_word_about_something_later() {
    for world in worlds().await {
        let later = alert(AlertKind::Closure, "later", "2026-12-05T00:00:00Z");
        world.hear(&closure_id(), 1, "2026-11-24T06:00:00Z", closed("today")).await;
        world.hear(&closure_id(), 1, "2026-11-24T07:00:00Z", later).await;
        let open = alert(AlertKind::Reopening, "open", "2026-11-25T00:00:00Z");
        world.hear(&closure_id(), 1, "2026-11-24T06:30:00Z", open).await;
        assert_eq!(world.headlines().await, ["today", "later", "open"]);
    }
}

#[tokio::test]
async fn the_latest_calendar_stands_whatever_comes_after_it() {
    for world in worlds().await {
        let school = world.school.to_string();
        for (version, name) in [(2, "Elm Park"), (1, "Old name")] {
            world.hear(&school, version, NOW, calendar(name)).await;
        }
        assert!(world.get("").await.body.contains("Elm Park"));
        world.hear(&school, 3, NOW, calendar("Elm Park Primary School")).await;
        assert!(world.get("term.ics").await.body.contains("Elm Park Primary School"));
    }
}

#[tokio::test]
async fn a_school_sees_nothing_of_another_even_of_the_same_subject() {
    for mut world in worlds().await {
        world.hear("clo_same", 1, NOW, closed("first school")).await;
        let first = std::mem::replace(&mut world.school, SchoolId::generate());
        world.hear("clo_same", 1, NOW, closed("second school")).await;
        assert_eq!(world.headlines().await, ["second school"]);
        world.school = first;
        assert_eq!(world.headlines().await, ["first school"]);
    }
}

#[tokio::test]
async fn the_page_says_how_old_the_newest_word_is_also_when_it_came_hours_late() {
    for world in worlds().await {
        world.set_clock("2026-11-24T11:30:00Z");
        world.hear(&closure_id(), 1, "2026-11-24T06:12:00Z", closed("Closed today")).await;
        world.hear(&world.school.to_string(), 1, "2026-11-20T10:00:00Z", calendar("Elm Park")).await;
        let words = "06:12 today, Tuesday 24 November 2026";
        assert_eq!(world.get("").await.body.matches(words).count(), 2, "the alert's and the page's");
        let json: serde_json::Value = serde_json::from_str(&world.get("alerts.json").await.body).unwrap();
        assert_eq!(json["changed_at"], "2026-11-24T06:12:00Z");
        assert_eq!(json["heard_at"], "2026-11-24T11:30:00Z");
        world.set_clock("2026-11-27T08:00:00Z");
        assert!(world.get("").await.body.contains("06:12 on Tuesday 24 November 2026"));
    }
}

#[tokio::test]
async fn a_restart_shows_what_was_heard_before_with_nothing_else_running() {
    for mut world in worlds().await {
        world.hear(&closure_id(), 1, NOW, closed("Closed today")).await;
        let before = world.get("").await.body;
        world.test.store.close().await.unwrap();
        let store = world.test.open_again("website", store::MIGRATIONS).await;
        world.site = site(&store);
        assert_eq!(world.get("").await.body, before);
    }
}

#[tokio::test]
async fn a_fact_of_another_shape_is_put_aside_and_not_shown() {
    for world in worlds().await {
        let event = event(world.school, ("clo_x", 1, NOW), closed("Closed"));
        let mut body = serde_json::to_value(&event).unwrap();
        body["data"]["kind"] = "earthquake".into();
        let subject = subject_of("dispatcher", "website_alert", world.school);
        let raw = Raw { subject, body: body.to_string().into_bytes() };
        let verdict = kit::testing::hear(&world.test.store, &world.reactions, raw).await;
        assert!(matches!(verdict, Err(Verdict::Poison(_))));
        assert_eq!(world.get("").await.status, 404);
    }
}
