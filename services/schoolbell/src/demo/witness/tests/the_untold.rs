//! Broken mornings: `not_told`.

use super::*;

#[test]
fn a_parent_who_lives_apart_and_was_forgotten_is_found() {
    let mut morning = Morning::good();
    morning.forget(LEOS_FATHER, "Leo");
    morning.has([0, 0, 0, 1]);
}

#[test]
fn a_message_that_forgets_the_second_child_leaves_two_parents_in_the_dark() {
    let mut morning = Morning::good();
    for number in [PATEL_MOTHER, PATEL_FATHER] {
        morning.forget(number, "Rohan");
        morning.text(3.1, number, &unexplained("Maya was"));
    }
    let verdict = morning.verdict();
    morning.has([0, 0, 0, 2]);
    assert!(verdict.not_told.iter().all(|found| found.contains(ROHAN) && !found.contains(MAYA)));
}

#[test]
fn a_text_to_a_dead_number_tells_nobody() {
    let mut morning = Morning::good();
    morning.tasks.retain(|task| !task.names.contains(GRACE));
    morning.has([0, 0, 0, 1]);
}

#[test]
fn a_task_that_names_only_the_child_says_not_whom_to_ring() {
    let mut morning = Morning::good();
    morning.tasks.retain(|task| !task.names.contains(GRACE));
    morning.task(&[GRACE]);
    morning.has([0, 0, 0, 1]);
}

#[test]
fn a_child_who_is_a_persons_needs_a_person() {
    let mut morning = Morning::good();
    morning.tasks.retain(|task| !task.names.contains(ETHAN));
    morning.has([0, 0, 0, 1]);
}

#[test]
fn a_child_with_nobody_to_tell_needs_a_person() {
    let mut morning = Morning::good();
    let barred_alone = |roster: &Roster, pupil: &str| {
        !roster
            .links_of_pupil(pupil)
            .any(|link| rights::should_know(roster, link, DAY, rights::Matter::Child))
    };
    let roster = &morning.roster;
    let alone = roster.pupils.keys().find(|pupil| barred_alone(roster, pupil)).unwrap().clone();
    morning.facts.missing.push(missing_since_close(&alone));
    morning.has([0, 0, 0, 1]);
    morning.task(&[&alone]);
    morning.has([0, 0, 0, 0]);
}

#[test]
fn a_child_who_came_in_late_was_still_to_be_told_of() {
    let mut morning = Morning::good();
    morning.forget(MALIK_FATHER, "Hamza was");
    morning.forget(MALIK_FATHER, "is in school");
    morning.has([0, 0, 0, 1]);
}

#[test]
fn a_silent_morning_leaves_everybody_in_the_dark() {
    let mut morning = Morning::good();
    morning.log.clear();
    morning.tasks.clear();
    // Two parents of two, Chloe's mother, Hamza's two, Grace's mother, Leo's two; and Ethan's person.
    morning.has([0, 0, 0, 11]);
}
