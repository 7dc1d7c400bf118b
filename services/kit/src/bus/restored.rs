//! Facts of before a restore: they are handed out once more, and wait for a person.
//!
//! A database that was put back has forgotten what it had heard since, while the stream and its
//! consumers have not: they would never hand it out again. So a consumer that is older than the
//! restore is made anew. What it hands out and the inbox does not know is put aside, because it may
//! have had its effect before; when a fact was said stands in its id, by real time.

use async_nats::jetstream::context::ConsumerInfoErrorKind;
use async_nats::jetstream::stream::Stream;
use jiff::Timestamp;

use super::reaction::{Raw, event_id};
use crate::store::Store;

/// Why such a fact is put aside.
pub(super) const WHY: &str = "RESTORED: it was said before the data was put back to an earlier state, and may have had its effect then";

/// What a person is asked when it matters for somebody's safety.
pub(super) const ASKS: &str = "this was said before the data was put back to an earlier state, and may have been \
                               told then: see who knows of it, and put it through again where nobody does";

/// Removes a consumer that has acknowledged what the database has forgotten.
pub(super) async fn hear_from_the_start(
    stream: &Stream,
    consumer: &str,
    store: &Store,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let Some(restored_at) = store.restored_at() else { return Ok(()) };
    match stream.consumer_info(consumer).await {
        Ok(info) if info.created.unix_timestamp_nanos() < restored_at.as_nanosecond() => {
            tracing::warn!(consumer, "the data was put back: everything is heard from the start");
            stream.delete_consumer(consumer).await?;
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a fact was said before the data was put back.
pub(super) fn was_said_before(store: &Store, raw: &Raw) -> bool {
    let said_at = event_id(raw).and_then(|id| {
        let (seconds, nanos) = id.uuid().get_timestamp()?.to_unix();
        Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanos).ok()?).ok()
    });
    said_at.is_some_and(|said_at| store.is_before_a_restore(said_at))
}
