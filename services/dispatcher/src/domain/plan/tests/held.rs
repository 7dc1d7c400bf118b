//! Quiet hours: which messages wait, and who is told otherwise.

use super::*;

fn plan_at_night(kind: NoticeKind, texts: Texts, audience: &[Pupil]) -> Plan {
    let pupils: Vec<PupilId> = audience.iter().map(|pupil| pupil.id).collect();
    plan(&Wanted { texts, ..wanted(matter(kind), &pupils, audience) })
}

fn morning() -> Timestamp {
    "2026-11-25T08:00:00Z".parse().unwrap()
}

#[test]
fn a_text_waits_for_the_morning_and_the_e_mail_beside_it_does_not() {
    let mother = parent(vec![mobile(1), email("mum")]);
    let audience = [pupil(vec![mother.clone()])];
    let plan = plan_at_night(NoticeKind::Announcement, Texts::WaitUntil(morning()), &audience);
    let held: Vec<_> = plan.messages.iter().map(|own| (own.address.kind, own.held_until)).collect();
    assert_eq!(held, [(AddressKind::Mobile, Some(morning())), (AddressKind::Email, None)]);
    assert_eq!(why(&plan, mother.contact), [Reason::Entitled, Reason::QuietHours, Reason::Entitled]);
}

#[test]
fn who_would_be_told_too_late_after_a_quiet_night_is_a_person_s_task_and_a_letter_is_not() {
    let (mother, father) = (parent(vec![mobile(1), email("mum")]), parent(vec![mobile(2)]));
    let audience = [pupil(vec![mother.clone(), father.clone()])];
    let first_aid = plan_at_night(NoticeKind::FirstAid, Texts::ComeTooLate, &audience);
    assert_eq!(first_aid.messages.len(), 1);
    assert_eq!(why(&first_aid, mother.contact), [Reason::Entitled]);
    assert_eq!(why(&first_aid, father.contact), [Reason::TooLateAfterQuietHours, Reason::NoAddress]);
    assert_eq!(first_aid.tasks, [PersonTask::CannotBeReached(father.contact, audience[0].id)]);
    let letter = plan_at_night(NoticeKind::Announcement, Texts::ComeTooLate, &audience);
    assert_eq!(why(&letter, father.contact), [Reason::TooLateAfterQuietHours, Reason::NoAddress]);
    assert_eq!(letter.messages.len(), 1);
}
