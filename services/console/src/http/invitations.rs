//! Making an account: by a link, once. The first person's link is said by the console itself when it
//! starts and knows nobody.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::{SignedDuration, Timestamp};
use kit::identity::{Caller, role_name};
use kit::store::{Commit, Error, Store};
use proto::ids::SchoolId;
use proto::options::v1::Role;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::form::{Form, Typed};
use super::sign_in::{LONGEST_USERNAME, begin, hashed, random, with_cookie};
use super::stopped::rendered;
use super::{Knocked, Site, Stopped, assets};
use crate::asking::Trouble;
use crate::domain::second_factor::{Codes, secret_of};
use crate::domain::{password, roles};
use crate::store::invitations::{self, Invitation};
use crate::store::people::{self, Person};
use crate::store::{fingerprint, sessions};

/// For so long a link is good.
pub const GOOD_FOR: SignedDuration = SignedDuration::from_hours(72);
/// Between two times at which sessions that are over are forgotten.
const SWEEP: std::time::Duration = std::time::Duration::from_hours(1);
const OLDEST_SESSION: SignedDuration = SignedDuration::from_hours(48);
const LONGEST_NAME: usize = 100;

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
            ends_at: until(store.clock().real()),
        };
        let commit = invitations::end_the_first(Commit::new(), &store);
        store.commit(invitations::make(commit, &invitation)).await?;
        let link = format!("{place}/console/invitations/{token}");
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
}

async fn invited(site: &Site, token: &str) -> Result<Invitation, Stopped> {
    let found = invitations::find(&site.store, &fingerprint(token), site.store.clock().real()).await?;
    let found = found.ok_or(Trouble::Unknown)?;
    // Of the links to the first account one is used, however many processes have said one.
    if found.invited_by.is_empty() && !people::is_empty(&site.store).await? {
        return Err(Trouble::Unknown.into());
    }
    Ok(found)
}

fn show(invitation: &Invitation, form: Form, status: StatusCode) -> Response {
    let letters: Vec<char> = form.value("secret").chars().collect();
    let page = Page {
        assets: assets::version(),
        roles: roles::labels(&invitation.roles),
        first: invitation.invited_by.is_empty(),
        secret: letters.chunks(4).map(|four| four.iter().collect()).collect(),
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
    Ok(show(&invitation, form, StatusCode::OK))
}

/// `POST /console/invitations/{token}`
pub async fn accept(
    State(site): State<Site>,
    Path(token): Path<String>,
    Knocked { typed, headers }: Knocked,
) -> Result<Response, Stopped> {
    let invitation = invited(&site, &token).await?;
    let mut form = Form::with(typed);
    let now = site.store.clock().real();
    let Some((person, school)) = read(&mut form, &invitation, now) else {
        return Ok(show(&invitation, form, StatusCode::UNPROCESSABLE_ENTITY));
    };
    let person = Person { password: hashed(form.typed.raw("password"))?, ..person };
    let commit = invitations::use_up(Commit::new(), &site.store, &invitation.id, now);
    let commit = people::make(commit, &person, now);
    let by = if invitation.invited_by.is_empty() { "the installation" } else { &invitation.invited_by };
    let commit = people::grant(commit, &site.store, (school, &person.id), &invitation.roles, (by, now));
    let caller = Caller { subject: person.id.clone(), tenant: school, roles: invitation.roles.clone() };
    let commit =
        commit.audit(&caller, "MakeAccount", &given(&person.id, &caller.roles), site.store.clock().now());
    match begin(&site, commit, (caller, &person.name), &headers).await {
        Ok(cookie) => Ok(with_cookie(Redirect::to("/console"), cookie)),
        Err(Error::Conflict) => {
            form.wrong(
                "username",
                "Somebody else has this user name, or this link has just been used. Choose another",
            );
            Ok(show(&invitation, form, StatusCode::UNPROCESSABLE_ENTITY))
        }
        Err(error) => Err(error.into()),
    }
}

/// Who was given which roles, as the audit has it.
pub fn given(person: &str, roles: &[Role]) -> Vec<String> {
    std::iter::once(person.to_owned()).chain(roles.iter().map(|role| role_name(*role))).collect()
}

/// The person whom the form describes, without the password's hash.
fn read(form: &mut Form, invitation: &Invitation, now: Timestamp) -> Option<(Person, SchoolId)> {
    let name = form.needs("name", "Enter your name");
    let username = form.needs("username", "Choose a user name").to_lowercase();
    if name.chars().count() > LONGEST_NAME {
        form.wrong("name", format!("Use at most {LONGEST_NAME} characters"));
    }
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
    let mut school = invitation.school;
    let given = form.value("school").to_owned();
    if invitation.invited_by.is_empty() && !given.is_empty() {
        match given.parse() {
            Ok(id) => school = id,
            Err(_) => form.wrong("school", "Enter the id that the import printed, or leave this empty"),
        }
    }
    let secret = form.value("secret").to_owned();
    let code = form.needs("code", "Enter the code that your app shows");
    let step = Codes::of(&secret).and_then(|codes| codes.step_of(&code, now, 0));
    if step.is_none() && !code.is_empty() {
        form.wrong(
            "code",
            "This is not the code of now. Check that the time of your phone is right, and enter the next one",
        );
    }
    let id = format!("per_{}", Uuid::now_v7().simple());
    let person = |last_step| Person { id, name, username, password: String::new(), secret, last_step };
    let person = step.map(person)?;
    form.is_good().then_some((person, school))
}
