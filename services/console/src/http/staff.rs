//! Who may sign in, with which roles: for whoever looks after the accounts of the school.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use kit::identity::role_name;
use kit::store::{Commit, Error};
use proto::options::v1::Role;

use super::form::{Form, Typed};
use super::frame::{Frame, Place};
use super::home::Said;
use super::invitations::{LONGEST_NAME, LOOKS_AFTER, given, may_renew, until};
use super::sign_in::random;
use super::stopped::rendered;
use super::{Posted, Site, Stopped, Visitor};
use crate::asking::Trouble;
use crate::domain::roles::{OF_PEOPLE, label, labels, of_name};
use crate::store::invitations::{self, Invitation};
use crate::store::{fingerprint, people};

/// A role as it is chosen.
struct Choice {
    name: String,
    label: &'static str,
    chosen: bool,
}

struct Member {
    id: String,
    name: String,
    choices: Vec<Choice>,
    /// The roles when the page was made.
    was: String,
    /// What the boxes are called.
    boxes: String,
    is_self: bool,
    /// May do something here.
    comes: bool,
}

/// A link that can still be used.
struct Open {
    id: String,
    name: String,
    roles: String,
    until: String,
    renews: bool,
}

#[derive(Template)]
#[template(path = "staff.html")]
struct Page {
    frame: Frame,
    form: Form,
    members: Vec<Member>,
    open: Vec<Open>,
    choices: Vec<Choice>,
    /// The link of whoever was just invited: it is shown once.
    link: Option<String>,
}

fn choices(chosen: impl Fn(Role, &str) -> bool) -> Vec<Choice> {
    let choice = |role: Role| {
        let name = role_name(role);
        Choice { chosen: chosen(role, &name), label: label(role), name }
    };
    OF_PEOPLE.into_iter().map(choice).collect()
}

/// Roles as a form carries them: in one order.
fn in_a_form(roles: &[Role]) -> String {
    let mut names: Vec<String> = roles.iter().map(|role| role_name(*role)).collect();
    names.sort_unstable();
    names.dedup();
    names.join(" ")
}

/// What the boxes of somebody's roles are called, where something is wrong with them.
fn boxes_of(person: &str) -> String {
    format!("roles-{person}")
}

fn may_look_after(visitor: &Visitor) -> Result<(), Trouble> {
    visitor.must(LOOKS_AFTER)
}

/// `GET /console/staff`
pub async fn page(visitor: Visitor, Query(said): Query<Said>) -> Result<Response, Stopped> {
    show(&visitor, Form::new(), None, said.said.as_deref()).await
}

async fn show(
    visitor: &Visitor,
    form: Form,
    link: Option<String>,
    said: Option<&str>,
) -> Result<Response, Stopped> {
    may_look_after(visitor)?;
    let frame = visitor.frame(Place::Staff).await.saying(said);
    let staff = people::staff(&visitor.site.store, visitor.session.caller.tenant).await?;
    let members = staff.into_iter().map(|grant| Member {
        choices: choices(|role, _| grant.roles.contains(&role)),
        was: in_a_form(&grant.roles),
        boxes: boxes_of(&grant.person_id),
        is_self: grant.person_id == visitor.session.caller.subject,
        comes: !grant.roles.is_empty(),
        id: grant.person_id,
        name: grant.name,
    });
    let members = members.collect();
    let choices = choices(|_, name| form.chosen("roles", name));
    let now = visitor.site.store.clock().real();
    let open = invitations::open(&visitor.site.store, visitor.session.caller.tenant, now).await?;
    let open = open.into_iter().map(|one| Open {
        until: frame.when_real(one.ends_at),
        roles: labels(&one.roles),
        renews: one.person_id.is_some(),
        id: one.id,
        name: one.name,
    });
    let open = open.collect();
    Ok(rendered(&Page { frame, form, members, open, choices, link }))
}

fn roles_in(form: &mut Form) -> Vec<Role> {
    let names = form.typed.several("roles").to_vec();
    let roles: Option<Vec<Role>> = names.iter().map(|name| of_name(name)).collect();
    if roles.is_none() {
        form.wrong("roles", "Choose among the roles of the list");
    }
    roles.unwrap_or_default()
}

/// `POST /console/staff/invite`
pub async fn invite(
    State(site): State<Site>,
    headers: HeaderMap,
    Posted { visitor, typed }: Posted,
) -> Result<Response, Stopped> {
    may_look_after(&visitor)?;
    let mut form = Form::with(typed);
    let name = form.needs("name", "Enter the name of whom you invite");
    if name.chars().count() > LONGEST_NAME {
        form.wrong("name", format!("Use at most {LONGEST_NAME} characters"));
    }
    let roles = roles_in(&mut form);
    if roles.is_empty() && form.fault("roles").is_none() {
        form.wrong("roles", "Choose at least one role");
    }
    if !form.is_good() {
        return show(&visitor, form, None, None).await;
    }
    linked((&site, &headers), &visitor, (name, roles), (form.request_id, None)).await
}

