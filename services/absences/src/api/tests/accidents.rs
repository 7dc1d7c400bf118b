//! An accident of a pupil whom the register has as absent is a question to the office.

use proto::events::incidents::{AccidentKind, AccidentRecorded, FirstAid};
use proto::ids::{AccidentId, PupilId};

use super::fixture::{TODAY, World};

async fn has_an_accident(world: &World, id: AccidentId, version: u64, pupil_id: PupilId) {
    let time = |clock: &str| format!("{TODAY}T{clock}:00Z").parse().unwrap();
    let fact = AccidentRecorded {
        pupil_id,
        kind: AccidentKind::Minor,
        what: "Fell while running".to_owned(),
        place: "Playground".to_owned(),
        happened_at: time("10:40"),
        first_aid: FirstAid::None("Nothing was to be seen".to_owned()),
        tell_until: time("23:59"),
    };
    world.hears(&id.to_string(), version, fact).await;
}

#[tokio::test]
async fn an_accident_of_a_pupil_who_is_marked_absent_asks_the_office_once() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(3);
        let [ill, missing, present] = pupils[..] else { panic!("three pupils") };
        world.post(class_id, &[(ill, "I"), (missing, "N"), (present, "/")]).await.unwrap();
        world.close().await.unwrap();
        world.at("10:45");
        for pupil_id in [ill, missing, present] {
            let accident = AccidentId::generate();
            has_an_accident(&world, accident, 1, pupil_id).await;
            has_an_accident(&world, accident, 1, pupil_id).await;
            has_an_accident(&world, accident, 2, pupil_id).await;
            let mut tasks = world.tasks().await;
            tasks.retain(|task| task.2.contains(&accident.to_string()));
            let wanted = vec![(
                "accident_of_absent_pupil".to_owned(),
                "office".to_owned(),
                vec![pupil_id.to_string(), accident.to_string()],
            )];
            assert_eq!(tasks, if pupil_id == present { vec![] } else { wanted }, "{}", world.backend);
        }
        assert_eq!(world.open_cases().await.len(), 1, "an accident alone closes no case");
        assert_eq!(world.said().await.len(), 1);
    }
}

#[tokio::test]
async fn an_accident_before_any_mark_or_with_an_amendment_alone_asks_nobody() {
    for world in World::each().await {
        let (class_id, pupils) = world.class(2);
        world.post(class_id, &[(pupils[0], "I")]).await.unwrap();
        has_an_accident(&world, AccidentId::generate(), 1, pupils[1]).await;
        has_an_accident(&world, AccidentId::generate(), 2, pupils[0]).await;
        assert!(world.tasks().await.is_empty(), "{}", world.backend);
    }
}
