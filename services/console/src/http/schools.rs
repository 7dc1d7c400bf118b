//! The schools of somebody who works in several: which they are, in which a session begins, and going from one to another.
//!
//! A session is in one school. Whoever goes to another gets another session there, and the one before ends; it ends no
//! later than that would have.

use std::sync::PoisonError;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use futures::future::join_all;
use jiff::Timestamp;
use kit::identity::Caller;
use kit::store::{Commit, Error};
use proto::ids::SchoolId;
use proto::options::v1::Role;

use super::form::{Form, Typed};
use super::frame::{Frame, Place};
use super::home::Said;
use super::posted::{MARK, is_of};
use super::sign_in::{HOME, random, with_cookies};
use super::stopped::rendered;
use super::{Console, Knocked, Site, Stopped, Visitor, cookies};
use crate::asking::Trouble;
use crate::domain::roles;
use crate::domain::session::{Session, mark};
use crate::store::{fingerprint, people, sessions};

/// What a school is called while the directory cannot be asked, or has not got it yet.
const NAMELESS: &str = "A school whose name cannot be known just now";

/// What somebody may do, and where.
type Grant = (SchoolId, Vec<Role>);

struct Shown {
    id: SchoolId,
    name: String,
    roles: String,
    here: bool,
}

#[derive(Template)]
#[template(path = "schools.html")]
struct Page {
    frame: Frame,
    form: Form,
    schools: Vec<Shown>,
}

/// By the names that the directory has for them, those without a name last.
async fn by_name(site: &Console, person_id: &str, schools: Vec<Grant>) -> Vec<(Option<String>, Grant)> {
    let named = schools.into_iter().map(async |(tenant, roles)| {
        let caller = Caller { subject: person_id.to_owned(), tenant, roles };
        let name = site.school(&caller).await.map(|school| school.name);
        (name, (tenant, caller.roles))
    });
    let mut named = join_all(named).await;
    named.sort_by_cached_key(|(name, (id, _))| {
        (name.is_none(), name.as_ref().map(|name| name.to_lowercase()), *id)
    });
    named
}

/// In which school a session of somebody begins: in the one that was used last from this browser, else in the first by
/// name. None when there is none.
pub async fn begins_in(site: &Console, person_id: &str, headers: &HeaderMap) -> Result<Option<Grant>, Error> {
    let mut schools = people::schools_of(&site.store, person_id).await?;
    if schools.len() < 2 {
        return Ok(schools.pop());
    }
    let last = cookies::last_school(site.is_protected, headers);
    if let Some(place) = schools.iter().position(|(school, _)| Some(*school) == last) {
        return Ok(Some(schools.swap_remove(place)));
    }
    Ok(by_name(site, person_id, schools).await.into_iter().next().map(|(_, grant)| grant))
}

/// `GET /console/schools`
pub async fn page(visitor: Visitor, Query(said): Query<Said>) -> Result<Response, Stopped> {
    show(&visitor, Form::new(), said.said.as_deref()).await
}

async fn show(visitor: &Visitor, form: Form, said: Option<&str>) -> Result<Response, Stopped> {
    let caller = &visitor.session.caller;
    let mut schools = people::schools_of(&visitor.site.store, &caller.subject).await?;
    if !schools.iter().any(|(school, _)| *school == caller.tenant) {
        // Whoever came by a link of the command line has no account.
        schools.push((caller.tenant, caller.roles.clone()));
    }
    let schools = by_name(&visitor.site, &caller.subject, schools).await;
    let shown = schools.into_iter().map(|(name, (id, roles))| Shown {
        here: id == caller.tenant,
        name: name.unwrap_or_else(|| NAMELESS.to_owned()),
        roles: roles::labels(&roles),
        id,
    });
    let status = if form.is_good() { StatusCode::OK } else { StatusCode::CONFLICT };
    let frame = visitor.frame(Place::Elsewhere).await.saying(said);
    Ok((status, rendered(&Page { frame, form, schools: shown.collect() })).into_response())
}

