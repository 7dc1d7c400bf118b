//! Links of the command line: in a demonstration or a trial they sign somebody in. Whoever has the key
//! that signs them may do everything anyway. Production knows none.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Redirect, Response};
use kit::identity::Caller;
use kit::store::Commit;
use proto::options::v1::Role;
use serde::Deserialize;

use super::sign_in::{begin, with_cookies};
use super::stopped::rendered;
use super::{Console, Knocked, Site, Stopped, assets};
use crate::asking::Trouble;
use crate::domain::roles;

/// What the link carries.
#[derive(Debug, Default, Deserialize)]
pub struct Link {
    /// A token of the command line.
    #[serde(default)]
    token: String,
}

#[derive(Template)]
#[template(path = "enter.html")]
struct Page {
    assets: String,
    name: String,
    roles: String,
    token: String,
}

impl Console {
    /// Whom a link stands for.
    fn led_in(&self, token: &str) -> Result<Caller, Trouble> {
        let gate = self.links.as_ref().ok_or(Trouble::Unknown)?;
        let caller = gate.verify(token).map_err(|_| Trouble::NotAllowed)?;
        // A service is nobody who sits before a page.
        if caller.is(Role::Service) { Err(Trouble::NotAllowed) } else { Ok(caller) }
    }
}

/// `GET /console/enter`: says as whom, and changes nothing.
pub async fn page(State(site): State<Site>, Query(Link { token }): Query<Link>) -> Result<Response, Stopped> {
    let caller = site.led_in(&token)?;
    let roles = roles::labels(&caller.roles);
    Ok(rendered(&Page { assets: assets::version(), name: caller.subject, roles, token }))
}

/// `POST /console/enter`
pub async fn enter(
    State(site): State<Site>,
    Knocked { typed, headers }: Knocked,
) -> Result<Response, Stopped> {
    let caller = site.led_in(typed.get("token"))?;
    let name = caller.subject.clone();
    let cookies = begin(&site, Commit::new(), (caller, &name), &headers).await?;
    Ok(with_cookies(Redirect::to("/console"), cookies))
}
