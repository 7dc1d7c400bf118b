//! What is asked: an audience, the present truth, whether pupils belong, lists and the trace that
//! every look leaves.

use futures::TryStreamExt;
use pb::AddressKind::{Email, Landline, Mobile};
use pb::audience::Scope;

use super::*;

async fn audience(desk: &Desk, scope: Scope) -> Vec<pb::AudiencePupil> {
    let audience = Some(pb::Audience { scope: Some(scope) });
    let request = pb::ResolveAudienceRequest { audience };
    let stream = desk.directory.resolve_audience(desk.request(request)).await.unwrap().into_inner();
    let batches: Vec<pb::ResolveAudienceResponse> = stream.try_collect().await.unwrap();
    assert!(batches.iter().all(|batch| (1..=100).contains(&batch.pupils.len())));
    batches.into_iter().flat_map(|batch| batch.pupils).collect()
}

fn names(pupils: &[pb::AudiencePupil]) -> Vec<&str> {
    let mut names: Vec<&str> = pupils.iter().map(|pupil| pupil.first_name.as_str()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn an_audience_is_a_school_year_groups_classes_or_pupils() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let school = audience(&desk, Scope::WholeSchool(pb::WholeSchool {})).await;
        assert_eq!(names(&school), ["Amy", "Ben", "Cal"]);
        let years = Scope::YearGroups(pb::YearGroups { year_groups: vec!["1".to_owned()] });
        assert_eq!(names(&audience(&desk, years).await), ["Ben", "Cal"]);
        let amy = school.iter().find(|pupil| pupil.first_name == "Amy").unwrap();
        let class = Scope::Classes(pb::Classes { class_ids: vec![amy.class_id.clone()] });
        assert_eq!(names(&audience(&desk, class).await), ["Amy"]);
        let twice = vec![amy.pupil_id.clone(), amy.pupil_id.clone()];
        let pupils = Scope::Pupils(pb::Pupils { pupil_ids: twice });
        assert_eq!(audience(&desk, pupils).await, std::slice::from_ref(amy));
        let nobody = Scope::Pupils(pb::Pupils { pupil_ids: Vec::new() });
        assert_eq!(audience(&desk, nobody).await, []);
    }
}

#[tokio::test]
async fn an_audience_carries_what_decides_who_is_told_and_by_which_address() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let school = audience(&desk, Scope::WholeSchool(pb::WholeSchool {})).await;
        let of = |name: &str| school.iter().find(|pupil| pupil.first_name == name).unwrap();
        let (amy, ben, cal) = (of("Amy"), of("Ben"), of("Cal"));
        assert_eq!((cal.person_only, amy.person_only), (true, false));
        assert_eq!(cal.links[0].contact_source_id, "carer", "by priority");

        let kinds = |link: &pb::Link| -> Vec<(pb::AddressKind, bool)> {
            link.addresses.iter().map(|address| (address.kind(), address.barred)).collect()
        };
        assert_eq!(
            kinds(link(amy, "mum")),
            [(Mobile, false), (Email, true), (Landline, false)],
            "the barred father reads the family's mailbox"
        );
        assert_eq!(kinds(link(ben, "mum")), [(Mobile, false), (Email, false), (Landline, false)]);
        let dad = link(amy, "dad");
        assert_eq!((dad.restriction(), dad.no_contact), (pb::Restriction::NoChildInformation, false));
        assert_eq!((dad.language.as_str(), dad.no_voice), ("pl", true));
        assert_eq!(link(ben, "dad").restriction(), pb::Restriction::None);
        let gran = link(cal, "gran");
        assert_eq!((gran.emergency_only, gran.lives_with, gran.role.as_str()), (true, false, "grandparent"));
        assert_eq!(gran.parental_responsibility(), pb::ParentalResponsibility::Unknown);
    }
}

