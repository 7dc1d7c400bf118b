//! People who may not be told.

use proto::directory::v1::{GetPupilRequest, Restriction, SetPersonOnlyRequest, SetRestrictionRequest};
use proto::dispatcher::v1::ExplainRequest;
use proto::options::v1::Role;
use tests::roster::Contact;
use tests::school::fresh;
use tests::{Roster, School};

async fn contact(school: &School, pupil: &str, contact: &str) -> String {
    let request = GetPupilRequest { pupil_id: school.pupil(pupil) };
    let pupil = school
        .directory()
        .get_pupil(school.by(Role::Office, request))
        .await
        .unwrap()
        .into_inner()
        .pupil
        .unwrap();
    pupil.links.into_iter().find(|link| link.contact_source_id == contact).unwrap().contact_id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_barred_parent_an_emergency_contact_and_a_shared_mailbox_get_nothing_and_the_reason_is_kept() {
    let mother = Contact::parent("Anna").phone("07700900201").email("shared@example.org");
    let barred = Contact::parent("Bert").phone("07700900202").restricted("no_child_information");
    let banned = Contact::parent("Carl").phone("07700900203").restricted("no_contact");
    let granny = Contact::parent("Dora").phone("07700900204").for_emergencies();
    let roster = Roster::new().pupil("Maya", "oak", [mother, barred, banned, granny]);
    let school = School::start(roster).await;
    school.close_without(&["Maya"]).await;
    school.messages(1).await;
    school.settles().await;
    assert_eq!(school.phones.messages().len(), 1);
    assert_eq!(school.received("+447700900201").len(), 1);
    let notice = school.notices().await.remove(0).id;
    for (name, reason) in [
        ("Anna", "ENTITLED"),
        ("Bert", "NO_CHILD_INFORMATION"),
        ("Carl", "NO_CONTACT"),
        ("Dora", "EMERGENCY_ONLY"),
    ] {
        let contact_id = contact(&school, "Maya", name).await;
        let request = ExplainRequest { contact_id, notice_id: notice.clone() };
        let steps =
            school.dispatcher().explain(school.by(Role::Office, request)).await.unwrap().into_inner().steps;
        assert!(steps.iter().any(|step| step.reason == reason), "{name}: {steps:#?}");
        assert!(steps.iter().all(|step| !step.sentence.is_empty()));
    }
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_a_barred_parent_also_uses_carries_nothing_and_becomes_a_task() {
    let mother = Contact::parent("Anna").email("family@example.org");
    let barred = Contact::parent("Bert").email("family@example.org").restricted("no_child_information");
    let school = School::start(Roster::new().pupil("Maya", "oak", [mother, barred])).await;
    school.close_without(&["Maya"]).await;
    let task = school.task("address_shared").await;
    assert_eq!(task.role(), Role::DesignatedSafeguardingLead);
    school.settles().await;
    assert_eq!(school.phones.messages(), []);
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restriction_that_is_set_while_the_message_gathers_holds() {
    let mother = Contact::parent("Anna").phone("07700900201");
    let father = Contact::parent("Bert").phone("07700900202");
    let school = School::start(Roster::new().pupil("Maya", "oak", [mother, father])).await;
    let bert = contact(&school, "Maya", "Bert").await;
    school.close_without(&["Maya"]).await;
    let request = SetRestrictionRequest {
        request_id: fresh(),
        pupil_id: school.pupil("Maya"),
        contact_id: bert,
        restriction: Restriction::NoChildInformation.into(),
        evidence: "order of this morning".to_owned(),
        ..Default::default()
    };
    let lead = Role::DesignatedSafeguardingLead;
    school.directory().set_restriction(school.by(lead, request)).await.unwrap();
    school.messages(1).await;
    school.settles().await;
    assert_eq!(school.received("+447700900201").len(), 1);
    assert_eq!(school.received("+447700900202"), [""; 0]);
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_only_pupil_sends_nothing_and_is_a_task_for_the_safeguarding_lead() {
    let mother = Contact::parent("Anna").phone("07700900201");
    let other = Contact::parent("Bert").phone("07700900202");
    let roster = Roster::new().pupil("Maya", "oak", [mother]).person_only().pupil("Ben", "oak", [other]);
    let school = School::start(roster).await;
    let request = SetPersonOnlyRequest {
        request_id: fresh(),
        pupil_id: school.pupil("Ben"),
        person_only: true,
        reason: "the head's decision".to_owned(),
    };
    school.directory().set_person_only(school.by(Role::Head, request)).await.unwrap();
    let closed = school.close_without(&["Maya", "Ben"]).await;
    assert_eq!((closed.announced, closed.person_only), (0, 2));
    let task = school.task("person_only_absent").await;
    assert_eq!(task.role(), Role::DesignatedSafeguardingLead);
    school.settles().await;
    assert_eq!(school.phones.messages(), []);
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pupil_with_nobody_to_tell_is_a_task() {
    let granny = Contact::parent("Dora").phone("07700900204").for_emergencies();
    let school = School::start(Roster::new().pupil("Maya", "oak", [granny])).await;
    school.close_without(&["Maya"]).await;
    let task = school.task("nobody_to_tell").await;
    assert_eq!(task.subjects, [school.pupil("Maya")]);
    assert_eq!(school.phones.messages(), []);
    school.ends_clean().await;
}
