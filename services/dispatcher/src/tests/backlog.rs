//! What waits, as those see it who watch.

use super::*;
use crate::routes::Lane;
use crate::store::backlog::{Waiting, read};

const MUM: &str = "+447700900001";

async fn normal(world: &World) -> Waiting {
    read(&world.store, &timing(GATHERS_FOR), world.now()).await.unwrap()[&Lane::Normal]
}

#[tokio::test]
async fn what_should_have_left_is_as_old_as_its_wait_whoever_keeps_it_waiting() {
    for world in quiet_worlds().await {
        let nothing = read(&world.store, &timing(GATHERS_FOR), world.now()).await.unwrap();
        assert_eq!(nothing, Lane::ALL.map(|lane| (lane, Waiting::default())).into());
        world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        assert_eq!(normal(&world).await, Waiting::default(), "it gathers");
        // The planner is late.
        world.gathered();
        let due = world.now();
        world.pass(20);
        assert_eq!(normal(&world).await, Waiting { since: Some(due), ..Waiting::default() });
        world.sweep().await;
        let planned = world.now();
        // Tried again later, it has waited since it was made.
        let later = kit::clock::micros(planned) + 60_000_000;
        world.meddle(&format!("UPDATE chunks SET due_at = {later}")).await;
        world.pass(10);
        assert_eq!(normal(&world).await, Waiting { open: 1, held: 0, since: Some(planned) });
        // On purpose it waits for its own time only.
        world.meddle("UPDATE deliveries SET state = 'held'").await;
        assert_eq!(normal(&world).await, Waiting { open: 0, held: 1, since: None });
        world.pass(60);
        let held_until = kit::clock::from_micros(later);
        assert_eq!(normal(&world).await, Waiting { open: 0, held: 1, since: Some(held_until) });
        // Nothing is left to send, and the next address waits for a plan.
        world.meddle("UPDATE deliveries SET state = 'failed', chunk_id = NULL, next_address = TRUE").await;
        assert_eq!(normal(&world).await, Waiting { since: Some(planned), ..Waiting::default() });
        world.end().await;
    }
}
