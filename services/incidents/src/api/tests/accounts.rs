//! Accounts that are given, amended, and given again.

use kit::testing::answers::{reason, sealed};
use proto::events::incidents::{AccidentKind, FirstAid};
use proto::incidents::v1 as pb;
use proto::incidents::v1::incidents_service_server::IncidentsService;

use super::fixture::{ELEVEN, World, amend, fresh, grazed_knee, instant, record};

#[tokio::test]
async fn an_accident_is_kept_said_and_audited_together() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        let recorded = world.record(amy, grazed_knee()).await.unwrap();
        assert_eq!(recorded.recorded_at, Some(instant(ELEVEN)));
        let said = world.said().await;
        assert_eq!(said.len(), 1, "{}", world.backend);
        assert_eq!((said[0].subject.as_str(), said[0].version), (recorded.accident_id.as_str(), 1));
        let fact = &said[0].data;
        assert_eq!((fact.pupil_id, fact.kind), (amy, AccidentKind::Minor));
        assert_eq!(fact.first_aid, FirstAid::Given("Cleaned, plaster put on".to_owned()));
        assert_eq!(fact.tell_until, "2026-11-25T00:00:00Z".parse().unwrap());
        assert!(!serde_json::to_string(&said).unwrap().contains("Okafor"), "the first aider stays in school");
        let standing = world.standing().await;
        assert_eq!(
            standing,
            [pb::Accident {
                id: recorded.accident_id,
                pupil_id: amy.to_string(),
                account: Some(grazed_knee()),
                recorded_at: Some(instant(ELEVEN)),
                amended_at: None,
                version: 1,
            }]
        );
        let (who, rpc, subjects) = world.audit().await.remove(0);
        assert_eq!((who.as_str(), rpc.as_str()), ("person-7", "RecordAccident"));
        assert_eq!(subjects, format!("[\"{amy}\"]"));
        assert_eq!(world.tasks().await, []);
    }
}

#[tokio::test]
async fn a_head_injury_without_first_aid_says_why_there_was_none() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        let account = pb::Account {
            kind: pb::AccidentKind::HeadInjury.into(),
            first_aid: "  ".to_owned(),
            no_first_aid_because: "collected at once by ambulance".to_owned(),
            ..grazed_knee()
        };
        world.record(amy, account).await.unwrap();
        let fact = world.said().await.remove(0).data;
        assert_eq!(fact.kind, AccidentKind::HeadInjury);
        assert_eq!(fact.first_aid, FirstAid::None("collected at once by ambulance".to_owned()));
        let account = world.standing().await.remove(0).account.unwrap();
        assert_eq!(account.first_aid, "");
        assert_eq!(account.no_first_aid_because, "collected at once by ambulance");
    }
}

#[tokio::test]
async fn two_children_in_one_collision_are_two_facts_each_of_its_own() {
    for world in World::each().await {
        let (amy, ben) = (world.pupil("Amy"), world.pupil("Ben"));
        let collision = |what: &str| pb::Account { what: what.to_owned(), ..grazed_knee() };
        world.record(amy, collision("Amy ran into another child")).await.unwrap();
        world.record(ben, collision("Another child ran into Ben")).await.unwrap();
        let said = world.said().await;
        assert_eq!([said[0].data.pupil_id, said[1].data.pupil_id], [amy, ben]);
        assert_ne!(said[0].subject, said[1].subject);
        assert!(!said[0].data.what.contains("Ben") && !said[1].data.what.contains("Amy"));
    }
}

#[tokio::test]
async fn an_amendment_is_said_again_and_what_stood_before_is_kept() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        let recorded = world.record(amy, grazed_knee()).await.unwrap();
        world.at("2026-11-24T14:00:00Z");
        let hit = pb::Account {
            kind: pb::AccidentKind::HeadInjury.into(),
            what: "Tripped and hit her forehead".to_owned(),
            ..grazed_knee()
        };
        let amended = world.amend(&recorded.accident_id, hit.clone()).await.unwrap();
        assert_eq!((amended.version, amended.amended_at), (2, Some(instant("2026-11-24T14:00:00Z"))));
        let said = world.said().await;
        let versions: Vec<_> = said.iter().map(|event| (event.subject.as_str(), event.version)).collect();
        assert_eq!(versions, [(recorded.accident_id.as_str(), 1), (recorded.accident_id.as_str(), 2)]);
        assert_eq!(said[1].data.kind, AccidentKind::HeadInjury);
        let standing = world.standing().await.remove(0);
        assert_eq!((standing.account, standing.version), (Some(hit), 2));
        assert_eq!(standing.recorded_at, Some(instant(ELEVEN)));
        let person = "person-7".to_owned();
        assert_eq!(
            world.history().await,
            [
                (person.clone(), String::new(), grazed_knee().what),
                (person, amend("", grazed_knee()).why, "Tripped and hit her forehead".to_owned()),
            ],
            "{}",
            world.backend
        );
    }
}

