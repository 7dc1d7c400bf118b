//! Facts on the bus: CloudEvents 1.0 in JSON, one serde type per fact.
//!
//! A fact carries ids, instants and what the words need, never a name, a number or an address.
//! `golden/` holds one frozen example of each; old ones must parse for ever, because queued
//! events outlive deployments.

pub mod absences;
pub mod directory;
pub mod dispatcher;
pub mod incidents;
pub mod messaging;
pub mod scheduling;
pub mod scope;

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::ids::{EventId, SchoolId};

/// What every fact is: a name on the bus and a body.
pub trait Fact: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The service that says it.
    const SERVICE: &'static str;
    /// Its name in the past tense, for example `unexplained`.
    const NAME: &'static str;
    /// Whether losing it could harm somebody: a dead letter of it opens a task.
    const SAFETY: bool;
}

/// The subject that a fact of one school is published on.
#[must_use]
pub fn subject_of(service: &str, fact: &str, school: SchoolId) -> String {
    format!("schoolbell.{service}.{fact}.{school}")
}

/// A fact in its CloudEvents envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event<T> {
    /// Always `1.0`.
    pub specversion: SpecVersion,
    /// The event's id; also its `Nats-Msg-Id`.
    pub id: EventId,
    /// `schoolbell/<service>`.
    pub source: String,
    /// `schoolbell.<service>.<fact>.v1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The id of the thing that the fact is about, for example a case.
    pub subject: String,
    /// The version of that thing: a lower one that comes after a higher one is old news.
    pub version: u64,
    /// The school.
    pub school: SchoolId,
    /// When it happened, by the school's clock.
    pub time: Timestamp,
    /// Always `application/json`.
    pub datacontenttype: String,
    /// The fact itself.
    pub data: T,
}

impl<T: Fact> Event<T> {
    /// Wraps a fact.
    pub fn new(id: EventId, about: About, data: T) -> Self {
        Self {
            specversion: SpecVersion::V1,
            id,
            source: format!("schoolbell/{}", T::SERVICE),
            kind: format!("schoolbell.{}.{}.v1", T::SERVICE, T::NAME),
            subject: about.subject,
            version: about.version,
            school: about.school,
            time: about.time,
            datacontenttype: "application/json".to_owned(),
            data,
        }
    }
}

/// What a fact is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The school.
    pub school: SchoolId,
    /// The id of the thing that changed.
    pub subject: String,
    /// Its version after the change.
    pub version: u64,
    /// When it changed, by the school's clock.
    pub time: Timestamp,
}

