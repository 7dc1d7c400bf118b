//! What others say to the dispatcher: the facts of every service that it hears.

use proto::events::incidents::{AccidentKind, AccidentRecorded, FirstAid};
use proto::events::messaging::{AnnouncementCorrected, AnnouncementSent, Letter};
use proto::events::scheduling::{Closure, ClosureChanged, ClosureDeclared, ClosureEnded};
use proto::events::scope::Scope;
use proto::ids::{AccidentId, AnnouncementId, ClosureId};

use super::*;
use crate::channels::notify_receipt::ReceiptStatus;
use crate::store::receipts;

/// The end of the day of every story.
pub fn midnight() -> Timestamp {
    "2026-11-25T00:00:00Z".parse().unwrap()
}

/// An accident of this morning in the playground.
pub fn accident(pupil: PupilId, kind: AccidentKind) -> AccidentRecorded {
    AccidentRecorded {
        pupil_id: pupil,
        kind,
        what: "Ran into another child".into(),
        place: "playground".into(),
        happened_at: "2026-11-24T08:45:00Z".parse().unwrap(),
        first_aid: FirstAid::Given("a cold pack".into()),
        tell_until: midnight(),
    }
}

/// Snow today, with words about collection.
pub fn snow(scope: Scope) -> Closure {
    Closure {
        scope,
        first_day: date(2026, 11, 24),
        from: Session::Morning,
        last_day: date(2026, 11, 24),
        reason: "heavy snow".into(),
        collection: Some("Please collect children from the hall by 12:30".into()),
        tell_until: midnight(),
    }
}

/// Everybody is expected tomorrow.
pub fn open_tomorrow(scope: Scope) -> ClosureEnded {
    ClosureEnded {
        scope,
        open_on: date(2026, 11, 25),
        not_closed_from: date(2026, 11, 25),
        tell_until: "2026-11-26T00:00:00Z".parse().unwrap(),
    }
}

/// A letter to a scope, as text and as e-mail.
pub fn letter(scope: Scope) -> AnnouncementSent {
    AnnouncementSent {
        scope,
        email: Some(Letter { subject: "Museum visit".into(), body: "Please send a packed lunch.".into() }),
        text: Some("A packed lunch tomorrow, please.".into()),
        tell_until: midnight(),
    }
}

impl World {
    pub fn about(&self, subject: &str, version: u64) -> About {
        About { school: self.school, subject: subject.to_owned(), version, time: self.now() }
    }

    pub async fn hear<T: Fact>(&self, event: &Event<T>) -> Result<(), Verdict> {
        let subject = subject_of(T::SERVICE, T::NAME, event.school);
        let raw = Raw { subject, body: serde_json::to_vec(event).unwrap() };
        kit::testing::hear(&self.store, &self.reactions, raw).await
    }

    pub fn unexplained_event(&self, case: &Case, version: u64) -> Event<Unexplained> {
        let data = Unexplained {
            pupil_id: case.pupil,
            date: date(2026, 11, 24),
            session: Session::Morning,
            session_ends_at: session_ends_at(),
        };
        Event::new(EventId::generate(), self.about(&case.subject, version), data)
    }

    /// A pupil is missing: version 1 of a new case.
    pub async fn missing(&self, pupil: PupilId) -> Case {
        let case = Case { subject: CaseId::generate().to_string(), pupil };
        self.unexplained(&case, 1).await;
        case
    }

    pub async fn unexplained(&self, case: &Case, version: u64) {
        self.hear(&self.unexplained_event(case, version)).await.unwrap();
    }

    pub async fn explained(&self, case: &Case, version: u64) {
        let data = Explained { pupil_id: case.pupil, date: date(2026, 11, 24), session: Session::Morning };
        let event = Event::new(EventId::generate(), self.about(&case.subject, version), data);
        self.hear(&event).await.unwrap();
    }

    pub async fn arrived(&self, case: &Case, version: u64) {
        let data = Arrived {
            pupil_id: case.pupil,
            date: date(2026, 11, 24),
            session: Session::Morning,
            session_ends_at: session_ends_at(),
        };
        let event = Event::new(EventId::generate(), self.about(&case.subject, version), data);
        self.hear(&event).await.unwrap();
    }

    /// A fact about a thing, in one of its versions.
    pub async fn said<T: Fact>(&self, subject: &str, version: u64, data: T) {
        let event = Event::new(EventId::generate(), self.about(subject, version), data);
        self.hear(&event).await.unwrap();
    }

    /// An accident is recorded; gives its id.
    pub async fn hurt(&self, accident: AccidentRecorded) -> String {
        let id = AccidentId::generate().to_string();
        self.said(&id, 1, accident).await;
        id
    }

    /// A closure is declared; gives its id.
    pub async fn closed(&self, closure: Closure) -> String {
        let id = ClosureId::generate().to_string();
        self.said(&id, 1, ClosureDeclared { closure }).await;
        id
    }

    pub async fn closure_changed(&self, id: &str, version: u64, closure: Closure) {
        self.said(id, version, ClosureChanged { closure }).await;
    }

    /// Hears from the provider of a text.
    pub async fn learns(&self, delivery: &str, status: ReceiptStatus) {
        let (delivery, channel) = (delivery.to_owned(), "sms.notify".to_owned());
        let said = receipts::Said { delivery, channel, news: status.into() };
        let commit = receipts::apply(&self.store, &[said], self.now()).unwrap();
        self.store.commit(commit).await.unwrap();
    }

    /// An announcement is sent; gives its id.
    pub async fn announced(&self, sent: AnnouncementSent) -> String {
        let id = AnnouncementId::generate().to_string();
        self.said(&id, 1, sent).await;
        id
    }

    pub async fn announcement_corrected(&self, id: &str, version: u64, announcement: AnnouncementSent) {
        self.said(id, version, AnnouncementCorrected { announcement }).await;
    }

    /// The directory says that a link is restricted from now on.
    pub async fn restricted(&self, pupil: PupilId, link: Option<&str>, no_contact: bool) {
        let contact_id: Option<ContactId> = link.map(|id| id.parse().unwrap());
        let data = Restricted { pupil_id: pupil, contact_id, no_contact };
        let event = Event::new(EventId::generate(), self.about(&pupil.to_string(), 1), data);
        self.hear(&event).await.unwrap();
    }
}
