//! What stands around a closure when something is asked of it, read in the order that makes the
//! guard of the commit hold: the school's version before everything else.

use jiff::Timestamp;
use kit::identity::Caller;
use kit::store::Commit;
use proto::ids::ClosureId;
use tonic::Status;

use super::{Api, refusal};
use crate::domain::closure::{self, Around, ClosureEvent, Command};
use crate::domain::{Calendar, Clocks, Closure, Part, Reach, Rejection};
use crate::store::changes::Hand;
use crate::store::read::{self, SchoolRecord};

/// A closure that is asked something, or the lack of one, and all that stands around it.
pub struct Standing {
    /// The closure as it is.
    pub closure: Option<Closure>,
    /// Whom it concerns, or would.
    pub reach: Reach,
    record: SchoolRecord,
    calendar: Calendar,
    clocks: Clocks,
    touching: Vec<Closure>,
}

impl Standing {
    /// What stands around a closure that is to be.
    pub async fn before(api: &Api, caller: &Caller, part: Part) -> Result<Self, Status> {
        let record = read::school(&api.store, caller.tenant).await?;
        Self::read(api, caller, record, (None, part)).await
    }

    /// A closure that should be there.
    pub async fn of(api: &Api, caller: &Caller, id: ClosureId) -> Result<Self, Status> {
        let record = read::school(&api.store, caller.tenant).await?;
        let closure = read::closure(&api.store, caller.tenant, id).await?;
        let closure = closure.ok_or_else(|| refusal::status(Rejection::UnknownClosure))?;
        let part = closure.part.clone();
        Self::read(api, caller, record, (Some(closure), part)).await
    }

    async fn read(
        api: &Api,
        caller: &Caller,
        record: SchoolRecord,
        (closure, part): (Option<Closure>, Part),
    ) -> Result<Self, Status> {
        let school = caller.tenant;
        let (described, reach) =
            tokio::try_join!(api.directory.school(school), api.directory.reach(school, part))?;
        let set_asides = read::set_asides(&api.store, school).await?;
        let mut touching = read::declared(&api.store, school).await?;
        let own = closure.as_ref().map(|closure| closure.id);
        touching.retain(|other| Some(other.id) != own && reach.touches(&other.part));
        let calendar = Calendar::new(described.described, set_asides);
        Ok(Self { closure, reach, record, calendar, clocks: described.clocks, touching })
    }

    /// What the command means here.
    pub fn decide(&self, command: Command, now: Timestamp) -> Result<Option<ClosureEvent>, Status> {
        let Self { calendar, clocks, touching, .. } = self;
        let around = Around { calendar, clocks, touching, now };
        closure::decide(self.closure.as_ref(), command, &around).map_err(refusal::status)
    }

    /// Writes what happened: the closure as it is after it, and the fact.
    pub fn commit(self, api: &Api, hand: Hand<'_>, event: ClosureEvent) -> Result<(Commit, Closure), Status> {
        let after = closure::apply(self.closure, event, hand.at);
        let after = after.ok_or_else(|| refusal::status(Rejection::UnknownClosure))?;
        let saying = after.saying(&self.clocks).map_err(refusal::status)?;
        let commit = hand.commit(after.id.to_string());
        Ok((hand.closure(commit, &api.store, self.record, (&after, saying))?, after))
    }
}
