//! Signing in elsewhere: away to the issuer, and back. What is needed when somebody comes back stays in
//! the browser that went, so that nobody else can come back in its place.
//!
//! The way back is the one `GET` that changes something: it begins a session. It does so only for the
//! browser that has begun this sign-in with a form of ours.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use kit::identity::Caller;
use kit::store::{Commit, Error};
use proto::ids::SchoolId;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::form::{Form, Typed};
use super::invitations::{LONGEST_NAME, invited, join, name_of, school_of};
use super::joining::added;
use super::sign_in::{begin as begin_session, enter, safe, show, with_cookie, with_cookies};
use super::stopped::rendered;
use super::{Console, Knocked, Site, Stopped, assets, cookies};
use crate::asking::Trouble;
use crate::openid::{Begun, Identity, Provider, Refused};
use crate::store::invitations::Invitation;
use crate::store::people::{self, Key};

/// Seconds that somebody may take to sign in elsewhere.
const LASTS: u32 = 15 * 60;

/// What the browser that went has.
#[derive(Serialize, Deserialize)]
struct Away {
    provider: String,
    begun: Begun,
    then: String,
    joins: Option<Joins>,
}

/// Somebody who comes by an invitation.
#[derive(Serialize, Deserialize)]
struct Joins {
    token: String,
    /// What the person typed.
    name: String,
    school: SchoolId,
}

/// What an issuer says when somebody comes back.
#[derive(Debug, Default, Deserialize)]
pub struct Back {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    iss: Option<String>,
    error: Option<String>,
}

#[derive(Template)]
#[template(path = "away.html")]
struct Page<'a> {
    assets: String,
    label: &'a str,
    address: &'a str,
}

impl Away {
    fn written(&self) -> Option<String> {
        serde_json::to_vec(self).ok().map(|text| BASE64_URL_SAFE_NO_PAD.encode(text))
    }

    fn read(text: &str) -> Option<Self> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

impl Console {
    fn provider(&self, key: &str) -> Result<&Provider, Trouble> {
        self.providers.get(key).ok_or(Trouble::Unknown)
    }

    /// Where browsers find it. Without an address of its own the console is used on the machine itself.
    pub fn place(&self, headers: &HeaderMap) -> String {
        let host = || headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let place = self.public_url.clone().unwrap_or_else(|| format!("http://{}", host()));
        place.trim_end_matches('/').to_owned()
    }

