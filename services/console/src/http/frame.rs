//! What stands around every page: the school, the way to the other pages, who is signed in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use kit::identity::Caller;
use proto::directory::v1::GetSchoolRequest;
use proto::ids::SchoolId;

use super::{Console, Visitor, assets, when};
use crate::domain::roles;

/// For so long what is known of a school is shown without asking again.
const KNOWN_FOR: SignedDuration = SignedDuration::from_mins(1);

/// For so long what was done is news.
const NEWS_FOR: SignedDuration = SignedDuration::from_secs(30);

/// What every page knows of its school.
#[derive(Debug, Clone)]
pub struct School {
    /// Its name.
    pub name: String,
    /// Its zone; none while nobody has said it.
    pub zone: Option<TimeZone>,
}

/// What is known of schools.
pub type Schools = Mutex<HashMap<SchoolId, (Timestamp, School)>>;

/// Where a page stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// What is to be done.
    Home,
    /// The missing children.
    Absences,
    /// Accidents.
    Accidents,
    /// Closures.
    Closures,
    /// Pupils and contacts.
    People,
    /// What people in the school wrote.
    Announcements,
    /// What was sent.
    Messages,
    /// Who looked at what.
    Audit,
    /// Whether everything works.
    System,
    /// Who may sign in.
    Staff,
    /// None of them.
    Elsewhere,
}

/// A way to another page.
pub struct Way {
    /// What it is called.
    pub label: &'static str,
    /// Where.
    pub address: &'static str,
    /// The page is there.
    pub here: bool,
}

/// What stands around a page.
pub struct Frame {
    /// Of the stylesheet and the script.
    pub assets: String,
    /// The school's name.
    pub school: String,
    /// Its id, by which an open page sees that its window went to another school.
    pub school_id: String,
    /// There are other schools to change to.
    pub has_others: bool,
    /// Who is signed in.
    pub name: String,
    /// As what.
    pub roles: String,
    /// What every form carries.
    pub mark: String,
    /// The ways to the other pages.
    pub ways: Vec<Way>,
    /// What has just been done, in a sentence.
    pub said: Option<&'static str>,
    now: Timestamp,
    ahead: SignedDuration,
    zone: Option<TimeZone>,
}

impl Frame {
    /// An instant of the machine's clock, which sessions and providers are measured by, as the school's clocks show it.
    pub fn when_real(&self, at: Timestamp) -> String {
        self.when(at.saturating_add(self.ahead).unwrap_or(at))
    }

    /// An instant as the school's clocks show it; while they are not known, in UTC, and it says so.
    pub fn when(&self, at: Timestamp) -> String {
        match &self.zone {
            Some(zone) => when::shown(at, self.now, zone),
            None => format!("{} UTC", when::shown(at, self.now, &TimeZone::UTC)),
        }
    }

    /// Now, by the clock of the school.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The school's date.
    pub fn today(&self) -> jiff::civil::Date {
        self.now.to_zoned(self.zone.clone().unwrap_or(TimeZone::UTC)).date()
    }

    /// The school's zone; without it no time that somebody types can be understood.
    pub fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// Of a school of which nothing is known.
    #[cfg(test)]
    pub fn unknown() -> Self {
        Self {
            assets: String::new(),
            school: String::new(),
            school_id: String::new(),
            has_others: false,
            name: String::new(),
            roles: String::new(),
            mark: String::new(),
            ways: Vec::new(),
            said: None,
            now: Timestamp::UNIX_EPOCH,
            ahead: SignedDuration::ZERO,
            zone: None,
        }
    }

    /// Says what has just been done, by its key in the address, and by when that was: a page that is opened again
    /// later does not say it again.
    #[must_use]
    pub fn saying(mut self, done: Option<&str>) -> Self {
        self.said = done.and_then(|done| news(done, self.now));
        self
    }
}

/// What was done, as [`Visitor::done`] has put it into the address, while it is news.
fn news(done: &str, now: Timestamp) -> Option<&'static str> {
    let (key, at) = done.rsplit_once('-')?;
    let at: i64 = at.parse().ok()?;
    (0..=NEWS_FOR.as_secs()).contains(&(now.as_second().checked_sub(at)?)).then(|| said(key)).flatten()
}

