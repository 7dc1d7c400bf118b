//! The scheduling service of the tests: a term with the closures that it is told of.

use std::sync::{Arc, Mutex};

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};
use kit::clock::Clock;
use kit::rejection::Rejection;
use neighbours::Neighbours;
use proto::events::scope::Scope;
use proto::ids::ClosureId;
use proto::scheduling::v1 as pb;
use proto::scheduling::v1::scheduling_service_server::{SchedulingService, SchedulingServiceServer};
use tonic::{Request, Response, Status};

/// What the calendar says, of every school alike: a term from 2 November to 18 December 2026, with
/// an INSET day on Friday 27 November.
#[derive(Clone, Default)]
pub struct Timetable {
    closures: Arc<Mutex<Vec<pb::Closure>>>,
    away: Arc<Mutex<bool>>,
    asked: Arc<Mutex<usize>>,
}

impl Timetable {
    /// This, and a directory beside it, as the neighbours of absences.
    pub async fn beside_a_directory(&self, clock: &Clock) -> Neighbours {
        let scheduling = SchedulingServiceServer::new(self.clone());
        Neighbours::start_with("absences", clock, |routes| routes.add_service(scheduling)).await
    }

    /// Closes the school, or a part of it, on these days.
    pub fn close(&self, scope: &Scope, from: pb::Session, days: (&str, &str)) -> ClosureId {
        let id = ClosureId::generate();
        self.closures.lock().unwrap().push(pb::Closure {
            id: id.to_string(),
            audience: Some(scope.audience()),
            first_day: days.0.to_owned(),
            from: from.into(),
            no_register_from_day: days.0.to_owned(),
            no_register_from: from.into(),
            last_day: days.1.to_owned(),
            state: pb::ClosureState::Declared.into(),
            version: 1,
            ..Default::default()
        });
        id
    }

    /// Ends a closure: from this day on nothing of it is closed.
    pub fn end(&self, id: ClosureId, not_closed_from: &str) {
        let mut closures = self.closures.lock().unwrap();
        let closure = closures.iter_mut().find(|closure| closure.id == id.to_string()).unwrap();
        closure.set_state(pb::ClosureState::Ended);
        closure.not_closed_from = not_closed_from.to_owned();
    }

    pub fn go_away(&self) {
        *self.away.lock().unwrap() = true;
    }

    pub fn come_back(&self) {
        *self.away.lock().unwrap() = false;
    }

    /// How often it was asked for the calendar.
    pub fn asked(&self) -> usize {
        *self.asked.lock().unwrap()
    }
}

fn kind(day: Date) -> pb::DayKind {
    if !(date(2026, 11, 2)..=date(2026, 12, 18)).contains(&day) {
        pb::DayKind::OutsideTerm
    } else if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
        pb::DayKind::Weekend
    } else if day == date(2026, 11, 27) {
        pb::DayKind::Inset
    } else {
        pb::DayKind::SchoolDay
    }
}

fn not_needed<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("no test needs it"))
}

#[tonic::async_trait]
impl SchedulingService for Timetable {
    async fn get_calendar(
        &self,
        request: Request<pb::GetCalendarRequest>,
    ) -> Result<Response<pb::GetCalendarResponse>, Status> {
        *self.asked.lock().unwrap() += 1;
        if *self.away.lock().unwrap() {
            return Err(Status::unavailable("away"));
        }
        let days = request.into_inner();
        let (first, last): (Date, Date) = (days.first_day.parse().unwrap(), days.last_day.parse().unwrap());
        if (last - first).get_days() >= 400 {
            return Err(Rejection::invalid("TOO_LONG", "last_day", "must be at most 400 days").into());
        }
        let day = |day: Date| pb::Day { date: day.to_string(), kind: kind(day).into() };
        Ok(Response::new(pb::GetCalendarResponse {
            days: first.series(1.day()).take_while(|day| *day <= last).map(day).collect(),
            closures: self.closures.lock().unwrap().clone(),
            time_zone: "Europe/London".to_owned(),
        }))
    }

    async fn declare_closure(
        &self,
        _: Request<pb::DeclareClosureRequest>,
    ) -> Result<Response<pb::DeclareClosureResponse>, Status> {
        not_needed()
    }

    async fn change_closure(
        &self,
        _: Request<pb::ChangeClosureRequest>,
    ) -> Result<Response<pb::ChangeClosureResponse>, Status> {
        not_needed()
    }

    async fn end_closure(
        &self,
        _: Request<pb::EndClosureRequest>,
    ) -> Result<Response<pb::EndClosureResponse>, Status> {
        not_needed()
    }

    async fn list_closures(
        &self,
        _: Request<pb::ListClosuresRequest>,
    ) -> Result<Response<pb::ListClosuresResponse>, Status> {
        not_needed()
    }

    async fn set_non_school_day(
        &self,
        _: Request<pb::SetNonSchoolDayRequest>,
    ) -> Result<Response<pb::SetNonSchoolDayResponse>, Status> {
        not_needed()
    }

    async fn count_school_days(
        &self,
        _: Request<pb::CountSchoolDaysRequest>,
    ) -> Result<Response<pb::CountSchoolDaysResponse>, Status> {
        not_needed()
    }
}
