//! Whether every service does its work: one story of each, for a child of its own class.

use proto::directory::v1::{Audience, Classes, audience};
use proto::incidents::v1::AccidentKind;
use proto::scheduling::v1::DeclareClosureRequest;
use tests::roster::Contact;
use tests::school::stories::{account, snow};
use tests::wait::until;
use tests::{Roster, School};

/// The child.
pub const CHILD: &str = "Zofia";
const CLASS: &str = "elm";
const PHONE: &str = "+447700900989";
const MAILBOX: &str = "cara@example.org";

/// Adds the child.
pub fn with_one_more(roster: Roster) -> Roster {
    let parent = Contact::parent("Cara").phone("07700900989").email(MAILBOX);
    roster.pupil(CHILD, CLASS, [parent])
}

/// An absence, an accident, an announcement and a closure, each to its end.
pub async fn every_story_is_told(school: &School) {
    school.close_without(&[CHILD]).await;
    arrives(school, PHONE, "not in school").await;
    school.records(CHILD, account(AccidentKind::Minor, "Bumped an arm")).await;
    arrives(school, MAILBOX, "Bumped an arm").await;
    school.announces(CLASS, "The trip is on", "The trip to the museum takes place.").await;
    arrives(school, PHONE, "The trip is on").await;
    let class_ids = vec![school.classes[CLASS].clone()];
    let scope = audience::Scope::Classes(Classes { class_ids });
    school
        .closes_for(DeclareClosureRequest { audience: Some(Audience { scope: Some(scope) }), ..snow() })
        .await;
    arrives(school, MAILBOX, "heavy snow").await;
    until("the alert", || school.alerts(), |alerts| alerts.contains("heavy snow")).await;
}

async fn arrives(school: &School, address: &str, words: &str) {
    let look = || async { school.received(address) };
    until(words, look, |received| received.iter().any(|body| body.contains(words))).await;
}
