//! Broken days: what is told of a closure, of its change and of its end.

use super::a_snowy_day::*;
use super::*;

fn closed(barred: bool) -> String {
    closed_words("School is closed", TUESDAY, barred)
}

#[test]
fn a_reopening_that_says_closed_is_found() {
    let mut day = Morning::snowy();
    day.forget(LEOS_FATHER, "school is open");
    day.text(51.0, LEOS_FATHER, "Good news: school is open on Wednesday 25 November and no longer closed.");
    // His mailbox has told him, but this text has not.
    day.has([0, 0, 1, 0]);
}

#[test]
fn a_subject_that_says_closed_over_a_reopening_is_found() {
    let mut day = Morning::snowy();
    let to = LEOS_MAILBOX;
    day.forget(to, "school is open");
    let mut mail = accepted(Medium::Email, to, format!("{OPEN}\n\nElm Park Primary School"));
    mail.subject = Some("School is closed on Wednesday 25 November".to_owned());
    day.accept(51.0, mail);
    day.has([0, 0, 1, 0]);
}

#[test]
fn closed_after_it_was_open_again_is_wrong_and_in_the_air_it_is_not() {
    for (seconds, wrong) in [(51.0, 0), (52.0, 1)] {
        let mut day = Morning::snowy();
        day.forget(LEOS_FATHER, "now closed");
        day.text(seconds, LEOS_FATHER, &closed_words("Update: school is now closed", BOTH_DAYS, false));
        day.has([0, 0, wrong, 0]);
    }
}

#[test]
fn what_was_changed_is_not_said_any_more() {
    let mut day = Morning::snowy();
    day.forget(LEOS_FATHER, "School is closed");
    day.text(45.0, LEOS_FATHER, &closed(false));
    day.has([0, 0, 1, 0]);
}

#[test]
fn nobody_is_told_before_the_head_has_said_so() {
    let mut day = Morning::snowy();
    day.forget(LEOS_FATHER, "School is closed");
    day.text(29.0, LEOS_FATHER, &closed(false));
    day.has([0, 0, 1, 0]);
}

#[test]
fn words_that_fit_no_closure_are_found() {
    for (what, words) in [
        ("another day", closed(false).replace("Tuesday 24", "Thursday 26")),
        ("a wrong weekday", closed(false).replace("Tuesday", "Monday")),
        ("the whole day", closed(false).replace("the afternoon of ", "")),
        ("no reason", closed(false).replace("Heavy snow", "Stay at home")),
        ("a child", closed(false).replace("Heavy snow", "Heavy snow, Leo")),
        ("open on another day", OPEN.replace("Wednesday 25", "Thursday 26")),
        ("collecting when it is open", format!("{OPEN} {COLLECTION}.")),
        ("neither", "Snow!".to_owned()),
    ] {
        let mut day = Morning::snowy();
        day.text(31.0 + if words.contains("open on") { 20.5 } else { 0.5 }, ROBYNS_FATHER, &words);
        let verdict = day.verdict();
        let found = verdict.told_wrongly.len();
        assert_eq!(found, 1, "{what}: {verdict:#?}");
    }
}

#[test]
fn collection_words_to_a_barred_contact_are_barred_and_wrong() {
    let mut day = Morning::snowy();
    day.forget(BARRED_FATHER, "School is closed");
    day.text(31.0, BARRED_FATHER, &closed(false));
    day.has([0, 1, 1, 0]);
}

#[test]
fn collection_words_in_a_mailbox_that_somebody_barred_shares_are_found() {
    let mut day = Morning::snowy();
    day.forget(KABIRS_MAILBOX, "School is closed");
    day.mail(31.0, KABIRS_MAILBOX, &format!("{}\n\nElm Park Primary School", closed(false)));
    day.has([0, 1, 1, 0]);
}

#[test]
fn collecting_in_other_words_is_collecting() {
    let mut day = Morning::snowy();
    day.forget(BARRED_FATHER, "School is closed");
    let words = closed(true).replace("We will", "Collection is at noon. We will");
    day.text(31.0, BARRED_FATHER, &words);
    day.has([0, 1, 1, 0]);
}

