//! What holds for any school and any kind of notice.

use proptest::prelude::*;

use super::*;

fn any_link() -> impl Strategy<Value = Link> {
    let flags = prop::array::uniform6(any::<bool>());
    let addresses = prop::collection::vec((0..3_u8, 0..6_u32, any::<bool>(), any::<bool>()), 0..4);
    (flags, 0..3_u8, addresses).prop_map(|(flags, responsibility, addresses)| Link {
        contact: ContactId::generate(),
        parent_or_guardian: flags[0],
        responsibility: match responsibility {
            0 => Responsibility::Yes,
            1 => Responsibility::No,
            _ => Responsibility::Unknown,
        },
        lives_with: flags[1],
        emergency_only: flags[2] && flags[3],
        no_child_information: flags[4],
        no_contact: flags[5] && flags[3],
        no_voice: flags[1] && flags[2],
        prefers: match (flags[0], flags[4]) {
            (true, true) => Preference::Text,
            (true, false) => Preference::Email,
            (false, _) => Preference::None,
        },
        addresses: addresses
            .into_iter()
            .map(|(kind, number, barred, no_contact)| {
                let address = match kind {
                    0 => mobile(number),
                    1 => email(&number.to_string()),
                    _ => landline(),
                };
                Address { barred, no_contact: barred && no_contact, ..address }
            })
            .collect(),
    })
}

fn names(task: &PersonTask, (contact, pupil): Member) -> bool {
    match task {
        PersonTask::NobodyToTell(about) | PersonTask::PersonOnly(about) => *about == pupil,
        PersonTask::CannotBeReached(who, about)
        | PersonTask::NotCleared(who, about)
        | PersonTask::NotCorrected(who, about) => (*who, *about) == (contact, pupil),
        PersonTask::AddressShared(..) | PersonTask::NoWorkingAddress(..) | PersonTask::Ring(..) => false,
    }
}

fn any_matter() -> impl Strategy<Value = Matter> {
    let kinds = prop::sample::select(NoticeKind::ALL.to_vec());
    (kinds, any::<bool>(), any::<bool>()).prop_map(|(kind, general, chosen)| {
        let scoped = kind.is_for_many();
        let reach = if general && scoped { Reach::General } else { Reach::Particular };
        Matter { kind, reach, choices: Choices { emergency_contacts_hear_of_closures: chosen } }
    })
}

/// What is known of addresses, and what time of the day it is.
fn any_circumstances() -> impl Strategy<Value = (Suppressed, Texts)> {
    let of = prop::sample::select(vec![Suppression::Dead, Suppression::OptedOut]);
    let known = prop::collection::vec((any::<bool>(), 0..6_u32, of), 0..6);
    let end: Timestamp = "2026-11-25T08:00:00Z".parse().unwrap();
    let texts = prop::sample::select(vec![Texts::Go, Texts::WaitUntil(end), Texts::ComeTooLate]);
    (known, texts).prop_map(|(known, texts)| {
        let suppressed = known.into_iter().fold(Suppressed::none(), |suppressed, (text, number, why)| {
            let address = if text { mobile(number) } else { email(&number.to_string()) };
            suppressed.with(address.key(), why, number.to_string())
        });
        (suppressed, texts)
    })
}

proptest! {
    #[test]
    fn a_later_step_forgets_nobody(
        (suppressed, texts) in any_circumstances(),
        links in prop::collection::vec((any_link(), any::<bool>()), 1..5),
        person_only in any::<bool>(),
        matter in any_matter(),
        emailed in any::<bool>(),
    ) {
        let here: Vec<Link> = links.iter().filter(|(_, here)| *here).map(|(link, _)| link.clone()).collect();
        let audience = [Pupil { person_only, ..pupil(here) }];
        let about = audience[0].id;
        let members: BTreeSet<Member> = links.iter().map(|(link, _)| (link.contact, about)).collect();
        let emailed = if emailed { members.clone() } else { BTreeSet::new() };
        let later = Later { members: members.clone(), emailed: emailed.clone(), ..Later::default() };
        let later = Some(&later);
        let step = plan(&Wanted { suppressed: &suppressed, texts, later, ..wanted(matter, &[about], &audience) });
        for member in members {
            let told = step.messages.iter().filter(|message| message.members.contains(&member)).count();
            let listed = step.tasks.iter().filter(|task| names(task, member)).count();
            prop_assert!(told + listed >= 1 || emailed.contains(&member));
            prop_assert!(told == 0 || listed == 0);
            let about_all = step.decisions.iter().any(|decision| decision.contact.is_none());
            prop_assert!(about_all || !why(&step, member.0).is_empty());
        }
    }

    #[test]
    fn whoever_is_entitled_is_told_or_is_on_somebody_s_list_and_nobody_else_is_told(
        links in prop::collection::vec((prop::collection::vec(any_link(), 0..5), any::<bool>()), 1..4),
        matter in any_matter(),
        (suppressed, texts) in any_circumstances(),
    ) {
        let of = |(links, person_only)| Pupil { person_only, ..pupil(links) };
        let audience: Vec<Pupil> = links.into_iter().map(of).collect();
        let pupils: Vec<PupilId> = audience.iter().map(|pupil| pupil.id).collect();
        let plan = plan(&Wanted { suppressed: &suppressed, texts, ..wanted(matter, &pupils, &audience) });
        for pupil in &audience {
            if pupil.person_only && matter.asks_a_person_first() {
                prop_assert!(plan.tasks.contains(&PersonTask::PersonOnly(pupil.id)));
                prop_assert!(!plan.messages.iter().any(|message| message.members.iter().any(|(_, about)| *about == pupil.id)));
                continue;
            }
            let may = |link: &Link| entitled(matter, Standing::of(link)).is_ok();
            let nobody = !pupil.links.iter().any(may);
            prop_assert_eq!(plan.tasks.contains(&PersonTask::NobodyToTell(pupil.id)), nobody);
            for link in &pupil.links {
                let member = (link.contact, pupil.id);
                let most = if matter.kind.ways_for(link.prefers) == Ways::Both { 2 } else { 1 };
                let told = plan.messages.iter().filter(|message| message.members.contains(&member)).count();
                let listed = plan.tasks.contains(&not_reached(matter.kind, link.contact, pupil.id));
                prop_assert_eq!(told > 0 || listed, may(link));
                prop_assert!(told <= most && !(told > 0 && listed));
                prop_assert!(!why(&plan, link.contact).is_empty());
            }
        }
        for message in &plan.messages {
            prop_assert!(message.address.kind != AddressKind::Landline);
            prop_assert!(!message.address.is_closed_to(matter));
            prop_assert!(suppressed.why(&message.address) != Some(Suppression::OptedOut));
            let text = message.address.kind == AddressKind::Mobile;
            prop_assert_eq!(message.held_until.is_some(), text && matches!(texts, Texts::WaitUntil(_)));
            prop_assert!(!text || texts != Texts::ComeTooLate);
        }
        let addresses: HashSet<&str> = plan.messages.iter().map(|message| message.address.value.as_str()).collect();
        prop_assert_eq!(addresses.len(), plan.messages.len());
    }
}