#[tokio::test]
async fn another_first_aider_is_written_down_and_nobody_is_told() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        let recorded = world.record(amy, grazed_knee()).await.unwrap();
        let account = pb::Account { first_aider: "Mr Reid".to_owned(), ..grazed_knee() };
        let amended = world.amend(&recorded.accident_id, account).await.unwrap();
        assert_eq!(amended.version, 2);
        assert_eq!(world.said().await.len(), 1, "{}", world.backend);
        world.at("2026-12-24T14:00:00Z");
        world.amend(&recorded.accident_id, grazed_knee()).await.unwrap();
        assert_eq!((world.said().await.len(), world.tasks().await), (1, vec![]));
    }
}

#[tokio::test]
async fn an_amendment_of_a_later_day_is_the_offices_to_tell() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        let recorded = world.record(amy, grazed_knee()).await.unwrap();
        world.at("2026-12-15T09:00:00Z");
        let account = pb::Account { first_aid: "Ice pack".to_owned(), ..grazed_knee() };
        let message = amend(&recorded.accident_id, account.clone());
        for _ in 0..2 {
            let answer = sealed(world.api.amend_accident(world.request(message.clone())).await).unwrap();
            assert_eq!(answer.version, 2, "an amendment is taken however late it comes, and once");
        }
        assert_eq!(world.said().await.len(), 1, "{}", world.backend);
        let task = (
            "accident_amended_late".to_owned(),
            "office".to_owned(),
            vec![amy.to_string(), recorded.accident_id.clone()],
        );
        assert_eq!(world.tasks().await, std::slice::from_ref(&task));
        let again = pb::Account { first_aid: "Ice pack for ten minutes".to_owned(), ..account };
        world.amend(&recorded.accident_id, again).await.unwrap();
        assert_eq!(world.tasks().await, [task.clone(), task], "every correction is read by a person");
    }
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_and_other_content_is_refused() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        let message = record(amy, grazed_knee());
        let send = |message| world.api.record_accident(world.request(message));
        let first = sealed(send(message.clone()).await).unwrap();
        world.at("2026-12-24T11:00:00Z");
        let again = sealed(send(message.clone()).await).unwrap();
        assert_eq!(again, first, "a month later too, when it could not be recorded any more");
        assert_eq!((world.said().await.len(), world.history().await.len()), (1, 1), "{}", world.backend);
        let account = Some(pb::Account { place: "Hall".to_owned(), ..grazed_knee() });
        let other = pb::RecordAccidentRequest { account, ..message };
        assert_eq!(reason(send(other).await), "REQUEST_ID_REUSED");
        assert_eq!(
            reason(
                send(pb::RecordAccidentRequest { request_id: fresh(), ..record(amy, grazed_knee()) }).await
            ),
            "TOO_LONG_AGO"
        );
    }
}

#[tokio::test]
async fn what_a_colleague_amended_meanwhile_is_not_overwritten_and_the_same_request_is_no_colleague() {
    for world in World::each().await {
        let recorded = world.record(world.pupil("Amy"), grazed_knee()).await.unwrap();
        let hall = pb::Account { place: "Hall".to_owned(), ..grazed_knee() };
        let seen =
            |version| pb::AmendAccidentRequest { version, ..amend(&recorded.accident_id, hall.clone()) };
        let send = |message| world.api.amend_accident(world.request(message));
        let first = seen(1);
        for _ in 0..2 {
            assert_eq!(sealed(send(first.clone()).await).unwrap().version, 2, "{}", world.backend);
        }
        for other in [1, 3, -2] {
            assert_eq!(reason(send(seen(other)).await), "AMENDED_MEANWHILE");
        }
        assert_eq!(sealed(send(seen(2)).await).unwrap().version, 3, "who looked again may");
    }
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart() {
    for mut world in World::each().await {
        let amy = world.pupil("Amy");
        let recorded = world.record(amy, grazed_knee()).await.unwrap();
        let hall = pb::Account { place: "Hall".to_owned(), ..grazed_knee() };
        world.amend(&recorded.accident_id, hall.clone()).await.unwrap();
        world.store.close().await.unwrap();
        world.store = world.test.open_again("incidents", crate::store::MIGRATIONS).await;
        world.api.store = world.store.clone();
        let standing = world.standing().await.remove(0);
        assert_eq!((standing.account, standing.version), (Some(hall), 2), "{}", world.backend);
    }
}