/// Makes a link, and shows it.
async fn linked(
    (site, headers): (&Site, &HeaderMap),
    visitor: &Visitor,
    (name, roles): (String, Vec<Role>),
    (request_id, person_id): (String, Option<String>),
) -> Result<Response, Stopped> {
    let token = random();
    let caller = &visitor.session.caller;
    let rpc = if person_id.is_some() { "OfferKey" } else { "Invite" };
    let about = given(person_id.as_deref().unwrap_or(&fingerprint(&token)), &roles);
    let invitation = Invitation {
        id: fingerprint(&token),
        school: caller.tenant,
        name,
        roles,
        invited_by: caller.subject.clone(),
        request_id,
        person_id,
        ends_at: until(site.store.clock().real()),
    };
    let commit = Commit::new().audit(caller, rpc, &about, site.store.clock().now());
    site.store.commit(invitations::make(commit, &site.store, &invitation)).await?;
    let link = format!("{}/console/invitations/{token}", site.place(headers));
    show(visitor, Form::with(Typed::default()), Some(link), None).await
}

/// `POST /console/staff/{id}/key`: a link by which somebody who is locked out gets in again.
pub async fn key(
    State(site): State<Site>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Posted { visitor, typed }: Posted,
) -> Result<Response, Stopped> {
    may_look_after(&visitor)?;
    let caller = &visitor.session.caller;
    let staff = people::staff(&site.store, caller.tenant).await?;
    // A session that was stolen must not become a key.
    let member = staff
        .into_iter()
        .find(|grant| grant.person_id == id && id != caller.subject && !grant.roles.is_empty());
    let member = member.ok_or(Trouble::Unknown)?;
    let mut form = Form::with(typed);
    if !may_renew(&site, (&caller.subject, caller.tenant), &id).await? {
        let words = format!(
            "{} works in another school too, which this link would open as well. Ask whoever looks after accounts \
             there to take the roles there away first; they can be given back once the link is used",
            member.name
        );
        form.wrong(&boxes_of(&id), words);
        return show(&visitor, Form { typed: Typed::default(), ..form }, None, None).await;
    }
    linked((&site, &headers), &visitor, (member.name, member.roles), (form.request_id, Some(id))).await
}

/// `POST /console/staff/withdraw`: takes a link back.
pub async fn withdraw(
    State(site): State<Site>,
    Posted { visitor, typed }: Posted,
) -> Result<Response, Stopped> {
    may_look_after(&visitor)?;
    let (id, caller) = (typed.get("invitation").to_owned(), &visitor.session.caller);
    let commit = Commit::new().audit(
        caller,
        "WithdrawInvitation",
        std::slice::from_ref(&id),
        site.store.clock().now(),
    );
    match site.store.commit(invitations::withdraw(commit, &site.store, caller.tenant, &id)).await {
        Err(Error::Conflict) if invitations::was_used(&site.store, caller.tenant, &id).await? => {
            let mut form = Form::with(Typed::default());
            form.wrong("", "This link has been used already: whoever has it has an account");
            show(&visitor, form, None, None).await
        }
        // A second click finds nothing: it was taken back by the first.
        Ok(_) | Err(Error::Conflict) => Ok(visitor.done("/console/staff", "withdrawn")),
        Err(error) => Err(error.into()),
    }
}

/// `POST /console/staff/{id}`: other roles, or none any more.
pub async fn change(
    State(site): State<Site>,
    Path(id): Path<String>,
    Posted { visitor, typed }: Posted,
) -> Result<Response, Stopped> {
    may_look_after(&visitor)?;
    let mut form = Form::with(typed);
    let roles = roles_in(&mut form);
    let caller = &visitor.session.caller;
    if id == caller.subject {
        form.wrong("", "Your own roles are changed by somebody else");
    }
    let staff = people::staff(&site.store, caller.tenant).await?;
    let grant = staff.iter().find(|grant| grant.person_id == id).ok_or(Trouble::Unknown)?;
    let (now, wanted) = (in_a_form(&grant.roles), in_a_form(&roles));
    let was = form.value("was-roles").to_owned();
    if form.is_good() && now != was && now != wanted {
        let words = format!(
            "Somebody has changed the roles of {} since you opened this page. They are shown as they are now, and \
             nothing of yours was done",
            grant.name
        );
        form.wrong(&boxes_of(&id), words);
    }
    if form.is_good() && wanted == was {
        form.wrong(&boxes_of(&id), "Nothing is changed yet");
    }
    if !form.is_good() {
        // The boxes of whoever is invited are others.
        return show(&visitor, Form { typed: Typed::default(), ..form }, None, None).await;
    }
    if now == wanted {
        // A second click.
        return Ok(visitor.done("/console/staff", "staff"));
    }
    let now = site.store.clock().real();
    let commit = Commit::new().audit(caller, "ChangeRoles", &given(&id, &roles), site.store.clock().now());
    let commit = people::grant(commit, &site.store, (caller.tenant, &id), &roles, (&caller.subject, now));
    site.store.commit(commit).await?;
    Ok(visitor.done("/console/staff", "staff"))
}
