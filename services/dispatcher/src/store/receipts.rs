//! What a provider says later about a message. It comes late, twice and in any order.

use std::collections::HashMap;

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store, one_of};
use proto::ids::DeliveryId;
use sea_orm::DbBackend;
use serde::{Deserialize, Serialize};

use super::{among, json_rows, suppressions};
use crate::channels::notify_receipt::ReceiptStatus;
use crate::domain::{DeliveryState, Reason};

#[derive(Deserialize)]
struct Sent {
    id: String,
    channel: String,
}

/// The channels of those of these deliveries that are ours, by their ids. Every message of ours carries
/// its delivery's id, so a receipt without one is not about us.
pub async fn channels_of(store: &Store, deliveries: &[&str]) -> Result<HashMap<String, String>, Error> {
    // What is no id of ours may hold characters that a database refuses.
    let ids: Vec<&str> = deliveries.iter().copied().filter(|id| id.parse::<DeliveryId>().is_ok()).collect();
    let ids = serde_json::to_string(&ids).map_err(|_| Error::Corrupt { what: "batch" })?;
    let sql = format!("SELECT id, channel FROM deliveries WHERE {}", among(store.backend(), "id"));
    let rows: Vec<Sent> = store.rows(&sql, &[("id", "TEXT"), ("channel", "TEXT")], [ids.into()]).await?;
    Ok(rows.into_iter().map(|sent| (sent.id, sent.channel)).collect())
}

/// The channel of a delivery of ours.
pub async fn channel_of(store: &Store, delivery: &str) -> Result<Option<String>, Error> {
    Ok(channels_of(store, &[delivery]).await?.remove(delivery))
}

/// What is said later about a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It got there.
    Delivered,
    /// It did not, and will not.
    Failed(Reason),
    /// Something that changes nothing yet.
    Noted(Reason),
}

impl From<ReceiptStatus> for News {
    fn from(status: ReceiptStatus) -> Self {
        match status {
            ReceiptStatus::Delivered => Self::Delivered,
            ReceiptStatus::PermanentFailure => Self::Failed(Reason::PermanentFailure),
            ReceiptStatus::TemporaryFailure => Self::Failed(Reason::TemporaryFailure),
            ReceiptStatus::TechnicalFailure => Self::Failed(Reason::TechnicalFailure),
        }
    }
}

/// What was said about one delivery of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The delivery.
    pub delivery: String,
    /// Its channel.
    pub channel: String,
    /// What.
    pub news: News,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    channel: &'a str,
    why: &'static str,
    at: i64,
}

impl<'a> Row<'a> {
    fn of(said: &'a Said, now: Timestamp) -> Self {
        let Said { delivery, channel, news } = said;
        Self { id: delivery, channel, why: news.reason().code(), at: micros(now) }
    }
}

/// Writes down what was said and lets it change its deliveries, where it is news: in one statement for
/// all that say the same, because a provider says it about thousands at the same time.
pub fn apply(store: &Store, said: &[Said], now: Timestamp) -> Result<Commit, Error> {
    let backend = store.backend();
    let rows = json_rows(backend, &[("id", "TEXT"), ("channel", "TEXT"), ("why", "TEXT"), ("at", "BIGINT")]);
    let of = |which: fn(News) -> bool| -> Result<Option<String>, Error> {
        let of: Vec<Row<'_>> =
            said.iter().filter(|said| which(said.news)).map(|said| Row::of(said, now)).collect();
        let json = (!of.is_empty()).then(|| serde_json::to_string(&of)).transpose();
        json.map_err(|_| Error::Corrupt { what: "batch" })
    };
    let all = of(|_| true)?.map(|json| (json, vec![kept(&rows)]));
    // Whatever order they came in, that it got there is the last word.
    let bad = of(|news| matches!(news, News::Failed(_)))?.map(|json| (json, failed(backend, &rows)));
    let good = of(|news| news == News::Delivered)?.map(|json| (json, delivered(backend, &rows)));
    let mut commit = Commit::new();
    for (json, statements) in [all, bad, good].into_iter().flatten() {
        for sql in statements {
            commit = commit.execute(store.statement(&sql, [json.as_str().into()]));
        }
    }
    let condemned = said
        .iter()
        .filter_map(|said| suppressions::condemned(store, &said.delivery, said.news.reason().code(), now));
    Ok(condemned.fold(commit, Commit::execute))
}

impl News {
    /// What stands in rows for it.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Delivered => Reason::Delivered,
            Self::Failed(reason) | Self::Noted(reason) => reason,
        }
    }
}

fn kept(rows: &str) -> String {
    format!(
        "INSERT INTO receipts (channel, delivery_id, status, received_at) \
         SELECT j.channel, j.id, j.why, j.at FROM {rows} WHERE TRUE ON CONFLICT (delivery_id, status) DO NOTHING"
    )
}

/// The receipt may be faster than our own record of the sending.
fn delivered(backend: DbBackend, rows: &str) -> Vec<String> {
    let from = DeliveryState::listed(|state| state.may_become(DeliveryState::Delivered));
    let delivered = format!(
        "UPDATE deliveries SET state = 'delivered', why = j.why, updated_at = j.at, chunk_id = NULL, \
         patience_until = NULL, next_address = FALSE FROM {rows} \
         WHERE deliveries.id = j.id AND deliveries.state IN ({from})"
    );
    let told = format!(
        "UPDATE members SET told = TRUE WHERE {} AND why = '' AND NOT told",
        one_of(backend, "delivery_id", &format!("SELECT j.id FROM {rows}"))
    );
    vec![delivered, told, suppressions::alive(rows)]
}

/// What was stopped stays stopped: that it did not get there either changes nothing. What was erased
/// has no next address.
fn failed(backend: DbBackend, rows: &str) -> Vec<String> {
    let from = DeliveryState::listed(|state| state.may_become(DeliveryState::Failed));
    let failed = format!(
        "UPDATE deliveries SET state = 'failed', why = j.why, updated_at = j.at, chunk_id = NULL, \
         patience_until = NULL, next_address = (erased_at IS NULL) FROM {rows} \
         WHERE deliveries.id = j.id AND deliveries.state IN ({from})"
    );
    let untold = format!(
        "UPDATE members SET told = FALSE WHERE {} AND told AND NOT EXISTS \
         (SELECT 1 FROM deliveries WHERE deliveries.id = members.delivery_id AND deliveries.state = 'delivered')",
        one_of(backend, "delivery_id", &format!("SELECT j.id FROM {rows}"))
    );
    vec![failed, untold]
}
