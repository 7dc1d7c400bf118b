//! Broken mornings: `told_wrongly`.

use super::*;

#[test]
fn a_child_who_sits_in_class_is_not_missing() {
    let mut morning = Morning::good();
    morning.facts.missing.retain(|missing| missing.pupil != CHLOE);
    morning.has([0, 0, 1, 0]);
}

#[test]
fn another_familys_child_is_none_of_theirs() {
    let mut morning = Morning::good();
    morning.text(3.4, LEOS_MOTHER, &unexplained("Leo and Chloe were"));
    morning.forget(LEOS_MOTHER, "Leo was");
    morning.has([0, 0, 1, 0]);
}

#[test]
fn an_address_that_is_nobodys_is_a_strangers() {
    let mut morning = Morning::good();
    morning.text(3.4, "+447700900999", &unexplained("Leo was"));
    morning.has([0, 0, 1, 0]);
}

#[test]
fn a_grandmother_for_emergencies_is_not_told_at_once() {
    let mut morning = Morning::good();
    morning.text(3.4, LEOS_GRANDMOTHER, &unexplained("Leo was"));
    morning.has([0, 0, 1, 0]);
}

#[test]
fn nothing_is_sent_about_a_child_who_is_a_persons() {
    let mut morning = Morning::good();
    morning.text(3.4, "+447700900110", &unexplained("Ethan was"));
    morning.has([0, 0, 1, 0]);
}

#[test]
fn whoever_has_given_the_reason_is_not_asked_for_it() {
    let mut morning = Morning::good();
    morning.text(3.1, "+447700900102", &unexplained("Oliver was"));
    morning.has([0, 0, 1, 0]);
}

#[test]
fn nobody_is_told_before_the_register_closes() {
    let mut morning = Morning::good();
    morning.forget(HUGHES_MOTHER, "Chloe");
    morning.text(-1.0, HUGHES_MOTHER, &unexplained("Chloe was"));
    morning.has([0, 0, 1, 0]);
}

#[test]
fn a_child_who_came_in_while_the_message_gathered_is_told_of_and_not_corrected() {
    let mut morning = Morning::good();
    morning.text(3.1, "+447700900106", &unexplained("Zofia was"));
    morning.has([0, 0, 2, 0]);
}

#[test]
fn a_correction_that_one_parent_does_not_get_is_missed() {
    let mut morning = Morning::good();
    morning.forget(MALIK_FATHER, "is in school");
    morning.has([0, 0, 1, 0]);
}

#[test]
fn a_correction_at_another_address_does_not_count() {
    let mut morning = Morning::good();
    morning.forget(MALIK_FATHER, "is in school");
    morning.text(5.3, "+447700900989", CORRECTION);
    morning.has([0, 0, 2, 0]);
}

#[test]
fn a_correction_before_anybody_has_come_in_is_wrong() {
    let mut morning = Morning::good();
    let body = CORRECTION.replace("Hamza", "Leo");
    morning.text(5.0, LEOS_MOTHER, &body);
    morning.has([0, 0, 1, 0]);
}

#[test]
fn words_that_a_school_does_not_say_are_found() {
    let good = unexplained("Leo was");
    for (what, body) in [
        ("unknown wording", "Leo truanted today.".to_owned()),
        ("no name", unexplained("was")),
        ("a family name", good.replace("Leo", "Leo Marsh")),
        ("another session", good.replace("morning", "afternoon")),
        ("no number", good.replace("01632 960001", "0800 1111")),
        ("an accusation", good.replace("Please", "This is unauthorised. Please")),
        ("a reason", good.replace("Please", "We think that he is ill. Please")),
        ("bad grammar", unexplained("Leo were")),
    ] {
        let mut morning = Morning::good();
        morning.forget(LEOS_MOTHER, "Leo");
        morning.task(&["contact-0014", LEO]);
        morning.text(3.4, LEOS_MOTHER, &body);
        let verdict = morning.verdict();
        assert_eq!(verdict.told_wrongly.len(), 1, "{what}: {verdict:#?}");
    }
}

#[test]
fn a_text_that_does_not_say_whose_it_is_is_found() {
    let mut morning = Morning::good();
    morning.forget(LEOS_MOTHER, "Leo");
    morning.task(&["contact-0014", LEO]);
    morning.accept(3.4, accepted(Medium::Sms, LEOS_MOTHER, unexplained("Leo was")));
    morning.has([0, 0, 1, 0]);
}

#[test]
fn a_correction_without_an_apology_is_no_correction() {
    let mut morning = Morning::good();
    morning.forget(MALIK_MOTHER, "is in school");
    morning.text(5.3, MALIK_MOTHER, "Hamza is in school.");
    morning.has([0, 0, 2, 0]);
}
