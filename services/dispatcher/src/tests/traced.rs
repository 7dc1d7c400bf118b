//! One trace leads from whoever said a fact to every request that it made of a provider.

use std::collections::BTreeSet;

use kit::testing::spans::{Finished, Spans};
use tracing::Instrument;

use super::*;

const MUM: &str = "+447700900001";
const MUM_TOO: &str = "+447700900011";

fn named<'a>(finished: &'a [Finished], name: &str) -> Vec<&'a Finished> {
    finished.iter().filter(|span| span.name == name).collect()
}

async fn until_ended(spans: &Spans, name: &str, number: usize) -> Vec<Finished> {
    eventually(name, number, async || named(&spans.finished(), name).len()).await;
    spans.finished()
}

#[tokio::test]
async fn a_request_and_its_plan_are_in_the_trace_of_their_fact_and_so_is_every_later_step() {
    for world in worlds(&Setup::default()).await {
        let spans = Spans::of(&["dispatcher"]);
        world.dead(MUM);
        let amy = world.directory.add("Amy", &[parent(&[MUM, MUM_TOO])]);
        let case = world.missing(amy).instrument(tracing::info_span!("rpc")).await;
        world.gathered();
        world.until_states(&["failed", "delivered"]).await;
        // What corrects a message comes of what it told.
        world.arrived(&case, 2).await;
        let finished = until_ended(&spans, "send", 3).await;
        let rpc = named(&finished, "rpc")[0];
        let of_it = |name| {
            let spans = named(&finished, name);
            spans.iter().filter(|span| span.trace == rpc.trace && span.links.is_empty()).count()
        };
        assert_eq!((of_it("plan"), of_it("send")), (2, 3), "on {}: {finished:?}", world.backend);
        drop(spans);
        world.end().await;
    }
}

#[tokio::test]
async fn a_message_that_tells_several_facts_continues_one_trace_and_is_linked_with_the_others() {
    for world in worlds(&Setup::default()).await {
        let spans = Spans::of(&["dispatcher"]);
        let mother = parent(&[MUM]);
        for name in ["Amy", "Ben"] {
            let pupil = world.directory.add(name, std::slice::from_ref(&mother));
            world.missing(pupil).instrument(tracing::info_span!("rpc")).await;
        }
        world.gathered();
        let finished = until_ended(&spans, "send", 1).await;
        let facts: BTreeSet<&str> = named(&finished, "rpc").iter().map(|span| span.trace.as_str()).collect();
        assert_eq!(facts.len(), 2);
        for name in ["plan", "send"] {
            let span = named(&finished, name)[0];
            let links = span.links.iter().map(String::as_str);
            let comes_of: BTreeSet<&str> = links.chain([span.trace.as_str()]).collect();
            assert_eq!((&comes_of, span.links.len()), (&facts, 1), "{name} on {}", world.backend);
        }
        drop(spans);
        world.end().await;
    }
}

#[tokio::test]
async fn what_was_heard_without_a_trace_is_told_all_the_same() {
    for world in worlds(&Setup::default()).await {
        world.missing(world.directory.add("Amy", &[parent(&[MUM])])).await;
        let spans = Spans::of(&["dispatcher"]);
        world.gathered();
        let finished = until_ended(&spans, "send", 1).await;
        assert!(named(&finished, "send")[0].links.is_empty());
        drop(spans);
        world.end().await;
    }
}