#[tokio::test]
async fn clearing_tells_the_present_truth_about_those_who_were_asked_for() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let (amy, ben) = (desk.pupil("amy").await, desk.pupil("ben").await);
        let mum = link(&amy, "mum").contact_id.clone();
        let request = pb::ClearContactsRequest {
            contact_ids: vec![mum.clone()],
            pupil_ids: vec![amy.pupil_id.clone(), ben.pupil_id.clone()],
        };
        let clear = || async {
            let answer = desk.directory.clear_contacts(desk.request(request.clone())).await;
            answer.unwrap().into_inner().pupils
        };
        let cleared = clear().await;
        assert_eq!(names(&cleared), ["Amy", "Ben"]);
        assert!(cleared.iter().all(|pupil| pupil.links.len() == 1 && pupil.links[0].contact_id == mum));

        let restriction = pb::SetRestrictionRequest {
            request_id: request_id(),
            pupil_id: ben.pupil_id.clone(),
            contact_id: mum.clone(),
            restriction: pb::Restriction::NoContact.into(),
            evidence: "undertaking of 24 November 2026".to_owned(),
            ..Default::default()
        };
        desk.directory.set_restriction(desk.request(restriction)).await.unwrap();
        assert!(clear().await.iter().all(|pupil| pupil.links[0].no_contact));

        let gone = ["users.csv", "roles.csv", "enrollments.csv", "pupils.csv", "contacts.csv"]
            .iter()
            .fold(Sample::new(), |sample, file| sample.without_lines(file, "ben"));
        let import = pb::ImportRosterRequest {
            request_id: request_id(),
            archive: gone.zip().into(),
            dry_run: false,
            agreed_removals: 1,
        };
        assert!(desk.directory.import_roster(desk.request(import)).await.unwrap().into_inner().loaded);
        let cleared = clear().await;
        assert_eq!(names(&cleared), ["Amy"], "who is no longer on roll is missing");
        assert!(cleared[0].links[0].no_contact, "the restriction on the link to the one who left still bars");
    }
}

#[tokio::test]
async fn checking_pupils_says_class_and_person_only_and_leaves_strangers_out() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let cal = desk.pupil("cal").await;
        let stranger = proto::ids::PupilId::generate().to_string();
        let pupils = pb::Pupils { pupil_ids: vec![cal.pupil_id.clone(), stranger] };
        let check = |scope| {
            let audience = Some(pb::Audience { scope: Some(scope) });
            desk.directory.check_pupils(desk.request(pb::CheckPupilsRequest { audience }))
        };
        let answer = check(Scope::Pupils(pupils)).await;
        let expected = pb::PupilCheck {
            pupil_id: cal.pupil_id,
            class_id: cal.class_id.clone(),
            year_group: "1".to_owned(),
            person_only: true,
            first_name: "Cal".to_owned(),
        };
        assert_eq!(answer.unwrap().into_inner().pupils, [expected]);
        let years = Scope::YearGroups(pb::YearGroups { year_groups: vec!["1".to_owned()] });
        let class = Scope::Classes(pb::Classes { class_ids: vec![cal.class_id] });
        for (scope, wanted) in [
            (Scope::WholeSchool(pb::WholeSchool {}), &["Amy", "Ben", "Cal"][..]),
            (years, &["Ben", "Cal"]),
            (class, &["Ben", "Cal"]),
        ] {
            let answer = check(scope).await.unwrap().into_inner();
            let mut names: Vec<&str> = answer.pupils.iter().map(|pupil| pupil.first_name.as_str()).collect();
            names.sort_unstable();
            assert_eq!(names, wanted);
        }
    }
}

