//! Silence: healthy as long as everybody who is heard is known to be heard, and said plainly when not.

use std::collections::BTreeMap;

use kit::bus::pulse::Pulses;
use kit::testing::eventually;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::reactions::SAYERS;
use crate::store::keep;

const SINCE: &str =
    "We have had no contact with the school's systems since 06:10 today, Tuesday 24 November 2026.";

/// Everybody who is heard was last known to be at this time.
pub async fn in_touch(store: &Store, at: &str) {
    touched(store, &SAYERS, at).await;
}

async fn touched(store: &Store, sayers: &[&'static str], at: &str) {
    let beats = sayers.iter().map(|sayer| (*sayer, at.parse().unwrap())).collect::<BTreeMap<_, _>>();
    store.commit(keep::touch(store, &beats)).await.unwrap();
}

async fn json(world: &World) -> serde_json::Value {
    serde_json::from_str(&world.get("alerts.json").await.body).unwrap()
}

async fn said() -> Vec<World> {
    let worlds = worlds().await;
    for world in &worlds {
        world.hear(&closure_id(), 1, "2026-11-24T06:00:00Z", closed("Closed today")).await;
    }
    worlds
}

#[tokio::test]
async fn a_page_that_is_cut_off_says_so_and_since_when_and_shows_what_it_has() {
    for world in said().await {
        in_touch(&world.test.store, "2026-11-24T06:10:00Z").await;
        // In a frame of little height the alert must be seen; on the page there is room for both.
        for (name, shown) in [
            ("", ["We may be missing news", "Closed today"]),
            ("banner", ["Closed today", "We may be missing news"]),
        ] {
            let page = parsed::html(&world.get(name).await.body);
            assert_eq!(parsed::texts(&page, "h2"), shown, "{} {name}", world.test.backend);
            assert!(parsed::texts(&page, "p").iter().any(|words| words.starts_with(SINCE)));
            assert!(!page.iter().any(|element| element.text.contains("was in contact")));
        }
        let json = json(&world).await;
        assert_eq!(json["alerts"].as_array().unwrap().len(), 1);
        assert_eq!(json["no_contact"]["since"], "2026-11-24T06:10:00Z");
        let words = json["no_contact"]["words"].as_str().unwrap();
        assert!(words.starts_with(SINCE) && words.ends_with("ring the school."), "{words}");
    }
}

#[tokio::test]
async fn whoever_is_cut_off_does_not_say_that_there_are_no_alerts() {
    for world in said().await {
        world.set_clock("2026-11-25T08:00:00Z");
        in_touch(&world.test.store, "2026-11-25T06:10:00Z").await;
        for name in ["", "banner"] {
            let body = world.get(name).await.body;
            assert!(!body.contains("There are no") && !body.contains("No alerts"), "{body}");
        }
        in_touch(&world.test.store, "2026-11-25T08:00:00Z").await;
        assert!(world.get("").await.body.contains("There are no alerts"));
        assert!(world.get("").await.body.contains("this page was in contact with the school"));
        assert!(world.get("banner").await.body.contains("There are no"));
    }
}

#[tokio::test]
async fn one_of_those_who_are_heard_is_enough_to_be_cut_off() {
    for world in said().await {
        in_touch(&world.test.store, NOW).await;
        assert!(json(&world).await["no_contact"].is_null());
        for sayer in SAYERS {
            in_touch(&world.test.store, NOW).await;
            touched(&world.test.store, &[sayer], "2026-11-24T06:10:00Z").await;
            assert_eq!(json(&world).await["no_contact"]["since"], "2026-11-24T06:10:00Z", "{sayer}");
        }
    }
}

#[tokio::test]
async fn a_healthy_silence_changes_no_document_and_a_lasting_one_changes_it_once() {
    for world in said().await {
        in_touch(&world.test.store, NOW).await;
        let tags = async || {
            let mut tags = Vec::new();
            for name in ["", "banner", "alerts.json", "alerts.atom"] {
                tags.push(world.get(name).await.header("etag").to_owned());
            }
            tags
        };
        let healthy = tags().await;
        world.set_clock("2026-11-24T08:54:59Z");
        assert_eq!(tags().await, healthy);
        in_touch(&world.test.store, "2026-11-24T08:54:59Z").await;
        assert_eq!(tags().await, healthy);
        world.set_clock("2026-11-24T08:59:59Z");
        let cut_off = tags().await;
        assert_eq!(cut_off[3], healthy[3], "a feed has news only");
        assert!(cut_off.iter().zip(&healthy).take(3).all(|(now, before)| now != before));
        world.set_clock("2026-11-24T11:00:00Z");
        assert_eq!(tags().await, cut_off);
        in_touch(&world.test.store, "2026-11-24T11:00:00Z").await;
        assert_eq!(tags().await, healthy);
    }
}

#[tokio::test]
async fn who_was_never_known_to_be_heard_is_as_old_as_the_last_thing_heard() {
    for world in said().await {
        let forget = world.test.store.statement("DELETE FROM touch", []);
        world.test.store.commit(kit::store::Commit::new().execute(forget)).await.unwrap();
        assert!(json(&world).await["no_contact"].is_null());
        world.set_clock("2026-11-24T08:55:00Z");
        assert_eq!(json(&world).await["no_contact"]["since"], NOW);
    }
}

#[tokio::test]
async fn beats_are_kept_across_a_restart_and_not_each_of_them() {
    for mut world in said().await {
        let (pulses, stop) = (Pulses::default(), CancellationToken::new());
        in_touch(&world.test.store, "2026-11-24T06:10:00Z").await;
        let patience = jiff::SignedDuration::from_secs(300);
        let loop_ = crate::touch::remember(world.test.store.clone(), pulses.clone(), patience, stop.clone());
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(loop_);
        let since = async || json(&world).await["no_contact"]["since"].clone();
        for (sayer, expected) in
            SAYERS.into_iter().zip(["2026-11-24T06:10:00Z".into(), serde_json::Value::Null])
        {
            pulses.beat(sayer, NOW.parse().unwrap());
            eventually("the kept beat", expected, &since).await;
        }
        // Half a minute is a tenth of the patience: the first of these beats is not written, the second is.
        for (at, kept) in [("2026-11-24T08:50:29Z", NOW), ("2026-11-24T08:50:30Z", "2026-11-24T08:50:30Z")] {
            for sayer in SAYERS {
                pulses.beat(sayer, at.parse().unwrap());
            }
            world.set_clock("2026-11-24T12:00:00Z");
            eventually("the kept beat", kept.into(), &since).await;
        }
        stop.cancel();
        tasks.join_next().await.unwrap().unwrap().unwrap();
        world.test.store.close().await.unwrap();
        world.site = site(&world.test.open_again("website", store::MIGRATIONS).await);
        assert_eq!(json(&world).await["no_contact"]["since"], "2026-11-24T08:50:30Z");
    }
}
