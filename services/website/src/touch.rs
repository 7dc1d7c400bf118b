//! Remembers when this service was last in touch with those whom it hears.
//!
//! The pulses are felt by the consumers; this loop keeps them with the projection, now and then, so
//! that every replica and the next start know how far it can be trusted. Visitors are answered from
//! the store alone.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use kit::bus::pulse::Pulses;
use kit::store::Store;
use tokio_util::sync::CancellationToken;

use crate::store::keep;

/// Of the time after which a page says that it is cut off, how much may pass until a beat is kept.
const PARTS: i32 = 10;

/// Runs until `stop`. `patience` is how long nothing may be heard before pages say so.
pub async fn remember(
    store: Store,
    pulses: Pulses,
    patience: SignedDuration,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut beats = pulses.watch();
    let mut kept: BTreeMap<&'static str, Timestamp> = BTreeMap::new();
    while !stop.is_cancelled() {
        let mut news = beats.borrow_and_update().clone();
        news.retain(|sayer, at| {
            kept.get(sayer).is_none_or(|kept| at.duration_since(*kept).abs() >= patience / PARTS)
        });
        if !news.is_empty() {
            match store.commit(keep::touch(&store, &news)).await {
                Ok(_) => kept.extend(news),
                Err(error) => {
                    let error = &error as &(dyn std::error::Error + 'static);
                    tracing::warn!(error, "a beat of a pulse could not be kept");
                }
            }
        }
        tokio::select! {
            changed = beats.changed() => changed?,
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}