#[tokio::test]
async fn whoever_has_the_list_already_gets_it_again_only_when_it_has_changed() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let list = async |known_tag: &str| {
            let request = pb::ListPupilsRequest { known_tag: known_tag.to_owned(), ..Default::default() };
            desk.directory.list_pupils(desk.request(request)).await.unwrap().into_inner()
        };
        let first = list("").await;
        assert!(!first.tag.is_empty() && !first.unchanged && first.pupils.len() == 3);
        let again = list(&first.tag).await;
        assert!(again.unchanged && again.pupils.is_empty() && again.tag == first.tag);
        assert_eq!(list("another").await, first);
        desk.load(&Sample::new().with("users.csv", "Amelia,Jones,", "Amelia,Jones-Evans,")).await;
        let entries = desk.written("ListPupils").await.len();
        let changed = list(&first.tag).await;
        assert_eq!(desk.written("ListPupils").await.len(), entries + 1, "what has changed was looked at too");
        assert!(!changed.unchanged && changed.tag != first.tag);
        assert!(changed.pupils.iter().any(|pupil| pupil.family_name == "Jones-Evans"));
    }
}

#[tokio::test]
async fn a_list_is_walked_page_by_page_and_every_look_is_written_down() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let (mut token, mut walked) = (String::new(), Vec::new());
        loop {
            let request = pb::ListPupilsRequest { page_size: 2, page_token: token, ..Default::default() };
            let page = desk.directory.list_pupils(desk.request(request)).await.unwrap().into_inner();
            walked.extend(page.pupils);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
            let class_id = walked[0].class_id.clone();
            let page_token = token.clone();
            let changed = pb::ListPupilsRequest { class_id, page_size: 2, page_token, ..Default::default() };
            let refused = refusal(desk.directory.list_pupils(desk.request(changed)).await);
            assert_eq!(
                (refused.1.as_str(), refused.2),
                ("INVALID_PAGE_TOKEN", vec!["page_token".to_owned()])
            );
        }
        assert_eq!(walked.len(), 3);
        assert_eq!(desk.written("ListPupils").await.len(), 2);
        let amy = walked.iter().find(|pupil| pupil.source_id == "amy").unwrap();
        assert_eq!((amy.family_name.as_str(), amy.class_source_id.as_str()), ("Jones", "oak"));
        assert_eq!(amy.class_title, "Oak");
        let of_class = pb::ListPupilsRequest { class_id: amy.class_id.clone(), ..Default::default() };
        let found = desk.directory.list_pupils(desk.request(of_class)).await.unwrap().into_inner().pupils;
        assert_eq!(found, std::slice::from_ref(amy));
        let class_id = proto::ids::ClassId::generate().to_string();
        let strange = pb::ListPupilsRequest { class_id, ..Default::default() };
        assert_eq!(refusal(desk.directory.list_pupils(desk.request(strange)).await).1, "UNKNOWN_CLASS");
        let look = pb::GetPupilRequest { pupil_id: amy.id.clone() };
        desk.directory.get_pupil(desk.request(look)).await.unwrap();
        let written = desk.written("GetPupil").await;
        assert!(written[0].subjects.contains(&amy.id) && written[0].subjects.contains("con_"));
    }
}

