//! What other services ask: the days of a time, and counting in school days.

use kit::testing::answers::{fields, reason};
use proto::scheduling::v1 as pb;
use proto::scheduling::v1::NonSchoolDay::{Inset, Occasional};

use super::fixture::{TODAY, World, closure, years};

fn kinds(answer: &pb::GetCalendarResponse) -> Vec<pb::DayKind> {
    answer.days.iter().map(|day| pb::DayKind::try_from(day.kind).unwrap()).collect()
}

#[tokio::test]
async fn every_day_of_a_time_has_its_kind() {
    use pb::DayKind::{
        BankHoliday, Inset as InsetDay, Occasional as OccasionalDay, OutsideTerm, SchoolDay, Weekend,
    };
    for world in World::each().await {
        world.set("2026-11-26", Inset).await.unwrap();
        world.set("2026-11-27", Occasional).await.unwrap();
        let week = world.calendar("2026-11-24", "2026-11-30").await.unwrap();
        assert_eq!(
            kinds(&week),
            [SchoolDay, SchoolDay, InsetDay, OccasionalDay, Weekend, Weekend, SchoolDay],
            "{}",
            world.backend
        );
        assert_eq!((week.days[0].date.as_str(), week.time_zone.as_str()), ("2026-11-24", "Europe/London"));
        let end_of_term = world.calendar("2026-12-18", "2026-12-21").await.unwrap();
        assert_eq!(kinds(&end_of_term), [SchoolDay, OutsideTerm, OutsideTerm, OutsideTerm]);
        assert_eq!(kinds(&world.calendar("2027-05-03", "2027-05-03").await.unwrap()), [BankHoliday]);
    }
}

#[tokio::test]
async fn the_closures_of_a_time_stand_beside_its_days() {
    for world in World::each().await {
        world.neighbours.directory.class(1, "3");
        let snow = pb::DeclareClosureRequest {
            from: pb::Session::Afternoon.into(),
            ..closure(super::fixture::whole_school(), TODAY, "2026-11-25")
        };
        let snow = world.declare(snow).await.unwrap();
        let boiler = world.declare(closure(years(&["3"]), "2026-11-27", "2026-11-27")).await.unwrap();
        for (first, last, found) in [
            ("2026-11-23", "2026-11-23", vec![]),
            (TODAY, TODAY, vec![&snow]),
            ("2026-11-25", "2026-11-27", vec![&snow, &boiler]),
            ("2026-11-26", "2026-11-26", vec![]),
            ("2026-11-28", "2026-12-31", vec![]),
        ] {
            let answer = world.calendar(first, last).await.unwrap();
            let closures: Vec<&String> = answer.closures.iter().map(|closure| &closure.id).collect();
            assert_eq!(closures, found, "{first} to {last} on {}", world.backend);
        }
        let answer = world.calendar(TODAY, TODAY).await.unwrap();
        assert_eq!(answer.closures[0].from, i32::from(pb::Session::Afternoon));
        assert_eq!(kinds(&answer), [pb::DayKind::SchoolDay], "what the calendar says of it stays");
    }
}

#[tokio::test]
async fn the_calendar_costs_one_question_to_the_directory() {
    for world in World::each().await {
        world.calendar(TODAY, TODAY).await.unwrap();
        let before = world.neighbours.directory.calls().len();
        world.calendar("2026-09-01", "2027-08-31").await.unwrap();
        assert_eq!(world.neighbours.directory.calls().len() - before, 1, "{}", world.backend);
        let before = world.neighbours.directory.calls().len();
        world.close(TODAY, TODAY).await.unwrap();
        assert_eq!(
            world.neighbours.directory.calls().len() - before,
            1,
            "nobody counts the pupils of a whole school"
        );
    }
}

#[tokio::test]
async fn a_time_that_is_no_time_or_too_long_is_refused() {
    for world in World::each().await {
        assert_eq!(world.calendar("2026-09-01", "2027-10-05").await.unwrap().days.len(), 400);
        for (first, last, wanted) in [
            ("2026-09-01", "2027-10-06", "TOO_LONG"),
            ("0001-01-01", "9999-12-31", "TOO_LONG"),
            ("2026-11-24", "2026-11-23", "ENDS_BEFORE_IT_STARTS"),
            ("2026-11-24", "", "REQUIRED"),
            ("2026-11-31", "2026-12-31", "INVALID_DATE"),
        ] {
            assert_eq!(reason(world.calendar(first, last).await), wanted, "{first} to {last}");
        }
        let refused = world.calendar("", "").await.unwrap_err();
        assert_eq!(fields(&refused), ["first_day", "last_day"], "{}", world.backend);
    }
}

#[tokio::test]
async fn five_school_days_after_an_n_before_half_term_is_a_friday_two_weeks_later() {
    for world in World::each().await {
        world.at("2026-10-20T08:00");
        world.set("2026-10-23", Inset).await.unwrap();
        assert_eq!(world.count("2026-10-22", 5).await.unwrap(), "2026-11-06", "{}", world.backend);
        let snow = world.close("2026-11-04", "2026-11-05").await.unwrap();
        assert_eq!(world.count("2026-10-22", 5).await.unwrap(), "2026-11-10");
        world.extend(&snow, "2026-11-04").await.unwrap();
        assert_eq!(world.count("2026-10-22", 5).await.unwrap(), "2026-11-09");
        world.end(&snow, "").await.unwrap();
        assert_eq!(world.count("2026-10-22", 5).await.unwrap(), "2026-11-06");
        assert_eq!(world.count("2026-10-24", 0).await.unwrap(), "2026-11-02");
        assert_eq!(reason(world.count("2027-05-28", 1).await), "CALENDAR_ENDS");
        for (from, school_days, wanted) in [
            ("2026-10-22", -1, "OUT_OF_RANGE"),
            ("2026-10-22", 401, "OUT_OF_RANGE"),
            ("x", 1, "INVALID_DATE"),
        ] {
            assert_eq!(reason(world.count(from, school_days).await), wanted);
        }
    }
}
