//! A class's register as it is posted: which marks are taken, and what they do to each line.
//!
//! Every fault of a register is found at once, so that whoever typed it corrects it once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proto::events::absences::Session;
use proto::ids::{CaseId, ClassId, PupilId};

use super::{Calendar, Code, Fault, Line, Moment, OnRoll, Phase, Rejection, Route, Sitting, Step};

/// How many marks a register may have.
pub const MOST_MARKS: usize = 60;

/// A mark as it was sent.
#[derive(Debug, Clone, Copy)]
pub struct SentMark<'a> {
    /// Whose.
    pub pupil_id: &'a str,
    /// Which.
    pub code: &'a str,
}

/// A mark that reads as one. Whether it may stand is another question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Where it stood in the request.
    pub index: usize,
    /// Whose.
    pub pupil_id: PupilId,
    /// Which.
    pub code: Code,
}

/// Reads the marks that can be read, and says what is wrong with the others. Without a session
/// (that field has a fault of its own) the present marks of both are taken.
pub fn read(sent: &[SentMark<'_>], session: Option<Session>) -> (Vec<Mark>, Vec<Fault>) {
    let (mut marks, mut faults) = (Vec::new(), Vec::new());
    if sent.is_empty() {
        faults.push(Fault::new("marks", "REQUIRED", "must not be empty"));
    }
    if sent.len() > MOST_MARKS {
        let expected = format!("has {} marks; at most {MOST_MARKS} are taken", sent.len());
        return (marks, vec![Fault::new("marks", "TOO_MANY", expected)]);
    }
    let mut seen = BTreeSet::new();
    for (index, mark) in sent.iter().enumerate() {
        let pupil_field = format!("marks[{index}].pupil_id");
        let pupil: Result<PupilId, _> = mark.pupil_id.parse();
        let code = session
            .map_or_else(|| Code::read(mark.code), |session| Code::read_mark(mark.code, session))
            .map_err(|error| faults.push(error.fault(format!("marks[{index}].code"))));
        let pupil_id = match pupil {
            Ok(pupil_id) => pupil_id,
            Err(error) => {
                faults.push(Fault::new(pupil_field, "INVALID_ID", error.to_string()));
                continue;
            }
        };
        if !seen.insert(pupil_id) {
            faults.push(Fault::new(pupil_field, "DUPLICATE_PUPIL", "stands in the register twice"));
            continue;
        }
        if let Ok(code) = code {
            marks.push(Mark { index, pupil_id, code });
        }
    }
    (marks, faults)
}

/// The pupils of a school, as the directory says now.
pub type Roll = BTreeMap<PupilId, OnRoll>;

/// Whose lines a posting must know: the class's, and those of everybody who is marked.
#[must_use]
pub fn pupils(roll: &Roll, class_id: ClassId, marks: &[Mark]) -> BTreeSet<PupilId> {
    let in_class = roll.iter().filter(|(_, pupil)| pupil.class_id == Some(class_id));
    in_class.map(|(pupil_id, _)| *pupil_id).chain(marks.iter().map(|mark| mark.pupil_id)).collect()
}

/// The register that marks are posted to.
#[derive(Debug, Clone, Copy)]
pub struct Register<'a> {
    /// Whose it is.
    pub class_id: ClassId,
    /// Of which session.
    pub sitting: Sitting,
    /// When the session ends.
    pub ends_at: Timestamp,
    /// Before or after the school-wide close.
    pub phase: Phase,
    /// Who is on roll.
    pub roll: &'a Roll,
    /// For whom the school is closed.
    pub calendar: &'a Calendar,
    /// The lines that stand already.
    pub lines: &'a BTreeMap<PupilId, Line>,
}

