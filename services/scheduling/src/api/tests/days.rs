//! Days that the school sets aside, and the calendar that is said of them.

use jiff::civil::date;
use kit::testing::answers::{reason, sealed};
use proto::events::directory::{SchoolDescribed, Term};
use proto::scheduling::v1 as pb;
use proto::scheduling::v1::NonSchoolDay::{Inset, None as Nothing, Occasional};
use proto::scheduling::v1::scheduling_service_server::SchedulingService;
use serde_json::json;

use super::fixture::{TODAY, World, fresh};

fn described() -> SchoolDescribed {
    let (first_day, last_day) = (date(2027, 4, 12), date(2027, 5, 28));
    SchoolDescribed {
        name: "Elm Park Primary School".to_owned(),
        time_zone: "Europe/London".to_owned(),
        terms: vec![Term { title: "Summer term".to_owned(), first_day, last_day }],
    }
}

#[tokio::test]
async fn a_day_that_is_set_aside_is_no_school_day_and_the_whole_calendar_is_said() {
    for world in World::each().await {
        world.set("2026-11-27", Inset).await.unwrap();
        world.set("2026-11-26", Occasional).await.unwrap();
        let said = world.said().await;
        assert_eq!(
            world.names().await,
            [("calendar_changed".to_owned(), 1), ("calendar_changed".to_owned(), 2)],
            "{}",
            world.backend
        );
        assert_eq!(said[1].subject, world.school.to_string());
        assert_eq!(said[1].data["school_name"], "Elm Park Primary School");
        assert_eq!(said[1].data["time_zone"], "Europe/London");
        assert_eq!(said[1].data["terms"].as_array().unwrap().len(), 3);
        assert_eq!(
            said[1].data["non_school_days"],
            json!([
                { "date": "2026-11-26", "kind": "occasional" },
                { "date": "2026-11-27", "kind": "inset" },
                { "date": "2027-05-03", "kind": "bank_holiday" },
            ])
        );
        assert_eq!(world.count("2026-11-25", 1).await.unwrap(), "2026-11-30");
        assert_eq!(reason(world.close("2026-11-27", "2026-11-27").await), "NOT_A_SCHOOL_DAY");
    }
}

#[tokio::test]
async fn a_day_can_be_taken_back_and_what_changes_nothing_says_nothing() {
    for world in World::each().await {
        world.set("2026-11-27", Nothing).await.unwrap();
        assert!(world.names().await.is_empty(), "{}", world.backend);
        world.set("2026-11-27", Inset).await.unwrap();
        world.set("2026-11-27", Inset).await.unwrap();
        assert_eq!(world.names().await.len(), 1);
        world.set("2026-11-27", Nothing).await.unwrap();
        let said = world.said().await.pop().unwrap();
        assert_eq!(said.version, 2);
        assert_eq!(said.data["non_school_days"].as_array().unwrap().len(), 1, "the bank holiday stays");
        assert_eq!(world.count("2026-11-26", 1).await.unwrap(), "2026-11-27");
        world.set("2026-11-27", Occasional).await.unwrap();
        assert_eq!(world.audit().await.len(), 5, "whoever asks is written down");
    }
}

#[tokio::test]
async fn only_a_coming_weekday_of_a_term_can_be_set_aside() {
    for world in World::each().await {
        for (date, wanted) in [
            ("2026-11-23", "PAST_DAY"),
            ("2026-11-28", "NOT_A_SCHOOL_DAY"),
            ("2027-05-03", "NOT_A_SCHOOL_DAY"),
            ("2026-12-21", "OUTSIDE_TERM"),
            ("27.11.2026", "INVALID_DATE"),
        ] {
            assert_eq!(reason(world.set(date, Inset).await), wanted, "{date} on {}", world.backend);
        }
        assert_eq!(reason(world.set(TODAY, pb::NonSchoolDay::Unspecified).await), "REQUIRED");
        let unknown = pb::SetNonSchoolDayRequest { request_id: fresh(), date: TODAY.to_owned(), kind: 9 };
        let answer = world.api.set_non_school_day(world.request(unknown)).await;
        assert_eq!(reason(sealed(answer)), "UNKNOWN_KIND");
        assert!(world.names().await.is_empty());
        for kind in [Occasional, Nothing] {
            assert_eq!(reason(world.set(TODAY, kind).await), "PAST_DAY", "its registers are being taken");
        }
        world.at("2026-11-24T08:49");
        world.set(TODAY, Occasional).await.unwrap();
    }
}

#[tokio::test]
async fn a_school_that_is_described_has_a_calendar_in_a_rising_version() {
    for world in World::each().await {
        let first = world.described(3, described());
        world.hear(&first).await.unwrap();
        world.hear(&first).await.unwrap();
        assert_eq!(world.names().await, [("calendar_changed".to_owned(), 1)], "{}", world.backend);
        let said = world.said().await.remove(0);
        assert_eq!(said.subject, world.school.to_string());
        assert_eq!(said.data["terms"][0]["title"], "Summer term");
        assert_eq!(said.data["non_school_days"], json!([{ "date": "2027-05-03", "kind": "bank_holiday" }]));

        for older in [2, 3] {
            world.hear(&world.described(older, described())).await.unwrap();
        }
        assert_eq!(world.names().await.len(), 1, "old news, in an event of its own");
        world.set("2026-11-27", Inset).await.unwrap();
        let renamed = SchoolDescribed { name: "Elm Park Academy".to_owned(), ..described() };
        world.hear(&world.described(4, renamed)).await.unwrap();
        let said = world.said().await;
        let versions: Vec<u64> = said.iter().map(|said| said.version).collect();
        assert_eq!(versions, [1, 2, 3]);
        assert_eq!(said[2].data["school_name"], "Elm Park Academy");
        assert_eq!(
            said[2].data["non_school_days"].as_array().unwrap().len(),
            1,
            "a day outside the terms means nothing"
        );
        world.hear(&world.described(3, described())).await.unwrap();
        assert_eq!(world.names().await.len(), 3);
    }
}
