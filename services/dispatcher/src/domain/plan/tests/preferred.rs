//! What a contact would rather: respected where it takes nothing from safety.

use super::*;

fn told(kind: NoticeKind, prefers: Preference) -> Vec<AddressKind> {
    let mother = Link { prefers, ..parent(vec![mobile(1), mobile(2), email("mum")]) };
    let plan = plan_of(matter(kind), &[pupil(vec![mother])]);
    plan.messages.iter().map(|message| message.address.kind).collect()
}

#[test]
fn a_wish_decides_about_letters_and_grazes_and_takes_no_text_from_a_missing_child() {
    use AddressKind::{Email, Mobile};
    use Preference::{None, Text};
    for (kind, unsaid, text, mail) in [
        (NoticeKind::Announcement, vec![Mobile, Email], vec![Mobile], vec![Email]),
        (NoticeKind::FirstAid, vec![Email], vec![Mobile], vec![Email]),
        (NoticeKind::AbsenceUnexplained, vec![Mobile], vec![Mobile], vec![Mobile, Email]),
        (NoticeKind::AbsenceCorrection, vec![Mobile], vec![Mobile], vec![Mobile, Email]),
        (NoticeKind::HeadInjury, vec![Mobile, Email], vec![Mobile, Email], vec![Mobile, Email]),
        (NoticeKind::ClosureDeclared, vec![Mobile, Email], vec![Mobile, Email], vec![Mobile, Email]),
    ] {
        assert_eq!(told(kind, None), unsaid, "{kind:?}");
        assert_eq!(told(kind, Text), text, "{kind:?}");
        assert_eq!(told(kind, Preference::Email), mail, "{kind:?}");
    }
}

#[test]
fn who_would_rather_be_e_mailed_and_has_no_mailbox_is_told_by_text() {
    let mother = Link { prefers: Preference::Email, ..parent(vec![mobile(1)]) };
    for kind in NoticeKind::ALL {
        let plan = plan_of(matter(kind), &[pupil(vec![mother.clone()])]);
        assert_eq!(plan.messages.len(), 1, "{kind:?}");
    }
}
