//! The spans of one test, as a collector would get them.
//!
//! Only what runs on the test's own thread is seen, so that tests beside it do not mix: a test with
//! the runtime of `#[tokio::test]` runs everything there.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;

use crate::telemetry;

/// A span that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its name.
    pub name: String,
    /// The trace that it is a part of, in hexadecimal.
    pub trace: String,
    /// The other traces that it comes of.
    pub links: Vec<String>,
}

/// Collects until it is dropped.
pub struct Spans {
    collector: Collector,
    // These end with it; the subscriber first.
    _subscribed: DefaultGuard,
    _provider: SdkTracerProvider,
}

static SECOND: OnceLock<Dispatch> = OnceLock::new();

#[derive(Debug, Clone, Default)]
struct Collector(Arc<Mutex<Vec<Finished>>>);

impl Spans {
    /// Collects the spans of these services and of the kit from now on, on this thread.
    #[must_use]
    pub fn of(services: &[&str]) -> Self {
        // As long as `tracing` knows of one subscriber only, it asks the thread that comes to a span first
        // whether anybody wants that span at all, for ever: here, a test beside this one that has none.
        SECOND.get_or_init(|| Dispatch::new(NoSubscriber::new()));
        telemetry::collect_spans();
        let collector = Collector::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(collector.clone()).build();
        let services: Vec<String> = services.iter().map(|service| (*service).to_owned()).collect();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("tests"));
        let layer = layer.with_filter(telemetry::spans_of(&services));
        let subscriber = tracing_subscriber::registry().with(layer);
        Self { collector, _subscribed: tracing::subscriber::set_default(subscriber), _provider: provider }
    }

    /// What has ended so far, in the order of ending.
    #[must_use]
    pub fn finished(&self) -> Vec<Finished> {
        self.collector.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SpanExporter for Collector {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let finished = batch.into_iter().map(|span| Finished {
            name: span.name.into_owned(),
            trace: span.span_context.trace_id().to_string(),
            links: span.links.iter().map(|link| link.span_context.trace_id().to_string()).collect(),
        });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(finished);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring() {
        tracing::info_span!("ring").in_scope(|| ());
    }

    #[test]
    fn a_span_that_another_thread_came_to_first_is_seen_on_this_one_and_not_on_that() {
        let spans = Spans::of(&[]);
        std::thread::spawn(ring).join().unwrap();
        ring();
        let names: Vec<String> = spans.finished().into_iter().map(|span| span.name).collect();
        assert_eq!(names, ["ring"]);
    }
}