/// What an address may say that has been done: nobody else's words.
fn said(key: &str) -> Option<&'static str> {
    Some(match key {
        "taken" => "You have taken this task.",
        "done" => "The task is done.",
        "arrived" => {
            "The arrival is recorded. Whoever was told that the child is missing is told that it is here."
        }
        "explained" => "The reason is recorded.",
        "closed" => "The register is closed, and the families of the missing children are being told.",
        "closed-before" => "The register was closed before. Nothing happened this time.",
        "amended" => "The accident is put right, and whoever was told is being told what is new.",
        "recorded" => "The accident is recorded, and whoever is entitled is being told.",
        "declared" => "The closure is declared, and everybody concerned is being told.",
        "closure-changed" => "The closure is changed, and everybody concerned is being told.",
        "announced" => "The announcement is sent, and everybody whom it concerns is being told.",
        "announcement-corrected" => {
            "The announcement is corrected. Whoever was told is told so by the same way; texts wait for the end of the quiet hours."
        }
        "exercised" => "The exercise runs. Nothing of it leaves.",
        "ended" => "The closure is ended, and everybody concerned is being told.",
        "changed" => "The contact is changed. It acts at once.",
        "recalled" => "It is stopped: nothing of it had left.",
        "partly-recalled" => {
            "What had not left is stopped. Some had left already: the list below says whose."
        }
        "had-left" => "Nothing could be stopped: all of it had left already.",
        "again" => "It goes again to everybody whom nothing had reached.",
        "nobody-left" => "There was nobody left to send it to again.",
        "replayed" => "It was put through again.",
        "added" => "A school is added to your account. Change to it here.",
        "ended-session" => "That session is ended.",
        "withdrawn" => "The link is taken back: it opens nothing any more.",
        "staff" => "The roles are changed. It acts at once: that person signs in again.",
        _ => return None,
    })
}

const WAYS: [(&str, &str, Place, Option<&str>); 10] = [
    ("To do", "/console", Place::Home, None),
    ("Absences", "/console/absences", Place::Absences, Some("absences.v1.AbsencesService/ListOpenCases")),
    (
        "Accidents",
        "/console/accidents",
        Place::Accidents,
        Some("incidents.v1.IncidentsService/RecordAccident"),
    ),
    ("Closures", "/console/closures", Place::Closures, Some("scheduling.v1.SchedulingService/ListClosures")),
    ("People", "/console/people", Place::People, Some("directory.v1.DirectoryService/FindPupils")),
    (
        "Announcements",
        "/console/announcements",
        Place::Announcements,
        Some("messaging.v1.MessagingService/ListAnnouncements"),
    ),
    ("Messages", "/console/messages", Place::Messages, Some("dispatcher.v1.DispatcherService/ListNotices")),
    ("Audit", "/console/audit", Place::Audit, Some("operations.v1.OperationsService/ListAuditEntries")),
    ("System", "/console/system", Place::System, Some("operations.v1.OperationsService/ListDeadLetters")),
    ("Staff", "/console/staff", Place::Staff, Some("directory.v1.DirectoryService/ImportRoster")),
];

impl Visitor {
    /// What stands around a page at this place.
    pub async fn frame(&self, place: Place) -> Frame {
        let school = self.school().await;
        let ways = WAYS.iter().filter(|(_, _, _, rpc)| rpc.is_none_or(|rpc| self.may(rpc)));
        Frame {
            assets: assets::version(),
            school: school.name,
            school_id: self.session.caller.tenant.to_string(),
            has_others: self.has_others,
            name: self.session.name.clone(),
            roles: roles::labels(&self.session.caller.roles),
            mark: self.session.mark.clone(),
            ways: ways.map(|(label, address, of, _)| Way { label, address, here: *of == place }).collect(),
            said: None,
            now: self.site.store.clock().now(),
            ahead: self.site.store.clock().ahead(),
            zone: school.zone,
        }
    }

    /// What is known of the visitor's school; it is not missed by any page.
    pub async fn school(&self) -> School {
        let known = self.site.school(&self.session.caller).await;
        known.unwrap_or_else(|| School { name: "Your school".to_owned(), zone: None })
    }
}

impl Console {
    /// What is known of the school of somebody who may do something there; it is not asked for each page.
    pub async fn school(&self, caller: &Caller) -> Option<School> {
        let now = self.store.clock().real();
        let known = self.known_school(caller.tenant);
        if let Some((at, school)) = &known
            && now.duration_since(*at) < KNOWN_FOR
        {
            return Some(school.clone());
        }
        let asked =
            self.services.ask(caller).directory(GetSchoolRequest {}, |mut client, request| async move {
                client.get_school(request).await
            });
        let Some(told) = asked.await.ok().and_then(|answer| answer.school) else {
            return known.map(|(_, school)| school);
        };
        let school = School { name: told.name, zone: TimeZone::get(&told.time_zone).ok() };
        let mut schools = self.schools.lock().unwrap_or_else(PoisonError::into_inner);
        schools.insert(caller.tenant, (now, school.clone()));
        Some(school)
    }

    fn known_school(&self, id: SchoolId) -> Option<(Timestamp, School)> {
        self.schools.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_said_while_it_is_news_and_in_our_own_words() {
        let now: Timestamp = "2026-11-24T08:50:00Z".parse().unwrap();
        let at = now.as_second();
        assert_eq!(news(&format!("taken-{at}"), now), Some("You have taken this task."));
        assert!(news(&format!("closed-before-{}", at - 30), now).is_some());
        for stale in [
            format!("taken-{}", at - 31),
            format!("taken-{}", at + 1),
            "taken".to_owned(),
            format!("x-{at}"),
            "taken-x".to_owned(),
            format!("taken-{}", i64::MIN),
        ] {
            assert_eq!(news(&stale, now), None, "{stale}");
        }
    }
}
