//! Where somebody is signed in, and signing out.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Redirect, Response};

use super::frame::{Frame, Place};
use super::home::Said;
use super::sign_in::with_cookie;
use super::stopped::rendered;
use super::{Posted, Site, Stopped, Visitor, cookies};
use crate::store::sessions;

struct Shown {
    id: String,
    device: String,
    began: String,
    seen: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct Page {
    frame: Frame,
    sessions: Vec<Shown>,
}

/// `GET /console/sessions`
pub async fn page(visitor: Visitor, Query(said): Query<Said>) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::Elsewhere).await.saying(said.said.as_deref());
    let caller = &visitor.session.caller;
    let (rules, now) = (visitor.site.rules, visitor.site.store.clock().real());
    let all = sessions::of_person(&visitor.site.store, caller).await?;
    let standing = all.into_iter().filter(|session| session.stands(rules, now));
    let shown = standing.map(|session| Shown {
        here: session.id == visitor.session.id,
        began: frame.when_real(session.began_at),
        seen: frame.when_real(session.seen_at),
        device: session.device,
        id: session.id,
    });
    let sessions = shown.collect();
    Ok(rendered(&Page { frame, sessions }))
}

/// `POST /console/sessions`: ends one of one's own.
pub async fn end(Posted { visitor, typed }: Posted) -> Result<Response, Stopped> {
    sessions::end(&visitor.site.store, &visitor.session.caller, typed.get("session")).await?;
    Ok(visitor.done("/console/sessions", "ended-session"))
}

/// `POST /console/sign-out`
pub async fn sign_out(State(site): State<Site>, Posted { visitor, .. }: Posted) -> Result<Response, Stopped> {
    sessions::end(&site.store, &visitor.session.caller, &visitor.session.id).await?;
    Ok(with_cookie(Redirect::to("/console/sign-in"), cookies::taken(site.is_protected, cookies::SESSION)))
}
