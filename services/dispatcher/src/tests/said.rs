//! What others say to the dispatcher: the facts of absences and of the directory.

use super::*;

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

    /// The directory says that a link is restricted from now on.
    pub async fn restricted(&self, pupil: PupilId, link: Option<&str>, no_contact: bool) {
        let contact_id: Option<ContactId> = link.map(|id| id.parse().unwrap());
        let data = Restricted { pupil_id: pupil, contact_id, no_contact };
        let event = Event::new(EventId::generate(), self.about(&pupil.to_string(), 1), data);
        self.hear(&event).await.unwrap();
    }
}
