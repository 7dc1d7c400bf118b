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
use super::visitor::session_of;
use super::{Site, Stopped, Visitor, assets};
use crate::asking::Trouble;

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
    /// The mark of whoever is signed in now; none when nobody is.
    mark: Option<&'a str>,
    /// Whoever should have done it did not answer.
    away: bool,
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
    let mark = Some(visitor.session.mark.as_str());
    let again = Again { assets: assets::version(), address, typed: shown, mark, away: true };
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
        let session = match session_of(site, &headers).await {
            Ok(session) => session,
            Err(error) => return Err(Stopped::from(error).into_response()),
        };
        let mark = session.as_ref().map(|session| session.mark.as_str());
        if let Some(mark) = mark
            && bool::from(mark.as_bytes().ct_eq(typed.get(MARK).as_bytes()))
        {
            let site = Site::clone(site);
            let visitor = session.map(|session| Visitor { session, site, looks_again: false });
            return visitor
                .map(|visitor| Self { visitor, typed })
                .ok_or_else(|| Stopped::Foreign.into_response());
        }
        let status = if mark.is_some() { StatusCode::CONFLICT } else { StatusCode::UNAUTHORIZED };
        let shown = typed.all().filter(|(name, _)| *name != MARK).collect();
        let again = Again { assets: assets::version(), address: &address, typed: shown, mark, away: false };
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
