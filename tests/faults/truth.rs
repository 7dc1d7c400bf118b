//! What the dispatcher says, beside what the outside world saw.

use std::collections::{BTreeMap, BTreeSet};

use proto::dispatcher::v1::{Delivery, DeliveryState};
use proto::tasks::v1::Task;
use simulator::{Message, Will};

/// Whether these words arrived at an address.
pub fn has(messages: &[Message], address: &str, words: &str) -> bool {
    let at = |message: &&Message| message.accepted.to == address && message.accepted.will != Will::Fail;
    messages.iter().filter(at).any(|message| message.accepted.body.contains(words))
}

/// Whether anything is still to come of a delivery.
pub fn is_open(delivery: &Delivery, tasks: &[Task]) -> bool {
    match delivery.state() {
        DeliveryState::Delivered
        | DeliveryState::Failed
        | DeliveryState::Recalled
        | DeliveryState::Expired
        | DeliveryState::Skipped => false,
        DeliveryState::Accepted => !delivery.reached,
        // What may have left and may not come twice is a person's question.
        DeliveryState::Unknown => !tasks.iter().any(|task| task.subjects.contains(&delivery.id)),
        DeliveryState::Unspecified
        | DeliveryState::Held
        | DeliveryState::Due
        | DeliveryState::Leased
        | DeliveryState::Started
        | DeliveryState::Drill => true,
    }
}

/// Whose message it is: our reference at the one provider, the Message-ID at the other.
fn delivery_of(message: &Message) -> String {
    let accepted = &message.accepted;
    let id = accepted.reference.as_deref().or(accepted.message_id.as_deref()).unwrap_or_default();
    id.split('@').next().unwrap_or_default().to_owned()
}

/// What the dispatcher says of its deliveries and the outside world denies.
pub fn untrue(deliveries: &[Delivery], messages: &[Message]) -> Vec<String> {
    let mut taken: BTreeMap<String, Vec<Will>> = BTreeMap::new();
    for message in messages {
        taken.entry(delivery_of(message)).or_default().push(message.accepted.will);
    }
    let mut untrue = Vec::new();
    for delivery in deliveries {
        let wills = taken.remove(&delivery.id).unwrap_or_default();
        let (arrived, took) = (wills.contains(&Will::Deliver), !wills.is_empty());
        let is_true = match delivery.state() {
            DeliveryState::Delivered => arrived,
            DeliveryState::Accepted => took,
            DeliveryState::Failed => !arrived && !delivery.why.is_empty(),
            DeliveryState::Unknown => wills.len() <= 1 && !delivery.why.is_empty(),
            DeliveryState::Recalled | DeliveryState::Expired | DeliveryState::Skipped => {
                !took && !delivery.why.is_empty()
            }
            DeliveryState::Unspecified
            | DeliveryState::Held
            | DeliveryState::Due
            | DeliveryState::Leased
            | DeliveryState::Started
            | DeliveryState::Drill => false,
        };
        if !is_true {
            untrue.push(format!("{delivery:?} of which the outside world says {wills:?}"));
        }
    }
    untrue.extend(taken.into_keys().map(|id| format!("{id} arrived and is not known")));
    untrue
}

/// Messages that say the same at the same address as one before; only letters, or all others.
pub fn told_twice(messages: &[Message], letters: bool) -> usize {
    let is_letter = |message: &&Message| message.accepted.body.contains("trip") == letters;
    let said = messages.iter().filter(is_letter);
    let different: BTreeSet<_> =
        said.clone().map(|message| (&message.accepted.to, &message.accepted.body)).collect();
    said.count() - different.len()
}
