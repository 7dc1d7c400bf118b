//! One pupil's line in the register of one session: the mark, what is known beside it, and the case.
//!
//! An `N` says only "not seen, and I know no reason". So it never overwrites what somebody knows:
//! posted over a reason from home it becomes that reason, posted over an arrival it leaves the
//! arrival; posted while the school is closed for the pupil it becomes the closure's code. Every other
//! mark before the close is what it says. After the close a mark stays, but for the code that a closure
//! left: when it has ended, registers are taken again.
//!
//! Invariants: the mark is `N` exactly while the case is open; nothing is said before the close;
//! after it, no `N` without its announcement or its task. See `any_day_keeps_the_invariants`.

use jiff::Timestamp;
use proto::ids::{CaseId, ClassId, PupilId};

use super::case::{self, Command, Opening};
use super::closure::Cover;
use super::codes::Class;
use super::{Case, CaseEvent, Code, Rejection, Route, Sitting};

/// A pupil's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Whose.
    pub pupil_id: PupilId,
    /// In which session.
    pub sitting: Sitting,
    /// The mark and what is known beside it.
    pub entry: Entry,
    /// The follow-up, if there ever was one.
    pub case: Option<Case>,
}

/// The mark and what is known beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    /// The class whose register it stands in.
    pub class_id: Option<ClassId>,
    /// The mark; none is a missing mark, which is not an absence.
    pub code: Option<Code>,
    /// What somebody knows beside it.
    pub known: Known,
    /// What home or the office wrote with the reason; stays in the school.
    pub note: String,
    /// Rises by one with every change; 0 is not stored yet.
    pub version: u64,
}

/// What somebody knows beside the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Known {
    /// Nothing.
    #[default]
    Nothing,
    /// Why the pupil is away.
    Reason(Code),
    /// The pupil came; this code is what the arrival left in the register.
    Arrived(Code),
    /// The school was closed for the pupil; this code is what the closure left in the register.
    Closed(Code),
}

/// Whether the register is open for the whole school.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Marks may change; nobody is told.
    Open,
    /// Marks stay; people are told.
    Closed,
}

/// When and how a mark is posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// Before or after the close.
    pub phase: Phase,
    /// How the pupil is followed up after it.
    pub route: Route,
    /// When the session ends.
    pub ends_at: Timestamp,
    /// The id of the case, if one is opened.
    pub new_case: CaseId,
}

/// What a decision does to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The line that was decided on.
    pub before: Line,
    /// The line as it becomes.
    pub after: Line,
    /// What happened to its case.
    pub events: Vec<CaseEvent>,
}

impl Step {
    /// The case, if this step changed it.
    #[must_use]
    pub fn case(&self) -> Option<&Case> {
        self.after.case.as_ref().filter(|_| !self.events.is_empty())
    }

    /// Whether the mark, or what is known beside it, changes.
    #[must_use]
    pub fn changes_entry(&self) -> bool {
        self.before.entry.version != self.after.entry.version
    }

    /// The case that this step closed, if it did.
    #[must_use]
    pub fn closed_case(&self) -> Option<CaseId> {
        self.case().filter(|case| !case.is_open()).map(|case| case.opening.id)
    }
}

impl Line {
    /// A line that nothing stands in yet.
    #[must_use]
    pub fn new(pupil_id: PupilId, sitting: Sitting) -> Self {
        Self { pupil_id, sitting, entry: Entry::default(), case: None }
    }

    /// The line of a pupil of this class. A class that stands there already stays.
    #[must_use]
    pub fn in_class(mut self, class_id: Option<ClassId>) -> Self {
        self.entry.class_id = self.entry.class_id.or(class_id);
        self
    }

    /// A mark is posted in the register of a class. Refused when it would change a mark after the
    /// close.
    pub fn post(&self, mark: Code, class_id: ClassId, moment: &Moment) -> Result<Step, Rejection> {
        let (code, known) = match (mark, self.entry.known, moment.route) {
            (Code::NotYetEstablished, Known::Reason(code) | Known::Arrived(code), _) => {
                (code, self.entry.known)
            }
            (Code::NotYetEstablished, Known::Nothing | Known::Closed(_), Route::Closed(cover)) => {
                if self.is_missing() {
                    return self.shut(cover, moment.now);
                }
                (cover.code(), Known::Closed(cover.code()))
            }
            (mark, Known::Closed(_), _) => (mark, Known::Nothing),
            (mark, known @ (Known::Nothing | Known::Reason(_) | Known::Arrived(_)), _) => (mark, known),
        };
        if self.entry.code == Some(code) {
            return Ok(self.unchanged());
        }
        if moment.phase == Phase::Closed && self.entry.code.is_some() && !self.is_shut() {
            return Err(Rejection::RegisterClosed);
        }
        let mut commands = Vec::new();
        if code == Code::NotYetEstablished {
            commands.push(Command::Miss(Opening {
                id: moment.new_case,
                pupil_id: self.pupil_id,
                sitting: self.sitting,
                ends_at: moment.ends_at,
            }));
            match moment.phase {
                Phase::Open => {}
                Phase::Closed => commands.push(Command::Tell(moment.route)),
            }
        } else if self.is_missing() {
            commands.push(Command::Withdraw);
        }
        let entry = Entry { class_id: Some(class_id), code: Some(code), known, ..self.entry.clone() };
        self.step(entry, &commands, moment.now)
    }

