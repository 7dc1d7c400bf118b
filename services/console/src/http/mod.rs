//! The pages: one file per story, each a few functions from a request to a page.
//!
//! A page asks the services in the visitor's own name and is written by a compiled template; what is
//! sent by a form comes in through [`Posted`], which knows that it is the visitor's own. Everything
//! works without a script, which only looks again when something may have changed.

mod absences;
mod accidents;
mod amending;
mod announcements;
mod announcing;
mod assets;
mod audit;
mod closing;
mod closures;
mod concerns;
mod contacts;
mod cookies;
mod correcting;
mod day;
mod enter;
mod forecast;
mod form;
mod frame;
mod gathering;
mod home;
mod invitations;
mod joining;
mod live;
mod messages;
mod names;
mod openid;
mod people;
mod posted;
mod pupils;
mod reach;
mod schools;
mod sessions;
mod sign_in;
mod staff;
mod stopped;
mod system;
mod visitor;
mod when;
mod whom;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::{get, post};
use kit::identity::Gate;
use kit::store::Store;
use proto::access::Access;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::asking::Services;
use crate::domain::session::Rules;
use crate::domain::{guesses, just_changed, just_used};
use crate::live::Hub;
use crate::openid::Provider;

pub use frame::Schools;
#[cfg(test)]
pub use home::title;
pub use invitations::doorkeeper;
#[cfg(test)]
pub use invitations::until;
pub use posted::{Knocked, Posted};
pub use pupils::Lists;
#[cfg(test)]
pub use sign_in::random;
pub use stopped::Stopped;
pub use visitor::Visitor;

/// Wrong guesses, as this process has seen them.
pub type Guesses = Mutex<guesses::Guesses>;

/// Codes that were just used, as this process has seen them.
pub type JustUsed = Mutex<just_used::JustUsed>;

/// Sessions that have just become others, as this process has seen them.
pub type JustChanged = Mutex<just_changed::JustChanged>;

/// What the pages stand on.
pub struct Console {
    /// Who may sign in, and who is.
    pub store: Store,
    /// Who is asked.
    pub services: Services,
    /// Tells open pages.
    pub hub: Hub,
    /// How long sessions stand.
    pub rules: Rules,
    /// Browsers reach it over TLS only.
    pub is_protected: bool,
    /// Who believes the links of the command line; none in production.
    pub links: Option<Gate>,
    /// Who vouches for people elsewhere, by the names of the settings.
    pub providers: BTreeMap<String, Provider>,
    /// Where browsers find the console; none means the host that they ask.
    pub public_url: Option<String>,
    /// What the roles beside each RPC are.
    pub access: HashMap<String, Access>,
    /// Wrong guesses.
    pub guesses: Guesses,
    /// Codes that were just used.
    pub just_used: JustUsed,
    /// Sessions that have just become others.
    pub just_changed: JustChanged,
    /// Whose password is looked at now: a few at once.
    pub hashing: Semaphore,
    /// What is known of schools.
    pub schools: Schools,
    /// Lists of pupils as they were written last.
    pub lists: Lists,
    /// Cancelled when open pages should be let go.
    pub stop: CancellationToken,
}

/// So many passwords are looked at at once.
pub fn hashing() -> Semaphore {
    const AT_ONCE: usize = 4;
    Semaphore::new(AT_ONCE)
}

/// What a handler is given.
pub type Site = Arc<Console>;

/// The largest form: an announcement with the longest e-mail, in letters that a form spells out with twelve each.
const LARGEST_FORM: usize = 160 << 10;

/// Every page and every action.
pub fn routes(console: Console) -> Router {
    let site = Arc::new(console);
    Router::new()
        .route("/", get(stopped::home))
        .route("/console", get(home::page))
        .route("/console/", get(stopped::home))
        .route("/console/tasks/{service}/{id}/take", post(home::take))
        .route("/console/tasks/{service}/{id}", get(home::task).post(home::complete))
        .route("/console/absences", get(absences::page))
        .route("/console/absences/close", post(absences::close))
        .route("/console/absences/close/{session}", get(absences::before_close))
        .route("/console/absences/{pupil}/arrived", post(absences::arrived))
        .route("/console/absences/{pupil}/{case}", get(absences::reason).post(absences::explain))
        .route("/console/accidents", get(accidents::page))
        .route("/console/accidents/new", get(accidents::choose).post(accidents::find))
        .route("/console/accidents/new/{pupil}", get(accidents::form).post(accidents::record))
        .route("/console/accidents/{id}/amend", get(amending::form).post(amending::amend))
        .route("/console/closures", get(closures::page))
        .route("/console/closures/new", get(closing::form).post(closing::check))
        .route("/console/closures/declare", post(closing::declare))
        .route("/console/closures/exercise", post(closing::exercise))
        .route("/console/closures/{id}/end", get(closures::ending).post(closures::end))
        .route("/console/closures/{id}/change", get(closures::changing).post(closures::change))
        .route("/console/announcements", get(announcements::page))
        .route("/console/announcements/new", get(announcing::form).post(announcing::check))
        .route("/console/announcements/send", post(announcing::send))
        .route("/console/announcements/{id}/correct", get(correcting::form).post(correcting::check))
        .route("/console/announcements/{id}/corrected", post(correcting::correct))
        .route("/console/people", get(people::page).post(people::find))
        .route("/console/pupils", get(pupils::list))
        .route("/console/pupils/{id}", get(pupils::page))
        .route("/console/reach", get(reach::page))
        .route("/console/phone-list", get(reach::phone_list))
        .route("/console/contacts/{id}", get(contacts::page).post(contacts::change))
        .route("/console/messages", get(messages::page))
        .route("/console/messages/{id}", get(gathering::page))
        .route("/console/messages/{id}/recall", post(gathering::recall))
        .route("/console/messages/{id}/again", post(gathering::again))
        .route("/console/system", get(system::page))
        .route("/console/system/replay", post(system::replay))
        .route("/console/staff", get(staff::page))
        .route("/console/staff/invite", post(staff::invite))
        .route("/console/staff/withdraw", post(staff::withdraw))
        .route("/console/staff/{id}", post(staff::change))
        .route("/console/staff/{id}/key", post(staff::key))
        .route("/console/audit", get(audit::page))
        .route("/console/audit.csv", post(audit::export))
        .route("/console/schools", get(schools::page).post(schools::change))
        .route("/console/sessions", get(sessions::page).post(sessions::end))
        .route("/console/sign-out", post(sessions::sign_out))
        .route("/console/sign-in", get(sign_in::page).post(sign_in::sign_in))
        .route("/console/openid/{provider}", post(openid::begin))
        .route("/console/openid/{provider}/callback", get(openid::callback))
        .route("/console/enter", get(enter::page).post(enter::enter))
        .route("/console/invitations/{token}", get(invitations::page).post(invitations::accept))
        .route("/console/invitations/{token}/add", post(joining::add))
        .route("/console/live", get(live::stream))
        .route("/console/console.css", get(assets::stylesheet))
        .route("/console/console.js", get(assets::script))
        .route("/console/{*anything}", get(stopped::nothing_here))
        .method_not_allowed_fallback(stopped::look_instead)
        .layer(map_response(stopped::on_a_page))
        .layer(axum::extract::DefaultBodyLimit::max(LARGEST_FORM))
        .layer(from_fn_with_state(Arc::clone(&site), assets::headers))
        .with_state(site)
}
