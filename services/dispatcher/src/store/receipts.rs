//! What a provider says later about a message. It comes late, twice and in any order.

use jiff::Timestamp;
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use sea_orm::EntityTrait;

use super::rows;
use crate::channels::notify_receipt::ReceiptStatus;
use crate::domain::{DeliveryState, Reason};

/// The delivery that a receipt is about, with its channel. Every message of ours carries its
/// delivery's id, so a receipt without one is not about us.
pub async fn delivery_of(store: &Store, reference: Option<&str>) -> Result<Option<(String, String)>, Error> {
    let Some(reference) = reference else { return Ok(None) };
    let found = rows::deliveries::Entity::find_by_id(reference.to_owned()).one(store.read()).await?;
    Ok(found.map(|row| (row.id, row.channel)))
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

/// Writes down what was said and lets it change its delivery, if it is news.
pub fn apply(store: &Store, about: (&str, &str), news: impl Into<News>, now: Timestamp) -> Commit {
    let (channel, delivery) = about;
    let news = news.into();
    let reason = match news {
        News::Delivered => Reason::Delivered,
        News::Failed(reason) | News::Noted(reason) => reason,
    };
    let kept = "INSERT INTO receipts (channel, delivery_id, status, received_at) VALUES ($1, $2, $3, $4)";
    let values = [channel.into(), delivery.into(), reason.code().into(), micros(now).into()];
    let commit = Commit::new().execute(store.statement(kept, values));
    if let News::Noted(_) = news {
        return commit;
    }
    if news == News::Delivered {
        // The receipt may be faster than our own record of the sending.
        let from = DeliveryState::listed(|state| state.may_become(DeliveryState::Delivered));
        let delivered = format!(
            "UPDATE deliveries SET state = 'delivered', why = $1, updated_at = $2, chunk_id = NULL, \
             patience_until = NULL, next_address = FALSE WHERE id = $3 AND state IN ({from})"
        );
        let values = [reason.code().into(), micros(now).into(), delivery.into()];
        let told = "UPDATE members SET told = TRUE WHERE delivery_id = $1 AND why = ''";
        return commit
            .execute(store.statement(&delivered, values))
            .execute(store.statement(told, [delivery.into()]));
    }
    // What was stopped stays stopped: that it did not get there either changes nothing.
    let from = DeliveryState::listed(|state| state.may_become(DeliveryState::Failed));
    let failed = format!(
        "UPDATE deliveries SET state = 'failed', why = $1, updated_at = $2, chunk_id = NULL, \
         patience_until = NULL, next_address = TRUE WHERE id = $3 AND state IN ({from})"
    );
    let values = [reason.code().into(), micros(now).into(), delivery.into()];
    let untold = "UPDATE members SET told = FALSE WHERE delivery_id = $1 AND NOT EXISTS \
                  (SELECT 1 FROM deliveries WHERE id = $1 AND state = 'delivered')";
    commit.execute(store.statement(&failed, values)).execute(store.statement(untold, [delivery.into()]))
}
