//! After a restore: what the database has forgotten is handed out again and waits for a person.

use std::collections::BTreeMap;
use std::sync::Arc;

use proto::operations::v1::operations_service_server::OperationsService;
use proto::operations::v1::{TraceRequest, TraceStep};
use proto::options::v1::Role;
use sea_orm::ConnectionTrait;

use super::super::reaction::{Reaction, Verdict};
use super::consumers::{Trial, counting};
use crate::Tenant;
use crate::fixtures::{Alarm, account, alarm, caller, number, rang};
use crate::operations::{DeadLetterOffice, Drawer};
use crate::store::Store;

fn alarmed(store: &Store) -> Reaction {
    let store = store.clone();
    Reaction::to::<Alarm, _, _>(move |event| {
        let commit = account(&store, &event.id.to_string(), 1);
        async move { Ok::<_, Verdict>(commit) }
    })
}

async fn text(store: &Store, sql: &str) -> String {
    let row = store.read().query_one_raw(store.statement(sql, [])).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

async fn trace(trial: &Trial, tenant: Tenant, id: &str) -> Vec<TraceStep> {
    let drawer = Drawer { store: trial.store.clone(), handlers: BTreeMap::new(), tracer: None };
    let office = DeadLetterOffice::new(BTreeMap::from([("ear", drawer)]));
    let ids = vec![id.to_owned()];
    let zone = "Europe/London".to_owned();
    let mut request =
        tonic::Request::new(TraceRequest { service: "ear".to_owned(), ids, today_in_time_zone: zone });
    request.extensions_mut().insert(caller(tenant, Role::Head));
    office.trace(request).await.unwrap().into_inner().steps
}

#[tokio::test]
async fn what_was_said_before_a_restore_waits_for_a_person_and_what_is_said_after_it_is_heard() {
    for mut trial in Trial::on_every_store().await {
        let tenant = Tenant::generate();
        let (known, forgotten) = (rang(tenant, 1), rang(tenant, 2));
        let fire = alarm(tenant, 3);
        let asked = Arc::default();
        let hearing = trial.hear(vec![counting(&trial.store, &asked), alarmed(&trial.store)]);
        trial.say(&known).await;
        trial.say(&forgotten).await;
        trial.say(&fire).await;
        trial.everything_is_heard().await;
        assert_eq!(trial.count("inbox").await, 3, "{}", trial.backend);
        drop(hearing);

        trial.restored(&format!("DELETE FROM inbox WHERE event_id <> '{}'", known.id)).await;
        let before = trial.count("ledger").await;
        let _hearing = trial.hear(vec![counting(&trial.store, &asked), alarmed(&trial.store)]);
        trial.say(&rang(tenant, 4)).await;
        trial.say(&alarm(tenant, 5)).await;
        trial.everything_is_heard().await;
        assert_eq!(trial.count("ledger").await, before + 2, "only what is new has an effect");
        assert_eq!(trial.count("dead_letters").await, 2, "{}", trial.backend);
        let letters = "SELECT COUNT(*) FROM dead_letters WHERE why LIKE 'RESTORED: %'";
        assert_eq!(number(&trial.store, letters).await, 2);
        assert_eq!(trial.count("tasks").await, 1, "the alarm is a person's");
        assert!(text(&trial.store, "SELECT subjects FROM tasks").await.contains("bell-3"));
        assert!(text(&trial.store, "SELECT why FROM tasks").await.contains("put back to an earlier state"));

        // Both are found by the ids in them, by those of whose they are and by nobody else.
        let told = |steps: &[TraceStep], what: &str| steps.iter().filter(|step| step.what == what).count();
        let steps = trace(&trial, tenant, &fire.id.to_string()).await;
        assert_eq!((told(&steps, "dead letter"), told(&steps, "heard")), (1, 0), "{}", trial.backend);
        let steps = trace(&trial, tenant, &known.id.to_string()).await;
        assert_eq!((told(&steps, "dead letter"), told(&steps, "heard")), (0, 1), "{}", trial.backend);
        assert!(trace(&trial, Tenant::generate(), &fire.id.to_string()).await.is_empty());
        let task = text(&trial.store, "SELECT id FROM tasks").await;
        let steps = trace(&trial, tenant, &task).await;
        assert_eq!(steps.len(), 1, "{steps:?}");
        assert!(steps[0].ids.contains(&"bell-3".to_owned()));
        assert_eq!(trial.count("audit").await, 4, "who looked is written down");
    }
}
