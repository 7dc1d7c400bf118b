//! The clock of the school is set, forward and back, at whatever step a message is: it may be early or late by as
//! much, and nobody is told twice or not at all. Leases run by another clock and do not notice.

use super::*;

const MUM: &str = "+447700900001";
const MAILBOX: &str = "mum@example.org";
const HOUR: i64 = 3_600;

#[tokio::test]
async fn a_gathering_leaves_once_whichever_way_the_clock_is_set_while_it_waits() {
    for steps in [
        &[HOUR][..],
        &[-HOUR, HOUR + GATHERS_FOR],
        &[HOUR, -HOUR, GATHERS_FOR],
        &[-HOUR, HOUR, -HOUR, HOUR + 60],
    ] {
        for world in worlds(&Setup::default()).await {
            world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
            for step in steps {
                world.pass(*step);
            }
            world.until_received(1).await;
            world.pass(-HOUR);
            world.pass(HOUR);
            world.until_quiet().await;
            assert_eq!(world.received()[MUM].len(), 1, "{steps:?} on {}", world.backend);
            world.end().await;
        }
    }
}

#[tokio::test]
async fn a_chunk_that_is_due_leaves_once_whichever_way_the_clock_is_set_before_it_does() {
    for step in [HOUR, -HOUR] {
        for mut world in quiet_worlds().await {
            world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
            world.gathered();
            world.sweep().await;
            assert_eq!(world.deliveries().await.len(), 1);
            world.pass(step);
            world.run();
            // What was due waits until it is due again.
            world.pass(-step.min(0));
            world.until_received(1).await;
            world.until_quiet().await;
            assert_eq!(world.received()[MUM].len(), 1, "{step} on {}", world.backend);
            world.end().await;
        }
    }
}

#[tokio::test]
async fn patience_that_a_step_of_the_clock_ends_early_takes_the_next_address_once() {
    for world in worlds(&Setup::default()).await {
        world.simulator.behave(Behaviour::NoReceipt { address: MUM.to_owned() });
        world.missing(world.directory.add("Amy", &[parent(&[MUM, MAILBOX])])).await;
        world.gathered();
        world.until_received(1).await;
        world.until_states(&["accepted"]).await;
        // Before the end of patience, and not a moment of it is lost by going back.
        world.pass(-HOUR);
        world.pass(HOUR);
        assert_eq!(world.received().len(), 1);
        world.pass(PATIENCE + HOUR);
        world.until_received(2).await;
        world.pass(-HOUR);
        world.pass(2 * HOUR);
        world.until_quiet().await;
        let received = world.received();
        assert_eq!((received[MUM].len(), received[MAILBOX].len()), (1, 1), "{}", world.backend);
        world.end().await;
    }
}
