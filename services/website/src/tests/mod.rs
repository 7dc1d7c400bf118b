//! The service as a visitor meets it: its reactions and its routes over a real store, on SQLite and
//! on PostgreSQL, with nothing else running.

mod documents;
mod headers;
mod hearing;
mod hostile;
mod opening;
mod parsed;
mod touch;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::uri::Scheme;
use axum::http::{HeaderMap, Method, Request};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use kit::bus::{Raw, Reaction, Verdict};
use kit::store::Store;
use kit::testing::TestStore;
use proto::events::absences::Session;
use proto::events::directory::Term;
use proto::events::dispatcher::{AlertKind, Outline, WebsiteAlert};
use proto::events::scheduling::{CalendarChanged, NonSchoolDay, NonSchoolDayKind};
use proto::events::{About, Event, Fact, subject_of};
use proto::ids::{ClosureId, EventId, SchoolId};
use tower::ServiceExt;

use crate::http::address::Address;
use crate::{Config, domain, http, reactions, store};

/// Ten minutes to nine on Tuesday 24 November 2026.
const NOW: &str = kit::testing::MORNING;

struct World {
    test: TestStore,
    reactions: Vec<Reaction>,
    site: Router,
    school: SchoolId,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

async fn worlds() -> Vec<World> {
    let stores = kit::testing::stores("website", store::MIGRATIONS).await;
    for test in &stores {
        touch::in_touch(&test.store, "2100-01-01T00:00:00Z").await;
    }
    let world = |test: TestStore| World {
        reactions: reactions::all(&test.store),
        site: site(&test.store),
        school: SchoolId::generate(),
        test,
    };
    stores.into_iter().map(world).collect()
}

/// What the compiled-in settings say, at no address of its own.
fn site(store: &Store) -> Router {
    let config = Config { cache_seconds: 30, cut_off_after_seconds: 300, public_url: None };
    http::routes(store.clone(), &config, Address::Asked(Scheme::HTTPS)).unwrap()
}

impl World {
    /// Hears a fact of this school.
    async fn hear<T: Fact>(&self, subject: &str, version: u64, time: &str, data: T) {
        self.hear_event(&event(self.school, (subject, version, time), data)).await.unwrap();
    }

    async fn hear_event<T: Fact>(&self, event: &Event<T>) -> Result<(), Verdict> {
        let subject = subject_of(T::SERVICE, T::NAME, event.school);
        let raw = Raw { subject, body: serde_json::to_vec(event).unwrap() };
        kit::testing::hear(&self.test.store, &self.reactions, raw).await
    }

    /// A document of this school.
    async fn get(&self, document: &str) -> Answer {
        self.ask(Method::GET, &format!("/website/{}/{document}", self.school), &[]).await
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = self.site.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    fn set_clock(&self, at: &str) {
        self.test.clock.set(at.parse().unwrap());
    }

    /// The headlines that are shown, in their order.
    async fn headlines(&self) -> Vec<String> {
        let json: serde_json::Value = serde_json::from_str(&self.get("alerts.json").await.body).unwrap();
        let alerts = json["alerts"].as_array().unwrap().iter();
        alerts.map(|alert| alert["headline"].as_str().unwrap().to_owned()).collect()
    }
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

fn event<T: Fact>(school: SchoolId, (subject, version, time): (&str, u64, &str), data: T) -> Event<T> {
    let time: Timestamp = time.parse().unwrap();
    let about = About { school, subject: subject.to_owned(), version, time };
    Event::new(EventId::generate(), about, data)
}

fn closure_id() -> String {
    ClosureId::generate().to_string()
}

fn alert(kind: AlertKind, headline: &str, expires_at: &str) -> WebsiteAlert {
    let expires_at = expires_at.parse().unwrap();
    WebsiteAlert { kind, headline: headline.to_owned(), body: String::new(), outline: None, expires_at }
}

/// A closure in the words of its days.
fn closed_for(first_day: Date, last_day: Date) -> WebsiteAlert {
    with_outline(AlertKind::Closure, ("School is closed", "Reason: heavy snow."), (first_day, last_day))
}

/// A reopening in the words of its day.
fn open_on(day: Date) -> WebsiteAlert {
    with_outline(AlertKind::Reopening, ("School is open", "Please send children as usual."), (day, day))
}

fn with_outline(
    kind: AlertKind,
    (gist, body): (&str, &str),
    (first_day, last_day): (Date, Date),
) -> WebsiteAlert {
    let from = Session::Morning;
    let end = last_day.tomorrow().unwrap().to_zoned(domain::zone(None)).unwrap().timestamp();
    let outline = Outline { gist: gist.to_owned(), first_day, from };
    let headline = format!("{gist} {}", domain::when::closed(first_day, from, last_day));
    WebsiteAlert { kind, headline, body: body.to_owned(), outline: Some(outline), expires_at: end }
}

/// A closure of today.
fn closed(headline: &str) -> WebsiteAlert {
    alert(AlertKind::Closure, headline, "2026-11-25T00:00:00Z")
}

fn calendar(school_name: &str) -> CalendarChanged {
    let term = |title: &str, first_day, last_day| Term { title: title.to_owned(), first_day, last_day };
    let day = |date, kind| NonSchoolDay { date, kind };
    CalendarChanged {
        school_name: school_name.to_owned(),
        time_zone: "Europe/London".to_owned(),
        terms: vec![
            term("Autumn term, second half", date(2026, 11, 2), date(2026, 12, 18)),
            term("Spring term", date(2027, 1, 5), date(2027, 3, 25)),
        ],
        non_school_days: vec![
            day(date(2026, 11, 27), NonSchoolDayKind::Inset),
            day(date(2026, 12, 4), NonSchoolDayKind::Occasional),
            day(date(2027, 3, 26), NonSchoolDayKind::BankHoliday),
        ],
    }
}
