//! A trace on its way through the bus: with the outbox entry, as a header, and into the hearer.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::relay;
use super::consumers::{Trial, counting};
use crate::Tenant;
use crate::fixtures::rang;
use crate::store::Commit;
use crate::testing::eventually;
use crate::testing::spans::Spans;

#[tokio::test]
async fn whoever_hears_a_fact_goes_on_in_the_trace_in_which_it_was_said() {
    for trial in Trial::on_every_store().await {
        let spans = Spans::of(&[]);
        let span = tracing::info_span!("rpc");
        let said = span.in_scope(|| Commit::new().fact(&rang(Tenant::generate(), 1)).unwrap());
        drop(span);
        trial.store.commit(said).await.unwrap();
        let _hearing = trial.hear(vec![counting(&trial.store, &Arc::default())]);
        let stop = CancellationToken::new();
        let mut relaying = JoinSet::new();
        relaying.spawn(relay::run(trial.store.clone(), trial.bell.clone(), stop.clone()));
        let names = |name: &str| {
            let finished = spans.finished().into_iter();
            finished.filter(|span| span.name == name).map(|span| span.trace).collect::<Vec<_>>()
        };
        eventually("heard", 1, async || names("hear").len()).await;
        assert_eq!((names("rpc").len(), names("rpc")), (1, names("hear")), "{}", trial.backend);
        stop.cancel();
        relaying.join_next().await.unwrap().unwrap().unwrap();
    }
}
