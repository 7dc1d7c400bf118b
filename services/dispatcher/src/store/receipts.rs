//! What a provider says later about a message. It comes late, twice and in any order.

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use sea_orm::ConnectionTrait;

use super::{json_rows, suppressions};
use crate::channels::notify_receipt::ReceiptStatus;
use crate::domain::{DeliveryState, Reason};

/// The delivery that a receipt is about, with its channel. Every message of ours carries its
/// delivery's id, so a receipt without one is not about us.
pub async fn delivery_of(store: &Store, reference: Option<&str>) -> Result<Option<(String, String)>, Error> {
    let Some(reference) = reference else { return Ok(None) };
    let sql = "SELECT channel FROM deliveries WHERE id = $1";
    let found = store.read().query_one_raw(store.statement(sql, [reference.into()])).await?;
    found.map(|row| Ok((reference.to_owned(), row.try_get("", "channel")?))).transpose()
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

/// Writes down what was said and lets it change its delivery, if it is news. A provider says it about
/// thousands at the same time, so what many receipts write goes in one statement.
pub fn apply(store: &Store, about: (&str, &str), news: impl Into<News>, now: Timestamp) -> Commit {
    let (channel, delivery) = about;
    let news = news.into();
    let reason = match news {
        News::Delivered => Reason::Delivered,
        News::Failed(reason) | News::Noted(reason) => reason,
    };
    let row = serde_json::json!({
        "id": delivery, "channel": channel, "why": reason.code(), "at": micros(now),
    });
    let rows =
        json_rows(store.backend(), &[("id", "TEXT"), ("channel", "TEXT"), ("why", "TEXT"), ("at", "BIGINT")]);
    let statements = std::iter::once(kept(&rows)).chain(match news {
        News::Noted(_) => Vec::new(),
        News::Delivered => delivered(&rows),
        News::Failed(_) => failed(&rows),
    });
    let commit = statements.fold(Commit::new(), |commit, sql| commit.row_of_many(sql, row.clone()));
    suppressions::condemned(store, delivery, reason.code(), now).into_iter().fold(commit, Commit::execute)
}

fn kept(rows: &str) -> String {
    format!(
        "INSERT INTO receipts (channel, delivery_id, status, received_at) \
         SELECT j.channel, j.id, j.why, j.at FROM {rows}"
    )
}

/// The receipt may be faster than our own record of the sending.
fn delivered(rows: &str) -> Vec<String> {
    let from = DeliveryState::listed(|state| state.may_become(DeliveryState::Delivered));
    let delivered = format!(
        "UPDATE deliveries SET state = 'delivered', why = j.why, updated_at = j.at, chunk_id = NULL, \
         patience_until = NULL, next_address = FALSE FROM {rows} \
         WHERE deliveries.id = j.id AND deliveries.state IN ({from})"
    );
    let told = format!(
        "UPDATE members SET told = TRUE WHERE delivery_id IN (SELECT j.id FROM {rows}) AND why = '' AND NOT told"
    );
    vec![delivered, told, suppressions::alive(rows)]
}

/// What was stopped stays stopped: that it did not get there either changes nothing. What was erased
/// has no next address.
fn failed(rows: &str) -> Vec<String> {
    let from = DeliveryState::listed(|state| state.may_become(DeliveryState::Failed));
    let failed = format!(
        "UPDATE deliveries SET state = 'failed', why = j.why, updated_at = j.at, chunk_id = NULL, \
         patience_until = NULL, next_address = (erased_at IS NULL) FROM {rows} \
         WHERE deliveries.id = j.id AND deliveries.state IN ({from})"
    );
    let untold = format!(
        "UPDATE members SET told = FALSE WHERE delivery_id IN (SELECT j.id FROM {rows}) AND told AND NOT EXISTS \
         (SELECT 1 FROM deliveries WHERE deliveries.id = members.delivery_id AND deliveries.state = 'delivered')"
    );
    vec![failed, untold]
}
