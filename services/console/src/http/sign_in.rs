//! Signing in with an account of this console: user name, password and a code, all at once, so that
//! nobody learns which of them was wrong. Here sessions begin, however somebody has come.

use std::sync::PoisonError;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use kit::config::Secret;
use kit::identity::Caller;
use kit::store::{Commit, Error};
use serde::Deserialize;

use super::form::{Form, Typed};
use super::schools::begins_in;
use super::stopped::rendered;
use super::visitor::session_of;
use super::{Console, Knocked, Site, Stopped, assets, cookies};
use crate::domain::second_factor::Codes;
use crate::domain::session::{Session, mark};
use crate::openid::Provider;
use crate::store::fingerprint;
use crate::store::people::{self, Account, Person};
use crate::store::sessions::{self, Found};

const LONGEST_DEVICE: usize = 120;
/// Characters.
pub const LONGEST_USERNAME: usize = 40;
/// Where everybody begins.
pub const HOME: &str = "/console";

/// Where to go on.
#[derive(Debug, Default, Deserialize)]
pub struct Then {
    /// A page of the console.
    #[serde(default)]
    pub then: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page {
    assets: String,
    form: Form,
    then: String,
    elsewhere: Vec<Way>,
}

/// Where somebody may sign in elsewhere.
pub struct Way {
    /// Its name in addresses.
    pub key: String,
    /// What it is called.
    pub label: String,
}

impl Console {
    /// Where somebody may sign in elsewhere.
    pub fn elsewhere(&self) -> Vec<Way> {
        let way =
            |(key, provider): (&String, &Provider)| Way { key: key.clone(), label: provider.label.clone() };
        self.providers.iter().map(way).collect()
    }
}

/// A page of the console, and nothing that leads elsewhere.
pub fn safe(then: &str) -> &str {
    let ours = then == HOME || then.starts_with("/console/");
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '/' | '_' | '-');
    if ours && then.chars().all(plain) && !then.contains("//") { then } else { HOME }
}

/// The page of those who are not signed in.
pub fn show(site: &Console, form: Form, then: &str, status: StatusCode) -> Response {
    let (then, elsewhere) = (safe(then).to_owned(), site.elsewhere());
    (status, rendered(&Page { assets: assets::version(), form, then, elsewhere })).into_response()
}

/// `GET /console/sign-in`
pub async fn page(State(site): State<Site>, Query(Then { then }): Query<Then>) -> Response {
    show(&site, Form::new(), &then, StatusCode::OK)
}

/// `POST /console/sign-in`
pub async fn sign_in(
    State(site): State<Site>,
    Knocked { typed, headers }: Knocked,
) -> Result<Response, Stopped> {
    let mut form = Form::with(typed);
    let then = safe(form.value("then")).to_owned();
    let username = form.needs("username", "Enter your user name").to_lowercase();
    if username.chars().count() > LONGEST_USERNAME {
        form.wrong("username", format!("Use at most {LONGEST_USERNAME} characters"));
    }
    form.needs("password", "Enter your password");
    form.needs("code", "Enter the code from your app");
    if !form.is_good() {
        return Ok(show(&site, form, &then, StatusCode::UNPROCESSABLE_ENTITY));
    }
    let words = match attempt(&site, &form.typed, &headers).await? {
        Attempt::Entered(cookies) => return Ok(with_cookies(Redirect::to(&then), cookies)),
        Attempt::Wait(minutes) => {
            let minutes = if minutes == 1 { "a minute".to_owned() } else { format!("{minutes} minutes") };
            form.wrong("", format!("This was wrong too often. Wait {minutes}, then try again"));
            return Ok(show(&site, without_secrets(form), &then, StatusCode::TOO_MANY_REQUESTS));
        }
        Attempt::Wrong => {
            "The user name, the password or the code is not right. Check all three: a code is good for half a minute, and once"
        }
    };
    form.wrong("", words);
    Ok(show(&site, without_secrets(form), &then, StatusCode::UNPROCESSABLE_ENTITY))
}

/// What came of trying to sign in.
pub enum Attempt {
    /// These cookies are the browser's.
    Entered(Vec<HeaderValue>),
    /// Something was not right.
    Wrong,
    /// It was wrong too often: nothing is tried for so many minutes.
    Wait(i64),
}

/// Signs in with what was typed, and counts it.
pub async fn attempt(site: &Site, typed: &Typed, headers: &HeaderMap) -> Result<Attempt, Stopped> {
    let (now, username) = (site.store.clock().real(), typed.get("username").to_lowercase());
    let known = people::by_username(&site.store, &username).await?;
    // What strangers try keeps nobody out who has signed in here before: such a browser has a count of its own.
    let mark = known.as_ref().map(|(_, account)| known_by(account));
    let key = mark.filter(|mark| cookies::knows(site.is_protected, mark, headers));
    let keys = [key.unwrap_or_else(|| username.clone())];
    {
        let mut guesses = site.guesses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = guesses.wait_until(&keys, now) {
            return Ok(Attempt::Wait(until.duration_since(now).as_secs() / 60 + 1));
        }
        guesses.begins(&keys, now);
    }
    let found = {
        // Each takes some memory and a processor: strangers get no more of either.
        let _turn = site.hashing.acquire().await;
        right(typed, known, now)
    };
    let Some((person, account, step)) = found else { return Ok(Attempt::Wrong) };
    let Some(mut entered) = enter_with(site, (&person, &account), (step, now), headers).await? else {
        return Ok(Attempt::Wrong);
    };
    site.guesses.lock().unwrap_or_else(PoisonError::into_inner).was_right(&keys[0]);
    entered.push(cookies::known(site.is_protected, &known_by(&account), headers));
    Ok(Attempt::Entered(entered))
}

