//! Addresses that nothing got to before: who is told where instead, and when a person is asked.

use super::*;

fn dead(addresses: &[Address]) -> Suppressed {
    marked(addresses, Suppression::Dead)
}

fn marked(addresses: &[Address], why: Suppression) -> Suppressed {
    let number = |suppressed, (number, address): (usize, &Address)| -> Suppressed {
        Suppressed::with(suppressed, address.key(), why, format!("sup_{number}"))
    };
    addresses.iter().enumerate().fold(Suppressed::none(), number)
}

fn plan_with(kind: NoticeKind, suppressed: &Suppressed, audience: &[Pupil]) -> Plan {
    let pupils: Vec<PupilId> = audience.iter().map(|pupil| pupil.id).collect();
    let reach = Reach::Particular;
    plan(&Wanted { suppressed, ..wanted(Matter { reach, ..matter(kind) }, &pupils, audience) })
}

fn addresses(plan: &Plan) -> Vec<&str> {
    plan.messages.iter().map(|message| message.address.value.as_str()).collect()
}

#[test]
fn a_dead_number_is_tried_after_all_others_when_a_child_is_missing() {
    let mother = parent(vec![mobile(1), mobile(2), email("mum")]);
    let audience = [pupil(vec![mother.clone()])];
    let first = plan_with(NoticeKind::AbsenceUnexplained, &dead(&[mobile(1)]), &audience);
    assert_eq!(addresses(&first), [mobile(2).value]);
    assert_eq!(why(&first, mother.contact), [Reason::LastResort, Reason::Entitled]);
    assert!(first.tasks.is_empty());

    let both = dead(&[mobile(1), mobile(2)]);
    let tried = |addresses: &[Address]| addresses.iter().map(|own| (mother.contact, own.key())).collect();
    let step = |tried: HashSet<(ContactId, String)>| {
        let members = BTreeSet::from([(mother.contact, audience[0].id)]);
        let later = Later { members, tried, ..Later::default() };
        let pupils = [audience[0].id];
        let matter = matter(NoticeKind::AbsenceUnexplained);
        let plan =
            plan(&Wanted { suppressed: &both, later: Some(&later), ..wanted(matter, &pupils, &audience) });
        (plan.messages.into_iter().next().map(|message| message.address.value), plan.tasks)
    };
    assert_eq!(step(tried(&[])).0, Some(email("mum").value));
    assert_eq!(step(tried(&[email("mum")])).0, Some(mobile(1).value));
    let (nowhere, tasks) = step(tried(&[email("mum"), mobile(1), mobile(2)]));
    assert_eq!((nowhere, tasks), (None, vec![PersonTask::CannotBeReached(mother.contact, audience[0].id)]));
}

#[test]
fn a_letter_is_not_sent_to_a_dead_address_and_nobody_rings_because_of_it() {
    let mother = parent(vec![mobile(1), email("mum")]);
    let audience = [pupil(vec![mother.clone()])];
    let plan = plan_with(NoticeKind::Announcement, &dead(&[mobile(1)]), &audience);
    assert_eq!(addresses(&plan), [email("mum").value]);
    assert_eq!(why(&plan, mother.contact), [Reason::AddressDead, Reason::Entitled]);
    assert!(plan.tasks.is_empty());
}

#[test]
fn who_asked_for_no_more_messages_is_told_otherwise_whatever_it_is() {
    let mother = parent(vec![mobile(1), email("mum")]);
    let audience = [pupil(vec![mother.clone()])];
    let suppressed = marked(&[mobile(1)], Suppression::OptedOut);
    for kind in NoticeKind::ALL {
        let plan = plan_with(kind, &suppressed, &audience);
        assert_eq!(addresses(&plan), [email("mum").value], "{kind:?}");
    }
    let only = [pupil(vec![parent(vec![mobile(1)])])];
    let plan = plan_with(NoticeKind::AbsenceUnexplained, &suppressed, &only);
    assert!(plan.messages.is_empty() && plan.tasks.len() == 2, "{:?}", plan.tasks);
}

#[test]
fn a_corrected_number_is_another_address_and_a_mailbox_is_the_same_in_any_capitals() {
    let corrected = parent(vec![mobile(2), email("mum")]);
    let audience = [pupil(vec![corrected])];
    let plan = plan_with(NoticeKind::AbsenceUnexplained, &dead(&[mobile(1)]), &audience);
    assert_eq!(addresses(&plan), [mobile(2).value]);
    let shouted = Address { value: "MUM@Example.org".to_owned(), ..email("mum") };
    let audience = [pupil(vec![parent(vec![shouted.clone()])])];
    let plan = plan_with(NoticeKind::Announcement, &dead(&[email("mum")]), &audience);
    assert!(plan.messages.is_empty());
}

#[test]
fn the_office_is_asked_for_a_number_that_works_when_none_does_and_once_for_the_same() {
    let (mother, father) = (parent(vec![mobile(1), landline(), email("mum")]), parent(vec![mobile(2)]));
    let audience = [pupil(vec![mother.clone(), father.clone()]), pupil(vec![mother.clone()])];
    let asked = |suppressed: &Suppressed, kind| {
        let tasks = plan_with(kind, suppressed, &audience).tasks;
        let own = |task: &PersonTask| match task {
            PersonTask::NoWorkingAddress(contact, _, records) => Some((*contact, records.clone())),
            _ => None,
        };
        tasks.iter().filter_map(own).collect::<BTreeSet<_>>()
    };
    let all = dead(&[mobile(1), email("mum")]);
    for kind in [NoticeKind::AbsenceUnexplained, NoticeKind::Announcement, NoticeKind::ClosureDeclared] {
        assert_eq!(asked(&all, kind), BTreeSet::from([(mother.contact, "sup_0,sup_1".to_owned())]));
        assert_eq!(asked(&dead(&[mobile(1)]), kind), BTreeSet::new());
    }
    assert_eq!(asked(&Suppressed::none(), NoticeKind::AbsenceUnexplained), BTreeSet::new());
}
