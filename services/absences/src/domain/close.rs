//! The school-wide close of a session's register: whose contacts are told, what is a person's, and
//! which registers and marks the office must ask for. What is missing holds nobody up.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proto::ids::{ClassId, PupilId};

use super::case::State;
use super::register::Roll;
use super::{Line, Rejection, Route, Step};

/// What a close does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closing {
    /// Each open case, told or handed to a person.
    pub steps: Vec<Step>,
    /// Classes that have pupils, and no register.
    pub classes_without_register: Vec<ClassId>,
    /// Pupils of the other classes, and pupils without a class, who have no mark.
    pub pupils_without_mark: BTreeMap<Option<ClassId>, Vec<PupilId>>,
}

/// Decides the close. `registers` are the classes whose register was posted.
pub fn close(
    roll: &Roll,
    registers: &BTreeSet<ClassId>,
    lines: &BTreeMap<PupilId, Line>,
    now: Timestamp,
) -> Result<Closing, Rejection> {
    let mut closing = Closing::default();
    for line in lines.values() {
        if let Some(case) = line.case {
            let route = Route::of(roll.get(&line.pupil_id), now, case.opening.ends_at);
            let step = line.close(route, now)?;
            closing.steps.extend(step.case().is_some().then_some(step.clone()));
        }
    }
    let mut missing = BTreeSet::new();
    for (pupil_id, pupil) in roll {
        match pupil.class_id {
            Some(class_id) if !registers.contains(&class_id) => {
                missing.insert(class_id);
            }
            class_id => {
                if lines.get(pupil_id).is_none_or(|line| line.entry.code.is_none()) {
                    closing.pupils_without_mark.entry(class_id).or_default().push(*pupil_id);
                }
            }
        }
    }
    closing.classes_without_register.extend(missing);
    Ok(closing)
}

impl Closing {
    /// How many pupils' contacts are told.
    #[must_use]
    pub fn announced(&self) -> usize {
        self.steps.iter().filter(|step| is_announced(step)).count()
    }

    /// How many cases are a person's task instead.
    #[must_use]
    pub fn handed_to_person(&self) -> usize {
        self.steps.len() - self.announced()
    }
}

fn is_announced(step: &Step) -> bool {
    match step.case().map(|case| case.state) {
        Some(State::Announced { .. }) => true,
        Some(
            State::Waiting
            | State::Person { .. }
            | State::Explained { .. }
            | State::Arrived { .. }
            | State::Withdrawn { .. },
        )
        | None => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proto::events::absences::Session;
    use proto::ids::CaseId;

    use super::*;
    use crate::domain::{Care, Code, Moment, OnRoll, Phase, Sitting};

    fn of(class_id: Option<ClassId>, care: Care) -> OnRoll {
        OnRoll { class_id, care }
    }

    #[test]
    fn a_close_tells_the_contacts_hands_over_what_is_a_persons_and_asks_for_what_is_missing() {
        let [posted, unposted] = [(); 2].map(|()| ClassId::generate());
        let [told, person, gone, unmarked, waiting_class, classless] = [(); 6].map(|()| PupilId::generate());
        let roll = Roll::from([
            (told, of(Some(posted), Care::Automatic)),
            (person, of(Some(posted), Care::PersonOnly)),
            (unmarked, of(Some(posted), Care::Automatic)),
            (waiting_class, of(Some(unposted), Care::Automatic)),
            (classless, of(None, Care::Automatic)),
        ]);
        let now = "2026-11-24T09:15:00Z".parse().unwrap();
        let sitting = Sitting { date: date(2026, 11, 24), session: Session::Morning };
        let lines = [told, person, gone].map(|pupil_id| {
            let moment = Moment {
                now,
                phase: Phase::Open,
                route: Route::Contacts,
                ends_at: "2026-11-24T12:00:00Z".parse().unwrap(),
                new_case: CaseId::generate(),
            };
            let line = Line::new(pupil_id, sitting);
            (pupil_id, line.post(Code::NotYetEstablished, posted, &moment).unwrap().after)
        });
        let closing = close(&roll, &BTreeSet::from([posted]), &BTreeMap::from(lines), now).unwrap();
        assert_eq!((closing.announced(), closing.handed_to_person()), (1, 2));
        assert_eq!(closing.classes_without_register, [unposted]);
        assert_eq!(
            closing.pupils_without_mark,
            BTreeMap::from([(None, vec![classless]), (Some(posted), vec![unmarked])])
        );
    }
}
