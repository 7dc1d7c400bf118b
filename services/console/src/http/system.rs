//! Whether everything works: what waits to be sent, what the providers do, and what each service put aside, with
//! trying it again.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use futures::future::join_all;
use jiff::Timestamp;
use proto::directory::v1::GetSchoolRequest;
use proto::dispatcher::v1::{GetHealthRequest, GetHealthResponse, LaneHealth, ProviderHealth};
use proto::operations::v1::{ListDeadLettersRequest, ReplayDeadLetterRequest};

use super::form::{Form, capital};
use super::frame::{Frame, Place};
use super::home::Said;
use super::stopped::rendered;
use super::{Posted, Stopped, Visitor, when};
use crate::asking::{NAMES, Trouble, ask, service};

const NEWEST: i32 = 50;

struct Letter {
    id: String,
    what: String,
    why: String,
    at: String,
    replayed: Option<String>,
    can_replay: bool,
}

struct Part {
    name: &'static str,
    answers: bool,
    letters: Vec<Letter>,
}

/// What waits in a lane, in words.
struct Lane {
    name: String,
    open: i32,
    held: i32,
    /// For how long the oldest has waited that should have left.
    age: Option<String>,
    late: bool,
}

/// What a provider does, in words.
struct Provider {
    name: &'static str,
    works: Option<bool>,
    words: String,
    pace: String,
}

/// What leaves, as the dispatcher says.
struct Leaving {
    lanes: Vec<Lane>,
    providers: Vec<Provider>,
}

#[derive(Template)]
#[template(path = "system.html")]
struct Page {
    frame: Frame,
    form: Form,
    imported: String,
    leaving: Option<Leaving>,
    parts: Vec<Part>,
}

/// Minutes after which what should have left is late.
const LATE: i64 = 5;

impl Lane {
    fn of(lane: LaneHealth, now: Timestamp) -> Self {
        let waits = lane.waits_since.as_ref().map(|since| now.duration_since(when::of(Some(since))));
        Self {
            name: lane.lane,
            open: lane.open,
            held: lane.held,
            age: waits.map(|waits| span(waits.as_secs())),
            late: waits.is_some_and(|waits| waits.as_mins() >= LATE),
        }
    }
}

/// A time in words, as one would say it across a room.
fn span(seconds: i64) -> String {
    match seconds {
        ..60 => "less than a minute".to_owned(),
        60..120 => "a minute".to_owned(),
        120..7_200 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds / 3_600),
    }
}

impl Provider {
    fn of(provider: &ProviderHealth, frame: &Frame) -> Self {
        let worked = provider.did_its_part_at.as_ref().map(|at| frame.when(when::of(Some(at))));
        let (works, said) = match (provider.requests, provider.failures, worked) {
            (0, _, _) => (None, "It was not asked for anything lately.".to_owned()),
            (_, 0, Some(at)) => (Some(true), format!("It works; its last answer came {at}.")),
            (_, failures, at) => {
                let last = at.map_or_else(String::new, |at| format!(" It last worked {at}."));
                let requests = if failures == 1 { "request" } else { "requests" };
                let why = &provider.why;
                (Some(false), format!("The last {failures} {requests} did not go through: {why}.{last}"))
            }
        };
        // Rates run by the machine's clock.
        let pace = match provider.rests_until.as_ref().map(|at| frame.when_real(when::of(Some(at)))) {
            Some(until) => format!("It asked us to slow down: nothing is sent before {until}."),
            None => format!(
                "Given at most {:.0} messages a second; it bears {:.0}.",
                provider.per_second, provider.may_per_second
            ),
        };
        let name = match provider.channel.as_str() {
            "sms.notify" => "Texts by GOV.UK Notify",
            "email.notify" => "E-mails by GOV.UK Notify",
            _ => "E-mails by the mail server",
        };
        Self { name, works, words: said, pace }
    }
}

/// What leaves; nothing when it cannot be asked.
async fn leaving(visitor: &Visitor, frame: &Frame) -> Option<Leaving> {
    let asked = ask!(visitor, dispatcher.get_health(GetHealthRequest {}));
    let GetHealthResponse { lanes, providers } = asked.await.ok()?;
    Some(Leaving {
        lanes: lanes.into_iter().map(|lane| Lane::of(lane, frame.now())).collect(),
        providers: providers.iter().map(|provider| Provider::of(provider, frame)).collect(),
    })
}

/// `GET /console/system`
pub async fn page(visitor: Visitor, Query(said): Query<Said>) -> Result<Response, Stopped> {
    show(&visitor, Form::new(), said.said.as_deref()).await
}

async fn show(visitor: &Visitor, form: Form, said: Option<&str>) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::System).await.saying(said);
    let asked = NAMES.map(|name| {
        let request = ListDeadLettersRequest {
            service: name.to_owned(),
            page_size: NEWEST,
            ..ListDeadLettersRequest::default()
        };
        let asking = visitor.ask();
        async move {
            asking
                .operations(name, request, |mut client, request| async move {
                    client.list_dead_letters(request).await
                })
                .await
        }
    });
    let mut parts = Vec::new();
    for (name, answer) in NAMES.into_iter().zip(join_all(asked).await) {
        let letters = match answer {
            Ok(answer) => Some(answer.dead_letters),
            Err(Trouble::NotAllowed) => return Err(Trouble::NotAllowed.into()),
            Err(_) => None,
        };
        let answers = letters.is_some();
        let letters = letters.unwrap_or_default().into_iter().map(|letter| Letter {
            what: letter.subject,
            why: capital(&letter.why),
            at: frame.when(when::of(letter.died_at.as_ref())),
            replayed: letter.replayed_at.as_ref().map(|at| frame.when(when::of(Some(at)))),
            can_replay: letter.replayed_at.is_none() && letter.erased_at.is_none(),
            id: letter.id,
        });
        parts.push(Part { name, answers, letters: letters.collect() });
    }
    let leaving = leaving(visitor, &frame).await;
    let imported = match ask!(visitor, directory.get_school(GetSchoolRequest {})).await {
        Ok(school) => match school.imported_at.as_ref() {
            Some(at) => format!("The school's roster was last imported {}.", frame.when(when::of(Some(at)))),
            None => "It is not known when the school's roster was imported.".to_owned(),
        },
        Err(Trouble::Away(_)) => "When the roster was imported cannot be known just now.".to_owned(),
        Err(_) => format!(
            "No roster was imported yet: schoolbell import ROSTER --school {}",
            visitor.session.caller.tenant
        ),
    };
    Ok(rendered(&Page { frame, form, imported, leaving, parts }))
}

/// `POST /console/system/replay`
pub async fn replay(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let name = service(form.value("service"))?;
    let request = ReplayDeadLetterRequest {
        request_id: form.request_id.clone(),
        service: name.to_owned(),
        dead_letter_id: form.value("letter").to_owned(),
    };
    let asked = visitor.ask().operations(name, request, |mut client, request| async move {
        client.replay_dead_letter(request).await
    });
    match asked.await {
        Ok(_) => Ok(visitor.done("/console/system", "replayed")),
        Err(trouble) => {
            form.refused(&trouble, &[]);
            show(&visitor, form, None).await
        }
    }
}
