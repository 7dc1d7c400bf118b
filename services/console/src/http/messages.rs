//! What was to be told: a list, the newest first, and what its things are called.

use askama::Template;
use axum::extract::Query;
use axum::response::Response;
use jiff::Timestamp;
use proto::dispatcher::v1::{Delivery, DeliveryState, ListNoticesRequest, Notice, NoticeState};

use super::frame::{Frame, Place};
use super::names::Named;
use super::pupils::At;
use super::stopped::rendered;
use super::{Stopped, Visitor, when};
use crate::asking::ask;

/// So many of anything stand on a page.
pub const PAGE: i32 = 50;

/// What kinds of notices are called.
pub fn kind_label(kind: &str) -> &'static str {
    match kind {
        "absence_unexplained" => "Missing without a reason",
        "absence_correction" => "In school after all",
        "first_aid" => "Accident",
        "head_injury" => "Head injury",
        "closure_declared" => "School closed",
        "closure_changed" => "Closure changed",
        "reopening" => "School open again",
        "announcement" => "Announcement",
        _ => "Message",
    }
}

/// What a delivery's state is called. Accepted is not delivered, and delivered is not read.
pub fn state_label(delivery: &Delivery) -> &'static str {
    match delivery.state() {
        DeliveryState::Held => "held",
        DeliveryState::Due | DeliveryState::Leased => "waiting",
        DeliveryState::Started => "on its way",
        DeliveryState::Accepted if delivery.reached => "e-mail accepted",
        DeliveryState::Accepted => "accepted, not delivered yet",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
        DeliveryState::Unknown => "not known whether it left",
        DeliveryState::Recalled => "stopped",
        DeliveryState::Expired => "too late to send",
        DeliveryState::Skipped => "not sent",
        DeliveryState::Drill => "exercise",
        DeliveryState::Unspecified => "not known",
    }
}

/// Something that was to be told.
pub struct Told {
    /// Nothing of it leaves.
    pub exercise: bool,
    /// When it was heard.
    pub heard: Timestamp,
    /// What.
    pub kind: &'static str,
    /// The same, as the school's clocks show it.
    pub at: String,
    /// How it stands.
    pub state: &'static str,
    /// The page about it.
    pub address: String,
    gathering: String,
    subjects: Vec<String>,
}

/// A notice as it is shown.
pub fn told(notice: &Notice, frame: &Frame) -> Told {
    Told {
        exercise: notice.exercise,
        heard: when::of(notice.created_at.as_ref()),
        kind: kind_label(&notice.kind),
        at: frame.when(when::of(notice.created_at.as_ref())),
        state: match notice.state() {
            NoticeState::Gathering => "waits for others of its kind",
            NoticeState::Planned if notice.exercise => "run as an exercise",
            NoticeState::Planned => "on its way, or told",
            NoticeState::Withdrawn => "withdrawn",
            NoticeState::Unspecified => "not known",
        },
        address: format!("/console/messages/{}", notice.gathering_id),
        gathering: notice.gathering_id.clone(),
        subjects: notice.subjects.clone(),
    }
}

struct Group {
    told: Told,
    about: Vec<Named>,
}

#[derive(Template)]
#[template(path = "messages.html")]
struct List {
    frame: Frame,
    groups: Vec<Group>,
    next: String,
}

/// `GET /console/messages`
pub async fn page(visitor: Visitor, Query(At { page }): Query<At>) -> Result<Response, Stopped> {
    let frame = visitor.frame(Place::Messages).await;
    let request = ListNoticesRequest { page_size: PAGE, page_token: page, ..ListNoticesRequest::default() };
    let asked = ask!(visitor, dispatcher.list_notices(request));
    let found = asked.await?;
    let mut gathered: Vec<Told> = Vec::new();
    for notice in &found.notices {
        let one = told(notice, &frame);
        match gathered.iter_mut().find(|known| known.gathering == one.gathering) {
            Some(known) => known.subjects.extend(one.subjects),
            None => gathered.push(one),
        }
    }
    let names = visitor.names(gathered.iter().flat_map(|told| told.subjects.clone()).collect()).await;
    let groups = gathered.into_iter().map(|told| Group { about: names.all(&told.subjects), told }).collect();
    Ok(rendered(&List { frame, groups, next: found.next_page_token }))
}
