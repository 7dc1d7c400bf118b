//! The school's calendar, as this service asks for it: school days and the closures that break them.
//! Answers are not kept, because the next may say that the school is closed.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::SignedDuration;
use jiff::civil::Date;
use kit::Tenant;
use kit::asked::{Asked, LARGEST_ANSWER};
use kit::service::Peer;
use proto::events::absences::Session;
use proto::events::scope::Scope;
use proto::scheduling::v1 as pb;
use proto::scheduling::v1::scheduling_service_client::SchedulingServiceClient;
use tonic::Status;

use crate::domain::Calendar;
use crate::domain::calendar::Day;
use crate::domain::closure::Closure;

const PATIENCE: SignedDuration = SignedDuration::from_secs(5);
/// The reason of a refusal because scheduling is away.
pub const UNAVAILABLE: &str = "SCHEDULING_UNAVAILABLE";
const ASKED: Asked = Asked { peer: "scheduling", unavailable: UNAVAILABLE, passed_on: &["NO_ROSTER"] };

/// The calendar's owner.
#[derive(Clone)]
pub struct Scheduling {
    peer: Peer,
}

impl Scheduling {
    /// The service behind this peer.
    pub fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// What the days of a stretch are, and what is closed in it. At most 400 days.
    pub async fn calendar(&self, school: Tenant, days: RangeInclusive<Date>) -> Result<Calendar, Status> {
        let message =
            pb::GetCalendarRequest { first_day: days.start().to_string(), last_day: days.end().to_string() };
        let request = self.peer.request(school, message, PATIENCE)?;
        let mut client =
            SchedulingServiceClient::new(self.peer.way()).max_decoding_message_size(LARGEST_ANSWER);
        let answer = client.get_calendar(request).await.map_err(|status| ASKED.refused(&status))?;
        let calendar = read_calendar(&answer.into_inner()).filter(|calendar| calendar.knows(&days));
        calendar.ok_or_else(|| ASKED.unreadable())
    }
}

fn read_calendar(answer: &pb::GetCalendarResponse) -> Option<Calendar> {
    let days = answer.days.iter().map(read_day).collect::<Option<BTreeMap<_, _>>>()?;
    Some(Calendar::new(days, answer.closures.iter().map(read_closure).collect::<Option<Vec<_>>>()?))
}

fn read_day(day: &pb::Day) -> Option<(Date, Day)> {
    let kind = match pb::DayKind::try_from(day.kind).ok()? {
        pb::DayKind::Unspecified => return None,
        pb::DayKind::SchoolDay => Day::School,
        pb::DayKind::OutsideTerm => Day::OutsideTerm,
        pb::DayKind::Weekend | pb::DayKind::BankHoliday | pb::DayKind::Inset | pb::DayKind::Occasional => {
            Day::NoSchool
        }
    };
    Some((day.date.parse().ok()?, kind))
}

fn read_closure(closure: &pb::Closure) -> Option<Closure> {
    let from = match closure.no_register_from() {
        pb::Session::Morning => Session::Morning,
        pb::Session::Afternoon => Session::Afternoon,
        pb::Session::Unspecified => return None,
    };
    let last_day: Date = closure.last_day.parse().ok()?;
    let last_day = match closure.state() {
        pb::ClosureState::Unspecified => return None,
        pb::ClosureState::Declared => last_day,
        // What it had closed until then stays closed: its registers are not asked for afterwards.
        pb::ClosureState::Ended => {
            last_day.min(closure.not_closed_from.parse::<Date>().ok()?.yesterday().ok()?)
        }
    };
    Some(Closure {
        scope: Scope::read(closure.audience.as_ref()).ok()?,
        first_day: closure.no_register_from_day.parse().ok()?,
        from,
        last_day,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn an_ended_closure_closes_what_it_had_closed_and_nothing_from_the_day_it_gives_back() {
        let closure = |state: pb::ClosureState, not_closed_from: &str| pb::Closure {
            audience: Some(Scope::WholeSchool.audience()),
            no_register_from_day: "2026-11-24".to_owned(),
            no_register_from: pb::Session::Morning.into(),
            last_day: "2026-11-26".to_owned(),
            state: state.into(),
            not_closed_from: not_closed_from.to_owned(),
            ..Default::default()
        };
        for (state, not_closed_from, last_day) in [
            (pb::ClosureState::Declared, "", Some(date(2026, 11, 26))),
            (pb::ClosureState::Ended, "2026-11-25", Some(date(2026, 11, 24))),
            (pb::ClosureState::Ended, "2026-11-24", Some(date(2026, 11, 23))),
            (pb::ClosureState::Ended, "2026-11-30", Some(date(2026, 11, 26))),
            (pb::ClosureState::Ended, "", None),
            (pb::ClosureState::Unspecified, "", None),
        ] {
            let read = read_closure(&closure(state, not_closed_from));
            assert_eq!(read.map(|closure| closure.last_day), last_day, "{state:?} {not_closed_from}");
        }
    }

    #[test]
    fn a_calendar_without_the_days_that_were_asked_for_is_no_answer() {
        let day = |date: &str, kind: pb::DayKind| pb::Day { date: date.to_owned(), kind: kind.into() };
        let known = pb::GetCalendarResponse {
            days: vec![day("2026-11-24", pb::DayKind::SchoolDay), day("2026-11-25", pb::DayKind::Inset)],
            ..Default::default()
        };
        let calendar = read_calendar(&known).unwrap();
        assert!(calendar.knows(&(date(2026, 11, 24)..=date(2026, 11, 25))));
        assert!(!calendar.knows(&(date(2026, 11, 24)..=date(2026, 11, 26))));
        let days = vec![day("2026-11-24", pb::DayKind::Unspecified)];
        assert_eq!(read_calendar(&pb::GetCalendarResponse { days, ..Default::default() }), None);
    }
}
