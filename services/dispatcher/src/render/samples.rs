//! What every template is rendered with before an installation starts: one of each kind of thing
//! that can be said. `schoolbell check` goes through them; nothing of them is ever sent.

use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use proto::events::absences::Session;
use proto::events::incidents::{AccidentKind, AccidentRecorded, FirstAid};
use proto::events::messaging::{AnnouncementSent, Letter};
use proto::events::scheduling::{Closure, ClosureEnded};
use proto::events::scope::Scope;
use proto::ids::PupilId;

use crate::directory::School;
use crate::domain::{About, NoticeKind};

pub(super) const NAMES: &[&str] = &["Maya"];
const DAY: Date = date(2026, 11, 24);

/// When it is sent: on the day on which it happened, and days later.
pub(super) const TIMES: [Timestamp; 2] = [Timestamp::UNIX_EPOCH, Timestamp::constant(3 * 86_400, 0)];

pub(super) fn school() -> School {
    School { name: "Elm Park Primary School".into(), phone: "01632 960001".into(), zone: TimeZone::UTC }
}

pub(super) fn of(kind: NoticeKind) -> Vec<About> {
    let scopes = || [Scope::WholeSchool, Scope::YearGroups(vec!["Year 1".into()])];
    match kind {
        NoticeKind::AbsenceUnexplained | NoticeKind::AbsenceCorrection => {
            [Session::Morning, Session::Afternoon].map(|session| About::Absence { date: DAY, session }).into()
        }
        NoticeKind::FirstAid => accidents(AccidentKind::Minor),
        NoticeKind::HeadInjury => accidents(AccidentKind::HeadInjury),
        NoticeKind::ClosureDeclared | NoticeKind::ClosureChanged => {
            let closures = scopes().into_iter().flat_map(|scope| {
                [date(2026, 11, 24), date(2026, 11, 25)].map(|last_day| closure(scope.clone(), last_day))
            });
            closures.map(About::Closure).collect()
        }
        NoticeKind::Reopening => scopes()
            .map(|scope| {
                About::Reopening(ClosureEnded {
                    scope,
                    open_on: DAY,
                    not_closed_from: DAY,
                    tell_until: Timestamp::UNIX_EPOCH,
                })
            })
            .into(),
        NoticeKind::Announcement | NoticeKind::AnnouncementCorrection => {
            vec![About::Announcement(AnnouncementSent {
                scope: Scope::WholeSchool,
                email: Some(Letter { subject: "Museum visit".into(), body: "Bring a packed lunch.".into() }),
                text: Some("Bring a packed lunch tomorrow.".into()),
                tell_until: Timestamp::UNIX_EPOCH,
            })]
        }
    }
}

fn accidents(kind: AccidentKind) -> Vec<About> {
    let accident = |first_aid| AccidentRecorded {
        pupil_id: PupilId::from_uuid(uuid::Uuid::nil()),
        kind,
        what: "Tripped over a ball".into(),
        place: "playground".into(),
        happened_at: Timestamp::UNIX_EPOCH,
        first_aid,
        tell_until: Timestamp::UNIX_EPOCH,
    };
    vec![
        About::Accident(accident(FirstAid::Given("a cold pack".into()))),
        About::AmendedAccident(accident(FirstAid::None("nothing was to be seen".into()))),
    ]
}

fn closure(scope: Scope, last_day: Date) -> Closure {
    Closure {
        scope,
        first_day: DAY,
        from: Session::Morning,
        last_day,
        reason: "heavy snow".into(),
        collection: Some("Please collect children from the hall by 12:30".into()),
        tell_until: Timestamp::UNIX_EPOCH,
    }
}
