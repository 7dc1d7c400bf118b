//! What anybody may ask for, over HTTP and without a token: one file per document.
//!
//! `DOCUMENTS` is the one list of them. Each is a function of the school as it stands in the
//! projection at an instant; [`answer`] puts the headers around it. Only the store is asked, and
//! nothing is ever changed here.

pub mod address;
mod alerts_atom;
mod alerts_json;
mod answer;
mod banner_js;
mod frame;
mod layout;
mod no_contact;
mod page;
mod shown;
mod stable_id;
mod term_ics;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::{SignedDuration, Timestamp};
use kit::store::Store;
use proto::ids::SchoolId;

use crate::Config;
use crate::domain::School;
use crate::store::show;
use address::Address;
use answer::{Answers, Place};
use layout::Layouts;

/// Who asks, as far as a document depends on it.
#[derive(Debug)]
struct Visit {
    now: Timestamp,
    /// The whole address of the school's pages, with a stroke at its end, if it is known.
    home: Option<String>,
}

/// Something that can be asked for about a school.
#[derive(Debug, Clone, Copy)]
struct Document {
    /// Its route, and what it is counted as.
    path: &'static str,
    content_type: &'static str,
    place: Place,
    /// `None` when the school has nothing of this kind.
    write: fn(&Layouts, &School, &Visit) -> Result<Option<String>, Error>,
}

const HTML: &str = "text/html; charset=utf-8";

const DOCUMENTS: [Document; 5] = [
    Document { path: "/website/{school}/", content_type: HTML, place: Place::Window, write: page::write },
    Document {
        path: "/website/{school}/banner",
        content_type: HTML,
        place: Place::Frame,
        write: frame::write,
    },
    Document {
        path: "/website/{school}/alerts.json",
        content_type: "application/json",
        place: Place::Anywhere,
        write: alerts_json::write,
    },
    Document {
        path: "/website/{school}/alerts.atom",
        content_type: "application/atom+xml; charset=utf-8",
        place: Place::Anywhere,
        write: alerts_atom::write,
    },
    Document {
        path: "/website/{school}/term.ics",
        content_type: "text/calendar; charset=utf-8",
        place: Place::Anywhere,
        write: term_ics::write,
    },
];

/// Why a document could not be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template does not compile or render.
    #[error("a template cannot be rendered")]
    Template(#[from] minijinja::Error),
    /// It does not go into JSON.
    #[error("the alerts cannot be written as json")]
    Json(#[source] serde_json::Error),
    /// The projection cannot be read.
    #[error("the projection cannot be read")]
    Store(#[from] kit::store::Error),
}

/// A part of the path, which need not even be text.
type Segment = Result<Path<String>, PathRejection>;

fn school_id(segment: Segment) -> Option<SchoolId> {
    segment.ok()?.parse().ok()
}

struct Site {
    store: Store,
    layouts: Layouts,
    answers: Answers,
    address: Address,
    patience: SignedDuration,
}

/// The routes of a website that is found at this address.
pub fn routes(store: Store, config: &Config, address: Address) -> Result<Router, Error> {
    let (layouts, answers) = (Layouts::new()?, Answers::new(config.cache_seconds));
    let site = Arc::new(Site { store, layouts, answers, address, patience: config.patience() });
    let routes = Router::new()
        .route("/website/banner.js", get(banner))
        .route("/website/{school}", get(add_slash))
        .route("/website/{school}/{*anything}", get(nothing));
    let routes = DOCUMENTS.into_iter().fold(routes, |routes, document| {
        let serve = async move |State(site): State<Arc<Site>>, school: Segment, headers: HeaderMap| {
            site.serve(document, school, &headers).await
        };
        routes.route(document.path, get(serve))
    });
    Ok(routes.with_state(site))
}

/// A link that was typed without its last stroke: every address on the page hangs on it.
async fn add_slash(State(site): State<Arc<Site>>, school: Segment) -> Response {
    let Some(school) = school_id(school) else { return site.nothing(Place::Window) };
    (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("{school}/"))]).into_response()
}

async fn nothing(State(site): State<Arc<Site>>) -> Response {
    site.nothing(Place::Window)
}

async fn banner(State(site): State<Arc<Site>>, headers: HeaderMap) -> Response {
    let now = site.store.clock().now();
    let script = banner_js::SCRIPT.to_owned();
    site.answers.document(Place::Anywhere, banner_js::CONTENT_TYPE, script, (&headers, now))
}

impl Site {
    async fn serve(&self, document: Document, school: Segment, headers: &HeaderMap) -> Response {
        let now = self.store.clock().now();
        let response = match self.write(document, school, (headers, now)).await {
            Ok(Some(body)) => {
                self.answers.document(document.place, document.content_type, body, (headers, now))
            }
            Ok(None) => self.nothing(document.place),
            Err(error) => {
                let error = &error as &(dyn std::error::Error + 'static);
                tracing::error!(document = document.path, error, "a public document could not be shown");
                self.away(document.place)
            }
        };
        let status = response.status().as_u16().to_string();
        metrics::counter!("website_requests_total", "document" => document.path, "status" => status)
            .increment(1);
        response
    }

    async fn write(
        &self,
        document: Document,
        school: Segment,
        (headers, now): (&HeaderMap, Timestamp),
    ) -> Result<Option<String>, Error> {
        let Some(id) = school_id(school) else { return Ok(None) };
        let Some(school) = show::school(&self.store, id, now, self.patience).await? else { return Ok(None) };
        let visit = Visit { now, home: self.address.of(id, headers) };
        (document.write)(&self.layouts, &school, &visit)
    }

    /// The same words for an address that is none, a school that nobody has and one that has
    /// published nothing: which schools there are is nobody's business.
    fn nothing(&self, place: Place) -> Response {
        self.answers.excuse(place, StatusCode::NOT_FOUND, page::not_found(&self.layouts))
    }

    fn away(&self, place: Place) -> Response {
        self.answers.excuse(place, StatusCode::SERVICE_UNAVAILABLE, page::away(&self.layouts))
    }
}
