//! Broken mornings: `barred_told`.

use super::*;

#[test]
fn a_text_about_the_child_to_the_barred_father_is_found() {
    let mut morning = Morning::good();
    morning.text(3.1, BARRED_FATHER, &unexplained("Chloe was"));
    morning.has([0, 1, 0, 0]);
}

#[test]
fn his_mailbox_and_his_number_are_the_same_to_the_court() {
    let mut morning = Morning::good();
    let body = format!("{}\n\nElm Park Primary School", unexplained("Chloe was"));
    morning.mail(3.1, "gary.dalton@example.test", &body);
    morning.has([0, 1, 0, 0]);
}

#[test]
fn the_name_is_enough_whatever_the_words() {
    let mut morning = Morning::good();
    morning.text(3.1, BARRED_FATHER, "Hello, how is Chloe?");
    morning.has([0, 1, 1, 0]);
}

#[test]
fn somebody_who_may_be_sent_nothing_may_not_be_sent_a_greeting() {
    let mut morning = Morning::good();
    let number = morning.roster.contacts["contact-0226"].addresses[0].clone();
    morning.text(3.1, &number, "Hello");
    morning.has([0, 1, 1, 0]);
}

#[test]
fn an_address_that_the_barred_father_shares_carries_nothing() {
    let mut morning = Morning::good();
    let mut files = FILES.to_vec();
    let users = FILES.iter().find(|(name, _)| *name == "users.csv").unwrap().1;
    let shared = users.replace("gary.dalton@example.test", "sarah.hughes@example.org");
    files.retain(|(name, _)| *name != "users.csv");
    files.push(("users.csv", &shared));
    morning.roster = Roster::read(&files).unwrap();
    morning.has([0, 0, 0, 0]);
    let body = format!("{}\n\nElm Park Primary School", unexplained("Chloe was"));
    morning.mail(4.0, "sarah.hughes@example.org", &body);
    morning.has([0, 1, 0, 0]);
}

#[test]
fn a_restriction_bars_from_its_day_and_beyond_its_day_of_review() {
    let morning = Morning::good();
    let link = |from: Option<Date>| {
        let links = morning.roster.links_of_pupil(CHLOE).find(|link| link.contact == "contact-0006");
        roster::Link { restricted_from: from, ..links.unwrap().clone() }
    };
    let bar = |from| rights::bar(&morning.roster, &link(from), DAY);
    assert_eq!(bar(Some(DAY)), Some(rights::Bar::ThisChild));
    assert_eq!(bar(Some(DAY.tomorrow().unwrap())), None);
    assert_eq!(bar(None), Some(rights::Bar::ThisChild));
}
