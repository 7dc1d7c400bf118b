//! The directory that the other services' tests play answers as this one does.

use futures::TryStreamExt;
use neighbours::FakeDirectory;
use neighbours::directory::Pupil;
use proto::events::scope::Scope;

use super::*;

/// What came of a question: an answer, or code, reason and fields of a refusal.
type Outcome<T> = Result<T, (Code, String, Vec<String>)>;

/// What a directory answers to the same questions.
#[derive(Debug, PartialEq)]
struct Answers {
    school: Outcome<pb::GetSchoolResponse>,
    checked: Vec<Outcome<Vec<pb::PupilCheck>>>,
    audiences: Vec<Outcome<Vec<pb::AudiencePupil>>>,
    cleared: Vec<Outcome<Vec<pb::AudiencePupil>>>,
}

fn outcome<T: std::fmt::Debug>(answer: Result<Response<T>, Status>) -> Outcome<T> {
    match answer {
        Ok(answer) => Ok(answer.into_inner()),
        Err(status) => Err(refusal(Err::<Response<()>, _>(status))),
    }
}

fn by_id(mut pupils: Vec<pb::AudiencePupil>) -> Vec<pb::AudiencePupil> {
    pupils.sort_by(|one, other| one.pupil_id.cmp(&other.pupil_id));
    pupils
}

async fn audience(
    directory: &impl DirectoryService,
    desk: &Desk,
    asked: Option<pb::Audience>,
) -> Outcome<Vec<pb::AudiencePupil>> {
    let request = desk.request(pb::ResolveAudienceRequest { audience: asked });
    let parts = directory
        .resolve_audience(request)
        .await
        .map_err(|status| refusal(Err::<Response<()>, _>(status)))?;
    let parts: Vec<pb::ResolveAudienceResponse> = parts.into_inner().try_collect().await.unwrap();
    Ok(by_id(parts.into_iter().flat_map(|part| part.pupils).collect()))
}

async fn ask(directory: &impl DirectoryService, desk: &Desk, people: &[pb::AudiencePupil]) -> Answers {
    let school = outcome(directory.get_school(desk.request(pb::GetSchoolRequest {})).await);
    // Nothing was ever imported into a directory that is played, and no service asks when.
    let school = school.map(|answer| pb::GetSchoolResponse { imported_at: None, ..answer });
    let classes = people.iter().take(1).map(|pupil| pupil.class_id.parse().unwrap()).collect();
    let stranger = proto::ids::PupilId::generate();
    let twice = people.iter().take(1).flat_map(|pupil| [pupil.pupil_id.parse().unwrap(); 2]);
    let scopes = [
        Scope::WholeSchool,
        Scope::YearGroups(vec!["1".to_owned()]),
        Scope::YearGroups(Vec::new()),
        Scope::Classes(classes),
        Scope::Pupils(twice.chain([stranger]).collect()),
        Scope::Pupils(Vec::new()),
    ];
    let asked =
        scopes.iter().map(|scope| Some(scope.audience())).chain([None, Some(pb::Audience { scope: None })]);
    let (mut checked, mut audiences) = (Vec::new(), Vec::new());
    for asked in asked {
        let request = desk.request(pb::CheckPupilsRequest { audience: asked.clone() });
        checked.push(outcome(directory.check_pupils(request).await).map(|answer| {
            let mut pupils = answer.pupils;
            pupils.sort_by(|one, other| one.pupil_id.cmp(&other.pupil_id));
            pupils
        }));
        audiences.push(audience(directory, desk, asked).await);
    }
    let pupil_ids: Vec<String> = people.iter().map(|pupil| pupil.pupil_id.clone()).collect();
    let mut contact_ids: Vec<String> =
        people.iter().flat_map(|pupil| &pupil.links).map(|link| link.contact_id.clone()).collect();
    let everybody = contact_ids.clone();
    contact_ids.truncate(1);
    let mut cleared = Vec::new();
    for (contact_ids, pupil_ids) in [
        (everybody, pupil_ids.clone()),
        (contact_ids.clone(), pupil_ids.clone()),
        (contact_ids.clone(), Vec::new()),
        (Vec::new(), pupil_ids),
        (vec![proto::ids::ContactId::generate().to_string(); 1_001], Vec::new()),
        (contact_ids, vec![stranger.to_string(); 1_001]),
    ] {
        let request = desk.request(pb::ClearContactsRequest { contact_ids, pupil_ids });
        cleared.push(outcome(directory.clear_contacts(request).await).map(|answer| by_id(answer.pupils)));
    }
    Answers { school, checked, audiences, cleared }
}

#[tokio::test]
async fn the_directory_that_other_tests_ask_answers_as_this_one() {
    for desk in desks().await {
        let played = FakeDirectory::default();
        played.have_no_roster();
        assert_eq!(ask(&played, &desk, &[]).await, ask(&desk.directory, &desk, &[]).await);

        desk.load(&Sample::new()).await;
        played.come_back();
        let school = desk.directory.get_school(desk.request(pb::GetSchoolRequest {})).await;
        played.change_school(|known| *known = school.unwrap().into_inner().school.unwrap());
        let everybody = audience(&desk.directory, &desk, Some(Scope::WholeSchool.audience())).await.unwrap();
        let list = desk.pupils().await;
        for pupil in everybody.clone() {
            let summary = list.iter().find(|summary| summary.id == pupil.pupil_id).unwrap();
            played.enrol(Pupil {
                pupil_id: pupil.pupil_id,
                first_name: pupil.first_name,
                class_id: pupil.class_id,
                year_group: summary.year_group.clone(),
                person_only: pupil.person_only,
                links: pupil.links,
            });
        }
        let answers = ask(&desk.directory, &desk, &everybody).await;
        assert_eq!(answers.audiences[0].as_ref().unwrap().len(), 3, "{}", desk.test.backend);
        assert_eq!(ask(&played, &desk, &everybody).await, answers);
    }
}
