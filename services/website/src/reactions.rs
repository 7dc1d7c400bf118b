//! What this service does when others say something: it keeps the latest, and the time of it.
//!
//! Facts come in any order and more than once; a version lower than the one that is kept changes
//! nothing. Nothing here decides what is shown: that depends on the hour, and is asked when a
//! visitor comes.

use kit::bus::Reaction;
use kit::store::Store;
use proto::events::Fact;
use proto::events::dispatcher::WebsiteAlert;
use proto::events::scheduling::CalendarChanged;

use crate::store::keep;

/// Those who are heard.
pub const SAYERS: [&str; 2] = [WebsiteAlert::SERVICE, CalendarChanged::SERVICE];

/// Every reaction.
pub fn all(store: &Store) -> Vec<Reaction> {
    let (alerts, calendars) = (store.clone(), store.clone());
    vec![
        Reaction::to::<WebsiteAlert, _, _>(move |event| {
            let store = alerts.clone();
            async move { Ok(keep::alert(&store, &event)?) }
        }),
        Reaction::to::<CalendarChanged, _, _>(move |event| {
            let store = calendars.clone();
            async move { Ok(keep::calendar(&store, &event)?) }
        }),
    ]
}
