//! What the dispatcher does when others say a fact: a notice is made, or withdrawn.

use std::sync::Arc;

use kit::bus::{Reaction, Verdict};
use kit::store::Store;
use proto::events::Event;
use proto::events::absences::{Arrived, Explained, Unexplained};
use proto::events::directory::Restricted;
use proto::ids::SchoolId;
use tokio::sync::Notify;

use crate::domain::{NoticeKind, Reason};
use crate::render::topic;
use crate::routes::{Timing, route};
use crate::store::facts::{Told, tell, withdraw};
use crate::store::restrictions;

/// What reactions stand on.
#[derive(Clone)]
pub struct Hearer {
    /// The store.
    pub store: Store,
    /// The school's timings.
    pub timing: Timing,
    /// Signalled when there may be something to plan.
    pub planner: Arc<Notify>,
    /// Signalled when the recall generation was raised.
    pub generation: Arc<Notify>,
}

/// Every reaction.
pub fn all(hearer: &Hearer) -> Vec<Reaction> {
    let (unexplained, explained, arrived, restricted) =
        (hearer.clone(), hearer.clone(), hearer.clone(), hearer.clone());
    vec![
        Reaction::to::<Unexplained, _, _>(move |event| {
            let hearer = unexplained.clone();
            async move { hearer.on_unexplained(event).await }
        }),
        Reaction::to::<Explained, _, _>(move |event| {
            let hearer = explained.clone();
            async move { hearer.withdraw((event.school, &event.subject, event.version), Reason::Explained).await }
        }),
        Reaction::to::<Arrived, _, _>(move |event| {
            let hearer = arrived.clone();
            async move { hearer.withdraw((event.school, &event.subject, event.version), Reason::Arrived).await }
        }),
        Reaction::to::<Restricted, _, _>(move |event| {
            let hearer = restricted.clone();
            async move {
                let commit = restrictions::hear(&hearer.store, &event);
                Ok(commit.wake(&hearer.generation).wake(&hearer.planner))
            }
        }),
    ]
}

impl Hearer {
    async fn on_unexplained(&self, event: Event<Unexplained>) -> Result<kit::store::Commit, Verdict> {
        let told = Told {
            school: event.school,
            event: event.id,
            subject: event.subject,
            version: event.version,
            pupil: event.data.pupil_id,
            topic: topic(event.data.date, event.data.session),
            valid_until: event.data.session_ends_at,
        };
        let route = route(NoticeKind::AbsenceUnexplained, &self.timing);
        let now = self.store.clock().now();
        Ok(tell(&self.store, &told, &route, now).await?.wake(&self.planner))
    }

    async fn withdraw(
        &self,
        thing: (SchoolId, &str, u64),
        reason: Reason,
    ) -> Result<kit::store::Commit, Verdict> {
        let commit = withdraw(&self.store, thing, reason).await?;
        Ok(commit.wake(&self.generation).wake(&self.planner))
    }
}
