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
        "announcement_correction" => "Announcement corrected",
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
    /// Whom it is about.
    pub subjects: Vec<String>,
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
        subjects: notice.subjects.clone(),
    }
}

/// The notices that go together as they are shown: by those that stand, and only when none does as withdrawn.
pub fn together(notices: &[Notice], frame: &Frame) -> Option<Told> {
    let stands = |notice: &&Notice| notice.state() != NoticeState::Withdrawn;
    let mut shown: Vec<&Notice> = notices.iter().filter(stands).collect();
    if shown.is_empty() {
        shown.extend(notices);
    }
    let subjects = shown.iter().flat_map(|notice| notice.subjects.clone()).collect();
    shown.first().map(|first| Told { subjects, ..told(first, frame) })
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
    let mut gathered: Vec<Vec<Notice>> = Vec::new();
    for notice in found.notices {
        let same = |known: &&mut Vec<Notice>| known.iter().any(|one| one.gathering_id == notice.gathering_id);
        match gathered.iter_mut().find(same) {
            Some(known) => known.push(notice),
            None => gathered.push(vec![notice]),
        }
    }
    let gathered: Vec<Told> = gathered.iter().filter_map(|notices| together(notices, &frame)).collect();
    let names = visitor.names(gathered.iter().flat_map(|told| told.subjects.clone()).collect()).await;
    let groups = gathered.into_iter().map(|told| Group { about: names.all(&told.subjects), told }).collect();
    Ok(rendered(&List { frame, groups, next: found.next_page_token }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_child_was_taken_out_of_still_went_to_the_others() {
        let notice = |subject: &str, state: NoticeState| Notice {
            subjects: vec![subject.to_owned()],
            state: state.into(),
            ..Notice::default()
        };
        let frame = Frame::unknown();
        let shown = |notices: &[Notice]| together(notices, &frame).map(|told| (told.state, told.subjects));
        let (came, missing) = (notice("a", NoticeState::Withdrawn), notice("b", NoticeState::Planned));
        let told = ("on its way, or told", vec!["b".to_owned()]);
        assert_eq!(shown(&[came.clone(), missing.clone()]), Some(told.clone()));
        assert_eq!(shown(&[missing, came.clone()]), Some(told));
        assert_eq!(shown(&[came]), Some(("withdrawn", vec!["a".to_owned()])));
        assert_eq!(shown(&[]), None);
    }
}