/// `POST /console/schools`: goes to another school.
pub async fn change(
    State(site): State<Site>,
    Knocked { typed, headers }: Knocked,
) -> Result<Response, Stopped> {
    let wanted: Option<SchoolId> = typed.get("school").parse().ok();
    let Some(visitor) = Visitor::of(&site, &headers).await? else {
        return again(&site, (&typed, wanted), &headers).await;
    };
    let before = &visitor.session;
    if wanted == Some(before.caller.tenant) {
        // A second click, or another window was faster: there is nothing to do.
        return Ok(Redirect::to(HOME).into_response());
    }
    if !is_of(before, &typed) {
        let mut form = Form::with(Typed::default());
        form.wrong(
            "",
            "You have signed in again, or changed the school, since you opened this page. Choose once more",
        );
        return show(&visitor, form, None).await;
    }
    let schools = people::schools_of(&site.store, &before.caller.subject).await?;
    let grant = schools.into_iter().find(|(school, _)| Some(*school) == wanted);
    let (tenant, roles) = grant.ok_or(Trouble::Unknown)?;
    let now = site.store.clock().real();
    let commit = people::still(Commit::new(), &site.store, (tenant, &before.caller.subject), &roles);
    let (token, after) = next(before, Caller { tenant, roles, ..before.caller.clone() }, now);
    let commit = commit.audit(&after.caller, "ChangeSchool", &[], site.store.clock().now());
    let changed = || site.just_changed.lock().unwrap_or_else(PoisonError::into_inner);
    changed().begins(before, &after, now);
    match site.store.commit(sessions::replace(commit, &site.store, before, &after)).await {
        Ok(_) => Ok(home(&site, &token, tenant)),
        Err(error) => {
            changed().forget(&before.id, &after.id);
            match error {
                // Two clicks at once, or the roles there were changed at this moment.
                Error::Conflict => again(&site, (&typed, wanted), &headers).await,
                error => Err(error.into()),
            }
        }
    }
}

/// The session with this form is over: by a first click on the same button, whose session is handed on. Else the home
/// page is a good place to go on, which whoever is not signed in sees only after that.
async fn again(
    site: &Site,
    (typed, wanted): (&Typed, Option<SchoolId>),
    headers: &HeaderMap,
) -> Result<Response, Stopped> {
    let elsewhere = || Redirect::to(HOME).into_response();
    let had = cookies::find(site.is_protected, cookies::SESSION, headers).map(fingerprint);
    let (Some(had), Some(wanted)) = (had, wanted) else { return Ok(elsewhere()) };
    let now = site.store.clock().real();
    let first = {
        let mut changed = site.just_changed.lock().unwrap_or_else(PoisonError::into_inner);
        changed.take(&had, (typed.get(MARK), wanted), now)
    };
    let Some(first) = first else { return Ok(elsewhere()) };
    let (token, second) = next(&first, first.caller.clone(), now);
    let Caller { subject, roles, .. } = &first.caller;
    let commit = people::still(Commit::new(), &site.store, (wanted, subject), roles);
    match site.store.commit(sessions::replace(commit, &site.store, &first, &second)).await {
        Ok(_) => Ok(home(site, &token, wanted)),
        // It ended meanwhile, or the roles were changed.
        Err(Error::Conflict) => Ok(elsewhere()),
        Err(error) => Err(error.into()),
    }
}

/// The session that comes after another, with what the browser will have of it.
fn next(before: &Session, caller: Caller, now: Timestamp) -> (String, Session) {
    let token = random();
    let (id, mark) = (fingerprint(&token), mark(caller.tenant, &random()));
    (token, Session { id, mark, caller, seen_at: now, ..before.clone() })
}

fn home(site: &Console, token: &str, school: SchoolId) -> Response {
    with_cookies(Redirect::to(HOME), cookies::of_session(site.is_protected, token, school))
}
