//! Mornings in which nothing is wrong.

use super::*;

#[test]
fn a_good_morning_has_four_zeros() {
    let morning = Morning::good();
    morning.has([0, 0, 0, 0]);
    assert!(morning.verdict().is_clean());
}

#[test]
fn the_whole_roster_is_read() {
    let roster = Roster::read(&FILES).unwrap();
    assert_eq!((roster.pupils.len(), roster.links.len()), (420, 901));
    assert_eq!(roster.pupils["pupil-0108"].first_name, "Wojtek", "the name that the child is called by");
    assert_eq!(roster.readers("family.ahmed@example.org").count(), 2, "a mailbox that two people read");
    assert_eq!(roster.readers("+441632960153").count(), 1, "a landline");
}

#[test]
fn a_roster_that_cannot_be_read_says_where_and_repeats_nothing() {
    let without = |name: &str| FILES.into_iter().filter(|(file, _)| *file != name).collect::<Vec<_>>();
    let missing = Roster::read(&without("users.csv")).unwrap_err();
    assert_eq!(missing.to_string(), "the roster has no users.csv");

    let mut files = without("pupils.csv");
    files.push(("pupils.csv", "sourcedId,personOnly,class\npupil-0001,perhaps,class-r-apple\n"));
    let unreadable = Roster::read(&files).unwrap_err();
    assert_eq!(unreadable.to_string(), "pupils.csv cannot be read as the witness reads it, near line 2");
}

#[test]
fn a_mail_says_the_same_in_more_words() {
    let mut morning = Morning::good();
    morning.forget(HUGHES_MOTHER, "Chloe");
    let body = "Dear parent or carer,\n\nChloe was not in school when the register closed this morning, and we have not \
                yet heard why.\n\nPlease ring us now on 01632 960001.\n\nElm Park Primary School\n01632 960001";
    morning.mail(4.0, "sarah.hughes@example.org", body);
    morning.has([0, 0, 0, 0]);
}

#[test]
fn what_was_in_the_air_when_the_arrival_became_known_is_no_fault_once_it_is_corrected() {
    let mut morning = Morning::good();
    morning.pupil(HAMZA).arrived_at = Some(at(3.2));
    morning.has([0, 0, 0, 0]);
}

#[test]
fn an_open_task_that_names_both_is_as_good_as_a_message() {
    let mut morning = Morning::good();
    morning.forget(LEOS_FATHER, "Leo");
    morning.task(&["contact-0015", LEO, "anybody"]);
    morning.has([0, 0, 0, 0]);
}

#[test]
fn refusals_and_receipts_tell_nobody() {
    let mut morning = Morning::good();
    let refused = simulator::Refused {
        channel: Medium::Email,
        provider: Provider::Smtp,
        to: Some("gary.dalton@example.test".to_owned()),
        reference: None,
        status: 550,
        why: "no".to_owned(),
    };
    morning.log.push(Entry { seq: 99, at: at(3.0), event: Event::Refused(refused) });
    morning.has([0, 0, 0, 0]);
}