#[test]
fn somebody_who_may_be_sent_nothing_hears_of_no_closure() {
    let mut day = Morning::snowy();
    let number = day.roster.contacts["contact-0226"].addresses[0].clone();
    day.text(31.0, &number, &closed(true));
    day.has([0, 1, 0, 0]);
}

#[test]
fn people_for_emergencies_are_not_told_of_closures() {
    let mut day = Morning::snowy();
    day.text(31.0, ROBYNS_GRANDMOTHER, &closed(false));
    day.has([0, 0, 1, 0]);
}

#[test]
fn each_step_must_reach_everybody_by_text_or_by_e_mail() {
    for step in ["School is closed", "now closed", "school is open"] {
        let mut day = Morning::snowy();
        day.forget(LEOS_FATHER, step);
        day.has([0, 0, 0, 0]);
        day.forget(LEOS_MAILBOX, step);
        day.has([0, 0, 0, 1]);
        let father = day.roster.readers(LEOS_FATHER).next().unwrap().to_owned();
        day.task(&[&father, LEO]);
        day.has([0, 0, 0, 0]);
    }
}

#[test]
fn whoever_may_know_must_be_told_when_children_are_collected() {
    let mut day = Morning::snowy();
    day.forget(ROBYNS_FATHER, "School is closed");
    day.text(31.0, ROBYNS_FATHER, &closed(true));
    day.has([0, 0, 0, 1]);
}

#[test]
fn a_dead_number_and_a_child_with_nobody_need_a_person() {
    for somebody in [GRACE, ALONE] {
        let mut day = Morning::snowy();
        day.tasks.retain(|task| !task.names.contains(somebody));
        let untold = day.verdict().not_told.len();
        assert!(untold >= 1, "{somebody}");
    }
}

#[test]
fn a_task_of_the_morning_is_no_excuse_for_the_snow() {
    let mut day = Morning::snowy();
    day.tasks.retain(|task| !task.names.contains(GRACE));
    day.task_at(45.0, &["contact-0013", GRACE]);
    // It covers what had been said until then, and not the reopening.
    day.has([0, 0, 0, 1]);
}

#[test]
fn the_same_closure_twice_counts_once_for_each_who_reads_it() {
    let mut day = Morning::snowy();
    day.text(31.5, LEOS_FATHER, &closed(false));
    day.has([1, 0, 0, 0]);
    day.mail(31.5, KABIRS_MAILBOX, &format!("{}\n\nElm Park Primary School", closed(true)));
    day.has([3, 0, 0, 0]);
}

#[test]
fn a_closure_of_one_class_is_not_for_the_barred_father_of_a_child_in_it() {
    let mut day = Morning::snowy();
    let scope = class_of(&day.roster, CHLOE);
    day.facts.closures[0].scope = scope;
    let of_others: Vec<String> =
        day.roster.contacts.values().flat_map(|person| person.addresses.clone()).collect();
    let of_chloe = |roster: &Roster, address: &str| roster.links_at(address).any(|link| link.pupil == CHLOE);
    let roster = day.roster.clone();
    day.log.retain(|entry| {
        entry.accepted().is_none_or(|accepted| {
            !accepted.body.contains("chool is")
                || of_chloe(&roster, &accepted.to)
                || !of_others.contains(&accepted.to)
        })
    });
    // A text and an e-mail for each of three steps, whatever they say.
    day.has([0, 6, 0, 0]);
}

#[test]
fn the_website_names_nobody_says_nothing_of_collecting_and_an_opening_reads_like_one() {
    for (says_open, words, wrong) in [
        (false, "School is closed on the afternoon of Tuesday 24 November\nHeavy snow.", 0),
        (true, "School is open on Wednesday 25 November", 0),
        (true, "School is open on Wednesday 25 November and not closed", 1),
        (false, "School is closed\nPlease collect your child at 12:30.", 1),
        (false, "School is closed\nLeo is sad.", 1),
    ] {
        let mut day = Morning::snowy();
        day.facts.public.push(Public { says_open, words: words.to_owned() });
        day.has([0, 0, wrong, 0]);
    }
}

const LEOS_MAILBOX: &str = "daniel.marsh@example.test";
