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
    /// A link for making an account opens nothing any more, or never did.
    LinkOver,
    /// Whoever comes again by a link may do nothing here any more.
    NoRole,
    /// The address cannot be read.
    Address,
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
    /// Whoever sees this is not signed in.
    sign_in: bool,
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
            Self::LinkOver => (
                StatusCode::NOT_FOUND,
                "This link has been used or is over",
                "Sign in, or ask whoever looks after accounts in your school for a new one.",
                false,
            ),
            Self::NoRole => (
                StatusCode::FORBIDDEN,
                "You have no role here any more",
                "Your roles were taken away after this link was made. Ask whoever looks after accounts in your school.",
                false,
            ),
            Self::Address => (
                StatusCode::BAD_REQUEST,
                "This address cannot be read",
                "It may be cut off, or mistyped. Please check it, or start from the home page.",
                false,
            ),
        };
        let sign_in = matches!(self, Self::LinkOver);
        let page = Page { assets: assets::version(), title, words, again, sign_in };
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

/// What the framework refuses before any page sees it, an address that is none, is said on a page too.
pub async fn on_a_page(response: Response) -> Response {
    let is_text = |kind: &header::HeaderValue| kind.as_bytes().starts_with(b"text/plain");
    if response.status() == StatusCode::BAD_REQUEST
        && response.headers().get(header::CONTENT_TYPE).is_some_and(is_text)
    {
        return Stopped::Address.into_response();
    }
    response
}

/// The address with a slash too many, or without anything.
pub async fn home() -> Redirect {
    Redirect::to("/console")
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
        ["invitations", token, _] => format!("/console/invitations/{token}"),
        ["announcements", id, "corrected"] => format!("/console/announcements/{id}/correct"),
        ["announcements", ..] => "/console/announcements".to_owned(),
        ["closures", ..] => "/console/closures".to_owned(),
        _ => "/console".to_owned(),
    })
}
