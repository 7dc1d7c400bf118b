//! What this service does when others say something: a school that is described anew has another
//! calendar.

use jiff::Timestamp;
use kit::bus::{Reaction, Verdict};
use kit::clock::Clock;
use kit::store::{Commit, Store};
use proto::events::Event;
use proto::events::directory::SchoolDescribed;

use crate::domain::Calendar;
use crate::store::changes::Decided;
use crate::store::read;

/// What reactions stand on.
#[derive(Clone)]
pub struct Hearer {
    /// The store.
    pub store: Store,
    /// The school's time.
    pub clock: Clock,
}

/// Every reaction.
pub fn all(hearer: &Hearer) -> Vec<Reaction> {
    let described = hearer.clone();
    vec![Reaction::to::<SchoolDescribed, _, _>(move |event| {
        let hearer = described.clone();
        async move { hearer.on_school_described(event, hearer.clock.now()).await }
    })]
}

impl Hearer {
    /// Says the calendar that follows from the description. An older one than was heard says
    /// nothing: what follows from the newer has been said.
    async fn on_school_described(
        &self,
        event: Event<SchoolDescribed>,
        now: Timestamp,
    ) -> Result<Commit, Verdict> {
        let on = read::school(&self.store, event.school).await?;
        if event.version <= on.described_version {
            return Ok(Commit::new());
        }
        let set_asides = read::set_asides(&self.store, event.school).await?;
        let calendar = Calendar::new(event.data, set_asides).public();
        let decided = Decided { school: event.school, on, at: now };
        Ok(decided.calendar(Commit::new(), &self.store, event.version, calendar)?)
    }
}
