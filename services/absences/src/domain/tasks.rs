//! What people must do because of a case or a close. A task names ids only; its `why` is a sentence
//! without anybody's name.

use jiff::{SignedDuration, Timestamp};
use kit::Tenant;
use kit::tasks::NewTask;
use proto::events::absences::Session;
use proto::ids::{ClassId, PupilId};
use proto::options::v1::Role;

use super::case::{Case, State};
use super::close::Closing;
use super::route::Because;
use super::{Sitting, Step};

const MINUTES_TO_ASK_HOME: SignedDuration = SignedDuration::from_mins(10);
const MINUTES_TO_COMPLETE_REGISTERS: SignedDuration = SignedDuration::from_mins(15);

/// The task of a step that hands its case to a person, or ends it by a closure after contacts had
/// been told that the pupil is missing.
#[must_use]
pub fn of_step(school: Tenant, step: &Step, now: Timestamp) -> Option<NewTask> {
    let case = step.case()?;
    match case.state {
        State::Person { because, .. } => Some(follow_up(school, case, because, now)),
        State::SchoolClosed { told_at: Some(_), .. } => Some(make_sure(school, case, now)),
        State::Waiting
        | State::Announced { .. }
        | State::Explained { .. }
        | State::Arrived { .. }
        | State::Withdrawn { .. }
        | State::SchoolClosed { told_at: None, .. } => None,
    }
}

/// A closure that is declared after a register was closed is no reason for an absence.
fn make_sure(school: Tenant, case: &Case, now: Timestamp) -> NewTask {
    let (kind, opening) = ("told_missing_then_closed", &case.opening);
    let why = format!(
        "contacts were told that a pupil was missing from the {}, and then the school was closed for it: \
         make sure that the pupil is safe",
        words(opening.sitting)
    );
    NewTask::new(school, kind, Role::AttendanceOfficer, (now, MINUTES_TO_ASK_HOME))
        .about([opening.pupil_id.to_string(), opening.id.to_string()])
        .because(why)
        .once(format!("{kind}:{}", opening.id))
}

/// The task of an accident of a pupil who is not in school, says the register.
#[must_use]
pub fn accident_of_absent_pupil(
    school: Tenant,
    sitting: Sitting,
    (pupil_id, accident): (PupilId, &str),
    now: Timestamp,
) -> NewTask {
    let kind = "accident_of_absent_pupil";
    let why = format!(
        "an accident was recorded for a pupil whom the register of the {} has as absent: check the register",
        words(sitting)
    );
    NewTask::new(school, kind, Role::Office, (now, MINUTES_TO_COMPLETE_REGISTERS))
        .about([pupil_id.to_string(), accident.to_owned()])
        .because(why)
        .once(format!("{kind}:{accident}"))
}

fn follow_up(school: Tenant, case: &Case, because: Because, now: Timestamp) -> NewTask {
    let (kind, role, why) = match because {
        Because::PersonOnly => (
            "person_only_absent",
            Role::DesignatedSafeguardingLead,
            "the pupil is person only, so no message is sent",
        ),
        Because::NotOnRoll => (
            "absent_not_on_roll",
            Role::Office,
            "the pupil left the roll after the mark was posted, so nobody is told",
        ),
        Because::SessionOver => (
            "absence_not_told",
            Role::AttendanceOfficer,
            "the session was over before its register was closed, so no message is sent",
        ),
    };
    let opening = &case.opening;
    NewTask::new(school, kind, role, (now, MINUTES_TO_ASK_HOME))
        .about([opening.pupil_id.to_string(), opening.id.to_string()])
        .because(format!("a pupil is missing from the {} without a reason; {why}", words(opening.sitting)))
        .once(format!("{kind}:{}", opening.id))
}

/// What the office must ask for after a close.
#[must_use]
pub fn of_closing(school: Tenant, sitting: Sitting, closing: &Closing, now: Timestamp) -> Vec<NewTask> {
    let registers = closing
        .classes_without_register
        .iter()
        .map(|class_id| register_missing(school, sitting, *class_id, now));
    let marks = closing
        .pupils_without_mark
        .iter()
        .map(|(class_id, pupils)| marks_missing(school, sitting, (*class_id, pupils), now));
    registers.chain(marks).collect()
}

/// The task of a session that the clock does not close, because the data was put back to an earlier
/// state after its time.
#[must_use]
pub fn may_have_been_closed(school: Tenant, sitting: Sitting, now: Timestamp) -> NewTask {
    let why = format!(
        "the register of the {} may have been closed, and contacts told, before the data was put back to an \
         earlier state: close it when they were not",
        words(sitting)
    );
    NewTask::new(school, "restored", Role::AttendanceOfficer, (now, MINUTES_TO_COMPLETE_REGISTERS))
        .because(why)
        .once(format!("restored:{}:{now}", key(sitting)))
}

/// The task of a session that the clock could not close, though a register of it was posted.
#[must_use]
pub fn register_not_closed(school: Tenant, sitting: Sitting, because: &str, now: Timestamp) -> NewTask {
    let kind = "register_not_closed";
    let why = format!(
        "the register of the {} could not be closed because {because}, and nobody was told of pupils who are \
         missing: follow them up by hand",
        words(sitting)
    );
    NewTask::new(school, kind, Role::AttendanceOfficer, (now, MINUTES_TO_ASK_HOME))
        .because(why)
        .once(format!("{kind}:{}", key(sitting)))
}

fn register_missing(school: Tenant, sitting: Sitting, class_id: ClassId, now: Timestamp) -> NewTask {
    NewTask::new(school, "register_missing", Role::Office, (now, MINUTES_TO_COMPLETE_REGISTERS))
        .about([class_id.to_string()])
        .because(format!("the register of the {} was closed and this class had posted none", words(sitting)))
        .once(format!("register_missing:{}:{class_id}", key(sitting)))
}

fn marks_missing(
    school: Tenant,
    sitting: Sitting,
    (class_id, pupils): (Option<ClassId>, &Vec<PupilId>),
    now: Timestamp,
) -> NewTask {
    let class = class_id.map_or_else(|| "no_class".to_owned(), |class_id| class_id.to_string());
    NewTask::new(school, "marks_missing", Role::Office, (now, MINUTES_TO_COMPLETE_REGISTERS))
        .about(pupils.iter().map(ToString::to_string))
        .because(format!("the register of the {} was closed and these pupils had no mark", words(sitting)))
        .once(format!("marks_missing:{}:{class}", key(sitting)))
}

fn words(sitting: Sitting) -> String {
    match sitting.session {
        Session::Morning => format!("morning session of {}", sitting.date),
        Session::Afternoon => format!("afternoon session of {}", sitting.date),
    }
}

fn key(sitting: Sitting) -> String {
    match sitting.session {
        Session::Morning => format!("{}:morning", sitting.date),
        Session::Afternoon => format!("{}:afternoon", sitting.date),
    }
}
