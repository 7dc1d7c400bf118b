//! What the dispatcher does when others say a fact: the one list of which fact becomes which
//! notice, and which withdraws one.

use std::sync::Arc;

use jiff::Timestamp;
use kit::bus::{Reaction, Verdict};
use kit::store::{Commit, Store};
use proto::events::absences::{Arrived, Explained, Session, Unexplained};
use proto::events::directory::Restricted;
use proto::events::incidents::{AccidentKind, AccidentRecorded};
use proto::events::messaging::{AnnouncementCorrected, AnnouncementSent};
use proto::events::scheduling::{Closure, ClosureChanged, ClosureDeclared, ClosureEnded};
use proto::events::{Event, Fact};
use proto::ids::{PupilId, SchoolId};
use tokio::sync::Notify;

use crate::domain::{About, NoticeKind, Reason};
use crate::render::Renderer;
use crate::routes::{Timing, route};
use crate::store::facts::{Told, tell, withdraw};
use crate::store::{alerts, restrictions};

/// What reactions stand on.
#[derive(Clone)]
pub struct Hearer {
    /// The store.
    pub store: Store,
    /// The school's timings.
    pub timing: Timing,
    /// The words of public alerts.
    pub renderer: Arc<Renderer>,
    /// Signalled when there may be something to plan.
    pub planner: Arc<Notify>,
    /// Signalled when the recall generation was raised.
    pub generation: Arc<Notify>,
}

type Decided = Result<Commit, Verdict>;

/// What is told because of a fact: about one pupil or about everybody in its scope, and until when.
type Notice = (NoticeKind, About, Option<PupilId>, Timestamp);

/// Every reaction.
pub fn all(hearer: &Hearer) -> Vec<Reaction> {
    let explained = |event: &Event<Explained>| (event.school, event.subject.clone(), event.version);
    let arrived = |event: &Event<Arrived>| (event.school, event.subject.clone(), event.version);
    vec![
        hearer.tells::<Unexplained>(unexplained),
        hearer.withdraws::<Explained>(explained, Reason::Explained),
        hearer.withdraws::<Arrived>(arrived, Reason::Arrived),
        hearer.tells::<AccidentRecorded>(accident),
        hearer.tells::<ClosureDeclared>(declared),
        hearer.tells::<ClosureChanged>(changed),
        hearer.tells::<ClosureEnded>(ended),
        hearer.tells::<AnnouncementSent>(announcement),
        hearer.tells::<AnnouncementCorrected>(corrected),
        hearer.hears_restrictions(),
    ]
}

fn unexplained(event: &Event<Unexplained>) -> Notice {
    let Unexplained { pupil_id, date, session, session_ends_at } = event.data;
    (NoticeKind::AbsenceUnexplained, About::Absence { date, session }, Some(pupil_id), session_ends_at)
}

fn accident(event: &Event<AccidentRecorded>) -> Notice {
    let accident = event.data.clone();
    let (pupil, until) = (accident.pupil_id, accident.tell_until);
    let kind = match accident.kind {
        AccidentKind::Minor => NoticeKind::FirstAid,
        AccidentKind::HeadInjury => NoticeKind::HeadInjury,
    };
    let about = if event.version > 1 { About::AmendedAccident(accident) } else { About::Accident(accident) };
    (kind, about, Some(pupil), until)
}

fn declared(event: &Event<ClosureDeclared>) -> Notice {
    closure(NoticeKind::ClosureDeclared, &event.data.closure)
}

fn changed(event: &Event<ClosureChanged>) -> Notice {
    closure(NoticeKind::ClosureChanged, &event.data.closure)
}

fn closure(kind: NoticeKind, closure: &Closure) -> Notice {
    (kind, About::Closure(closure.clone()), None, closure.tell_until)
}

fn ended(event: &Event<ClosureEnded>) -> Notice {
    let until = event.data.tell_until;
    (NoticeKind::Reopening, About::Reopening(event.data.clone()), None, until)
}

fn announcement(event: &Event<AnnouncementSent>) -> Notice {
    let until = event.data.tell_until;
    (NoticeKind::Announcement, About::Announcement(event.data.clone()), None, until)
}

/// For whoever was told; the planner tells the others the same words as news.
fn corrected(event: &Event<AnnouncementCorrected>) -> Notice {
    let announcement = event.data.announcement.clone();
    let until = announcement.tell_until;
    (NoticeKind::AnnouncementCorrection, About::Announcement(announcement), None, until)
}

/// What keeps notices of one kind apart: absences of one session gather, everything else is told
/// by itself.
fn topic<T>(about: &About, event: &Event<T>) -> String {
    match about {
        About::Absence { date, session: Session::Morning } => format!("{date}/morning"),
        About::Absence { date, session: Session::Afternoon } => format!("{date}/afternoon"),
        About::Accident(_)
        | About::AmendedAccident(_)
        | About::Closure(_)
        | About::Reopening(_)
        | About::Announcement(_) => format!("{}/{}", event.subject, event.version),
    }
}

impl Hearer {
    /// A notice is made; what the public may know goes to the website in the same commit.
    fn tells<T: Fact>(&self, notice: fn(&Event<T>) -> Notice) -> Reaction {
        let hearer = self.clone();
        Reaction::to::<T, _, _>(move |event| {
            let hearer = hearer.clone();
            async move { hearer.tell(&event, notice(&event)).await }
        })
    }

    /// What was to be told is no longer true.
    fn withdraws<T: Fact>(&self, thing: fn(&Event<T>) -> (SchoolId, String, u64), why: Reason) -> Reaction {
        let hearer = self.clone();
        Reaction::to::<T, _, _>(move |event| {
            let hearer = hearer.clone();
            let (school, subject, version) = thing(&event);
            async move {
                let commit = withdraw(&hearer.store, (school, &subject, version), why).await?;
                Ok(commit.wake(&hearer.generation).wake(&hearer.planner))
            }
        })
    }

    fn hears_restrictions(&self) -> Reaction {
        let hearer = self.clone();
        Reaction::to::<Restricted, _, _>(move |event| {
            let commit = restrictions::hear(&hearer.store, &event);
            let commit = commit.wake(&hearer.generation).wake(&hearer.planner);
            async move { Ok(commit) }
        })
    }

    async fn tell<T: Fact>(&self, event: &Event<T>, notice: Notice) -> Decided {
        let (kind, about, pupil, valid_until) = notice;
        let now = self.store.clock().now();
        let alert = self.renderer.alert(kind, &about).map_err(|error| Verdict::Poison(error.to_string()))?;
        let told = Told {
            school: event.school,
            event: event.id,
            subject: event.subject.clone(),
            version: event.version,
            pupil,
            topic: topic(&about, event),
            about,
            valid_until,
        };
        let Some((mut commit, gathering)) = tell(&self.store, &told, &route(kind, &self.timing), now).await?
        else {
            return Ok(Commit::new());
        };
        if let Some(alert) = alert {
            commit = alerts::publish(&self.store, commit, (&told, &gathering, kind), alert)?;
        }
        Ok(commit.wake(&self.planner).wake(&self.generation))
    }
}
