//! What people must do because of an accident. A task names ids only; its `why` is a sentence
//! without anybody's name and without what happened.

use jiff::{SignedDuration, Timestamp};
use kit::Tenant;
use kit::tasks::NewTask;
use proto::events::incidents::AccidentKind;
use proto::options::v1::Role;

use super::{Step, Telling};

/// The signs to watch for after a bump of the head are watched for 48 hours (NHS leaflets), so the
/// home must hear of it soon.
const TO_TELL_OF_A_HEAD_INJURY: SignedDuration = SignedDuration::from_mins(30);
const TO_TELL_OF_A_MINOR_ACCIDENT: SignedDuration = SignedDuration::from_hours(4);

/// The task of an amendment that came too late to be told by message.
#[must_use]
pub fn of_step(school: Tenant, step: &Step, now: Timestamp) -> Option<NewTask> {
    match step.telling {
        Telling::ByPerson => {}
        Telling::Said(_) | Telling::Nothing => return None,
    }
    let accident = &step.accident;
    let due_in = match accident.account.kind {
        AccidentKind::HeadInjury => TO_TELL_OF_A_HEAD_INJURY,
        AccidentKind::Minor => TO_TELL_OF_A_MINOR_ACCIDENT,
    };
    let kind = "accident_amended_late";
    let task = NewTask::new(school, kind, Role::Office, (now, due_in))
        .about([accident.pupil_id.to_string(), accident.id.to_string()])
        .because(
            "the record of an accident was amended after the day on which the contacts are told by \
             message; read what it says now and decide who is told, and how",
        )
        .once(format!("{kind}:{}:{}", accident.id, accident.version));
    Some(task)
}