/// By what a browser shows that it has signed in to an account before. It opens nothing. Nobody can make it who does not
/// know the account's secrets, and another key ends it.
pub fn known_by(account: &Account) -> String {
    fingerprint(&["known browser", &account.username, &account.password, &account.secret].join(" "))
}

/// Begins a session with the code of this step, which is good once, and once more for the second of two clicks.
async fn enter_with(
    site: &Site,
    (person, account): (&Person, &Account),
    (step, now): (i64, Timestamp),
    headers: &HeaderMap,
) -> Result<Option<Vec<HeaderValue>>, Error> {
    let used = || site.just_used.lock().unwrap_or_else(PoisonError::into_inner);
    let username = &account.username;
    if step > account.last_step && used().begins(username, step, now) {
        let commit = people::use_step(Commit::new(), &site.store, person, step);
        let entered = enter(site, commit, person, headers).await;
        if !matches!(entered, Ok(Some(_))) {
            used().forget(username);
        }
        return entered;
    }
    if !used().once_more(username, step, now) {
        return Ok(None);
    }
    let commit = people::use_step_again(Commit::new(), &site.store, person, step);
    enter(site, commit, person, headers).await
}

/// What must not be written into a page again.
fn without_secrets(form: Form) -> Form {
    let typed = Typed::of(&[("username", form.value("username"))]);
    Form { typed, ..form }
}

/// Whoever has typed all three rightly, with the step of the code.
fn right(typed: &Typed, known: Option<(Person, Account)>, now: Timestamp) -> Option<(Person, Account, i64)> {
    // Somebody whom there is not takes as long as somebody whom there is.
    let hash = known.as_ref().map_or(NOBODY, |(_, account)| account.password.as_str());
    let hash = PasswordHash::new(hash).ok()?;
    kit::heavy(|| Argon2::default().verify_password(typed.raw("password").as_bytes(), &hash)).ok()?;
    let (person, account) = known?;
    let codes = Codes::of(&account.secret)?;
    let step = codes.step_of(typed.get("code"), now, account.last_step)?;
    Some((person, account, step))
}

/// The hash of a password that nobody has.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2Nob29sYmVsbC1ub2JvZHk$\
                      3Gr1cVqkVh2KpJr1pVQ1f9m0y3lSxk8mXv0r3l1o8cQ";

/// The hash of a new password.
pub fn hashed(password: &str) -> Result<String, Stopped> {
    let hash = kit::heavy(|| Argon2::default().hash_password(password.as_bytes()));
    hash.map(|hash| hash.to_string()).map_err(|_| {
        tracing::error!("a password cannot be hashed");
        Stopped::Store
    })
}

/// Begins a session for a person in a school where that person may do something, with something else in one commit;
/// which one is said by [`begins_in`]. Nothing when there is no such school, or when what was decided on has changed: the same code was
/// used at the same moment, or the roles were taken away.
pub async fn enter(
    site: &Site,
    commit: Commit,
    person: &Person,
    headers: &HeaderMap,
) -> Result<Option<Vec<HeaderValue>>, Error> {
    let Some((school, roles)) = begins_in(site, &person.id, headers).await? else { return Ok(None) };
    let commit = people::still(commit, &site.store, (school, &person.id), &roles);
    let caller = Caller { subject: person.id.clone(), tenant: school, roles };
    match begin(site, commit, (caller, &person.name), headers).await {
        Ok(cookies) => Ok(Some(cookies)),
        Err(Error::Conflict) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Begins a session with something else in one commit, and ends the one that the browser had. The
/// answer is its cookies.
pub async fn begin(
    site: &Site,
    commit: Commit,
    (caller, name): (Caller, &str),
    headers: &HeaderMap,
) -> Result<Vec<HeaderValue>, Error> {
    let token = random();
    let now = site.store.clock().real();
    let device = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("unknown");
    let session = Session {
        id: fingerprint(&token),
        name: name.to_owned(),
        mark: mark(caller.tenant, &random()),
        device: device.chars().take(LONGEST_DEVICE).collect(),
        began_at: now,
        seen_at: now,
        caller,
    };
    let commit = commit.audit(&session.caller, "SignIn", &[], site.store.clock().now());
    site.store.commit(sessions::begin(commit, &session)).await?;
    if let Some(Found { session: before, .. }) = session_of(site, headers).await? {
        sessions::end(&site.store, &before.caller, &before.id).await?;
    }
    Ok(cookies::of_session(site.is_protected, &token, session.caller.tenant))
}

/// An answer that gives or takes a cookie.
pub fn with_cookie(answer: impl IntoResponse, cookie: HeaderValue) -> Response {
    let mut response = answer.into_response();
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

/// An answer that gives several.
pub fn with_cookies(answer: impl IntoResponse, cookies: impl IntoIterator<Item = HeaderValue>) -> Response {
    let mut response = answer.into_response();
    for cookie in cookies {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Something that nobody can guess.
pub fn random() -> String {
    Secret::random().reveal().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_a_page_of_the_console_only() {
        for (then, leads) in [
            ("/console/pupils/pup_1", "/console/pupils/pup_1"),
            ("/console", "/console"),
            ("", HOME),
            ("https://example.org", HOME),
            ("//example.org/console/", HOME),
            ("/console//example.org", HOME),
            ("/console/../website", HOME),
            ("/console/%0d%0aset-cookie", HOME),
            ("/consolebad", HOME),
        ] {
            assert_eq!(safe(then), leads, "{then}");
        }
    }

    #[test]
    fn the_password_of_nobody_is_checked_like_any_other() {
        let hash = PasswordHash::new(NOBODY).unwrap();
        assert!(Argon2::default().verify_password(b"anything", &hash).is_err());
        assert_eq!(hash.params.get_decimal("m"), Some(19_456));
    }
}
