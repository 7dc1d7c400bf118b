//! Broken days: what is told of accidents.

use super::a_snowy_day::*;
use super::*;

#[test]
fn a_child_without_an_accident_had_none() {
    let mut day = Morning::snowy();
    day.facts.accidents.remove(0);
    day.has([0, 0, 2, 0]);
}

#[test]
fn a_grandmother_for_emergencies_hears_nothing_of_a_scrape() {
    let mut day = Morning::snowy();
    day.text(11.0, ROBYNS_GRANDMOTHER, &looked_after("Robyn"));
    day.has([0, 0, 1, 0]);
}

#[test]
fn the_other_child_of_a_collision_is_named_to_nobody() {
    let mut day = Morning::snowy();
    day.forget(BERTIES_MOTHER[1], "bumped");
    day.mail(
        11.0,
        BERTIES_MOTHER[1],
        &head("Bertie", ["Kabir ran into her.", BUMP[1]]).replace("ran", BUMP[0]),
    );
    day.has([0, 0, 1, 0]);
}

#[test]
fn two_children_in_one_account_are_one_too_many() {
    let mut day = Morning::snowy();
    day.text(11.5, KABIRS_MOTHER, &looked_after("Kabir and Bertie"));
    day.has([0, 0, 1, 0]);
}

#[test]
fn the_words_of_one_account_in_the_other_home_are_found() {
    let mut day = Morning::snowy();
    day.forget(ROBYNS_MOTHER, "plaster");
    day.mail(11.0, ROBYNS_MOTHER, &format!("{}\n\n{}", minor("Robyn", SCRAPE), GRAZE[0]));
    day.has([0, 0, 1, 0]);
}

#[test]
fn an_account_without_the_first_aid_is_half_an_account() {
    let mut day = Morning::snowy();
    day.forget(ROBYNS_MOTHER, "plaster");
    day.mail(11.0, ROBYNS_MOTHER, &minor("Robyn", [SCRAPE[0], "None."]));
    day.has([0, 0, 1, 0]);
}

#[test]
fn a_barred_father_who_reads_what_happened_is_found_without_a_name() {
    let mut day = Morning::snowy();
    day.text(11.0, BERTIES_FATHER, BUMPED);
    day.has([0, 1, 0, 0]);
    day.text(11.5, BERTIES_FATHER, BUMP[0]);
    day.has([0, 2, 1, 0]);
}

#[test]
fn the_mailbox_that_the_barred_father_reads_carries_nothing_of_the_child() {
    let mut day = Morning::snowy();
    day.mail(11.0, KABIRS_MAILBOX, &minor("Kabir", GRAZE));
    day.has([0, 1, 0, 0]);
}

#[test]
fn a_parent_who_was_not_told_of_an_accident_is_found() {
    let mut day = Morning::snowy();
    day.forget(ROBYNS_FATHER, "minor accident");
    day.has([0, 0, 0, 1]);
    let father = day.roster.readers(ROBYNS_FATHER).next().unwrap().to_owned();
    day.task(&[&father, ROBYN]);
    day.has([0, 0, 0, 0]);
}

#[test]
fn a_head_injury_goes_by_text_and_by_e_mail_whoever_is_to_ring() {
    for address in BERTIES_MOTHER {
        let mut day = Morning::snowy();
        day.forget(address, "bumped");
        day.has([0, 0, 0, 1]);
    }
}

#[test]
fn somebody_must_be_asked_to_ring_about_a_head_injury() {
    let mut day = Morning::snowy();
    day.tasks.retain(|task| !task.names.contains(BERTIE));
    day.has([0, 0, 0, 1]);
}

#[test]
fn the_same_account_twice_is_once_too_often() {
    let mut day = Morning::snowy();
    day.text(11.5, BERTIES_MOTHER[0], BUMPED);
    day.has([1, 0, 0, 0]);
}

#[test]
fn an_account_before_anybody_wrote_it_down_is_wrong() {
    let mut day = Morning::snowy();
    day.forget(BERTIES_MOTHER[0], "bumped");
    day.text(9.0, BERTIES_MOTHER[0], BUMPED);
    day.has([0, 0, 1, 0]);
}
