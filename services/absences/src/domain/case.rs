//! The follow-up of one pupil who is missing from one session without a reason.
//!
//! A case waits until the school-wide close, then its contacts are told or it becomes a person's
//! task; a reason, an arrival or a closure of the school closes it. [`Line`](super::Line) drives it; its events decide which
//! fact is said ([`Case::saying`]) and which task is opened (`store::changes`).
//!
//! Invariant: a case that has been told about ends in a reason, an arrival or a closure, and comes back
//! only when the closure has ended and the pupil is missing again.

use jiff::Timestamp;
use proto::events::absences as facts;
use proto::ids::{CaseId, PupilId};

use super::route::{Because, Route};
use super::{Code, Rejection, Sitting};

/// What a case is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// The case.
    pub id: CaseId,
    /// Who is missing.
    pub pupil_id: PupilId,
    /// From which session.
    pub sitting: Sitting,
    /// When that session ends: nobody is told by message after it.
    pub ends_at: Timestamp,
}

/// A case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// What it is about.
    pub opening: Opening,
    /// When the `N` was posted.
    pub opened_at: Timestamp,
    /// Rises by one with every change.
    pub version: u64,
    /// How far it is.
    pub state: State,
}

/// How far a case is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The school-wide register is still open: nobody is told yet.
    Waiting,
    /// The contacts are being told.
    Announced {
        /// Since when.
        at: Timestamp,
    },
    /// A person follows it up; no message about it leaves.
    Person {
        /// Why not by message.
        because: Because,
        /// Since when.
        at: Timestamp,
    },
    /// The reason is known.
    Explained {
        /// The reason.
        code: Code,
        /// Since when.
        at: Timestamp,
        /// When contacts began to be told, if they were.
        told_at: Option<Timestamp>,
    },
    /// The pupil is in school.
    Arrived {
        /// Since when.
        at: Timestamp,
        /// When contacts began to be told, if they were.
        told_at: Option<Timestamp>,
    },
    /// The mark was changed before the close: there is nothing to follow up.
    Withdrawn {
        /// Since when.
        at: Timestamp,
    },
    /// The school, or the pupil's part of it, is closed for the session.
    SchoolClosed {
        /// Since when.
        at: Timestamp,
        /// When contacts began to be told, if they were.
        told_at: Option<Timestamp>,
    },
}

/// What may happen to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// An `N` was posted, and no reason is known.
    Miss(Opening),
    /// The register is closed for the whole school.
    Tell(Route),
    /// A reason became known.
    Explain(Code),
    /// The pupil arrived.
    Arrive,
    /// The mark was changed before the close.
    Withdraw,
    /// The school, or the pupil's part of it, is closed for the session.
    Shut,
}

/// What has happened to a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseEvent {
    /// It began.
    Opened(Opening),
    /// The mark became an `N` again.
    Reopened,
    /// The contacts are told from now on.
    Announced,
    /// A person follows it up from now on.
    HandedToPerson(Because),
    /// The reason is known.
    Explained(Code),
    /// The pupil is in school.
    Arrived,
    /// There is nothing to follow up.
    Withdrawn,
    /// The school, or the pupil's part of it, is closed for the session.
    Closed,
}

/// Decides what a command means for a case, or for the lack of one.
pub fn decide(state: Option<&Case>, command: Command) -> Result<Vec<CaseEvent>, Rejection> {
    let Some(case) = state else {
        return match command {
            Command::Miss(opening) => Ok(vec![CaseEvent::Opened(opening)]),
            Command::Tell(_) | Command::Explain(_) | Command::Arrive | Command::Withdraw | Command::Shut => {
                Err(Rejection::UnknownCase)
            }
        };
    };
    match (case.state, command) {
        (State::Waiting, Command::Tell(Route::Contacts)) => Ok(vec![CaseEvent::Announced]),
        (State::Waiting, Command::Tell(Route::Person(because))) => {
            Ok(vec![CaseEvent::HandedToPerson(because)])
        }
        (State::Waiting, Command::Tell(Route::Closed(_)))
        | (State::Waiting | State::Announced { .. } | State::Person { .. }, Command::Shut) => {
            Ok(vec![CaseEvent::Closed])
        }
        (State::Waiting, Command::Withdraw) => Ok(vec![CaseEvent::Withdrawn]),
        (State::Announced { .. } | State::Person { .. }, Command::Withdraw) => Err(Rejection::RegisterClosed),
        (State::Waiting | State::Announced { .. } | State::Person { .. }, Command::Explain(code)) => {
            Ok(vec![CaseEvent::Explained(code)])
        }
        (
            State::Waiting
            | State::Announced { .. }
            | State::Person { .. }
            | State::Explained { told_at: Some(_), .. }
            | State::SchoolClosed { told_at: Some(_), .. },
            Command::Arrive,
        ) => Ok(vec![CaseEvent::Arrived]),
        (State::Withdrawn { .. } | State::SchoolClosed { .. }, Command::Miss(_)) => {
            Ok(vec![CaseEvent::Reopened])
        }
        (State::Explained { .. } | State::Arrived { .. }, Command::Miss(_) | Command::Explain(_))
        | (State::Withdrawn { .. } | State::SchoolClosed { .. }, Command::Explain(_)) => {
            Err(Rejection::CaseClosed)
        }
        (State::Waiting | State::Announced { .. } | State::Person { .. }, Command::Miss(_))
        | (State::Announced { .. } | State::Person { .. }, Command::Tell(_))
        | (
            State::Explained { .. }
            | State::Arrived { .. }
            | State::Withdrawn { .. }
            | State::SchoolClosed { .. },
            Command::Tell(_) | Command::Withdraw | Command::Shut,
        )
        | (
            State::Explained { told_at: None, .. }
            | State::Arrived { .. }
            | State::Withdrawn { .. }
            | State::SchoolClosed { told_at: None, .. },
            Command::Arrive,
        ) => Ok(Vec::new()),
    }
}

