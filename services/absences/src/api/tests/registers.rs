//! Posting marks, before the close and after it.

use super::fixture::{World, fresh, register};
use kit::testing::answers::{fields, reason, sealed};
use proto::absences::v1 as pb;
use proto::absences::v1::absences_service_server::AbsencesService;
use proto::ids::ClassId;

#[tokio::test]
async fn an_n_opens_a_case_and_nobody_is_told_before_the_close() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(3);
        let posted = world.post(class_id, &[(pupils[0], "/"), (pupils[1], "N")]).await.unwrap();
        assert_eq!((posted.marks, posted.cases_opened), (2, 1), "{}", world.backend);
        assert_eq!(posted.pupils_without_mark, [pupils[2].to_string()]);
        let cases = world.open_cases().await;
        assert_eq!((cases.len(), cases[0].announced_at), (1, None));
        assert_eq!(cases[0].pupil_id, pupils[1].to_string());
        assert!(world.said().await.is_empty() && world.tasks().await.is_empty());
    }
}

#[tokio::test]
async fn marks_may_change_until_the_close_and_every_change_is_kept() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        for code in ["N", "/", "N", "N", "I"] {
            world.post(class_id, &[(pupils[0], code)]).await.unwrap();
        }
        assert!(world.open_cases().await.is_empty());
        assert!(world.said().await.is_empty());
        let codes: Vec<Option<String>> =
            world.history(pupils[0]).await.into_iter().map(|(_, after, _)| after).collect();
        let wanted: Vec<_> = ["N", "/", "N", "I"].iter().map(|code| Some((*code).to_owned())).collect();
        assert_eq!(codes, wanted, "{}", world.backend);
    }
}

#[tokio::test]
async fn after_the_close_marks_stay_and_a_missing_one_may_still_come() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(3);
        world.post(class_id, &[(pupils[0], "/")]).await.unwrap();
        world.close().await.unwrap();
        let refused =
            world.post(class_id, &[(pupils[1], "/"), (pupils[0], "N")]).await.map(|_| ()).unwrap_err();
        assert_eq!(fields(&refused), ["marks[1].code"]);
        assert_eq!(reason(Err::<(), _>(refused)), "REGISTER_CLOSED");
        let late = world.post(class_id, &[(pupils[0], "/"), (pupils[1], "N"), (pupils[2], "/")]).await;
        assert_eq!(late.unwrap().cases_opened, 1);
        let said = world.said().await;
        assert_eq!(said, [("unexplained".to_owned(), pupils[1].to_string(), 1)], "{}", world.backend);
        world.post(class_id, &[(pupils[1], "N")]).await.unwrap();
        assert_eq!(world.said().await.len(), 1, "the same mark again says nothing");
    }
}

#[tokio::test]
async fn a_person_only_pupil_who_is_missing_after_the_close_is_a_task_at_once() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.neighbours.directory.change(pupils[0], |pupil| pupil.person_only = true);
        world.close().await.unwrap();
        world.post(class_id, &[(pupils[0], "N")]).await.unwrap();
        assert!(world.said().await.is_empty());
        let tasks = world.tasks().await;
        let task = tasks.iter().find(|task| task.0 == "person_only_absent").unwrap();
        assert_eq!(task.1, "designated_safeguarding_lead");
        assert_eq!(task.2, [pupils[0].to_string(), world.open_cases().await[0].id.clone()]);
    }
}

#[tokio::test]
async fn a_register_that_is_sent_twice_is_posted_once() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        let message = register(class_id, &[(pupils[0], "N")]);
        let first = sealed(world.api.post_register(world.request(message.clone())).await).unwrap();
        world.neighbours.directory.go_away();
        let again = sealed(world.api.post_register(world.request(message.clone())).await).unwrap();
        assert_eq!(first, again);
        assert_eq!(world.open_cases().await[0].version, 1);
        let other = pb::PostRegisterRequest { marks: Vec::new(), class_id: fresh(), ..message };
        assert!(world.api.post_register(world.request(other)).await.is_err());
        let audit = world.audit().await;
        assert_eq!(audit[0].0, "person-7");
        assert_eq!(audit[0].1, "PostRegister");
        assert_eq!(audit[0].2, format!("[\"{}\"]", pupils[0]));
    }
}

#[tokio::test]
async fn open_cases_are_listed_page_by_page_for_their_own_school_only() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(5);
        let marks: Vec<_> = pupils.iter().map(|pupil| (*pupil, "N")).collect();
        world.post(class_id, &marks).await.unwrap();
        let (mut token, mut listed) = (String::new(), Vec::new());
        loop {
            let message = pb::ListOpenCasesRequest { date: String::new(), page_size: 2, page_token: token };
            let page = sealed(world.api.list_open_cases(world.request(message)).await).unwrap();
            listed.extend(page.cases.into_iter().map(|case| case.pupil_id));
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        let mut wanted: Vec<String> = pupils.iter().map(ToString::to_string).collect();
        wanted.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, wanted, "{}", world.backend);
        let stranger =
            super::fixture::request_of(kit::Tenant::generate(), pb::ListOpenCasesRequest::default());
        assert!(sealed(world.api.list_open_cases(stranger).await).unwrap().cases.is_empty());
    }
}

#[tokio::test]
async fn the_roll_of_the_largest_school_is_read_whole() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(1);
        world.neighbours.directory.add_to(ClassId::generate(), &"ż".repeat(3 << 20));
        world.post(class_id, &[(pupils[0], "/")]).await.unwrap();
    }
}
