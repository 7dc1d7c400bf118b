//! Who asks for a page: whoever has a session that stands.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::SignedDuration;
use kit::store::Error;
use proto::options::v1::Role;

use super::{Console, Site, Stopped, cookies};
use crate::asking::{Asking, Trouble};
use crate::domain::session::Session;
use crate::store::fingerprint;
use crate::store::sessions::{self, Found};

/// A click is written down when the last one is older than this.
const TOUCHED_AFTER: SignedDuration = SignedDuration::from_mins(1);
/// A page that looks again by itself says so: that is no click.
const LOOKS_AGAIN: &str = "looks-again";

/// Somebody who is signed in.
pub struct Visitor {
    /// The session.
    pub session: Session,
    /// May do something in other schools too.
    pub has_others: bool,
    /// What the pages stand on.
    pub site: Site,
    /// An open page asks by itself.
    pub looks_again: bool,
}

impl Visitor {
    /// Whoever sends these headers, if the session stands.
    pub async fn of(site: &Site, headers: &HeaderMap) -> Result<Option<Self>, Error> {
        let visitor = |Found { session, has_others }| Self {
            session,
            has_others,
            site: Site::clone(site),
            looks_again: asks_by_itself(headers),
        };
        Ok(session_of(site, headers).await?.map(visitor))
    }

    /// The services, asked in the visitor's name.
    pub fn ask(&self) -> Asking<'_> {
        self.site.services.ask(&self.session.caller)
    }

    /// Something was done: open pages of the school look again, and the page at this address says so, by its key, for
    /// as long as it is news.
    pub fn done(&self, address: &str, key: &str) -> Response {
        self.site.hub.changed(self.session.caller.tenant);
        let at = self.site.store.clock().now().as_second();
        Redirect::to(&format!("{address}?said={key}-{at}")).into_response()
    }

    /// Refuses whom the roles beside this RPC do not allow it.
    pub fn must(&self, rpc: &str) -> Result<(), Trouble> {
        if self.may(rpc) { Ok(()) } else { Err(Trouble::NotAllowed) }
    }

    /// Whether the roles beside this RPC (`directory.v1.DirectoryService/GetPupil`) allow it.
    pub fn may(&self, rpc: &str) -> bool {
        self.site.allows(&self.session.caller.roles, rpc)
    }
}

impl Console {
    /// Whether one of these roles is allowed an RPC by what stands beside it.
    pub fn allows(&self, roles: &[Role], rpc: &str) -> bool {
        let access = self.access.get(&format!("/schoolbell.{rpc}"));
        access.is_some_and(|access| access.any_of.iter().any(|role| roles.contains(role)))
    }
}

/// The session of whoever sends these headers, if it stands.
///
/// What a page asks by itself is no click: an open page must not keep somebody signed in.
pub async fn session_of(site: &Site, headers: &HeaderMap) -> Result<Option<Found>, Error> {
    let Some(token) = cookies::find(site.is_protected, cookies::SESSION, headers) else { return Ok(None) };
    let now = site.store.clock().real();
    let found = sessions::find(&site.store, &fingerprint(token)).await?;
    let found = found.filter(|found| found.session.stands(site.rules, now));
    if let Some(Found { session, .. }) = &found
        && now.duration_since(session.seen_at) >= TOUCHED_AFTER
        && !asks_by_itself(headers)
    {
        sessions::touch(&site.store, &session.id, now).await?;
    }
    Ok(found)
}

fn asks_by_itself(headers: &HeaderMap) -> bool {
    let listens = headers.get(header::ACCEPT).is_some_and(|accept| accept == "text/event-stream");
    listens || headers.contains_key(LOOKS_AGAIN)
}

impl FromRequestParts<Site> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Response> {
        match Self::of(site, &parts.headers).await {
            Ok(Some(visitor)) => Ok(visitor),
            Ok(None) => {
                let then = parts.uri.path();
                Err(Redirect::to(&format!("/console/sign-in?then={then}")).into_response())
            }
            Err(error) => Err(Stopped::from(error).into_response()),
        }
    }
}
