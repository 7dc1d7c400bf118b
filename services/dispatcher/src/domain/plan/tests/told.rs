//! What was told and does not hold: who is corrected where, and who hears it as news.

use super::*;

fn plan_of_letter(audience: &[Pupil]) -> Plan {
    plan_of(matter(NoticeKind::AnnouncementCorrection), audience)
}

#[test]
fn each_address_that_was_told_is_corrected_once_with_everybody_who_shares_it() {
    let (mother, father) = (ContactId::generate(), ContactId::generate());
    let (amy, ben) = (PupilId::generate(), PupilId::generate());
    let upper = Address { value: "MUM@example.org".into(), ..email("mum") };
    let told = [
        (mobile(1), (mother, amy)),
        (email("mum"), (mother, amy)),
        (email("mum"), (mother, ben)),
        (upper, (father, amy)),
    ];
    let wanted = wanted(matter(NoticeKind::AnnouncementCorrection), &[], &[]);
    let plan = corrected(&wanted, &told, Reason::Corrected);
    let sizes: Vec<_> = plan.messages.iter().map(|own| (own.address.key(), own.members.len())).collect();
    assert_eq!(sizes, [(mobile(1).key(), 1), ("mum@example.org".to_owned(), 3)]);
    assert_eq!(why(&plan, mother), [Reason::Corrected; 3]);
    assert!(plan.tasks.is_empty());
    let gone = Media { text: false, email: true };
    let plan = corrected(&Wanted { media: gone, ..wanted }, &told, Reason::Corrected);
    assert_eq!(why(&plan, mother), [Reason::NoChannel, Reason::Corrected, Reason::Corrected]);
    assert_eq!(plan.tasks, [PersonTask::NotCorrected(mother, amy)]);
}

#[test]
fn who_was_told_anywhere_and_whoever_reads_there_hears_no_news_beside_the_correction() {
    let mother = parent(vec![mobile(1), email("mum")]);
    let (father, other) = (parent(vec![mobile(2)]), parent(vec![email("mum"), mobile(3)]));
    let audience = [pupil(vec![mother.clone(), father.clone()]), pupil(vec![other.clone()])];
    // She had it by e-mail only.
    let told = [(email("mum"), (mother.contact, audience[0].id))];
    let plan = but_for_told(plan_of_letter(&audience), &told);
    let addresses: Vec<_> = plan.messages.iter().map(|own| own.address.value.clone()).collect();
    assert_eq!(addresses, [mobile(2).value, mobile(3).value]);
    assert!(why(&plan, mother.contact).is_empty(), "what is decided about her stands in the correction");
    assert_eq!(why(&plan, father.contact), [Reason::Entitled]);
    assert!(why(&plan, other.contact).contains(&Reason::AddressTold));
    let nobody = but_for_told(plan_of_letter(&audience), &[]);
    assert_eq!(nobody, plan_of_letter(&audience));
}

#[test]
fn who_cannot_be_told_where_they_were_is_corrected_where_everybody_would_be_told() {
    let (mother, father) = (parent(vec![mobile(1), email("mum")]), parent(vec![mobile(2), email("dad")]));
    let other = parent(vec![email("mum"), mobile(3)]);
    let audience = [pupil(vec![mother.clone(), father.clone(), other.clone()])];
    let amy = audience[0].id;
    let key = mobile(1).key();
    let stopped = Suppressed::with(Suppressed::none(), key, Suppression::OptedOut, "sup_1".to_owned());
    let kind = matter(NoticeKind::AnnouncementCorrection);
    let wanted = Wanted { suppressed: &stopped, ..wanted(kind, std::slice::from_ref(&amy), &audience) };
    let everybody = plan(&wanted);
    // She had it by text, and has asked for no more of these since; he had it by text.
    let told = vec![(mobile(1), (mother.contact, amy)), (mobile(2), (father.contact, amy))];
    let told = to_correct(&wanted, told, &everybody);
    let correction = corrected(&wanted, &told, Reason::Corrected);
    let addresses: Vec<_> = correction.messages.iter().map(|own| own.address.value.clone()).collect();
    assert_eq!(addresses, [mobile(2).value, email("mum").value]);
    assert_eq!(why(&correction, mother.contact), [Reason::AskedForNoMore, Reason::Corrected]);
    let news = but_for_told(everybody, &told);
    let addresses: Vec<_> = news.messages.iter().map(|own| own.address.value.clone()).collect();
    assert_eq!(addresses, [mobile(3).value], "who shares her mailbox reads the correction there");
    assert!(why(&news, other.contact).contains(&Reason::AddressTold));
}
