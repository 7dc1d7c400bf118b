//! Callers that meet: every amendment gets a version of its own, on one replica and on two.

use std::collections::BTreeSet;

use futures::future::join_all;
use kit::testing::answers::sealed;
use proto::incidents::v1 as pb;
use proto::incidents::v1::incidents_service_server::IncidentsService;

use super::super::Api;
use super::fixture::{World, amend, grazed_knee, record};
use crate::store::MIGRATIONS;

/// The service of this world, and where the database takes several a second replica of it.
async fn replicas(world: &World) -> Vec<Api> {
    let stores = world.test.replicas("incidents", MIGRATIONS).await;
    stores.into_iter().map(|store| Api { store, ..world.api.clone() }).collect()
}

#[tokio::test]
async fn amendments_that_meet_get_a_version_and_a_fact_each() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        let recorded = world.record(amy, grazed_knee()).await.unwrap();
        let replicas = replicas(&world).await;
        let amending = (0..8).zip(replicas.iter().cycle()).map(|(number, api)| {
            let account = pb::Account { what: format!("Fell, as witness {number} has it"), ..grazed_knee() };
            api.amend_accident(world.request(amend(&recorded.accident_id, account)))
        });
        let answers = join_all(amending).await;
        let versions: BTreeSet<i64> =
            answers.into_iter().map(|answer| sealed(answer).unwrap().version).collect();
        assert_eq!(versions, (2..=9).collect(), "{}", world.backend);
        let said = world.said().await;
        assert_eq!(said.iter().map(|event| event.version).collect::<BTreeSet<_>>(), (1..=9).collect());
        assert_eq!(said.len(), 9);
        let standing = world.standing().await.remove(0);
        let last = said.into_iter().find(|event| event.version == 9).unwrap();
        assert_eq!((standing.version, standing.account.unwrap().what), (9, last.data.what));
        assert_eq!(world.history().await.len(), 9);
    }
}

#[tokio::test]
async fn the_same_request_sent_at_once_is_one_accident() {
    for world in World::each().await {
        let amy = world.pupil("Amy");
        let message = record(amy, grazed_knee());
        let replicas = replicas(&world).await;
        let recording = (0..6)
            .zip(replicas.iter().cycle())
            .map(|(_, api)| api.record_accident(world.request(message.clone())));
        let answers = join_all(recording).await;
        let ids: BTreeSet<String> =
            answers.into_iter().map(|answer| sealed(answer).unwrap().accident_id).collect();
        assert_eq!((ids.len(), world.said().await.len()), (1, 1), "{}", world.backend);
        assert_eq!(world.standing().await.len(), 1);
    }
}
