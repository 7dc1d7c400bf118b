//! What is sent by a form: taken only from the visitor's own page, and never lost.
//!
//! A form that was made for a session which is over is not thrown away: what was typed is shown, and
//! can be sent again by somebody who is signed in and sees it.

use askama::Template;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq;

use super::form::Typed;
use super::{Site, Stopped, Visitor, assets};
use crate::asking::Trouble;
use crate::domain::session::{Session, school_of_mark};

/// A form of a visitor's own page.
pub struct Posted {
    /// Who has sent it.
    pub visitor: Visitor,
    /// What was typed.
    pub typed: Typed,
}

/// A form of one of our own pages for those who are not signed in.
pub struct Knocked {
    /// What was typed.
    pub typed: Typed,
    /// What the browser says of itself.
    pub headers: HeaderMap,
}

impl FromRequest<Site> for Knocked {
    type Rejection = Response;

    async fn from_request(request: Request, _: &Site) -> Result<Self, Response> {
        if !is_our_own(request.headers()) {
            return Err(Stopped::Foreign.into_response());
        }
        let headers = request.headers().clone();
        Ok(Self { typed: Typed::read(request).await?, headers })
    }
}

/// What every form carries: the mark of the session that it was made for.
pub const MARK: &str = "mark";

#[derive(Template)]
#[template(path = "again.html")]
struct Again<'a> {
    assets: String,
    address: &'a str,
    typed: Vec<(&'a str, &'a str)>,
    /// What it carries when it is sent again: the mark of whoever is signed in now, in the school that it was made for;
    /// else the one that it has, which says for which school that was.
    mark: &'a str,
    why: Why,
}

/// Why a form was not taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Whoever should have done it did not answer.
    Away,
    /// Nobody is signed in any more.
    SignedOut,
    /// Somebody has signed in again.
    SignedIn,
    /// Somebody has gone to another school: nothing that was written for one is done in another.
    OtherSchool,
}

/// What does the same in every school.
const OF_NO_SCHOOL: [&str; 2] = ["/console/sign-out", "/console/invitations/"];

impl Why {
    fn of(session: Option<&Session>, (address, mark): (&str, &str)) -> Self {
        let Some(session) = session else { return Self::SignedOut };
        let goes_elsewhere = school_of_mark(mark).is_some_and(|school| school != session.caller.tenant);
        if goes_elsewhere && !OF_NO_SCHOOL.iter().any(|own| address.starts_with(own)) {
            return Self::OtherSchool;
        }
        Self::SignedIn
    }
}

/// Whether a form was made for this session.
pub fn is_of(session: &Session, typed: &Typed) -> bool {
    session.mark.as_bytes().ct_eq(typed.get(MARK).as_bytes()).into()
}

/// What was typed, to be sent again, in the place of a page that cannot be shown because a service is away.
pub fn or_kept(
    page: Result<Response, Stopped>,
    (visitor, address, typed): (&Visitor, &str, &Typed),
) -> Result<Response, Stopped> {
    if !matches!(page, Err(Stopped::Trouble(Trouble::Away(_)))) {
        return page;
    }
    let shown = typed.all().filter(|(name, _)| *name != MARK).collect();
    let mark = visitor.session.mark.as_str();
    let again = Again { assets: assets::version(), address, typed: shown, mark, why: Why::Away };
    Ok((StatusCode::SERVICE_UNAVAILABLE, super::stopped::rendered(&again)).into_response())
}

impl FromRequest<Site> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Site) -> Result<Self, Response> {
        if !is_our_own(request.headers()) {
            return Err(Stopped::Foreign.into_response());
        }
        let address = request.uri().path().to_owned();
        let headers = request.headers().clone();
        let typed = Typed::read(request).await?;
        let visitor =
            Visitor::of(site, &headers).await.map_err(|error| Stopped::from(error).into_response())?;
        let session = match visitor {
            Some(visitor) if is_of(&visitor.session, &typed) => {
                return Ok(Self { visitor: Visitor { looks_again: false, ..visitor }, typed });
            }
            visitor => visitor.map(|visitor| visitor.session),
        };
        let why = Why::of(session.as_ref(), (&address, typed.get(MARK)));
        let status = if why == Why::SignedOut { StatusCode::UNAUTHORIZED } else { StatusCode::CONFLICT };
        let now = session.as_ref().filter(|_| why == Why::SignedIn).map(|session| session.mark.as_str());
        let mark = now.unwrap_or(typed.get(MARK));
        let shown = typed.all().filter(|(name, _)| *name != MARK).collect();
        let again = Again { assets: assets::version(), address: &address, typed: shown, mark, why };
        Err((status, super::stopped::rendered(&again)).into_response())
    }
}

/// Whether a browser says that a page of ours has sent it. One that says nothing is too old to know.
fn is_our_own(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    match (text(header::ORIGIN.as_str()), text(header::HOST.as_str())) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_form_of_another_site_is_not_our_own() {
        for (given, own) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("origin", "http://a.test:1"), ("host", "a.test:1")], true),
            (&[("origin", "http://b.test:1"), ("host", "a.test:1")], false),
            (&[("origin", "null"), ("host", "a.test:1")], false),
            (&[], true),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in given {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(is_our_own(&headers), own, "{given:?}");
        }
    }
}
