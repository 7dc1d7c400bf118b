//! What each kind of notice does with addresses, readers and people.

use super::*;

fn kinds_of(plan: &Plan) -> Vec<AddressKind> {
    plan.messages.iter().map(|message| message.address.kind).collect()
}

#[test]
fn each_kind_uses_addresses_in_its_own_way() {
    use AddressKind::{Email, Mobile};
    let mother = parent(vec![landline(), mobile(1), mobile(2), email("mum")]);
    let no_mailbox = parent(vec![mobile(3)]);
    let audience = [pupil(vec![mother]), pupil(vec![no_mailbox])];
    for kind in NoticeKind::ALL {
        let expected = match kind.ways() {
            Ways::InTurn | Ways::TextFirst => vec![Mobile, Mobile],
            Ways::EmailFirst => vec![Mobile, Email],
            Ways::Both => vec![Mobile, Mobile, Email],
        };
        assert_eq!(kinds_of(&plan_of(matter(kind), &audience)), expected, "{kind:?}");
    }
}

#[test]
fn after_a_text_that_nobody_confirmed_the_next_number_is_tried_beside_the_e_mail() {
    let mother = parent(vec![mobile(1), mobile(2), email("mum"), email("work")]);
    let audience = [pupil(vec![mother.clone()])];
    let member = (mother.contact, audience[0].id);
    let mut later = Later {
        members: BTreeSet::from([member]),
        emailed: BTreeSet::from([member]),
        tried: HashSet::from([(mother.contact, mobile(1).value), (mother.contact, email("mum").value)]),
        ..Later::default()
    };
    let next = step(NoticeKind::HeadInjury, &audience, &[audience[0].id], &later);
    assert_eq!(next.messages.iter().map(|message| &message.address).collect::<Vec<_>>(), [&mobile(2)]);
    later.tried.insert((mother.contact, mobile(2).value));
    let last = step(NoticeKind::HeadInjury, &audience, &[audience[0].id], &later);
    assert!(last.messages.is_empty() && last.tasks.is_empty());
    assert_eq!(why(&last, mother.contact), [Reason::Emailed]);
    // Without the e-mail somebody is asked, when the other mailbox has been tried too.
    later.emailed.clear();
    later.tried.insert((mother.contact, email("work").value));
    let last = step(NoticeKind::HeadInjury, &audience, &[audience[0].id], &later);
    assert_eq!(last.tasks, [PersonTask::CannotBeReached(mother.contact, audience[0].id)]);
}

#[test]
fn a_person_rings_about_a_head_injury_whoever_may_know_first_and_emergency_contacts_last() {
    let grandmother = Link { emergency_only: true, ..parent(vec![mobile(1)]) };
    let (father, mother) = (parent(vec![landline()]), parent(vec![mobile(2)]));
    let barred = Link { no_child_information: true, ..parent(vec![mobile(3)]) };
    let links = vec![grandmother.clone(), father.clone(), barred, mother.clone()];
    let audience = [pupil(links), pupil(vec![grandmother.clone()])];
    let plan = plan_of(matter(NoticeKind::HeadInjury), &audience);
    let in_order = vec![father.contact, mother.contact, grandmother.contact];
    assert!(plan.tasks.contains(&PersonTask::Ring(audience[0].id, in_order)));
    assert!(plan.tasks.contains(&PersonTask::NobodyToTell(audience[1].id)));
    let first_aid = plan_of(matter(NoticeKind::FirstAid), &audience);
    assert!(!first_aid.tasks.iter().any(|task| matches!(task, PersonTask::Ring(..))));
}

#[test]
fn what_is_said_to_everybody_reaches_who_may_not_know_of_a_child_and_what_is_said_to_some_does_not() {
    let barred = Link { no_child_information: true, ..parent(vec![mobile(1)]) };
    let shared = parent(vec![Address { barred: true, ..mobile(2) }]);
    let closed = parent(vec![Address { barred: true, no_contact: true, ..mobile(3) }]);
    let nothing = Link { no_contact: true, ..parent(vec![mobile(4)]) };
    let person_only = Pupil { person_only: true, ..pupil(vec![parent(vec![mobile(5)])]) };
    let audience = [pupil(vec![barred, shared, closed, nothing]), person_only];
    for kind in [NoticeKind::ClosureDeclared, NoticeKind::Reopening, NoticeKind::Announcement] {
        let reached = |reach| {
            let plan = plan_of(Matter { reach, ..matter(kind) }, &audience);
            plan.messages.into_iter().map(|message| message.address.value).collect::<Vec<_>>()
        };
        let general: Vec<String> = [1, 2, 5].map(|number| mobile(number).value).into();
        assert_eq!(reached(Reach::General), general, "{kind:?}");
        let particular = if kind == NoticeKind::Announcement { vec![] } else { vec![mobile(5).value] };
        assert_eq!(reached(Reach::Particular), particular, "{kind:?}");
    }
}
