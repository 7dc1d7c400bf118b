//! Making an account: by a link, once. The first person's link is said by the console itself when it
//! starts and knows nobody.

use std::sync::PoisonError;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use kit::identity::{Caller, role_name};
use kit::store::{Commit, Error, Store};
use proto::ids::SchoolId;
use proto::options::v1::Role;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::form::{Form, Typed};
use super::sign_in::{
    Attempt, HOME, LONGEST_USERNAME, Way, attempt, begin, hashed, known_by, random, with_cookies,
};
use super::stopped::rendered;
use super::{Console, Knocked, Site, Stopped, assets, cookies};
use crate::domain::second_factor::{Codes, secret_of};
use crate::domain::{password, roles};
use crate::store::invitations::{self, Invitation};
use crate::store::people::{self, Account, Key, Person};
use crate::store::{fingerprint, sessions};

/// For so long a link is good.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_hours(72);
/// Between two times at which sessions that are over are forgotten.
const SWEEP: std::time::Duration = std::time::Duration::from_hours(1);
const OLDEST_SESSION: SignedDuration = SignedDuration::from_hours(48);
/// Characters.
pub const LONGEST_NAME: usize = 100;

/// Says the first person's link when there is nobody yet, beginning with where the console is found, and
/// forgets sessions that are over.
pub async fn doorkeeper(
    store: Store,
    invites_to: Option<String>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    if let Some(place) = invites_to
        && people::is_empty(&store).await?
    {
        let token = random();
        let invitation = Invitation {
            id: fingerprint(&token),
            school: SchoolId::generate(),
            name: String::new(),
            roles: vec![Role::SystemAdministrator],
            invited_by: String::new(),
            request_id: String::new(),
            person_id: None,
            ends_at: until(store.clock().real()),
        };
        let commit = invitations::end_the_first(Commit::new(), &store);
        store.commit(invitations::make(commit, &store, &invitation)).await?;
        let link = format!("{}/console/invitations/{token}", place.trim_end_matches('/'));
        tracing::warn!(
            link,
            "nobody can sign in to the console yet: this link makes the first administrator, once"
        );
    }
    loop {
        let before = store.clock().real().saturating_sub(OLDEST_SESSION).unwrap_or_default();
        if let Err(error) = sessions::forget(&store, before).await {
            let error = &error as &(dyn std::error::Error + 'static);
            tracing::warn!(error, "sessions that are over are not forgotten");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            () = stop.cancelled() => return Ok(()),
        }
    }
}

/// Until when a link is good that is made now.
pub fn until(now: Timestamp) -> Timestamp {
    now.saturating_add(GOOD_FOR).unwrap_or(now)
}

#[derive(Template)]
#[template(path = "invitation.html")]
struct Page {
    assets: String,
    form: Form,
    roles: String,
    /// The person says its name, and the school: nobody else did.
    first: bool,
    /// In groups of four, as people type it.
    secret: Vec<String>,
    /// With which accounts it goes without a password.
    elsewhere: Vec<Way>,
    /// What stands in the link.
    token: String,
    /// The person has an account, and gets another key.
    renews: bool,
}

/// Whom a link invites, if it is still good.
pub async fn invited(site: &Site, token: &str) -> Result<Invitation, Stopped> {
    let found = invitations::find(&site.store, &fingerprint(token), site.store.clock().real()).await?;
    let found = found.ok_or(Stopped::LinkOver)?;
    // Of the links to the first account one is used, however many processes have said one.
    if found.invited_by.is_empty() && !people::is_empty(&site.store).await? {
        return Err(Stopped::LinkOver);
    }
    if let Some(id) = &found.person_id
        && !people::schools_of(&site.store, id).await?.iter().any(|(school, _)| *school == found.school)
    {
        return Err(Stopped::NoRole);
    }
    Ok(found)
}

/// The page of an invitation.
pub fn show(
    site: &Console,
    (invitation, token): (&Invitation, &str),
    form: Form,
    status: StatusCode,
) -> Response {
    let letters: Vec<char> = form.value("secret").chars().collect();
    let page = Page {
        assets: assets::version(),
        roles: roles::labels(&invitation.roles),
        first: invitation.invited_by.is_empty(),
        secret: letters.chunks(4).map(|four| four.iter().collect()).collect(),
        elsewhere: site.elsewhere(),
        token: token.to_owned(),
        renews: invitation.person_id.is_some(),
        form,
    };
    (status, rendered(&page)).into_response()
}

/// `GET /console/invitations/{token}`
pub async fn page(State(site): State<Site>, Path(token): Path<String>) -> Result<Response, Stopped> {
    let invitation = invited(&site, &token).await?;
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(|_| {
        tracing::error!("the machine gives no random bytes");
        Stopped::Store
    })?;
    let form = Form::with(Typed::of(&[("secret", &secret_of(bytes)), ("name", &invitation.name)]));
    Ok(show(&site, (&invitation, &token), form, StatusCode::OK))
}

/// `POST /console/invitations/{token}`
pub async fn accept(
    State(site): State<Site>,
    Path(token): Path<String>,
    Knocked { typed, headers }: Knocked,
) -> Result<Response, Stopped> {
    let invitation = match invited(&site, &token).await {
        Err(Stopped::LinkOver) => return second_click(&site, &typed, &headers).await,
        known => known?,
    };
    let mut form = Form::with(typed);
    let now = site.store.clock().real();
    let Some((name, account, school)) = read(&mut form, &invitation, now) else {
        return Ok(show(&site, (&invitation, &token), form, StatusCode::UNPROCESSABLE_ENTITY));
    };
    let account = Account { password: hashed(form.typed.raw("password"))?, ..account };
    match join(&site, &invitation, (&name, Key::Account(account.clone())), school, &headers).await {
        Ok(session) => {
            let mut used = site.just_used.lock().unwrap_or_else(PoisonError::into_inner);
            used.begins(&account.username, account.last_step, now);
            let known = cookies::known(site.is_protected, &known_by(&account), &headers);
            Ok(with_cookies(Redirect::to(HOME), [session, known]))
        }
        Err(Error::Conflict) => {
            if matches!(invited(&site, &token).await, Err(Stopped::LinkOver)) {
                return second_click(&site, &form.typed, &headers).await;
            }
            form.wrong("username", "Somebody else has this user name. Choose another");
            Ok(show(&site, (&invitation, &token), form, StatusCode::UNPROCESSABLE_ENTITY))
        }
        Err(error) => Err(error.into()),
    }
}

/// The link has been used: by a first click with the same user name, password and code, or it is over.
async fn second_click(site: &Site, typed: &Typed, headers: &HeaderMap) -> Result<Response, Stopped> {
    let is_empty = ["username", "password", "code"].iter().any(|field| typed.get(field).is_empty());
    if is_empty || typed.get("username").chars().count() > LONGEST_USERNAME {
        return Err(Stopped::LinkOver);
    }
    match attempt(site, typed, headers).await? {
        Attempt::Entered(cookies) => Ok(with_cookies(Redirect::to(HOME), cookies)),
        Attempt::Wrong | Attempt::Wait(_) => Err(Stopped::LinkOver),
    }
}

/// Whoever is invited becomes somebody who may sign in, and is signed in. A conflict when the link was used
/// meanwhile, or when somebody else has this key.
pub async fn join(
    site: &Site,
    invitation: &Invitation,
    (name, key): (&str, Key),
    school: SchoolId,
    headers: &HeaderMap,
) -> Result<HeaderValue, Error> {
    let now = site.store.clock().real();
    let commit = invitations::use_up(Commit::new(), &site.store, &invitation.id, now);
    if let Some(id) = &invitation.person_id {
        return again(site, commit, (id, key), (invitation, headers)).await;
    }
    let person = Person { id: format!("per_{}", Uuid::now_v7().simple()), name: name.to_owned() };
    let commit = people::make(commit, &person, key, now);
    let by = if invitation.invited_by.is_empty() { "the installation" } else { &invitation.invited_by };
    let commit = people::grant(commit, &site.store, (school, &person.id), &invitation.roles, (by, now));
    let caller = Caller { subject: person.id.clone(), tenant: school, roles: invitation.roles.clone() };
    let about = given(&person.id, &caller.roles);
    let commit = commit.audit(&caller, "MakeAccount", &about, site.store.clock().now());
    begin(site, commit, (caller, &person.name), headers).await
}

/// Somebody whose telephone was lost gets another key; what that person may do stays as it is, and every session that
/// stood is over.
async fn again(
    site: &Site,
    commit: Commit,
    (id, key): (&str, Key),
    (invitation, headers): (&Invitation, &HeaderMap),
) -> Result<HeaderValue, Error> {
    let school = invitation.school;
    let person = people::find(&site.store, id).await?;
    let schools = people::schools_of(&site.store, id).await?;
    let over = |commit, (own, _): &(SchoolId, Vec<Role>)| sessions::end_all(commit, &site.store, (*own, id));
    let commit = schools.iter().fold(people::change_key(commit, &site.store, id, key), over);
    // Whoever has no role here any more has nothing to come back to.
    let (_, roles) = schools.into_iter().find(|(own, _)| *own == school).ok_or(Error::Conflict)?;
    let commit = people::still(commit, &site.store, (school, id), &roles);
    let caller = Caller { subject: id.to_owned(), tenant: school, roles };
    // Whoever made the link could have used it: both names stand beside each other.
    let about = [id.to_owned(), invitation.invited_by.clone()];
    let commit = commit.audit(&caller, "ChangeKey", &about, site.store.clock().now());
    begin(site, commit, (caller, &person.name), headers).await
}

/// In which school an invitation counts; the first person may say it.
pub fn school_of(form: &mut Form, invitation: &Invitation) -> SchoolId {
    let given = form.value("school").to_owned();
    if !invitation.invited_by.is_empty() || given.is_empty() {
        return invitation.school;
    }
    given.parse().unwrap_or_else(|_| {
        form.wrong("school", "Enter the id that the import printed, or leave this empty");
        invitation.school
    })
}

/// What somebody is called: who comes again has a name already.
pub fn name_of(form: &mut Form, invitation: &Invitation) -> String {
    if invitation.person_id.is_some() {
        return invitation.name.clone();
    }
    let name = form.needs("name", "Enter your name");
    if name.chars().count() > LONGEST_NAME {
        form.wrong("name", format!("Use at most {LONGEST_NAME} characters"));
    }
    name
}

/// Who was given which roles, as the audit has it.
pub fn given(person: &str, roles: &[Role]) -> Vec<String> {
    std::iter::once(person.to_owned()).chain(roles.iter().map(|role| role_name(*role))).collect()
}

/// Whom the form describes, without the password's hash.
fn read(form: &mut Form, invitation: &Invitation, now: Timestamp) -> Option<(String, Account, SchoolId)> {
    let name = name_of(form, invitation);
    let username = form.needs("username", "Choose a user name").to_lowercase();
    let plain = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | '@');
    if username.chars().count() > LONGEST_USERNAME || !username.chars().all(plain) {
        form.wrong(
            "username",
            format!("Use at most {LONGEST_USERNAME} letters, digits, full stops and hyphens"),
        );
    }
    let chosen = form.typed.raw("password").to_owned();
    if let Some(fault) = password::fault(&chosen, &username) {
        form.wrong("password", fault);
    }
    let school = school_of(form, invitation);
    let secret = form.value("secret").to_owned();
    let code = form.needs("code", "Enter the code that your app shows");
    let step = Codes::of(&secret).and_then(|codes| codes.step_of(&code, now, 0));
    if step.is_none() && !code.is_empty() {
        form.wrong(
            "code",
            "This is not the code of now. Check that the time of your phone is right, and enter the next one",
        );
    }
    let account = Account { username, password: String::new(), secret, last_step: step? };
    form.is_good().then_some((name, account, school))
}