impl Register<'_> {
    /// Posts marks. `faults` are those that [`read`] found: they are refused together with what is
    /// found here. Each line that changes is a step.
    pub fn post(
        &self,
        marks: &[Mark],
        mut faults: Vec<Fault>,
        now: Timestamp,
        new_case: fn() -> CaseId,
    ) -> Result<Vec<Step>, Rejection> {
        let mut steps = Vec::new();
        for mark in marks {
            let field = |name: &str| format!("marks[{}].{name}", mark.index);
            let Some(pupil) = self.roll.get(&mark.pupil_id) else {
                faults.push(Fault::new(field("pupil_id"), "UNKNOWN_PUPIL", "is no pupil of this school"));
                continue;
            };
            if pupil.class_id != Some(self.class_id) {
                faults.push(Fault::new(field("pupil_id"), "NOT_IN_CLASS", "is in another class"));
                continue;
            }
            let cover = self.calendar.cover(self.sitting, mark.pupil_id, Some(pupil));
            let moment = Moment {
                now,
                phase: self.phase,
                route: Route::of(Some(pupil), cover, now, self.ends_at),
                ends_at: self.ends_at,
                new_case: new_case(),
            };
            match self.line(mark.pupil_id).post(mark.code, self.class_id, &moment) {
                Ok(step) => steps.push(step),
                Err(Rejection::RegisterClosed) => {
                    let expected = Rejection::RegisterClosed.to_string();
                    faults.push(Fault::new(field("code"), "REGISTER_CLOSED", expected));
                }
                Err(rejection) => return Err(rejection),
            }
        }
        if faults.is_empty() { Ok(steps) } else { Err(Rejection::Faults(faults)) }
    }

    /// The pupils of the class who have no mark after these steps, and for whom the school is open.
    #[must_use]
    pub fn without_mark(&self, steps: &[Step]) -> Vec<PupilId> {
        let marked: BTreeSet<PupilId> = steps.iter().map(|step| step.after.pupil_id).collect();
        self.roll
            .iter()
            .filter(|(_, pupil)| pupil.class_id == Some(self.class_id))
            .filter(|(id, pupil)| self.calendar.cover(self.sitting, **id, Some(pupil)).is_none())
            .map(|(pupil_id, _)| *pupil_id)
            .filter(|pupil_id| !marked.contains(pupil_id) && self.line(*pupil_id).entry.code.is_none())
            .collect()
    }

    fn line(&self, pupil_id: PupilId) -> Line {
        self.lines.get(&pupil_id).cloned().unwrap_or_else(|| Line::new(pupil_id, self.sitting))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::Care;

    const SITTING: Sitting = Sitting { date: date(2026, 11, 24), session: Session::Morning };

    fn faults_of(rejection: &Rejection) -> Vec<(&str, &str)> {
        let Rejection::Faults(faults) = rejection else { panic!("{rejection:?}") };
        faults.iter().map(|fault| (fault.field.as_str(), fault.reason)).collect()
    }

    #[test]
    fn every_fault_of_a_register_is_found_at_once() {
        let (class_id, other) = (ClassId::generate(), ClassId::generate());
        let of =
            |class_id| OnRoll { class_id: Some(class_id), year_group: "3".to_owned(), care: Care::Automatic };
        let [here, elsewhere, stranger, marked] = [(); 4].map(|()| PupilId::generate());
        let roll = Roll::from([(here, of(class_id)), (elsewhere, of(other)), (marked, of(class_id))]);
        let now = "2026-11-24T09:20:00Z".parse().unwrap();
        let mut line = Line::new(marked, SITTING);
        line.entry.code = Some(Code::PresentMorning);
        let lines = BTreeMap::from([(marked, line)]);
        let register = Register {
            class_id,
            sitting: SITTING,
            ends_at: "2026-11-24T12:00:00Z".parse().unwrap(),
            phase: Phase::Closed,
            roll: &roll,
            calendar: &Calendar::default(),
            lines: &lines,
        };
        let ids = [here, here, elsewhere, stranger, marked].map(|id| id.to_string());
        let mut sent: Vec<SentMark<'_>> = ids.iter().map(|id| SentMark { pupil_id: id, code: "N" }).collect();
        sent.push(SentMark { pupil_id: "pup_1", code: "H" });
        let (marks, faults) = read(&sent, Some(Session::Morning));
        let refused = register.post(&marks, faults, now, CaseId::generate).unwrap_err();
        let mut found = faults_of(&refused);
        found.sort_unstable();
        assert_eq!(
            found,
            [
                ("marks[1].pupil_id", "DUPLICATE_PUPIL"),
                ("marks[2].pupil_id", "NOT_IN_CLASS"),
                ("marks[3].pupil_id", "UNKNOWN_PUPIL"),
                ("marks[4].code", "REGISTER_CLOSED"),
                ("marks[5].code", "WITHDRAWN_CODE"),
                ("marks[5].pupil_id", "INVALID_ID"),
            ]
        );
    }

    #[test]
    fn an_empty_or_endless_register_is_refused() {
        let (_, faults) = read(&[], Some(Session::Morning));
        assert_eq!(faults_of(&Rejection::Faults(faults)), [("marks", "REQUIRED")]);
        let id = PupilId::generate().to_string();
        let sent = vec![SentMark { pupil_id: &id, code: "/" }; MOST_MARKS + 1];
        let (_, faults) = read(&sent, Some(Session::Morning));
        assert_eq!(faults_of(&Rejection::Faults(faults)), [("marks", "TOO_MANY")]);
    }
}
