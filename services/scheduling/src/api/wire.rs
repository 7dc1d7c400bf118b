//! The domain's words as the wire says them.

use kit::clock::to_proto;
use proto::events::absences::Session;
use proto::scheduling::v1 as pb;

use crate::domain::closure::State;
use crate::domain::{Clocks, Closure, DayKind, Rejection, SetAside};

pub fn closure(closure: &Closure) -> pb::Closure {
    let (state, end) = match closure.state {
        State::Declared => (pb::ClosureState::Declared, None),
        State::Ended(end) => (pb::ClosureState::Ended, Some(end)),
    };
    pb::Closure {
        id: closure.id.to_string(),
        audience: Some(closure.part.scope().audience()),
        first_day: closure.first_day.to_string(),
        from: session(closure.from).into(),
        last_day: closure.last_day.to_string(),
        reason: closure.words.reason.clone(),
        collection: closure.words.collection.clone(),
        state: state.into(),
        declared_at: Some(to_proto(closure.declared_at)),
        ended_at: end.map(|end| to_proto(end.at)),
        version: version(closure.version),
        open_on: end.map(|end| end.open_on.to_string()).unwrap_or_default(),
        not_closed_from: end.map(|end| end.not_closed_from.to_string()).unwrap_or_default(),
        no_register_from_day: String::new(),
        no_register_from: pb::Session::Unspecified.into(),
    }
}

/// The same for those who keep registers.
pub fn closure_of_registers(closure: &Closure, clocks: &Clocks) -> Result<pb::Closure, Rejection> {
    let (day, first) = closure.no_register_from(clocks)?;
    let told = self::closure(closure);
    Ok(pb::Closure { no_register_from_day: day.to_string(), no_register_from: session(first).into(), ..told })
}

pub fn version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

pub fn day_kind(kind: DayKind) -> pb::DayKind {
    match kind {
        DayKind::SchoolDay => pb::DayKind::SchoolDay,
        DayKind::OutsideTerm => pb::DayKind::OutsideTerm,
        DayKind::Weekend => pb::DayKind::Weekend,
        DayKind::BankHoliday => pb::DayKind::BankHoliday,
        DayKind::SetAside(SetAside::Inset) => pb::DayKind::Inset,
        DayKind::SetAside(SetAside::Occasional) => pb::DayKind::Occasional,
    }
}

fn session(session: Session) -> pb::Session {
    match session {
        Session::Morning => pb::Session::Morning,
        Session::Afternoon => pb::Session::Afternoon,
    }
}
