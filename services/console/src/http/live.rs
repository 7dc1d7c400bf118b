//! `GET /console/live`: server-sent events that say nothing but "look again".

use std::convert::Infallible;
use std::time::Duration;

use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures::{Stream, StreamExt};
use tokio_stream::wrappers::WatchStream;

use super::Visitor;

/// Proxies give up on what is silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(20);
/// A connection is let go after so long, so that nobody who was signed out meanwhile keeps one.
const LASTS: Duration = Duration::from_mins(5);

/// An open page hears that it should look again.
pub async fn stream(visitor: Visitor) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = WatchStream::from_changes(visitor.site.hub.listen(visitor.session.caller.tenant));
    let stop = visitor.site.stop.clone();
    let over = async move {
        let _ = tokio::time::timeout(LASTS, stop.cancelled()).await;
    };
    let events = changes.map(|()| Ok(Event::default().data("look"))).take_until(Box::pin(over));
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))
}