    /// A reason came from home. It answers an `N`; any other mark stays what it is.
    pub fn report(&self, reason: Code, note: String, now: Timestamp) -> Result<Step, Rejection> {
        let known = match self.entry.known {
            Known::Nothing | Known::Reason(_) | Known::Closed(_) => Known::Reason(reason),
            Known::Arrived(code) => Known::Arrived(code),
        };
        let (code, commands) = if self.is_missing() {
            (Some(reason), vec![Command::Explain(reason)])
        } else {
            (self.entry.code, Vec::new())
        };
        self.step(Entry { code, known, note, ..self.entry.clone() }, &commands, now)
    }

    /// The school gives the open case its reason.
    pub fn explain(&self, reason: Code, note: String, now: Timestamp) -> Result<Step, Rejection> {
        let entry = Entry { code: Some(reason), known: Known::Reason(reason), note, ..self.entry.clone() };
        self.step(entry, &[Command::Explain(reason)], now)
    }

    /// The pupil is in school.
    pub fn arrive(&self, phase: Phase, now: Timestamp) -> Result<Step, Rejection> {
        let code = code_on_arrival(self.entry.code, phase);
        // Whoever was told that the pupil is missing is told of the arrival, even when a reason (it
        // may have been another child's) came in between.
        let told = self.case.is_some_and(|case| case.told_at().is_some());
        let commands = if self.is_missing() || told { vec![Command::Arrive] } else { Vec::new() };
        let entry = Entry { code: Some(code), known: Known::Arrived(code), ..self.entry.clone() };
        self.step(entry, &commands, now)
    }

    /// The school is closed for the pupil, who is therefore not missing.
    pub fn shut(&self, cover: Cover, now: Timestamp) -> Result<Step, Rejection> {
        if !self.is_missing() {
            return Ok(self.unchanged());
        }
        let code = cover.code();
        let entry = Entry { code: Some(code), known: Known::Closed(code), ..self.entry.clone() };
        self.step(entry, &[Command::Shut], now)
    }

    /// The register is closed for the whole school.
    pub fn close(&self, route: Route, now: Timestamp) -> Result<Step, Rejection> {
        if let Route::Closed(cover) = route {
            return self.shut(cover, now);
        }
        let commands = if self.is_missing() { vec![Command::Tell(route)] } else { Vec::new() };
        self.step(self.entry.clone(), &commands, now)
    }

    /// Whether mark and case belong together: the mark is `N` exactly while the case is open.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_missing() == self.case.is_some_and(|case| case.is_open())
    }

    fn is_missing(&self) -> bool {
        self.entry.code == Some(Code::NotYetEstablished)
    }

    /// Whether a closure, and nobody's eyes, left the code that stands.
    fn is_shut(&self) -> bool {
        match self.entry.known {
            Known::Closed(code) => self.entry.code == Some(code),
            Known::Nothing | Known::Reason(_) | Known::Arrived(_) => false,
        }
    }

    fn unchanged(&self) -> Step {
        Step { before: self.clone(), after: self.clone(), events: Vec::new() }
    }

    fn step(&self, entry: Entry, commands: &[Command], now: Timestamp) -> Result<Step, Rejection> {
        let (mut case, mut events) = (self.case, Vec::new());
        for command in commands {
            let happened = case::decide(case.as_ref(), *command)?;
            case = case::after(case, &happened, now);
            events.extend(happened);
        }
        let version = if entry == self.entry { self.entry.version } else { self.entry.version + 1 };
        let case = case::after(self.case, &events, now);
        let after = Self { entry: Entry { version, ..entry }, case, ..*self };
        Ok(Step { before: self.clone(), after, events })
    }
}

/// What an arrival leaves in the register: `L` before the close, `U` after it, unless a better code
/// stands there already (regulation 10, Table 1: `U` unless another code applies).
fn code_on_arrival(code: Option<Code>, phase: Phase) -> Code {
    let late = match phase {
        Phase::Open => Code::Late,
        Phase::Closed => Code::AfterClose,
    };
    let Some(code) = code else { return late };
    match (code.class(), phase) {
        (Class::Present | Class::ApprovedEducationalActivity, Phase::Open | Phase::Closed)
        | (Class::AuthorisedAbsence | Class::NotPossible | Class::Administrative, Phase::Closed) => code,
        (Class::UnauthorisedAbsence, Phase::Open | Phase::Closed) if code == Code::AfterClose => code,
        (Class::UnauthorisedAbsence, Phase::Open | Phase::Closed)
        | (Class::AuthorisedAbsence | Class::NotPossible | Class::Administrative, Phase::Open) => late,
    }
}

#[cfg(test)]
mod tests;
