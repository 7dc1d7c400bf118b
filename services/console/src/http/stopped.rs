//! Pages instead of what was asked for: they say what is wrong and how to go on, and never only a number.

use askama::Template;
use axum::http::{StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use kit::store::Error;

use super::assets;
use crate::asking::Trouble;

/// Why a page is not shown.
#[derive(Debug)]
pub enum Stopped {
    /// A service did not answer as it should.
    Trouble(Trouble),
    /// Our own database cannot be read or written.
    Store,
    /// Another site has sent the form.
    Foreign,
    /// The form cannot be read.
    Unreadable,
}

impl From<Trouble> for Stopped {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        let error = &error as &(dyn std::error::Error + 'static);
        tracing::error!(error, "the console's own database");
        Self::Store
    }
}

#[derive(Template)]
#[template(path = "stopped.html")]
struct Page<'a> {
    assets: String,
    title: &'a str,
    words: &'a str,
    /// Looking at the same page again may help.
    again: bool,
}

impl IntoResponse for Stopped {
    fn into_response(self) -> Response {
        let (status, title, words, again) = match &self {
            Self::Trouble(Trouble::Away(service)) => (
                StatusCode::SERVICE_UNAVAILABLE,
                "A part of Schoolbell does not answer",
                match *service {
                    "directory" => {
                        "The list of pupils and contacts cannot be reached just now. Nothing was lost. If somebody must be told now, ring: the numbers are in the school's own system."
                    }
                    "dispatcher" => {
                        "Messages cannot be looked at just now. Nothing was lost: what was to be sent is sent when this part is back."
                    }
                    _ => {
                        "This part cannot be reached just now. Nothing was lost. What you wrote is kept by your browser: go back, and send it again in a minute."
                    }
                },
                true,
            ),
            Self::Trouble(Trouble::NotAllowed) => (
                StatusCode::FORBIDDEN,
                "Your role does not allow this",
                "If you need it for your work, ask whoever looks after accounts in your school.",
                false,
            ),
            Self::Trouble(Trouble::Unknown) => (
                StatusCode::NOT_FOUND,
                "There is nothing at this address",
                "It may have been removed, or belong to another school. Please check the address, or start from the home page.",
                false,
            ),
            Self::Trouble(Trouble::Refused(refusal)) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "This cannot be done", refusal.message.as_str(), false)
            }
            Self::Store => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The console cannot be used just now",
                "Its own database does not answer. Nothing was lost; please try again in a minute.",
                true,
            ),
            Self::Foreign => (
                StatusCode::FORBIDDEN,
                "This was not sent from a page of Schoolbell",
                "Nothing was done. If you came here by a link in an e-mail or on another website, tell whoever looks after your computers.",
                false,
            ),
            Self::Unreadable => (
                StatusCode::BAD_REQUEST,
                "This form cannot be read",
                "It may be too long, or cut off on its way. Go back, and send it again.",
                false,
            ),
        };
        let page = Page { assets: assets::version(), title, words, again };
        let mut response = (status, rendered(&page)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("30"));
        }
        response
    }
}

/// A page by its template.
pub fn rendered(template: &impl Template) -> Response {
    match template.render() {
        Ok(page) => Html(page).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &(dyn std::error::Error + 'static), "a page cannot be written");
            // Plain words are the last resort when not even a page can be written.
            (StatusCode::INTERNAL_SERVER_ERROR, "This page cannot be shown. Please go back.").into_response()
        }
    }
}

/// An address of the console at which there is nothing.
pub async fn nothing_here() -> Stopped {
    Stopped::Trouble(Trouble::Unknown)
}

/// A page that came as the answer to a form has an address at which nothing can be looked at: the page that it
/// belongs to is shown instead.
pub async fn look_instead(uri: Uri) -> Redirect {
    let parts: Vec<&str> = uri.path().split('/').skip(2).collect();
    Redirect::to(&match parts.as_slice() {
        ["messages", id, _] => format!("/console/messages/{id}"),
        [place @ ("absences" | "system" | "staff" | "audit.csv"), ..] => {
            format!("/console/{}", place.trim_end_matches(".csv"))
        }
        ["closures", ..] => "/console/closures".to_owned(),
        _ => "/console".to_owned(),
    })
}