/// The case after events that happened together: its version rises by one, however many they are.
#[must_use]
pub fn after(case: Option<Case>, events: &[CaseEvent], at: Timestamp) -> Option<Case> {
    let version = case.map_or(0, |case| case.version);
    let version = if events.is_empty() { version } else { version + 1 };
    let case = events.iter().fold(case, |case, event| apply(case, *event, at));
    case.map(|case| Case { version, ..case })
}

fn apply(case: Option<Case>, event: CaseEvent, at: Timestamp) -> Option<Case> {
    let told_at = case.and_then(|case| case.told_at());
    let state = match event {
        CaseEvent::Opened(opening) => {
            return Some(Case { opening, opened_at: at, version: 0, state: State::Waiting });
        }
        CaseEvent::Reopened => State::Waiting,
        CaseEvent::Announced => State::Announced { at },
        CaseEvent::HandedToPerson(because) => State::Person { because, at },
        CaseEvent::Explained(code) => State::Explained { code, at, told_at },
        CaseEvent::Arrived => State::Arrived { at, told_at },
        CaseEvent::Withdrawn => State::Withdrawn { at },
        CaseEvent::Closed => State::SchoolClosed { at, told_at },
    };
    case.map(|case| Case { state, ..case })
}

/// A fact about a case that is to be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saying {
    /// Contacts are to be told.
    Unexplained(facts::Unexplained),
    /// What is not told yet need not be.
    Explained(facts::Explained),
    /// What was told is to be corrected.
    Arrived(facts::Arrived),
}

