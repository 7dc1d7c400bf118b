//! Broken mornings: `told_twice`.

use super::*;

#[test]
fn the_same_text_twice_counts_for_each_child_that_it_names() {
    let mut morning = Morning::good();
    morning.text(3.4, PATEL_MOTHER, &unexplained("Maya and Rohan were"));
    morning.has([2, 0, 0, 0]);
}

#[test]
fn a_second_correction_is_once_too_often() {
    let mut morning = Morning::good();
    morning.tell(5.9, MALIK_FATHER, CORRECTION);
    morning.has([1, 0, 0, 0]);
}

#[test]
fn three_times_is_two_times_too_often() {
    let mut morning = Morning::good();
    for second in [4.0, 4.5] {
        morning.text(second, LEOS_MOTHER, &unexplained("Leo was"));
    }
    morning.has([2, 0, 0, 0]);
}

#[test]
fn the_next_address_of_the_same_contact_is_not_twice() {
    let mut morning = Morning::good();
    let body = format!("{}\n\nElm Park Primary School", unexplained("Leo was"));
    morning.mail(8.0, "helen.carter@example.org", &body);
    morning.has([0, 0, 0, 0]);
}

#[test]
fn a_mail_to_a_shared_mailbox_counts_for_everybody_who_reads_it() {
    let mut morning = Morning::good();
    let pupil = morning.roster.links_at("family.ahmed@example.org").next().unwrap().pupil.clone();
    morning.facts.missing.push(missing_since_close(&pupil));
    let first_name = morning.roster.pupils[&pupil].first_name.clone();
    let body = format!("{}\n\nElm Park Primary School", unexplained(&format!("{first_name} was")));
    morning.mail(3.1, "family.ahmed@example.org", &body);
    morning.has([0, 0, 0, 0]);
    morning.mail(3.2, "family.ahmed@example.org", &body);
    morning.has([2, 0, 0, 0]);
}
