//! Links, each good once: by one somebody makes an account, or gets another key to the one that there is. The first person's
//! link is said by the console itself when it starts and knows nobody.

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
use super::{Console, Knocked, Site, Stopped, Visitor, assets, cookies};
use crate::domain::second_factor::{Codes, secret_of};
use crate::domain::{password, roles};
use crate::store::invitations::{self, Invitation};
use crate::store::people::{self, Account, Key, Person};
use crate::store::{fingerprint, sessions};

/// Whoever brings the school's people into the system looks after its accounts too.
pub const LOOKS_AFTER: &str = "directory.v1.DirectoryService/ImportRoster";
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
    /// Whoever has an account and is signed in.
    here: Option<Here>,
}

/// Somebody with an account to which the school can be added.
struct Here {
    name: String,
    mark: String,
    /// The roles that the person has in the school already; empty when there are none.
    roles: String,
}

/// Whom a link invites, if it is still good.
pub async fn invited(site: &Site, token: &str) -> Result<Invitation, Stopped> {
    let found = invitations::find(&site.store, &fingerprint(token), site.store.clock().real()).await?;
    let found = found.ok_or(Stopped::LinkOver)?;
    // Of the links to the first account one is used, however many processes have said one.
    if found.invited_by.is_empty() && !people::is_empty(&site.store).await? {
        return Err(Stopped::LinkOver);
    }
    if let Some(id) = &found.person_id {
        if roles_in(site, id, found.school).await?.is_empty() {
            return Err(Stopped::NoRole);
        }
        // The person may work in more schools than when it was made.
        if !may_renew(site, (&found.invited_by, found.school), id).await? {
            return Err(Stopped::LinkOver);
        }
    }
    Ok(found)
}

/// Whether whoever looks after the accounts of one school may give a person another key: it opens all of that person's
/// schools, and nobody comes so into a school whose accounts they do not look after.
pub async fn may_renew(site: &Console, (by, school): (&str, SchoolId), person: &str) -> Result<bool, Error> {
    let own = people::schools_of(&site.store, by).await?;
    let looks_after = |there: SchoolId| {
        there == school || own.iter().any(|(own, roles)| *own == there && site.allows(roles, LOOKS_AFTER))
    };
    Ok(people::schools_of(&site.store, person).await?.into_iter().all(|(there, _)| looks_after(there)))
}

/// What somebody may do in a school; nothing when there are no roles.
async fn roles_in(site: &Console, person: &str, school: SchoolId) -> Result<Vec<Role>, Error> {
    let schools = people::schools_of(&site.store, person).await?;
    Ok(schools.into_iter().find(|(own, _)| *own == school).map(|(_, roles)| roles).unwrap_or_default())
}

/// The page of an invitation, for whoever sends these headers.
pub async fn show(
    site: &Site,
    headers: &HeaderMap,
    (invitation, token): (&Invitation, &str),
    form: Form,
    status: StatusCode,
) -> Result<Response, Stopped> {
    let letters: Vec<char> = form.value("secret").chars().collect();
    let (first, renews) = (invitation.invited_by.is_empty(), invitation.person_id.is_some());
    let here = if first || renews { None } else { here(site, headers, invitation).await? };
    let page = Page {
        assets: assets::version(),
        roles: roles::labels(&invitation.roles),
        first,
        secret: letters.chunks(4).map(|four| four.iter().collect()).collect(),
        elsewhere: site.elsewhere(),
        token: token.to_owned(),
        renews,
        here,
        form,
    };
    Ok((status, rendered(&page)).into_response())
}

async fn here(site: &Site, headers: &HeaderMap, invitation: &Invitation) -> Result<Option<Here>, Error> {
    let Some(Visitor { session, .. }) = Visitor::of(site, headers).await? else { return Ok(None) };
    let Some(person) = people::by_id(&site.store, &session.caller.subject).await? else { return Ok(None) };
    let roles = roles::labels(&roles_in(site, &person.id, invitation.school).await?);
    Ok(Some(Here { name: person.name, mark: session.mark, roles }))
}

/// The form as it is at first, with a secret of its own.
pub fn blank(invitation: &Invitation) -> Result<Form, Stopped> {
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(|_| {
        tracing::error!("the machine gives no random bytes");
        Stopped::Store
    })?;
    Ok(Form::with(Typed::of(&[("secret", &secret_of(bytes)), ("name", &invitation.name)])))
}

/// `GET /console/invitations/{token}`
pub async fn page(
    State(site): State<Site>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Stopped> {
    let invitation = invited(&site, &token).await?;
    let form = blank(&invitation)?;
    show(&site, &headers, (&invitation, &token), form, StatusCode::OK).await
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
        return show(&site, &headers, (&invitation, &token), form, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let account = Account { password: hashed(form.typed.raw("password"))?, ..account };
    match join(&site, &invitation, (&name, Key::Account(account.clone())), school, &headers).await {
        Ok(mut cookies) => {
            let mut used = site.just_used.lock().unwrap_or_else(PoisonError::into_inner);
            used.begins(&account.username, account.last_step, now);
            cookies.push(cookies::known(site.is_protected, &known_by(&account), &headers));
            Ok(with_cookies(Redirect::to(HOME), cookies))
        }
        Err(Error::Conflict) => {
            if matches!(invited(&site, &token).await, Err(Stopped::LinkOver)) {
                return second_click(&site, &form.typed, &headers).await;
            }
            form.wrong("username", "Somebody else has this user name. Choose another");
            show(&site, &headers, (&invitation, &token), form, StatusCode::UNPROCESSABLE_ENTITY).await
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
) -> Result<Vec<HeaderValue>, Error> {
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
) -> Result<Vec<HeaderValue>, Error> {
    let school = invitation.school;
    let person = people::find(&site.store, id).await?;
    let schools = people::schools_of(&site.store, id).await?;
    // The person may work in more schools than a moment ago.
    if !may_renew(site, (&invitation.invited_by, school), id).await? {
        return Err(Error::Conflict);
    }
    let commit = people::works_in(commit, &site.store, id, schools.len());
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