impl Case {
    /// Whether it still needs a reason or an arrival.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.state {
            State::Waiting | State::Announced { .. } | State::Person { .. } => true,
            State::Explained { .. }
            | State::Arrived { .. }
            | State::Withdrawn { .. }
            | State::SchoolClosed { .. } => false,
        }
    }

    /// When contacts began to be told, if they were.
    #[must_use]
    pub fn told_at(&self) -> Option<Timestamp> {
        match self.state {
            State::Announced { at } => Some(at),
            State::Explained { told_at, .. }
            | State::Arrived { told_at, .. }
            | State::SchoolClosed { told_at, .. } => told_at,
            State::Waiting | State::Person { .. } | State::Withdrawn { .. } => None,
        }
    }

    /// What must be said when the case has come to its present state. A case that nobody was told
    /// about ends in silence.
    #[must_use]
    pub fn saying(&self) -> Option<Saying> {
        let Opening { pupil_id, sitting, ends_at: session_ends_at, .. } = self.opening;
        let (date, session) = (sitting.date, sitting.session);
        match self.state {
            State::Announced { .. } => {
                Some(Saying::Unexplained(facts::Unexplained { pupil_id, date, session, session_ends_at }))
            }
            State::Explained { told_at: Some(_), .. } | State::SchoolClosed { told_at: Some(_), .. } => {
                Some(Saying::Explained(facts::Explained { pupil_id, date, session }))
            }
            State::Arrived { told_at: Some(_), .. } => {
                Some(Saying::Arrived(facts::Arrived { pupil_id, date, session, session_ends_at }))
            }
            State::Waiting
            | State::Person { .. }
            | State::Explained { told_at: None, .. }
            | State::Arrived { told_at: None, .. }
            | State::Withdrawn { .. }
            | State::SchoolClosed { told_at: None, .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proto::events::absences::Session;

    use super::*;
    use crate::domain::closure::Cover;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn opening() -> Opening {
        Opening {
            id: CaseId::generate(),
            pupil_id: PupilId::generate(),
            sitting: Sitting { date: date(2026, 11, 24), session: Session::Morning },
            ends_at: "2026-11-24T12:00:00Z".parse().unwrap(),
        }
    }

    fn case(state: State) -> Case {
        Case { opening: opening(), opened_at: AT, version: 3, state }
    }

    #[test]
    fn every_state_answers_every_command() {
        let announced = State::Announced { at: AT };
        let person = State::Person { because: Because::PersonOnly, at: AT };
        let explained = State::Explained { code: Code::Illness, at: AT, told_at: None };
        let arrived = State::Arrived { at: AT, told_at: Some(AT) };
        let withdrawn = State::Withdrawn { at: AT };
        let shut = State::SchoolClosed { at: AT, told_at: None };
        let shut_and_told = State::SchoolClosed { at: AT, told_at: Some(AT) };
        let tell = Command::Tell(Route::Contacts);
        let explain = Command::Explain(Code::Medical);
        let ok = |event| Ok(vec![event]);
        let silent = || Ok(Vec::new());
        for (state, command, decided) in [
            (State::Waiting, Command::Miss(opening()), silent()),
            (State::Waiting, tell, ok(CaseEvent::Announced)),
            (
                State::Waiting,
                Command::Tell(Route::Person(Because::NotOnRoll)),
                ok(CaseEvent::HandedToPerson(Because::NotOnRoll)),
            ),
            (State::Waiting, explain, ok(CaseEvent::Explained(Code::Medical))),
            (State::Waiting, Command::Arrive, ok(CaseEvent::Arrived)),
            (State::Waiting, Command::Withdraw, ok(CaseEvent::Withdrawn)),
            (announced, Command::Miss(opening()), silent()),
            (announced, tell, silent()),
            (announced, explain, ok(CaseEvent::Explained(Code::Medical))),
            (announced, Command::Arrive, ok(CaseEvent::Arrived)),
            (announced, Command::Withdraw, Err(Rejection::RegisterClosed)),
            (person, tell, silent()),
            (person, explain, ok(CaseEvent::Explained(Code::Medical))),
            (person, Command::Arrive, ok(CaseEvent::Arrived)),
            (person, Command::Withdraw, Err(Rejection::RegisterClosed)),
            (explained, Command::Miss(opening()), Err(Rejection::CaseClosed)),
            (explained, tell, silent()),
            (explained, explain, Err(Rejection::CaseClosed)),
            (explained, Command::Arrive, silent()),
            (arrived, explain, Err(Rejection::CaseClosed)),
            (arrived, Command::Arrive, silent()),
            (withdrawn, Command::Miss(opening()), ok(CaseEvent::Reopened)),
            (withdrawn, explain, Err(Rejection::CaseClosed)),
            (withdrawn, tell, silent()),
            (State::Waiting, Command::Tell(Route::Closed(Cover::Part)), ok(CaseEvent::Closed)),
            (State::Waiting, Command::Shut, ok(CaseEvent::Closed)),
            (announced, Command::Shut, ok(CaseEvent::Closed)),
            (person, Command::Shut, ok(CaseEvent::Closed)),
            (explained, Command::Shut, silent()),
            (arrived, Command::Shut, silent()),
            (withdrawn, Command::Shut, silent()),
            (shut, Command::Shut, silent()),
            (shut, Command::Miss(opening()), ok(CaseEvent::Reopened)),
            (shut, tell, silent()),
            (shut, explain, Err(Rejection::CaseClosed)),
            (shut, Command::Arrive, silent()),
            (shut_and_told, Command::Arrive, ok(CaseEvent::Arrived)),
            (shut, Command::Withdraw, silent()),
        ] {
            assert_eq!(decide(Some(&case(state)), command), decided, "{state:?} {command:?}");
        }
        let first = opening();
        assert_eq!(decide(None, Command::Miss(first)), ok(CaseEvent::Opened(first)));
        assert_eq!(decide(None, Command::Arrive), Err(Rejection::UnknownCase));
    }

    #[test]
    fn events_that_happen_together_raise_the_version_by_one() {
        let new = after(None, &[CaseEvent::Opened(opening()), CaseEvent::Announced], AT).unwrap();
        assert_eq!((new.version, new.state), (1, State::Announced { at: AT }));
        let same = after(Some(new), &[], AT).unwrap();
        assert_eq!(same, new);
        let arrived = after(Some(new), &[CaseEvent::Arrived], AT).unwrap();
        assert_eq!((arrived.version, arrived.state), (2, State::Arrived { at: AT, told_at: Some(AT) }));
    }
}