#[tokio::test]
async fn everybody_at_home_is_listed_as_each_pupil_says_it() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let list = async |request| desk.directory.list_pupil_contacts(desk.request(request)).await;
        let first = pb::ListPupilContactsRequest { page_size: 2, ..Default::default() };
        let first = list(first).await.unwrap().into_inner();
        let page_token = first.next_page_token;
        let rest = pb::ListPupilContactsRequest { page_size: 2, page_token, ..Default::default() };
        let rest = list(rest).await.unwrap().into_inner();
        assert_eq!((first.pupils.len(), rest.pupils.len(), rest.next_page_token.as_str()), (2, 1, ""));
        for one in first.pupils.iter().chain(&rest.pupils) {
            let pupil_id = one.pupil.as_ref().unwrap().pupil_id.clone();
            let alone = desk.directory.get_pupil(desk.request(pb::GetPupilRequest { pupil_id })).await;
            let pb::GetPupilResponse { summary, pupil, mut contacts } = alone.unwrap().into_inner();
            let mut listed = one.contacts.clone();
            for contacts in [&mut contacts, &mut listed] {
                contacts.sort_by(|one, other| one.id.cmp(&other.id));
            }
            assert_eq!((&one.summary, &one.pupil, listed), (&summary, &pupil, contacts));
        }
        let written = desk.written("ListPupilContacts").await;
        assert!(written.len() == 2 && written[0].subjects.contains("con_"), "{written:?}");
        let class_id = proto::ids::ClassId::generate().to_string();
        let strange = pb::ListPupilContactsRequest { class_id, ..Default::default() };
        assert_eq!(refusal(list(strange).await).1, "UNKNOWN_CLASS");
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_its_field() {
    for desk in desks().await {
        let nothing = desk.directory.get_school(desk.request(pb::GetSchoolRequest {})).await;
        assert_eq!(refusal(nothing).1, "NO_ROSTER");
        desk.load(&Sample::new()).await;
        let many = vec![proto::ids::ContactId::generate().to_string(); 1_001];
        let request = pb::ClearContactsRequest { contact_ids: many, pupil_ids: Vec::new() };
        let refused = refusal(desk.directory.clear_contacts(desk.request(request)).await);
        assert_eq!((refused.1.as_str(), refused.2), ("TOO_MANY", vec!["contact_ids".to_owned()]));
        let odd = pb::ClearContactsRequest { contact_ids: Vec::new(), pupil_ids: vec!["amy".to_owned()] };
        assert_eq!(refusal(desk.directory.clear_contacts(desk.request(odd)).await).2, ["pupil_ids[0]"]);
        for audience in [None, Some(pb::Audience { scope: None })] {
            let request = pb::ResolveAudienceRequest { audience: audience.clone() };
            let refused = desk.directory.resolve_audience(desk.request(request)).await;
            assert_eq!(refusal(refused.map(|_| Response::new(()))).2, ["audience"]);
            let request = pb::CheckPupilsRequest { audience };
            let refused = desk.directory.check_pupils(desk.request(request)).await;
            assert_eq!(refusal(refused).2, ["audience"]);
        }
        let odd = Scope::Classes(pb::Classes { class_ids: vec!["oak".to_owned()] });
        let request = pb::CheckPupilsRequest { audience: Some(pb::Audience { scope: Some(odd) }) };
        let refused = refusal(desk.directory.check_pupils(desk.request(request)).await);
        assert_eq!(refused.2, ["audience.classes.class_ids[0]"]);
    }
}

#[tokio::test]
async fn the_demo_school_is_loaded_and_resolved_in_batches() {
    let archive = crate::import::sample::demo_school();
    for desk in desks().await {
        let answer = desk.import(archive.clone(), false).await;
        assert_eq!((answer.loaded, answer.faults, answer.warnings), (true, vec![], vec![]));
        let school = audience(&desk, Scope::WholeSchool(pb::WholeSchool {})).await;
        assert_eq!(wire_count(school.len()), answer.pupils);
        let links: usize = school.iter().map(|pupil| pupil.links.len()).sum();
        assert_eq!(wire_count(links), answer.links);
        assert_eq!(desk.import(archive.clone(), false).await.changes, []);
    }
}

fn wire_count(number: usize) -> i32 {
    i32::try_from(number).unwrap()
}

