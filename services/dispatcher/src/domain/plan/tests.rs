//! The plan, case by case, and what holds for any school.

mod any_school;
mod held;
mod kinds;
mod preferred;
mod suppressed;
mod told;

use super::super::entitlement::tests::{link, matter};
use super::super::{Choices, Preference, Reach, Responsibility, Suppression, Ways};
use super::*;

const BOTH: Media = Media { text: true, email: true };
static NONE: Suppressed = Suppressed::none();

/// A wish in which nothing is special.
fn wanted<'a>(matter: Matter, pupils: &'a [PupilId], audience: &'a [Pupil]) -> Wanted<'a> {
    Wanted { matter, pupils, audience, media: BOTH, texts: Texts::Go, suppressed: &NONE, later: None }
}

fn mobile(number: u32) -> Address {
    Address {
        kind: AddressKind::Mobile,
        value: format!("+4477009{number:05}"),
        barred: false,
        no_contact: false,
    }
}

fn email(name: &str) -> Address {
    Address {
        kind: AddressKind::Email,
        value: format!("{name}@example.org"),
        barred: false,
        no_contact: false,
    }
}

fn landline() -> Address {
    Address { kind: AddressKind::Landline, value: "+441632960100".into(), barred: false, no_contact: false }
}

fn pupil(links: Vec<Link>) -> Pupil {
    Pupil { id: PupilId::generate(), first_name: "Amy".into(), person_only: false, links }
}

fn parent(addresses: Vec<Address>) -> Link {
    Link { addresses, ..link() }
}

fn plan_for(audience: &[Pupil]) -> Plan {
    let pupils: Vec<PupilId> = audience.iter().map(|pupil| pupil.id).collect();
    plan(&wanted(matter(NoticeKind::AbsenceUnexplained), &pupils, audience))
}

fn plan_of(matter: Matter, audience: &[Pupil]) -> Plan {
    let pupils: Vec<PupilId> = audience.iter().map(|pupil| pupil.id).collect();
    plan(&wanted(matter, &pupils, audience))
}

fn why(plan: &Plan, contact: ContactId) -> Vec<Reason> {
    let about = plan.decisions.iter().filter(|decision| decision.contact == Some(contact));
    about.map(|decision| decision.reason).collect()
}

#[test]
fn siblings_stand_in_one_message_per_parent() {
    let (mother, father) = (parent(vec![mobile(1)]), parent(vec![mobile(2), email("dad")]));
    let audience = [pupil(vec![mother.clone(), father.clone()]), pupil(vec![mother, father])];
    let plan = plan_for(&audience);
    assert_eq!(plan.messages.len(), 2);
    assert!(plan.messages.iter().all(|message| message.members.len() == 2));
    assert!(plan.tasks.is_empty());
}

#[test]
fn every_entitled_contact_is_told_and_each_other_one_has_a_reason() {
    let mother = parent(vec![mobile(1)]);
    let barred = Link { no_child_information: true, ..parent(vec![mobile(2)]) };
    let grandmother = Link { emergency_only: true, ..parent(vec![mobile(3)]) };
    let friend = Link {
        responsibility: Responsibility::No,
        lives_with: false,
        parent_or_guardian: false,
        ..parent(vec![mobile(4)])
    };
    let audience = [pupil(vec![mother.clone(), barred.clone(), grandmother.clone(), friend.clone()])];
    let plan = plan_for(&audience);
    assert_eq!(plan.messages.len(), 1);
    assert_eq!(why(&plan, mother.contact), [Reason::Entitled]);
    assert_eq!(why(&plan, barred.contact), [Reason::NoChildInformation]);
    assert_eq!(why(&plan, grandmother.contact), [Reason::EmergencyOnly]);
    assert_eq!(why(&plan, friend.contact), [Reason::NotEntitled]);
}

#[test]
fn a_text_never_goes_to_a_landline() {
    let both = parent(vec![landline(), email("mum")]);
    let only = parent(vec![landline()]);
    let audience = [pupil(vec![both.clone(), only.clone()])];
    let plan = plan_for(&audience);
    assert_eq!(plan.messages.len(), 1);
    assert_eq!(plan.messages[0].address.kind, AddressKind::Email);
    assert_eq!(why(&plan, only.contact), [Reason::Landline, Reason::NoAddress]);
    assert_eq!(plan.tasks, [PersonTask::CannotBeReached(only.contact, audience[0].id)]);
}

