//! What concerned a contact: what they were told or were not, and why, each step.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join_all, try_join, try_join_all};
use proto::dispatcher::v1::{
    Delivery, DeliveryState, ExplainRequest, ListDeliveriesRequest, ListNoticesRequest, ListNoticesResponse,
    Notice,
};

use super::form::capital;
use super::frame::Frame;
use super::messages::{kind_label, state_label};
use super::names::Names;
use super::{Visitor, when};
use crate::asking::{Trouble, ask};

/// The newest things that concern the contact, each of which is explained.
pub const EXPLAINED: usize = 12;
/// When the older ones are asked for too.
pub const MOST_EXPLAINED: usize = 100;
/// Of each pupil, and of the contact, so much is looked at.
const NEWEST: i32 = 100;

/// Something that concerned the contact.
pub struct Concern {
    /// What it was.
    pub kind: &'static str,
    /// When.
    pub at: String,
    /// About whom.
    pub about: String,
    /// In words; "no message" when there is none.
    pub state: &'static str,
    /// They were told.
    pub good: bool,
    /// It can be sent to them again.
    pub again: bool,
    /// Why it stands so, in a sentence.
    pub because: String,
    /// How it came to that.
    pub steps: Vec<Step>,
    /// The message, to everybody whom it concerned.
    pub gathering: String,
}

/// A step that was taken, or not taken.
pub struct Step {
    reason: String,
    /// When.
    pub at: String,
    /// What.
    pub sentence: String,
}

/// What concerned the contact: the messages to them, and what was told about their pupils without one; the newest, and
/// how many older ones there are.
pub async fn concerns(
    visitor: &Visitor,
    (id, most): (&str, usize),
    (frame, pupils): (&Frame, &BTreeMap<&str, &str>),
) -> Result<(Vec<Concern>, usize), Trouble> {
    let request = ListDeliveriesRequest {
        contact_id: id.to_owned(),
        page_size: NEWEST,
        ..ListDeliveriesRequest::default()
    };
    let deliveries = ask!(visitor, dispatcher.list_deliveries(request));
    let about = pupils.keys().map(|pupil| {
        let pupil_id = (*pupil).to_owned();
        notices(visitor, ListNoticesRequest { pupil_id, ..ListNoticesRequest::default() })
    });
    let (deliveries, about) = try_join(deliveries, try_join_all(about)).await?;
    let deliveries = deliveries.deliveries;
    let mut known: BTreeMap<String, Notice> = BTreeMap::new();
    known.extend(about.into_iter().flatten().map(|notice| (notice.id.clone(), notice)));
    // Of pupils who are not on roll any more, or are none of theirs any more, the messages themselves tell.
    let covered: BTreeSet<&str> = known.values().map(|notice| notice.gathering_id.as_str()).collect();
    let others: BTreeSet<&str> = deliveries.iter().map(|delivery| delivery.gathering_id.as_str()).collect();
    let others = others.iter().rev().filter(|one| !covered.contains(*one)).take(most).map(|gathering| {
        let gathering_id = (*gathering).to_owned();
        notices(visitor, ListNoticesRequest { gathering_id, ..ListNoticesRequest::default() })
    });
    let others = try_join_all(others).await?.into_iter().flatten();
    let told: Vec<Notice> = others.filter(|notice| of_notice(notice, &deliveries).next().is_some()).collect();
    known.extend(told.into_iter().map(|notice| (notice.id.clone(), notice)));
    let all = known.len();
    let newest: Vec<Notice> = known.into_values().rev().take(most).collect();
    let older = all.saturating_sub(newest.len());
    let strangers = newest.iter().flat_map(|notice| &notice.subjects);
    let strangers = strangers.filter(|pupil| !pupils.contains_key(pupil.as_str())).cloned().collect();
    let names = visitor.names(strangers).await;
    let explained = newest.into_iter().map(|notice| explain(visitor, id, notice, frame));
    let explained: Result<Vec<_>, Trouble> = join_all(explained).await.into_iter().collect();
    let concern = |(notice, steps): (Notice, Vec<Step>)| {
        let about = named(&notice, &deliveries, (pupils, &names));
        concern(&notice, steps, &deliveries, (frame, about))
    };
    Ok((explained?.into_iter().map(concern).collect(), older))
}

