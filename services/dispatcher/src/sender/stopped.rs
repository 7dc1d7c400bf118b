//! What becomes of a delivery that does not leave, and of those whom it was to tell.

use crate::domain::plan::Member;
use crate::domain::settle::Settled;
use crate::domain::{DeliveryState, Reason};
use crate::store::chunks::{Chunk, Delivery};
use crate::store::drops::{Drops, Next};
use crate::store::settle::Finished;

/// Why a message does not leave.
#[derive(Clone, Copy)]
pub(super) struct Halt(pub DeliveryState, pub Reason);

/// A delivery that does not leave. What expired or could not be worded is owed all the same: its
/// contacts go to the next step, which ends with a person. What may have left already stays
/// unknown, because nothing that is learnt now makes it unsaid.
pub(super) fn stopped(
    chunk: &Chunk,
    delivery: &Delivery,
    halt: Halt,
    dropped: Vec<(Member, Reason)>,
) -> Finished {
    let Halt(state, reason) = halt;
    let by_address =
        |(_, reason): &(Member, Reason)| matches!(reason, Reason::AddressGone | Reason::AddressShared);
    let next = match state {
        DeliveryState::Expired | DeliveryState::Failed => Next::Address,
        // The address is gone or shared now, but the contact may still be told otherwise.
        DeliveryState::Skipped if dropped.iter().any(by_address) => Next::Address,
        _ => Next::Nothing,
    };
    let state = if delivery.state == DeliveryState::Unknown { DeliveryState::Unknown } else { state };
    let settled = Settled { next_address: next == Next::Address, ..Settled::at(state, reason.code()) };
    finished(chunk, delivery, settled, drops_of(chunk, delivery, dropped, next))
}

pub(super) fn finished(
    chunk: &Chunk,
    delivery: &Delivery,
    settled: Settled,
    dropped: Option<Drops>,
) -> Finished {
    Finished {
        delivery: delivery.id.clone(),
        school: chunk.school,
        channel: delivery.channel.clone(),
        lane: chunk.lane,
        settled,
        attempts: delivery.attempts,
        started_at: None,
        dropped,
    }
}

pub(super) fn drops_of(
    chunk: &Chunk,
    delivery: &Delivery,
    members: Vec<(Member, Reason)>,
    next: Next,
) -> Option<Drops> {
    if members.is_empty() {
        return None;
    }
    Some(Drops { delivery: delivery.id.clone(), school: chunk.school, kind: delivery.kind, members, next })
}