#[test]
fn an_address_that_two_share_gets_one_message() {
    let (mother, father) = (parent(vec![email("family")]), parent(vec![email("family")]));
    let audience = [pupil(vec![mother.clone(), father.clone()])];
    let plan = plan_for(&audience);
    assert_eq!(plan.messages.len(), 1);
    assert_eq!(plan.messages[0].members.len(), 2);
    assert_eq!(why(&plan, father.contact), [Reason::AddressTold]);
}

#[test]
fn a_mailbox_is_the_same_in_any_capitals() {
    let shouted = Address { value: "FAMILY@Example.org".to_owned(), ..email("family") };
    let (mother, father) = (parent(vec![email("family")]), parent(vec![shouted.clone()]));
    let audience = [pupil(vec![mother.clone(), father.clone()])];
    let plan = plan_for(&audience);
    assert_eq!(plan.messages.len(), 1);
    assert_eq!(plan.messages[0].members.len(), 2);
    let later = Later {
        members: BTreeSet::from([(father.contact, audience[0].id)]),
        carried: HashSet::from([(email("family").value, audience[0].id)]),
        ..Later::default()
    };
    let kind = NoticeKind::AbsenceUnexplained;
    let step = step(kind, &audience, &[audience[0].id], &later);
    assert_eq!(step.joins, [(shouted.value, (father.contact, audience[0].id))]);
}

#[test]
fn an_address_that_a_barred_person_uses_too_carries_nothing() {
    let shared = Address { barred: true, ..email("family") };
    let mother = parent(vec![shared.clone()]);
    let aunt = parent(vec![shared, mobile(1)]);
    let audience = [pupil(vec![mother.clone(), aunt.clone()])];
    let plan = plan_for(&audience);
    assert_eq!(plan.messages.len(), 1);
    assert_eq!(plan.messages[0].address, mobile(1));
    assert!(plan.tasks.contains(&PersonTask::AddressShared(mother.contact, audience[0].id)));
    assert!(plan.tasks.contains(&PersonTask::CannotBeReached(mother.contact, audience[0].id)));
}

#[test]
fn a_person_only_pupil_or_one_with_nobody_is_a_task() {
    let person_only = Pupil { person_only: true, ..pupil(vec![parent(vec![mobile(1)])]) };
    let nobody = pupil(vec![Link { emergency_only: true, ..parent(vec![mobile(2)]) }]);
    let plan = plan_for(&[person_only.clone(), nobody.clone()]);
    assert!(plan.messages.is_empty());
    assert_eq!(plan.tasks, [PersonTask::PersonOnly(person_only.id), PersonTask::NobodyToTell(nobody.id)]);
}

#[test]
fn a_pupil_who_left_the_roll_is_a_task_and_sends_nothing() {
    let gone = PupilId::generate();
    let plan = plan(&wanted(matter(NoticeKind::AbsenceUnexplained), &[gone], &[]));
    assert!(plan.messages.is_empty());
    assert_eq!(plan.tasks, [PersonTask::NobodyToTell(gone)]);
}

#[test]
fn the_next_step_takes_the_next_address_of_that_contact_only() {
    let mother = parent(vec![mobile(1), mobile(2), email("mum")]);
    let father = parent(vec![mobile(3)]);
    let audience = [pupil(vec![mother.clone(), father])];
    let only = BTreeSet::from([(mother.contact, audience[0].id)]);
    let mut later = Later { members: only, ..Later::default() };
    let mut used = Vec::new();
    for _ in 0..4 {
        let step = plan(&Wanted {
            later: Some(&later),
            ..wanted(matter(NoticeKind::AbsenceUnexplained), &[audience[0].id], &audience)
        });
        match step.messages.first() {
            Some(message) => {
                assert_eq!(why(&step, mother.contact), [Reason::NextAddress]);
                later.tried.insert((mother.contact, message.address.value.clone()));
                used.push(message.address.value.clone());
            }
            None => assert_eq!(step.tasks, [PersonTask::CannotBeReached(mother.contact, audience[0].id)]),
        }
    }
    assert_eq!(used, [mobile(1).value, mobile(2).value, email("mum").value]);
}