async fn notices(visitor: &Visitor, request: ListNoticesRequest) -> Result<Vec<Notice>, Trouble> {
    let request = ListNoticesRequest { page_size: NEWEST, ..request };
    let answer: ListNoticesResponse = ask!(visitor, dispatcher.list_notices(request)).await?;
    Ok(answer.notices)
}

async fn explain(
    visitor: &Visitor,
    id: &str,
    notice: Notice,
    frame: &Frame,
) -> Result<(Notice, Vec<Step>), Trouble> {
    let request = ExplainRequest { contact_id: id.to_owned(), notice_id: notice.id.clone() };
    let asked = ask!(visitor, dispatcher.explain(request));
    let steps = asked.await?.steps.into_iter().map(|step| Step {
        at: frame.when(when::of(step.at.as_ref())),
        sentence: capital(&step.sentence),
        reason: step.reason,
    });
    Ok((notice, steps.collect()))
}

/// The contact's messages of a notice, the newest first. One message may tell of several children: of whom it does not
/// name it says nothing.
fn of_notice<'a>(notice: &'a Notice, deliveries: &'a [Delivery]) -> impl Iterator<Item = &'a Delivery> {
    let names_one = |delivery: &&Delivery| {
        notice.subjects.is_empty() || notice.subjects.iter().any(|pupil| delivery.subjects.contains(pupil))
    };
    deliveries.iter().filter(|delivery| delivery.gathering_id == notice.gathering_id).filter(names_one)
}

/// About whom it was: the contact's own pupils, and whom a message to them named.
fn named(
    notice: &Notice,
    deliveries: &[Delivery],
    (pupils, names): (&BTreeMap<&str, &str>, &Names),
) -> String {
    let was_named =
        |id: &String| of_notice(notice, deliveries).any(|delivery| delivery.subjects.contains(id));
    let name = |id: &String| {
        let own = pupils.get(id.as_str()).copied();
        own.or_else(|| names.of(id).filter(|_| was_named(id))).map(str::to_owned)
    };
    notice.subjects.iter().filter_map(name).collect::<Vec<_>>().join(", ")
}

fn concern(
    notice: &Notice,
    steps: Vec<Step>,
    deliveries: &[Delivery],
    (frame, about): (&Frame, String),
) -> Concern {
    // The newest is first; the last address that was tried says how it stands.
    let best = of_notice(notice, deliveries)
        .find(|delivery| delivery.reached)
        .or_else(|| of_notice(notice, deliveries).next());
    let of_message = |step: &&Step| best.is_some_and(|delivery| delivery.why == step.reason);
    let because = steps.iter().rev().find(of_message).or(steps.last());
    Concern {
        kind: kind_label(&notice.kind),
        at: frame.when(when::of(notice.created_at.as_ref())),
        about,
        state: best.map_or("no message", |delivery| state_label(delivery)),
        good: best.is_some_and(|delivery| delivery.reached),
        again: !notice.exercise && best.is_some_and(may_go_again),
        because: because.map(|step| step.sentence.clone()).unwrap_or_default(),
        steps,
        gathering: notice.gathering_id.clone(),
    }
}

/// Whether it was tried and came to nothing. What waits goes by itself, and who may not be told is not.
fn may_go_again(delivery: &Delivery) -> bool {
    let over = [DeliveryState::Failed, DeliveryState::Expired, DeliveryState::Unknown];
    !delivery.reached && over.contains(&delivery.state())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_came_to_nothing_is_offered_again() {
        use DeliveryState::{Accepted, Delivered, Drill, Due, Expired, Failed, Held, Skipped, Unknown};
        for (state, offered) in [
            (Held, false),
            (Due, false),
            (Accepted, false),
            (Delivered, false),
            (Failed, true),
            (Expired, true),
            (Unknown, true),
            (Skipped, false),
            (Drill, false),
        ] {
            let delivery = Delivery { state: state.into(), ..Delivery::default() };
            assert_eq!(may_go_again(&delivery), offered, "{state:?}");
        }
    }
}
