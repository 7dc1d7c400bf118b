//! The page *Parents' phones*: what every person has on phone and in mailbox, as it arrives.
//!
//! For visitors of the demo, at `GET /`. The page asks once who there is and then every second for what is new; all words
//! reach it as text. It shows the witness's memory and changes nothing.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderValue;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::address;
use crate::log::Medium;
use crate::witness::Message;
use crate::world::World;

/// How many messages one answer carries; the page asks again at once when there are more.
const AT_ONCE: usize = 500;
/// Nothing from elsewhere, nothing inline, no frame around it.
const POLICY: &str = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Somebody whose phone is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// As it stands on the card.
    pub name: String,
    /// A few words beneath, such as "mother of Ada and Ben".
    pub about: String,
    /// Numbers and mailboxes, in any usual spelling; several people may share one.
    pub addresses: Vec<String>,
}

struct Phones {
    world: Arc<World>,
    school: String,
    people: Vec<Person>,
    clock_offset: SignedDuration,
    zone: TimeZone,
}

/// What the page is about.
pub(crate) struct Cast {
    pub(crate) school: String,
    pub(crate) people: Vec<Person>,
    /// How far the school's clock is ahead of real time.
    pub(crate) clock_offset: SignedDuration,
}

pub(crate) fn router(world: Arc<World>, cast: Cast) -> Router {
    let Cast { school, people, clock_offset } = cast;
    let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
    let phones = Phones { world, school, people, clock_offset, zone };
    Router::new()
        .route("/", get(async || asset("text/html; charset=utf-8", include_str!("page.html"))))
        .route("/page.css", get(async || asset("text/css; charset=utf-8", include_str!("page.css"))))
        .route("/page.js", get(async || asset("text/javascript; charset=utf-8", include_str!("page.js"))))
        .route("/icon.svg", get(async || asset("image/svg+xml", include_str!("icon.svg"))))
        .route("/people.json", get(people_json))
        .route("/messages.json", get(messages_json))
        .with_state(Arc::new(phones))
}

fn asset(content_type: &'static str, text: &'static str) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, text).into_response()
}

fn live(json: Value) -> Response {
    ([(CACHE_CONTROL, "no-store"), (X_CONTENT_TYPE_OPTIONS, "nosniff")], Json(json)).into_response()
}

async fn people_json(State(phones): State<Arc<Phones>>) -> Response {
    let people: Vec<_> = phones
        .people
        .iter()
        .map(|person| {
            let addresses: Vec<_> = person.addresses.iter().map(|written| address_json(written)).collect();
            json!({ "name": person.name, "about": person.about, "addresses": addresses })
        })
        .collect();
    live(json!({ "school": phones.school, "people": people }))
}

fn address_json(written: &str) -> Value {
    json!({ "written": written, "key": address::normalised(written) })
}

#[derive(Deserialize)]
struct Since {
    #[serde(default)]
    after: u64,
}

async fn messages_json(State(phones): State<Arc<Phones>>, Query(since): Query<Since>) -> Response {
    let messages: Vec<Value> = phones.world.witness.messages(|messages| {
        let seen = messages.partition_point(|message| message.seq <= since.after);
        messages.iter().skip(seen).take(AT_ONCE).map(|message| phones.message_json(message)).collect()
    });
    let more = messages.len() == AT_ONCE;
    live(json!({ "messages": messages, "more": more }))
}

impl Phones {
    fn message_json(&self, message: &Message) -> Value {
        let accepted = &message.accepted;
        let text = accepted.channel == Medium::Sms;
        json!({
            "seq": message.seq,
            "kind": if text { "text" } else { "mail" },
            "to": accepted.to,
            "from": accepted.from,
            "subject": accepted.subject,
            "body": accepted.body,
            "will": accepted.will,
            "at": self.school_time(message.at),
        })
    }

    /// Weekday and time as the school's clock shows them.
    fn school_time(&self, at: Timestamp) -> String {
        let shown = at.checked_add(self.clock_offset).unwrap_or(at);
        shown.to_zoned(self.zone.clone()).strftime("%a %H:%M").to_string()
    }
}