#[test]
fn a_later_step_to_an_address_that_tells_the_pupil_already_sends_no_second_message() {
    let father = parent(vec![mobile(3), email("family")]);
    let audience = [pupil(vec![father.clone()]), pupil(vec![father.clone()])];
    let later = Later {
        members: audience.iter().map(|pupil| (father.contact, pupil.id)).collect(),
        tried: HashSet::from([(father.contact, mobile(3).value)]),
        carried: HashSet::from([(email("family").value, audience[0].id)]),
        ..Later::default()
    };
    let pupils = [audience[0].id, audience[1].id];
    let step = plan(&Wanted {
        later: Some(&later),
        ..wanted(matter(NoticeKind::AbsenceUnexplained), &pupils, &audience)
    });
    assert_eq!(step.joins, [(email("family").value, (father.contact, audience[0].id))]);
    assert_eq!(step.messages.len(), 1);
    assert_eq!(step.messages[0].members, BTreeSet::from([(father.contact, audience[1].id)]));
    assert!(step.tasks.is_empty());
}

#[test]
fn what_is_too_late_names_everybody_who_should_have_been_told() {
    let (mother, nobody) = (parent(vec![landline(), mobile(1)]), parent(Vec::new()));
    let barred = Link { no_contact: true, ..parent(vec![mobile(2)]) };
    let audience = [pupil(vec![mother.clone(), nobody.clone(), barred.clone()])];
    let pupils = [audience[0].id];
    let plan = too_late(&wanted(matter(NoticeKind::AbsenceUnexplained), &pupils, &audience));
    assert!(plan.messages.is_empty());
    assert_eq!(why(&plan, mother.contact), [Reason::Expired]);
    assert_eq!(why(&plan, barred.contact), [Reason::NoContact]);
    let told = |contact| PersonTask::CannotBeReached(contact, pupils[0]);
    assert_eq!(plan.tasks, [told(mother.contact), told(nobody.contact)]);
}

fn step(kind: NoticeKind, audience: &[Pupil], pupils: &[PupilId], later: &Later) -> Plan {
    plan(&Wanted { later: Some(later), ..wanted(matter(kind), pupils, audience) })
}

#[test]
fn a_later_step_hands_whoever_may_not_be_told_any_more_to_the_lead() {
    let (gone, barred) = (parent(vec![email("gone")]), parent(vec![email("barred")]));
    let barred = Link { no_child_information: true, ..barred };
    let audience = [pupil(vec![barred.clone()])];
    let about = audience[0].id;
    let members = BTreeSet::from([(gone.contact, about), (barred.contact, about)]);
    let later = Later { members, ..Later::default() };
    for kind in NoticeKind::ALL {
        let task = match kind {
            NoticeKind::AbsenceCorrection => PersonTask::NotCorrected,
            _ => PersonTask::NotCleared,
        };
        let step = step(kind, &audience, &[about], &later);
        assert!(step.messages.is_empty());
        assert_eq!(step.tasks, [task(barred.contact, about), task(gone.contact, about)]);
        assert_eq!(why(&step, gone.contact), [Reason::NotLinked]);
        assert_eq!(why(&step, barred.contact), [Reason::NoChildInformation]);
    }
}

#[test]
fn a_correction_about_a_pupil_who_is_gone_or_a_person_s_is_a_task_for_each_who_was_told() {
    let mother = parent(vec![email("mum")]);
    let person_only = Pupil { person_only: true, ..pupil(vec![mother.clone()]) };
    for audience in [vec![person_only.clone()], Vec::new()] {
        let members = BTreeSet::from([(mother.contact, person_only.id)]);
        let later = Later { members, ..Later::default() };
        let step = step(NoticeKind::AbsenceCorrection, &audience, &[person_only.id], &later);
        assert_eq!(step.tasks, [PersonTask::NotCorrected(mother.contact, person_only.id)]);
    }
}
