//! One message in words: who may still be told by it, what it says to them, or why it does not leave.

use std::collections::BTreeSet;

use super::Sender;
use super::look::{Known, Round};
use super::stopped::{Halt, drops_of, finished, stopped};
use crate::channels::Outgoing;
use crate::domain::clearance::{Cleared, Readers, as_planned, clear};
use crate::domain::plan::Member;
use crate::domain::settle::Settled;
use crate::domain::{About, DeliveryState, Matter, Reason};
use crate::render::{self, Wording};
use crate::store::chunks::{Carried, Chunk, Delivery};
use crate::store::drops::{Drops, Next};
use crate::store::settle::Finished;
use crate::store::wordings::{self, Said};

/// A message in words.
pub(super) struct Worded {
    pub outgoing: Outgoing,
    /// Whom it tells about whom.
    pub members: BTreeSet<Member>,
    /// What is to be known of its words before it leaves.
    pub said: Option<Said>,
    /// Who fell out of it at the last look.
    pub dropped: Option<Drops>,
}

impl Sender {
    /// The words of one message, and who fell out of it; or why it does not leave.
    pub(super) fn word(
        &self,
        chunk: &Chunk,
        delivery: &Delivery,
        round: &Round,
    ) -> Result<Worded, Box<Finished>> {
        let (holding, mut dropped) = round.hold(delivery);
        if holding.is_empty() {
            let halt = match dropped.last() {
                Some((_, Reason::HandledByPerson)) => Halt(DeliveryState::Skipped, Reason::HandledByPerson),
                other => Halt(DeliveryState::Recalled, other.map_or(Reason::Recalled, |(_, reason)| *reason)),
            };
            return Err(Box::new(stopped(chunk, delivery, halt, dropped)));
        }
        let Some(Carried { about, drill }) = round.matters.get(&delivery.gathering) else {
            let halt = Halt(DeliveryState::Failed, Reason::CannotBeWorded);
            return Err(Box::new(stopped(chunk, delivery, halt, dropped)));
        };
        let Cleared { members, dropped: not_cleared, readers } = match &round.known {
            Known::Cleared(pupils) => {
                let matter = Matter { kind: delivery.kind, reach: about.reach(), choices: self.choices };
                clear(matter, &delivery.address, &holding, pupils)
            }
            Known::Away { barred, .. } => as_planned(about.reach(), holding, barred),
        };
        let last = not_cleared.last().map_or(Reason::NotLinked, |(_, reason)| *reason);
        dropped.extend(not_cleared);
        if members.is_empty() {
            return Err(Box::new(stopped(chunk, delivery, Halt(DeliveryState::Skipped, last), dropped)));
        }
        match self.words(delivery, (&members, readers), (about, round)) {
            Ok(_) if *drill => {
                let settled = Settled::at(DeliveryState::Drill, Reason::Exercise.code());
                let dropped = drops_of(chunk, delivery, dropped, Next::Nothing);
                Err(Box::new(finished(chunk, delivery, settled, dropped)))
            }
            Ok(outgoing) => {
                let dropped = drops_of(chunk, delivery, dropped, Next::Nothing);
                let said = wordings::said(delivery, about, readers);
                Ok(Worded { outgoing, members, said, dropped })
            }
            Err(error) => {
                let reason = match &error {
                    render::Error::Template(_) => Reason::CannotBeWorded,
                    render::Error::TooLong { .. } => Reason::TextTooLong,
                };
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::error!(delivery.id = delivery.id, error, "no words");
                let halt = Halt(DeliveryState::Failed, reason);
                Err(Box::new(stopped(chunk, delivery, halt, dropped)))
            }
        }
    }

    fn words(
        &self,
        delivery: &Delivery,
        (members, readers): (&BTreeSet<Member>, Readers),
        (about, round): (&About, &Round),
    ) -> Result<Outgoing, render::Error> {
        let about_whom: BTreeSet<_> = members.iter().map(|(_, pupil)| *pupil).collect();
        let pupils = match &round.known {
            Known::Cleared(pupils) => pupils.as_slice(),
            Known::Away { .. } => &[],
        };
        let pupils = pupils.iter().filter(|pupil| about_whom.contains(&pupil.id));
        let names: Vec<&str> = pupils.map(|pupil| pupil.first_name.as_str()).collect();
        let medium = delivery.channel.medium();
        let now = self.store.clock().now();
        let wording = Wording {
            kind: delivery.kind,
            medium,
            about,
            names: &names,
            school: &round.school,
            readers,
            now,
        };
        let words = self.renderer.words(&wording)?;
        Ok(Outgoing {
            key: delivery.id.clone(),
            to: delivery.address.clone(),
            subject: words.subject,
            body: words.body,
            purpose: delivery.kind.purpose(),
            lane: self.route(delivery.kind).lane,
        })
    }
}
