//! The school-wide close of a session's register: whose contacts are told, what is a person's, and
//! which registers and marks the office must ask for. What is missing holds nobody up, and nothing is
//! missing of those for whom the school is closed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use proto::ids::{ClassId, PupilId};

use super::case::State;
use super::register::Roll;
use super::{Calendar, Line, Rejection, Route, Sitting, Step};

/// What a close does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Closing {
    /// Each open case: told, handed to a person, or ended by a closure.
    pub steps: Vec<Step>,
    /// Classes that have pupils, and no register.
    pub classes_without_register: Vec<ClassId>,
    /// Pupils of the other classes, and pupils without a class, who have no mark.
    pub pupils_without_mark: BTreeMap<Option<ClassId>, Vec<PupilId>>,
}

/// Who is due in a session.
#[derive(Debug, Clone, Copy)]
pub struct Due<'a> {
    /// Which session.
    pub sitting: Sitting,
    /// Who is on roll.
    pub roll: &'a Roll,
    /// For whom the school is closed.
    pub calendar: &'a Calendar,
}

/// Decides the close. `registers` are the classes whose register was posted.
pub fn close(
    due: Due<'_>,
    registers: &BTreeSet<ClassId>,
    lines: &BTreeMap<PupilId, Line>,
    now: Timestamp,
) -> Result<Closing, Rejection> {
    let Due { sitting, roll, calendar } = due;
    let mut closing = Closing::default();
    for line in lines.values() {
        if let Some(case) = line.case {
            let on_roll = roll.get(&line.pupil_id);
            let cover = calendar.cover(sitting, line.pupil_id, on_roll);
            let route = Route::of(on_roll, cover, now, case.opening.ends_at);
            let step = line.close(route, now)?;
            closing.steps.extend(step.case().is_some().then_some(step.clone()));
        }
    }
    let mut missing = BTreeSet::new();
    let is_due = |id: PupilId, pupil| calendar.cover(sitting, id, Some(pupil)).is_none();
    for (pupil_id, pupil) in roll.iter().filter(|(pupil_id, pupil)| is_due(**pupil_id, pupil)) {
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
        self.states().filter(|state| matches!(state, State::Announced { .. })).count()
    }

    /// How many cases are a person's task instead.
    #[must_use]
    pub fn handed_to_person(&self) -> usize {
        self.states().filter(|state| matches!(state, State::Person { .. })).count()
    }

    fn states(&self) -> impl Iterator<Item = State> {
        self.steps.iter().filter_map(|step| Some(step.case()?.state))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proto::events::absences::Session;
    use proto::events::scope::Scope;
    use proto::ids::CaseId;

    use super::*;
    use crate::domain::closure::Closure;
    use crate::domain::{Care, Code, Moment, OnRoll, Phase};

    fn of(class_id: Option<ClassId>, care: Care) -> OnRoll {
        OnRoll { class_id, year_group: "3".to_owned(), care }
    }

    const SITTING: Sitting = Sitting { date: date(2026, 11, 24), session: Session::Morning };

    fn missing(pupil_id: PupilId, class_id: ClassId) -> (PupilId, Line) {
        let moment = Moment {
            now: "2026-11-24T08:55:00Z".parse().unwrap(),
            phase: Phase::Open,
            route: Route::Contacts,
            ends_at: "2026-11-24T12:00:00Z".parse().unwrap(),
            new_case: CaseId::generate(),
        };
        let line = Line::new(pupil_id, SITTING);
        (pupil_id, line.post(Code::NotYetEstablished, class_id, &moment).unwrap().after)
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
        let lines = [told, person, gone].map(|pupil_id| missing(pupil_id, posted));
        let due = Due { sitting: SITTING, roll: &roll, calendar: &Calendar::default() };
        let closing = close(due, &BTreeSet::from([posted]), &BTreeMap::from(lines), now).unwrap();
        assert_eq!((closing.announced(), closing.handed_to_person()), (1, 2));
        assert_eq!(closing.classes_without_register, [unposted]);
        assert_eq!(
            closing.pupils_without_mark,
            BTreeMap::from([(None, vec![classless]), (Some(posted), vec![unmarked])])
        );
    }

    #[test]
    fn nobody_is_missed_from_the_part_of_the_school_that_is_closed() {
        let [closed, open] = [(); 2].map(|()| ClassId::generate());
        let [shut, unmarked, told, unposted] = [(); 4].map(|()| PupilId::generate());
        let roll = Roll::from([
            (shut, of(Some(closed), Care::PersonOnly)),
            (unmarked, of(Some(closed), Care::Automatic)),
            (told, of(Some(open), Care::Automatic)),
            (unposted, of(Some(open), Care::Automatic)),
        ]);
        let now = "2026-11-24T09:15:00Z".parse().unwrap();
        let lines = BTreeMap::from([missing(shut, closed), missing(told, open)]);
        let closing = |scope| {
            let (day, from) = (SITTING.date, Session::Morning);
            let closure = Closure { scope, first_day: day, from, last_day: day };
            let calendar = Calendar::new(BTreeMap::new(), vec![closure]);
            let due = Due { sitting: SITTING, roll: &roll, calendar: &calendar };
            close(due, &BTreeSet::from([open]), &lines, now).unwrap()
        };
        let part = closing(Scope::Classes(vec![closed]));
        assert_eq!((part.announced(), part.handed_to_person(), part.steps.len()), (1, 0, 2));
        assert_eq!(part.classes_without_register, []);
        assert_eq!(part.pupils_without_mark, BTreeMap::from([(Some(open), vec![unposted])]));
        let codes = |closing: &Closing| -> Vec<Option<Code>> {
            closing.steps.iter().map(|step| step.after.entry.code).collect()
        };
        assert!(codes(&part).contains(&Some(Code::PartClosed)));
        let whole = closing(Scope::WholeSchool);
        assert_eq!((whole.announced(), whole.handed_to_person()), (0, 0));
        assert_eq!(codes(&whole), [Some(Code::SchoolClosed); 2]);
        assert!(whole.pupils_without_mark.is_empty() && whole.classes_without_register.is_empty());
    }
}
