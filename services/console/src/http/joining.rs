//! Adding a school to an account that there is: by the link that would make another one, for whoever is signed in, here or
//! elsewhere. The account and its other schools stay as they are.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use kit::identity::Caller;
use kit::store::{Commit, Error};

use super::invitations::{blank, given, invited, show};
use super::{Console, Posted, Site, Stopped};
use crate::asking::Trouble;
use crate::store::invitations::{self, Invitation};
use crate::store::{fingerprint, people};

/// Where one goes on.
const SCHOOLS: &str = "/console/schools";

/// `POST /console/invitations/{token}/add`: whoever is signed in works in this school too from now on.
pub async fn add(
    State(site): State<Site>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Stopped> {
    let subject = &visitor.session.caller.subject;
    // Whoever came by a link of the command line has no account.
    let person = people::by_id(&site.store, subject).await?.ok_or(Trouble::NotAllowed)?;
    let invitation = match invited(&site, &token).await {
        Err(Stopped::LinkOver) if has_come_by(&site, &person.id, &token).await? => {
            return Ok(visitor.done(SCHOOLS, "added"));
        }
        known => known?,
    };
    if invitation.person_id.is_some() {
        return Err(Trouble::Unknown.into());
    }
    match site.store.commit(added(&site, &invitation, &person.id)).await {
        Ok(_) => Ok(visitor.done(SCHOOLS, "added")),
        Err(Error::Conflict) if has_come_by(&site, &person.id, &token).await? => {
            Ok(visitor.done(SCHOOLS, "added"))
        }
        Err(Error::Conflict) => {
            // Who belongs to the school already is told so; else it was used by somebody else meanwhile.
            let invitation = invited(&site, &token).await?;
            let form = blank(&invitation)?;
            show(&site, &headers, (&invitation, &token), form, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a link has been used in a school in which this person works: a second click, most likely.
async fn has_come_by(site: &Console, person: &str, token: &str) -> Result<bool, Error> {
    for (school, _) in people::schools_of(&site.store, person).await? {
        if invitations::was_used(&site.store, school, &fingerprint(token)).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Uses a link up for somebody who has an account. A conflict when it was used meanwhile, or when that person has roles
/// in the school.
pub fn added(site: &Console, invitation: &Invitation, person: &str) -> Commit {
    let Invitation { school, roles, invited_by, .. } = invitation;
    let now = site.store.clock().real();
    let commit = invitations::use_up(Commit::new(), &site.store, &invitation.id, now);
    let commit = people::grant_more(commit, &site.store, (*school, person), roles, (invited_by, now));
    let caller = Caller { subject: person.to_owned(), tenant: *school, roles: roles.clone() };
    commit.audit(&caller, "JoinSchool", &given(person, roles), site.store.clock().now())
}
