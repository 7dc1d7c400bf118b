//! A reopening and the closure that it ends: both are shown as long as both are true.

use super::*;

const CLOSURE: &str = "clo_0192f0c1000070008000000000000002";
const BOTH: [&str; 2] =
    ["School is closed on Tuesday 24 November", "School is open on Wednesday 25 November"];

async fn reopened(orders: [usize; 3]) -> Vec<World> {
    let (tuesday, wednesday, friday) = (date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 27));
    let worlds = worlds().await;
    for world in &worlds {
        for order in orders {
            match order {
                0 => world.hear(CLOSURE, 1, "2026-11-24T06:12:00Z", closed_for(tuesday, tuesday)).await,
                1 => world.hear(CLOSURE, 2, "2026-11-24T06:40:00Z", closed_for(tuesday, friday)).await,
                _ => world.hear(CLOSURE, 3, "2026-11-24T08:40:00Z", open_on(wednesday)).await,
            }
        }
    }
    worlds
}

#[tokio::test]
async fn closed_today_and_open_tomorrow_are_both_shown_in_whatever_order_they_come() {
    for orders in [[0, 1, 2], [2, 1, 0], [2, 0, 1]] {
        for world in reopened(orders).await {
            assert_eq!(world.headlines().await, BOTH, "{} {orders:?}", world.test.backend);
            for name in ["", "banner"] {
                let page = parsed::html(&world.get(name).await.body);
                assert_eq!(parsed::texts(&page, "h2"), BOTH, "{name}");
            }
            assert_eq!(parsed::atom(&world.get("alerts.atom").await.body, "title")[1..], BOTH);
            let ids = parsed::atom(&world.get("alerts.atom").await.body, "id");
            assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 3, "{ids:?}");
        }
    }
}

#[tokio::test]
async fn what_the_closure_said_of_later_days_is_gone_and_stays_gone() {
    for world in reopened([0, 1, 2]).await {
        let json: serde_json::Value = serde_json::from_str(&world.get("alerts.json").await.body).unwrap();
        let closure = &json["alerts"][0];
        assert_eq!((&closure["kind"], &closure["pressing"]), (&"closure".into(), &true.into()));
        assert_eq!(closure["expires_at"], "2026-11-25T00:00:00Z");
        assert_eq!(closure["until"], "until the end of Tuesday 24 November 2026");
        assert_eq!(json["alerts"][1]["pressing"], false);
        // After the reopening's last day the closure would stand until Friday.
        for (now, shown) in [("2026-11-25T00:00:00Z", &BOTH[1..]), ("2026-11-26T08:00:00Z", &[])] {
            world.set_clock(now);
            assert_eq!(world.headlines().await, shown, "{now}");
            let page = world.get("").await.body;
            assert!(!page.contains("School is closed"), "{page}");
        }
    }
}

#[tokio::test]
async fn a_reopening_never_reads_like_a_closure() {
    for world in reopened([0, 1, 2]).await {
        let json: serde_json::Value = serde_json::from_str(&world.get("alerts.json").await.body).unwrap();
        let alerts = json["alerts"].as_array().unwrap().iter();
        let mut open = alerts.filter(|alert| alert["kind"] == "reopening").map(ToString::to_string);
        assert!(open.all(|words| !words.to_lowercase().replace(CLOSURE, "").contains("clos")));
        world.set_clock("2026-11-25T08:00:00Z");
        let page = world.get("").await.body.to_lowercase();
        assert!(page.contains("open again") && !page.contains("clos"), "{page}");
    }
}

#[tokio::test]
async fn a_closure_that_begins_today_presses_and_one_of_next_week_does_not() {
    for world in worlds().await {
        world.hear("clo_now", 1, NOW, closed_for(date(2026, 11, 24), date(2026, 12, 4))).await;
        world.hear("clo_then", 1, NOW, closed_for(date(2026, 12, 7), date(2026, 12, 7))).await;
        let json: serde_json::Value = serde_json::from_str(&world.get("alerts.json").await.body).unwrap();
        let pressing =
            |place: usize| (json["alerts"][place]["id"].clone(), json["alerts"][place]["pressing"].clone());
        assert_eq!(pressing(0), ("clo_now".into(), true.into()));
        assert_eq!(pressing(1), ("clo_then".into(), false.into()));
    }
}

#[tokio::test]
async fn what_was_kept_before_alerts_had_kinds_is_shown_after_the_upgrade() {
    use sea_orm::ConnectionTrait;
    for test in kit::testing::stores("website", &store::MIGRATIONS[..1]).await {
        let school = SchoolId::generate();
        let row = format!(
            "INSERT INTO alerts VALUES ('{school}', 'clo_x', 4, 'closure', 'Closed today', 'Snow.', {at}, {end})",
            at = 1_795_500_720_000_000_i64,
            end = 1_795_564_800_000_000_i64,
        );
        let news = format!("INSERT INTO schools VALUES ('{school}', 1, 1)");
        for sql in [row, news] {
            test.store
                .commit(kit::store::Commit::new().execute(test.store.statement(&sql, [])))
                .await
                .unwrap();
        }
        test.store.close().await.unwrap();
        let later = test.open_again("website", store::MIGRATIONS).await;
        assert!(later.read().query_all_raw(later.statement("SELECT outline FROM alerts", [])).await.is_ok());
        let site = site(&later);
        let world = World { reactions: reactions::all(&later), site, school, test };
        assert_eq!(world.headlines().await, ["Closed today"], "{}", world.test.backend);
    }
}
