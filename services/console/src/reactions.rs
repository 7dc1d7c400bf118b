//! What this service does when others say something: it has the open pages of that school look again.
//! Nothing of a fact is kept.

use kit::bus::Reaction;
use kit::store::Commit;
use proto::events::Fact;
use proto::events::absences::{Arrived, Explained, Unexplained};
use proto::events::directory::{Restricted, SchoolDescribed};
use proto::events::incidents::AccidentRecorded;
use proto::events::messaging::{AnnouncementCorrected, AnnouncementSent};
use proto::events::scheduling::{CalendarChanged, ClosureChanged, ClosureDeclared, ClosureEnded};

use crate::live::Hub;

/// Every reaction.
pub fn all(hub: &Hub) -> Vec<Reaction> {
    vec![
        looks_again::<Unexplained>(hub),
        looks_again::<Explained>(hub),
        looks_again::<Arrived>(hub),
        looks_again::<Restricted>(hub),
        looks_again::<SchoolDescribed>(hub),
        looks_again::<AccidentRecorded>(hub),
        looks_again::<AnnouncementCorrected>(hub),
        looks_again::<AnnouncementSent>(hub),
        looks_again::<CalendarChanged>(hub),
        looks_again::<ClosureChanged>(hub),
        looks_again::<ClosureDeclared>(hub),
        looks_again::<ClosureEnded>(hub),
    ]
}

fn looks_again<T: Fact>(hub: &Hub) -> Reaction {
    let hub = hub.clone();
    Reaction::to::<T, _, _>(move |event| {
        hub.changed(event.school);
        async { Ok(Commit::new()) }
    })
}
