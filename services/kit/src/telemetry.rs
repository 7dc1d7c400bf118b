//! Logs, spans and metrics. Never a name, a number, an address or a body in any of them.
//!
//! One span follows a fact from its RPC through NATS to the provider: the W3C `traceparent` is
//! stored with the outbox entry, travels as a NATS header and is taken up by the consumer. Whoever
//! does later what a fact asked for keeps it with its row, and [comes of](come_of) it.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::Context;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_otlp::{WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::filter::{FilterExt, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{LogFormat, Telemetry};
use crate::metrics::{ALL, NUMBERS, SECONDS, describe};
use crate::tls::Tls;

/// Keeps the exporter alive; dropping it flushes the spans.
pub struct Guard {
    provider: SdkTracerProvider,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Nothing is left that could tell of a failure.
        let _ = self.provider.shutdown();
    }
}

/// Why telemetry cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `telemetry.log` is not a filter.
    #[error("telemetry.log is not a filter such as `info` or `dispatcher=debug,info`")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// The exporter cannot be made.
    #[error("telemetry.otlp_endpoint cannot be used")]
    Otlp(#[from] opentelemetry_otlp::ExporterBuildError),
    /// The process has a subscriber already.
    #[error("telemetry was started twice")]
    Twice,
}

/// Starts logging and tracing for the process. Call it once, from the binary.
///
/// `services` are those whose spans may leave the process, beside the kit's own. A collector whose address
/// begins with `https://` is spoken to with TLS or not at all.
pub fn start(settings: &Telemetry, tls: &Tls, services: &[String]) -> Result<Guard, Error> {
    let mut builder = SdkTracerProvider::builder();
    if let Some(endpoint) = &settings.otlp_endpoint {
        collect_spans();
        let mut exporter = opentelemetry_otlp::SpanExporter::builder().with_tonic().with_endpoint(endpoint);
        if endpoint.starts_with("https://") {
            exporter = exporter.with_tls_config(tls.trust());
        }
        builder = builder.with_batch_exporter(exporter.build()?);
    }
    let provider = builder.build();
    let filter = filter(settings)?.and(at_most(services));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match settings.log_format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter)).with(
        tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("schoolbell"))
            .with_filter(spans_of(services)),
    );
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::Twice)?;
    Ok(Guard { provider })
}

/// What is logged, as [`start`] reads it.
pub fn filter(settings: &Telemetry) -> Result<EnvFilter, Error> {
    EnvFilter::try_new(&settings.log).map_err(Error::Filter)
}

static COLLECTED: AtomicBool = AtomicBool::new(false);

/// Whether anybody collects spans. Where thousands of a kind come in a second they are made only then, and the log
/// lines that stand in them have to say by themselves what they are about.
#[must_use]
pub fn is_collected() -> bool {
    COLLECTED.load(Ordering::Relaxed)
}

pub(crate) fn collect_spans() {
    COLLECTED.store(true, Ordering::Relaxed);
}

/// Whatever is set, nothing finer than `debug` of a library is written: the client of NATS, for one, would
/// repeat every fact.
fn at_most(services: &[String]) -> Targets {
    let ours = services.iter().map(String::as_str).chain(["kit"]);
    let ours = ours.map(|name| (name.to_owned(), LevelFilter::TRACE));
    Targets::new().with_default(LevelFilter::DEBUG).with_targets(ours)
}

/// Only our own spans leave the process: a library's could carry what it was given.
pub(crate) fn spans_of(services: &[String]) -> Targets {
    let ours = services.iter().map(String::as_str).chain(["kit"]);
    Targets::new().with_targets(ours.map(|name| (name.to_owned(), LevelFilter::INFO)))
}

/// The present span as a W3C `traceparent`, when there is one.
#[must_use]
pub fn traceparent() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    let (trace, id, flags) = (span.trace_id(), span.span_id(), span.trace_flags().to_u8());
    span.is_valid().then(|| format!("00-{trace}-{id}-{flags:02x}"))
}

/// Makes `span` a continuation of the trace that `traceparent` names.
pub fn continue_from(span: &Span, traceparent: Option<&str>) {
    if let Some(traceparent) = traceparent {
        // Without a collector there is nothing to continue in, which is no fault.
        let _ = span.set_parent(context_of(traceparent));
    }
}

/// Makes `span` a part of everything that it comes of: it continues the first trace and is linked
/// with the others.
pub fn come_of<'a>(span: &Span, traceparents: impl IntoIterator<Item = &'a str>) {
    let mut traceparents = traceparents.into_iter();
    continue_from(span, traceparents.next());
    for traceparent in traceparents {
        span.add_link(context_of(traceparent).span().span_context().clone());
    }
}

fn context_of(traceparent: &str) -> Context {
    let carrier = HashMap::from([("traceparent".to_owned(), traceparent.to_owned())]);
    TraceContextPropagator::new().extract(&carrier)
}

/// The process's metrics in Prometheus' text format.
pub(crate) fn metrics() -> String {
    recorder().map_or_else(String::new, |handle| {
        handle.run_upkeep();
        handle.render()
    })
}

/// Installs the recorder once for the process; several hosts in one process share it.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    RECORDER.get_or_init(install).as_ref()
}

fn install() -> Option<PrometheusHandle> {
    let times = Matcher::Suffix("_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets(NUMBERS).ok()?;
    let handle = builder.set_buckets_for_metric(times, SECONDS).ok()?.install_recorder().ok()?;
    describe(ALL);
    Some(handle)
}
