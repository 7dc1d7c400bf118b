//! `GetCalendar`: what each day of a time is, and the closures that close some of it. Other services
//! ask it for every register: one question to the directory, two reads.

use jiff::ToSpan;
use jiff::civil::Date;
use kit::fields::{Fault, Fields};
use kit::identity::Caller;
use proto::scheduling::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, fields, refusal, wire};
use crate::domain::Calendar;
use crate::store::read::{self, Days};

/// How many days are told at once: a school year and what surrounds it.
const MOST_DAYS: usize = 400;

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::GetCalendarRequest>,
) -> Result<Response<pb::GetCalendarResponse>, Status> {
    let school = Caller::of(&request)?.tenant;
    let (first_day, last_day) = read(&request.into_inner())?;
    let described = api.directory.school(school).await?;
    let set_asides = read::set_asides(&api.store, school).await?;
    let days = Days { first: Some(first_day), last: Some(last_day) };
    let closures = read::closing(&api.store, school, days).await?;
    let time_zone = described.described.time_zone.clone();
    let calendar = Calendar::new(described.described.clone(), set_asides);
    let days = until(first_day, last_day)
        .map(|day| pb::Day { date: day.to_string(), kind: wire::day_kind(calendar.kind(day)).into() });
    let closures = closures.iter().map(|closure| wire::closure_of_registers(closure, &described.clocks));
    let (days, closures) = (days.collect(), closures.collect::<Result<_, _>>().map_err(refusal::status)?);
    Ok(Response::new(pb::GetCalendarResponse { days, closures, time_zone }))
}

fn read(request: &pb::GetCalendarRequest) -> Result<(Date, Date), Status> {
    let mut wrong = Fields::default();
    for (field, text) in [("first_day", &request.first_day), ("last_day", &request.last_day)] {
        if text.is_empty() {
            wrong.add(Fault::new(field, "REQUIRED", "must be a date as in 2026-11-24"));
        }
    }
    let days = fields::days(&mut wrong, &request.first_day, &request.last_day);
    let days = days.and_then(|days| days.first.zip(days.last));
    if days.is_some_and(|(first, last)| until(first, last).nth(MOST_DAYS).is_some()) {
        wrong.add(Fault::new(
            "last_day",
            "TOO_LONG",
            format!("must make at most {MOST_DAYS} days with the first"),
        ));
    }
    wrong.finish(days)
}

fn until(first_day: Date, last_day: Date) -> impl Iterator<Item = Date> {
    first_day.series(1.day()).take_while(move |day| *day <= last_day)
}