#[tokio::test]
async fn people_are_found_by_the_beginnings_of_their_names_and_every_look_is_written_down() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let found = async |query: &str| {
            let request = pb::FindPupilsRequest { query: query.to_owned() };
            let answer = desk.directory.find_pupils(desk.request(request)).await.unwrap().into_inner();
            assert!(!answer.more);
            answer.pupils.into_iter().map(|pupil| pupil.source_id).collect::<Vec<_>>()
        };
        assert_eq!(found("jo").await, ["amy", "ben"], "by family name, then by first name");
        assert_eq!(found("JONES b").await, ["ben"]);
        assert_eq!(found("oak").await, ["amy"], "by class");
        assert!(found("zed").await.is_empty());
        let amy = desk.pupil("amy").await.pupil_id;
        assert!(desk.written("FindPupils").await.iter().any(|entry| entry.subjects.contains(&amy)));
        let request = pb::FindContactsRequest { query: "mar jon".to_owned() };
        let mum = desk.directory.find_contacts(desk.request(request)).await.unwrap().into_inner().contacts;
        let [mum] = mum.as_slice() else { panic!("{mum:?}") };
        let of: Vec<&str> = mum.pupils.iter().map(|pupil| pupil.source_id.as_str()).collect();
        assert_eq!((mum.summary.as_ref().unwrap().given_name.as_str(), of), ("Mary", vec!["amy", "ben"]));
        assert!(desk.written("FindContacts").await[0].subjects.contains(&amy));
        let nothing = pb::FindPupilsRequest { query: " .".to_owned() };
        let refused = refusal(desk.directory.find_pupils(desk.request(nothing)).await);
        assert_eq!((refused.1.as_str(), refused.2), ("REQUIRED", vec!["query".to_owned()]));
    }
}

#[tokio::test]
async fn a_contact_is_shown_with_every_address_and_with_whose_contact_it_is() {
    for desk in desks().await {
        desk.load(&Sample::new()).await;
        let amy = desk.pupil("amy").await;
        let look = |contact_id: &str| {
            let request = pb::GetContactRequest { contact_id: contact_id.to_owned() };
            desk.directory.get_contact(desk.request(request))
        };
        let mum = look(&link(&amy, "mum").contact_id).await.unwrap().into_inner();
        assert_eq!(
            (mum.first_phone.as_str(), mum.second_phone.as_str(), mum.email.as_str()),
            ("+447700900101", "+441632960101", "family@example.com")
        );
        let dad = look(&link(&amy, "dad").contact_id).await.unwrap().into_inner();
        let stands: Vec<(&str, pb::Restriction)> = dad
            .pupils
            .iter()
            .map(|of| {
                (of.pupil.as_ref().unwrap().source_id.as_str(), of.link.as_ref().unwrap().restriction())
            })
            .collect();
        assert_eq!(
            stands,
            [("amy", pb::Restriction::NoChildInformation), ("ben", pb::Restriction::None)],
            "of each pupil its own link"
        );
        assert!(desk.written("GetContact").await[1].subjects.contains(&amy.pupil_id));
        let stranger = look(&proto::ids::ContactId::generate().to_string()).await;
        assert_eq!(refusal(stranger).1, "UNKNOWN_CONTACT");
    }
}

#[tokio::test]
async fn ids_get_the_names_of_their_own_school_only() {
    for mut desk in desks().await {
        desk.load(&Sample::new()).await;
        let amy = desk.pupil("amy").await;
        let mum = link(&amy, "mum").contact_id.clone();
        let ids = vec![amy.pupil_id.clone(), amy.class_id.clone(), mum.clone(), "del_1".to_owned()];
        let request = pb::GetNamesRequest { ids };
        let answer = desk.directory.get_names(desk.request(request.clone())).await.unwrap().into_inner();
        let mut names: Vec<(&str, &str)> =
            answer.names.iter().map(|named| (named.id.as_str(), named.name.as_str())).collect();
        names.sort_unstable();
        let mut expected = [
            (amy.pupil_id.as_str(), "Amy Jones"),
            (amy.class_id.as_str(), "Oak"),
            (mum.as_str(), "Mary Jones"),
        ];
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert!(desk.written("GetNames").await[0].subjects.contains(&mum));
        desk.caller.tenant = SchoolId::generate();
        let elsewhere = desk.directory.get_names(desk.request(request)).await.unwrap().into_inner();
        assert!(elsewhere.names.is_empty());
    }
}