    /// Where an issuer sends people back to; it knows itself which addresses are right.
    fn comes_back_to(&self, key: &str, headers: &HeaderMap) -> String {
        format!("{}/console/openid/{key}/callback", self.place(headers))
    }
}

/// `POST /console/openid/{provider}`
///
/// The browser is sent on by a page, because a form may lead to no other host.
pub async fn begin(
    State(site): State<Site>,
    Path(key): Path<String>,
    Knocked { typed, headers }: Knocked,
) -> Result<Response, Stopped> {
    let provider = site.provider(&key)?;
    let mut form = Form::with(typed);
    let token = form.value("invitation").to_owned();
    let joins = if token.is_empty() {
        None
    } else {
        let invitation = invited(&site, &token).await?;
        let school = school_of(&mut form, &invitation);
        let name = name_of(&mut form, &invitation);
        if !form.is_good() {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            return super::invitations::show(&site, &headers, (&invitation, &token), form, status).await;
        }
        Some(Joins { token, name, school })
    };
    let then = safe(form.value("then")).to_owned();
    let (address, begun) = match provider.begin(&site.comes_back_to(&key, &headers)).await {
        Ok(begun) => begun,
        Err(refused) => return Ok(not_signed_in(&site, provider, &then, &refused)),
    };
    let away = Away { provider: key, begun, then, joins }.written().ok_or(Stopped::Unreadable)?;
    let page = Page { assets: assets::version(), label: &provider.label, address: address.as_str() };
    let mut page =
        with_cookie(rendered(&page), cookies::given(site.is_protected, cookies::BEGUN, &away, Some(LASTS)));
    if let Ok(refresh) = HeaderValue::from_str(&format!("0; url={address}")) {
        page.headers_mut().insert(header::REFRESH, refresh);
    }
    Ok(page)
}

/// `GET /console/openid/{provider}/callback`
pub async fn callback(
    State(site): State<Site>,
    Path(key): Path<String>,
    Query(back): Query<Back>,
    headers: HeaderMap,
) -> Result<Response, Stopped> {
    let provider = site.provider(&key)?;
    let away = cookies::find(site.is_protected, cookies::BEGUN, &headers).and_then(Away::read);
    let came_back = came_back(&site, (&key, provider), (back, away), &headers).await;
    // Whatever came of it: nothing of it stays in a browser that several people use.
    let mut answer = came_back.unwrap_or_else(IntoResponse::into_response);
    answer.headers_mut().append(header::SET_COOKIE, cookies::taken(site.is_protected, cookies::BEGUN));
    Ok(answer)
}

async fn came_back(
    site: &Site,
    (key, provider): (&str, &Provider),
    (back, away): (Back, Option<Away>),
    headers: &HeaderMap,
) -> Result<Response, Stopped> {
    let began = |away: &Away| {
        away.provider == key && bool::from(away.begun.state.as_bytes().ct_eq(back.state.as_bytes()))
    };
    let Some(away) = away.filter(began).filter(|_| provider.is_from(back.iss.as_deref())) else {
        tracing::warn!(provider = key, "somebody came back who had not gone from here, or too late");
        return Ok(again(
            site,
            "/console",
            StatusCode::UNPROCESSABLE_ENTITY,
            "This sign-in was not begun in this browser, or took too long. Please begin again",
        ));
    };
    if back.error.is_some() {
        let words = format!("{} did not sign you in. Try again, or use another way", provider.label);
        return Ok(again(site, &away.then, StatusCode::UNPROCESSABLE_ENTITY, &words));
    }
    let identity = match provider.finish(&site.comes_back_to(key, headers), &back.code, away.begun).await {
        Ok(identity) => identity,
        Err(refused) => return Ok(not_signed_in(site, provider, &away.then, &refused)),
    };
    let label = &provider.label;
    let entered = match away.joins {
        Some(joins) => joined(site, joins, (identity, label), headers).await?,
        None => known(site, &identity, headers).await?.ok_or_else(|| {
            format!(
                "Nobody has given this {label} account a role here. Ask whoever looks after accounts in your school \
                 for a link, open it, and choose {label} there"
            )
        }),
    };
    Ok(match entered {
        Ok(cookies) => with_cookies(Redirect::to(safe(&away.then)), cookies),
        Err(words) => again(site, &away.then, StatusCode::FORBIDDEN, &words),
    })
}

/// Whoever has come before; nothing when nobody has, or has no role any more.
async fn known(
    site: &Site,
    identity: &Identity,
    headers: &HeaderMap,
) -> Result<Option<Vec<HeaderValue>>, Stopped> {
    let Some(person) = people::by_identity(&site.store, identity).await? else { return Ok(None) };
    Ok(enter(site, Commit::new(), &person, headers).await?)
}

/// Whoever came by an invitation: somebody new, or somebody who has an account, to which the school is added. Else why
/// not: that person works in the school already, or a link to come in again was opened with the account of somebody else.
async fn joined(
    site: &Site,
    joins: Joins,
    (identity, label): (Identity, &str),
    headers: &HeaderMap,
) -> Result<Result<Vec<HeaderValue>, String>, Stopped> {
    let invitation = invited(site, &joins.token).await?;
    let person = people::by_identity(&site.store, &identity).await?;
    let person = person.filter(|_| invitation.person_id.is_none());
    let who = if person.is_some() {
        "You work in this school already"
    } else {
        "Somebody has this account already"
    };
    let entered = if let Some(person) = person {
        let Invitation { school, roles, .. } = &invitation;
        let caller = Caller { subject: person.id.clone(), tenant: *school, roles: roles.clone() };
        begin_session(site, added(site, &invitation, &person.id), (caller, &person.name), headers).await
    } else {
        // What a browser brings back is what somebody may have written into it: where the invitation counts is not
        // theirs to say, but for the first person, who has said so.
        let school = if invitation.invited_by.is_empty() { joins.school } else { invitation.school };
        let name: String = joins.name.chars().take(LONGEST_NAME).collect();
        join(site, &invitation, (&name, Key::Identity(identity)), school, headers).await
    };
    match entered {
        Ok(cookies) => Ok(Ok(cookies)),
        Err(Error::Conflict) => {
            // A link that was used meanwhile says so itself.
            invited(site, &joins.token).await?;
            Ok(Err(format!("{who}. Sign in with {label}. The link was not used")))
        }
        Err(error) => Err(error.into()),
    }
}

fn not_signed_in(site: &Console, provider: &Provider, then: &str, refused: &Refused) -> Response {
    tracing::warn!(why = %refused, "somebody could not be signed in by OpenID Connect");
    let label = &provider.label;
    let (status, words) = match refused {
        Refused::Away(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            format!("{label} cannot be asked just now. Try again in a minute, or use another way"),
        ),
        Refused::Stranger(_) => (
            StatusCode::FORBIDDEN,
            format!(
                "This {label} account is not one of your school or trust. Choose the one that you have for work"
            ),
        ),
        Refused::Code | Refused::Token(_) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
                "Signing in with {label} did not work. Try again. If it happens again, tell whoever looks after your computers"
            ),
        ),
    };
    again(site, then, status, &words)
}

/// The page for signing in, which says why nobody is.
fn again(site: &Console, then: &str, status: StatusCode, words: &str) -> Response {
    let mut form = Form::with(Typed::default());
    form.wrong("", words);
    show(site, form, then, status).into_response()
}
