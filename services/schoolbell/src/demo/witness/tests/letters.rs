//! Broken days: what somebody in the school wrote to a class.

use super::a_snowy_day::*;
use super::*;

#[test]
fn a_letter_that_one_home_does_not_get_is_missed_unless_nothing_arrives_there() {
    let mut day = Morning::snowy();
    day.forget(HUGHES_MOTHER, LETTER);
    day.has([0, 0, 0, 0]);
    day.forget("sarah.hughes@example.org", LETTER);
    day.has([0, 0, 0, 1]);
    day.dead.extend([HUGHES_MOTHER.to_owned(), "sarah.hughes@example.org".to_owned()]);
    let letters = day.verdict().not_told;
    assert!(!letters.iter().any(|found| found.contains("written")), "{letters:?}");
}

#[test]
fn a_letter_of_which_a_person_asks_whether_it_came_is_not_missed() {
    let mut day = Morning::snowy();
    day.forget(HUGHES_MOTHER, LETTER);
    day.forget("sarah.hughes@example.org", LETTER);
    day.has([0, 0, 0, 1]);
    let mother = day.roster.links_at(HUGHES_MOTHER).next().unwrap().contact.clone();
    day.task_at(25.0, &[&mother, CHLOE]);
    day.task_of("message_may_have_left", 19.0, &[&mother, CHLOE]);
    day.has([0, 0, 0, 1]);
    day.task_of("message_may_have_left", 25.0, &[&mother, CHLOE]);
    day.has([0, 0, 0, 0]);
}

#[test]
fn a_letter_to_a_class_is_not_for_the_barred_father_nor_for_another_class() {
    let mut day = Morning::snowy();
    day.text(21.0, BARRED_FATHER, LETTER);
    day.has([0, 1, 0, 0]);
    day.text(21.0, LEOS_MOTHER, LETTER);
    day.has([0, 1, 1, 0]);
}

#[test]
fn a_letter_in_other_words_is_no_letter() {
    let mut day = Morning::snowy();
    day.forget(HUGHES_MOTHER, LETTER);
    day.text(21.0, HUGHES_MOTHER, "Please send no lunch on Friday.");
    day.has([0, 0, 1, 0]);
}

#[test]
fn a_letter_twice_or_too_early_is_found() {
    let mut day = Morning::snowy();
    day.text(21.5, HUGHES_MOTHER, LETTER);
    day.has([1, 0, 0, 0]);
    day.text(19.0, HUGHES_MOTHER, LETTER);
    day.has([2, 0, 1, 0]);
}