/// The version of CloudEvents that we write and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpecVersion {
    /// CloudEvents 1.0.
    #[serde(rename = "1.0")]
    V1,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::civil::date;
    use uuid::Uuid;

    use super::absences::{Arrived, Explained, Session, Unexplained};
    use super::directory::{Restricted, SchoolDescribed, Term};
    use super::dispatcher::{AlertKind, Outline, WebsiteAlert};
    use super::incidents::{AccidentKind, AccidentRecorded, FirstAid};
    use super::messaging::{AnnouncementCorrected, AnnouncementSent, Letter};
    use super::scheduling::{
        CalendarChanged, Closure, ClosureChanged, ClosureDeclared, ClosureEnded, NonSchoolDay,
        NonSchoolDayKind,
    };
    use super::scope::Scope;
    use super::*;
    use crate::ids::{ClassId, ContactId, PupilId};

    fn uuid(last: u8) -> Uuid {
        let mut bytes = *b"\x01\x92\xf0\xc1\0\0\x70\0\x80\0\0\0\0\0\0\0";
        bytes[15] = last;
        Uuid::from_bytes(bytes)
    }

    fn about(thing: &str) -> About {
        About {
            school: SchoolId::from_uuid(uuid(1)),
            subject: format!("{thing}_{}", uuid(2).simple()),
            version: 2,
            time: "2026-11-24T09:15:00Z".parse().unwrap(),
        }
    }

    fn matches_its_golden<T: Fact + Clone + PartialEq + std::fmt::Debug>(thing: &str, data: &T) {
        let event = Event::new(EventId::from_uuid(uuid(3)), about(thing), data.clone());
        let written = serde_json::to_string_pretty(&event).unwrap() + "\n";
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/{}.{}.json", T::SERVICE, T::NAME));
        let golden = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; it should be\n{written}", path.display()));
        assert_eq!(serde_json::from_str::<Event<T>>(&golden).unwrap(), event);
        assert_eq!(written, golden, "what is written now is not what {} promises", path.display());
    }

    #[test]
    fn every_fact_reads_and_writes_its_golden() {
        let ends: Timestamp = "2026-11-24T12:00:00Z".parse().unwrap();
        let pupil_id = PupilId::from_uuid(uuid(4));
        let (day, session) = (date(2026, 11, 24), Session::Morning);
        matches_its_golden("cas", &Unexplained { pupil_id, date: day, session, session_ends_at: ends });
        matches_its_golden("cas", &Explained { pupil_id, date: day, session });
        matches_its_golden("cas", &Arrived { pupil_id, date: day, session, session_ends_at: ends });
        matches_its_golden(
            "cas",
            &Restricted { pupil_id, contact_id: Some(ContactId::from_uuid(uuid(5))), no_contact: false },
        );
    }

    fn terms() -> Vec<Term> {
        let (first_day, last_day) = (date(2026, 11, 2), date(2026, 12, 18));
        vec![Term { title: "Autumn term, second half".into(), first_day, last_day }]
    }

    #[test]
    fn what_the_public_may_know_reads_and_writes_its_golden() {
        let (school_name, time_zone) = ("Elm Park Primary School", "Europe/London");
        matches_its_golden(
            "sch",
            &SchoolDescribed { name: school_name.into(), time_zone: time_zone.into(), terms: terms() },
        );
        matches_its_golden(
            "sch",
            &CalendarChanged {
                school_name: school_name.into(),
                time_zone: time_zone.into(),
                terms: terms(),
                non_school_days: vec![NonSchoolDay {
                    date: date(2026, 11, 27),
                    kind: NonSchoolDayKind::Inset,
                }],
            },
        );
        matches_its_golden(
            "clo",
            &WebsiteAlert {
                kind: AlertKind::Closure,
                headline: "Elm Park Primary School is closed on Tuesday 24 November 2026".into(),
                body: "The heating has failed.".into(),
                outline: Some(Outline {
                    gist: "Elm Park Primary School is closed".into(),
                    first_day: date(2026, 11, 24),
                    from: Session::Morning,
                }),
                expires_at: "2026-11-25T00:00:00Z".parse().unwrap(),
            },
        );
    }

    #[test]
    fn an_alert_of_the_time_before_outlines_is_still_read() {
        let golden = include_str!("../../golden/dispatcher.website_alert.json");
        let mut earlier: serde_json::Value = serde_json::from_str(golden).unwrap();
        earlier["data"].as_object_mut().unwrap().remove("outline").unwrap();
        let read: Event<WebsiteAlert> = serde_json::from_value(earlier.clone()).unwrap();
        assert_eq!(read.data.outline, None);
        assert_eq!(serde_json::to_value(&read).unwrap(), earlier);
    }

    #[test]
    fn accidents_closures_and_announcements_read_and_write_their_goldens() {
        let tell_until: Timestamp = "2026-11-25T00:00:00Z".parse().unwrap();
        let first_day = date(2026, 11, 24);
        matches_its_golden(
            "acc",
            &AccidentRecorded {
                pupil_id: PupilId::from_uuid(uuid(4)),
                kind: AccidentKind::Minor,
                what: "Fell while running".into(),
                place: "Playground".into(),
                happened_at: "2026-11-24T10:40:00Z".parse().unwrap(),
                first_aid: FirstAid::Given("Grazed knee cleaned and a plaster put on".into()),
                tell_until,
            },
        );
        let closure = Closure {
            scope: Scope::Classes(vec![ClassId::from_uuid(uuid(6))]),
            first_day,
            from: Session::Afternoon,
            last_day: first_day,
            reason: "The heating has failed".into(),
            collection: Some("Children can be collected from the hall from 12:30".into()),
            tell_until,
        };
        matches_its_golden("clo", &ClosureDeclared { closure: closure.clone() });
        matches_its_golden(
            "clo",
            &ClosureChanged { closure: Closure { scope: Scope::WholeSchool, ..closure } },
        );
        matches_its_golden(
            "clo",
            &ClosureEnded {
                scope: Scope::WholeSchool,
                open_on: first_day,
                not_closed_from: first_day,
                tell_until,
            },
        );
        let announcement = AnnouncementSent {
            scope: Scope::YearGroups(vec!["Year 1".into()]),
            email: Some(Letter {
                subject: "Museum visit".into(),
                body: "Please send a packed lunch.".into(),
            }),
            text: Some("Please remember a packed lunch for the museum tomorrow.".into()),
            tell_until,
        };
        matches_its_golden("ann", &announcement);
        matches_its_golden("ann", &AnnouncementCorrected { announcement });
    }

    #[test]
    fn an_event_of_another_cloudevents_version_is_refused() {
        let mut golden: serde_json::Value =
            serde_json::from_str(include_str!("../../golden/absences.unexplained.json")).unwrap();
        golden["specversion"] = "2.0".into();
        assert!(serde_json::from_value::<Event<Unexplained>>(golden).is_err());
    }
}
