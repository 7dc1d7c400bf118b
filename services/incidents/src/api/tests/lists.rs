//! Lists: newest first, page by page, of one school, and written down as a look.

use kit::Tenant;
use kit::testing::answers::{reason, sealed};
use proto::ids::PupilId;
use proto::incidents::v1 as pb;
use proto::incidents::v1::incidents_service_server::IncidentsService;

use super::fixture::{World, grazed_knee, request_of};

fn of(pupil_id: PupilId) -> pb::ListAccidentsRequest {
    pb::ListAccidentsRequest { pupil_id: pupil_id.to_string(), ..Default::default() }
}

#[tokio::test]
async fn accidents_are_listed_newest_first_page_by_page() {
    for world in World::each().await {
        let (amy, ben) = (world.pupil("Amy"), world.pupil("Ben"));
        let mut recorded = Vec::new();
        for pupil_id in [amy, ben, amy, ben, amy] {
            recorded.insert(0, world.record(pupil_id, grazed_knee()).await.unwrap().accident_id);
        }
        world.amend(&recorded[4], grazed_knee()).await.unwrap();
        let (mut walked, mut page_token) = (Vec::new(), String::new());
        loop {
            let page =
                world.list(pb::ListAccidentsRequest { page_size: 2, page_token, ..Default::default() });
            let page = page.await;
            assert!(page.accidents.len() <= 2);
            walked.extend(page.accidents.into_iter().map(|accident| (accident.id, accident.version)));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        let versions = [1, 1, 1, 1, 2];
        let expected: Vec<_> = recorded.iter().cloned().zip(versions).collect();
        assert_eq!(walked, expected, "{}: once each, however often amended", world.backend);
        let of_ben = world.list(of(ben)).await.accidents;
        assert_eq!(
            of_ben.iter().map(|accident| &accident.id).collect::<Vec<_>>(),
            [&recorded[1], &recorded[3]]
        );
    }
}

#[tokio::test]
async fn a_list_is_a_look_at_everybody_shown_and_at_who_was_asked_for() {
    for world in World::each().await {
        let (amy, ben) = (world.pupil("Amy"), world.pupil("Ben"));
        for pupil_id in [amy, ben, amy] {
            world.record(pupil_id, grazed_knee()).await.unwrap();
        }
        let unhurt = world.pupil("Cem");
        world.standing().await;
        world.list(of(unhurt)).await;
        let audit = world.audit().await;
        let looks: Vec<_> = audit.into_iter().filter(|(_, rpc, _)| rpc == "ListAccidents").collect();
        let look = |pupils: &[PupilId]| {
            let ids: Vec<String> = pupils.iter().map(ToString::to_string).collect();
            ("person-7".to_owned(), "ListAccidents".to_owned(), serde_json::json!(ids).to_string())
        };
        assert_eq!(looks, [look(&[amy, ben]), look(&[unhurt])], "{}", world.backend);
    }
}

#[tokio::test]
async fn another_schools_accidents_and_other_lists_tokens_are_not_shown() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        for _ in 0..2 {
            world.record(amy, grazed_knee()).await.unwrap();
        }
        let elsewhere = request_of(Tenant::generate(), of(amy));
        let seen = sealed(world.api.list_accidents(elsewhere).await).unwrap();
        assert_eq!(seen.accidents, [], "{}", world.backend);
        let first = world.list(pb::ListAccidentsRequest { page_size: 1, ..Default::default() }).await;
        let borrowed = pb::ListAccidentsRequest { page_token: first.next_page_token, ..of(amy) };
        let refused = world.api.list_accidents(world.request(borrowed)).await;
        assert_eq!(reason(refused), "INVALID_PAGE_TOKEN");
        let unread = pb::ListAccidentsRequest { pupil_id: "Amy".to_owned(), ..Default::default() };
        assert_eq!(reason(world.api.list_accidents(world.request(unread)).await), "INVALID_ID");
    }
}
