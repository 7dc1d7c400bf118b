//! What the staff do on the console's pages, over HTTP: tasks, a phone list, and putting things right.

use proto::directory::v1::ImportRosterRequest;
use proto::dispatcher::v1::DeliveryState;
use proto::options::v1::Role;
use reqwest::StatusCode;
use tests::roster::Contact;
use tests::school::fresh;
use tests::school::stories::snow;
use tests::visit::Visit;
use tests::wait::until;
use tests::{Roster, School};

use super::console::{a_day_of_snow, families};

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_taken_by_one_and_done_with_what_came_of_it() {
    let school = School::start(families()).await;
    school.phones.behave(simulator::Behaviour::Dead {
        address: "+447700900201".to_owned(),
        failure: simulator::Failure::Permanent,
    });
    school.close_without(&["Maya"]).await;
    let task = school.task("not_reached").await;
    let mut officer = Visit::to(&school, Role::AttendanceOfficer).await;
    let home = officer.get("").await;
    assert!(home.text.contains("Ring: no message got through") && home.text.contains("Maya"));
    let (mark, request_id) = (home.field("mark"), home.field("request_id"));
    let page = format!("/tasks/{}/{}", task.service, task.id);
    let fields = [("mark", mark.as_str()), ("request_id", request_id.as_str())];
    assert!(officer.post(&format!("{page}/take"), &fields).await.leads.starts_with("/console?said=taken"));
    let mut colleague = Visit::to(&school, Role::Head).await;
    assert!(colleague.get("").await.text.contains("taken by"));
    let nothing = officer.post(&page, &[("mark", &mark), ("outcome", " ")]).await;
    assert!(nothing.text.contains("Say what came of it"));
    let done = officer.post(&page, &[("mark", &mark), ("outcome", "Rang the father; Maya is ill")]).await;
    assert!(done.leads.starts_with("/console?said=done"));
    assert!(!officer.get("").await.text.contains(&task.id));
    let mark = colleague.mark().await;
    let late = [("mark", mark.as_str()), ("outcome", "Spoke with the grandmother")];
    let late = colleague.post(&page, &late).await;
    assert!(late.text.contains("A colleague has done this"), "{}", late.text);
    assert!(late.text.contains("Spoke with the grandmother"), "what was typed is not lost");
    school.settles().await;
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exercise_of_a_closure_can_be_watched_and_nothing_of_it_leaves() {
    let school = School::start(families()).await;
    let mut head = Visit::to(&school, Role::Head).await;
    let mark = head.mark().await;
    let closure = a_day_of_snow(&mark);
    let check = head.post("/closures/new", &closure).await;
    assert!(check.text.contains("Only run it as an exercise"), "{}", check.text);
    for (field, value, fault) in [
        ("last_day", "2026-11-23", "The last day is before the first"),
        ("first_day", "2026-11-23", "This day has passed"),
        ("reason", "<b>snow</b>", "Use words only"),
        ("collection", "at <i>the gate</i>", "Use words only"),
        ("years", "99", "Nobody on roll is in these year groups"),
    ] {
        let others =
            closure.iter().filter(|(name, _)| *name != field && (field != "years" || *name != "whom"));
        let mut wrong: Vec<(&str, &str)> = others.copied().chain([(field, value)]).collect();
        if field == "years" {
            wrong.push(("whom", "years"));
        }
        for page in ["/closures/new", "/closures/exercise"] {
            let refused = head.post(page, &wrong).await;
            assert!(refused.text.contains(fault), "{page} with {field}: {}", refused.text);
            assert!(
                !refused.text.contains("Close the school, and tell everybody now"),
                "{page} with {field}"
            );
        }
    }
    assert!(school.notices().await.is_empty(), "nothing of it was run");
    let begun = head.post("/closures/exercise", &closure).await;
    let page = begun.leads.strip_prefix("/console").unwrap().to_owned();
    assert!(page.contains("said=exercised"), "{page}");
    until(
        "the exercise",
        || school.deliveries(),
        |all| !all.is_empty() && all.iter().all(|one| one.state() == DeliveryState::Drill),
    )
    .await;
    let page = head.get(&page).await.text;
    assert!(page.contains("EXERCISE.") && page.contains("EXERCISE: "), "{page}");
    assert!(!page.contains("Send it again"), "an exercise is not sent to anybody later either");
    assert!(head.get("/messages").await.text.contains("EXERCISE"));
    assert!(school.phones.messages().is_empty() && school.tasks().await.is_empty());
    assert!(head.get("/closures").await.text.contains("The school is not closed."));
    let why = [
        ("mark", mark.as_str()),
        ("request_id", "018f0000-0000-7000-8000-000000000002"),
        ("recall_why", "Seen enough"),
    ];
    let address = begun.leads.strip_prefix("/console").unwrap().split('?').next().unwrap();
    assert!(head.post(&format!("{address}/recall"), &why).await.leads.contains("said=recalled"));
    assert!(head.get("/audit").await.text.contains("“Seen enough”"), "why stands beside who and what");
    let mut aider = Visit::to(&school, Role::FirstAider).await;
    let mark = aider.mark().await;
    let theirs: Vec<(&str, &str)> = closure
        .iter()
        .map(|(name, value)| if *name == "mark" { ("mark", mark.as_str()) } else { (*name, *value) })
        .collect();
    assert_eq!(aider.post("/closures/exercise", &theirs).await.status, StatusCode::FORBIDDEN);
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accident_is_put_right_from_its_page_and_no_colleague_is_overwritten() {
    let school = School::start(families()).await;
    let mut aider = Visit::to(&school, Role::FirstAider).await;
    let mark = aider.mark().await;
    let account = |what| {
        [
            ("mark", mark.as_str()),
            ("head", "no"),
            ("what", what),
            ("place", "Hall"),
            ("date", tests::school::DAY),
            ("time", "08:40"),
            ("first_aid", "Cold pack"),
            ("first_aider", "Jo"),
        ]
    };
    let maya = school.pupil("Maya");
    let recorded = aider.post(&format!("/accidents/new/{maya}"), &account("Hurt the right arm")).await;
    assert!(recorded.leads.contains("said=recorded-"), "{}", recorded.text);
    school.messages(1).await;
    let list = aider.get("/accidents").await;
    let page = list.after("class=\"button second\" href=\"/console");
    let form = aider.get(&page).await;
    assert!(
        form.text.contains("Hurt the right arm") && form.text.contains("value=\"08:40\""),
        "{}",
        form.text
    );
    let (version, request_id) = (form.field("version"), form.field("request_id"));
    let fields = |what, why| {
        let mut fields = account(what).to_vec();
        fields.extend([("version", version.as_str()), ("request_id", request_id.as_str()), ("why", why)]);
        fields
    };
    let without = aider.post(&page, &fields("Hurt the left arm", "")).await;
    assert!(without.text.contains("Say why it is put right") && without.text.contains("Hurt the left arm"));
    for _ in ["a click", "a double click"] {
        let amended = aider.post(&page, &fields("Hurt the left arm", "it was the left")).await;
        assert!(amended.leads.contains("said=amended-"), "{}", amended.text);
    }
    school.messages(2).await;
    assert!(school.received("+447700900201")[1].contains("Maya"));
    let of_a_colleague = |(name, value)| match name {
        "request_id" => (name, "018f0000-0000-7000-8000-000000000003"),
        _ => (name, value),
    };
    let both = fields("Hurt both arms", "both").into_iter().map(of_a_colleague).collect::<Vec<_>>();
    let overtaken = aider.post(&page, &both).await;
    assert!(
        overtaken.text.contains("A colleague has put this accident right meanwhile"),
        "{}",
        overtaken.text
    );
    assert!(aider.get("/accidents").await.text.contains("Hurt the left arm"));
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_is_changed_from_its_page_and_only_what_is_new_is_told() {
    let school = School::start(families()).await;
    let mut head = Visit::to(&school, Role::Head).await;
    let closure = school.closes_for(snow()).await;
    school.messages(1).await;
    let address = format!("/closures/{closure}/change");
    let page = head.get(&address).await;
    assert!(page.text.contains("Change the closure"), "{}", page.text);
    let (mark, request_id) = (page.field("mark"), page.field("request_id"));
    let was = page.field("was-reason");
    let fields = |reason| {
        [
            ("mark", mark.as_str()),
            ("request_id", request_id.as_str()),
            ("last_day", tests::school::DAY),
            ("was-last_day", tests::school::DAY),
            ("reason", reason),
            ("was-reason", was.as_str()),
        ]
    };
    let nothing = head.post(&address, &fields(&was)).await;
    assert!(nothing.text.contains("Nothing is changed yet"), "{}", nothing.text);
    let changed = head.post(&address, &fields("the heating has failed")).await;
    assert!(changed.leads.contains("said=closure-changed-"), "{}", changed.text);
    school.messages(2).await;
    assert!(school.received("+447700900201")[1].contains("the heating has failed"));
    let mut officer = Visit::to(&school, Role::AttendanceOfficer).await;
    assert_eq!(officer.get(&address).await.status, StatusCode::FORBIDDEN);
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_nobody_reaches_is_listed_and_the_phone_list_gives_no_barred_number() {
    let dead = "+447700900201";
    let (anna, bert) =
        (Contact::parent("Anna").phone("07700900201"), Contact::parent("Bert").phone("07700900202"));
    let carl = Contact::parent("Carl").phone("07700900203").restricted("no_child_information");
    let roster = Roster::new()
        .pupil("Maya", "oak", [anna.clone(), carl])
        .pupil("Rohan", "elm", [anna, bert.clone()])
        .pupil("Zofia", "elm", [bert, Contact::parent("Dora").email("dora@example.org")]);
    let school = School::start(roster).await;
    let mut officer = Visit::to(&school, Role::AttendanceOfficer).await;
    let before = officer.get("/reach").await.text;
    assert!(before.contains("Nobody can be rung about them (0)"), "{before}");
    assert!(before.contains("who may be told (1)") && before.contains("Maya"));
    school.phones.behave(simulator::Behaviour::Dead {
        address: dead.to_owned(),
        failure: simulator::Failure::Permanent,
    });
    school.close_without(&["Maya", "Rohan"]).await;
    school.task("not_reached").await;
    school.settles().await;
    let after = officer.get("/reach").await.text;
    assert!(after.contains("Nobody can be rung about them (1)"), "{after}");
    assert!(
        after.contains("Anna Family has only numbers that do not work; Carl Family must not be told"),
        "{after}"
    );
    let classes = officer.get("/phone-list").await.text;
    let (oak, elm) = (&school.classes["oak"], &school.classes["elm"]);
    assert!(classes.contains(oak) && classes.contains(elm) && !classes.contains("Maya"), "{classes}");
    let list = officer.get(&format!("/phone-list?class={oak}")).await.text;
    assert!(list.contains(dead) && list.contains("MUST NOT BE TOLD ABOUT THIS CHILD"), "{list}");
    assert!(!list.contains("+447700900203") && !list.contains("Zofia"));
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_family_was_told_stands_on_its_page_after_the_child_has_left() {
    let staying = || Contact::parent("Bert").phone("07700900202");
    let roster = Roster::new().pupil("Maya", "oak", [Contact::parent("Anna").phone("07700900201")]).pupil(
        "Rohan",
        "oak",
        [staying()],
    );
    let school = School::start(roster).await;
    school.close_without(&["Maya"]).await;
    school.messages(1).await;
    school.settles().await;
    let anna = school.deliveries().await.remove(0).contact_ids.remove(0);
    let request = ImportRosterRequest {
        request_id: fresh(),
        archive: Roster::new().pupil("Rohan", "oak", [staying()]).archive().into(),
        agreed_removals: 2,
        ..ImportRosterRequest::default()
    };
    let imported = school.directory().import_roster(school.by(Role::SystemAdministrator, request)).await;
    assert!(imported.unwrap().into_inner().loaded);
    let mut officer = Visit::to(&school, Role::AttendanceOfficer).await;
    let page = officer.get(&format!("/contacts/{anna}")).await.text;
    assert!(page.contains("Nobody on roll now.") && !page.contains("Nothing has concerned"), "{page}");
    assert!(page.contains("Missing without a reason") && page.contains("delivered"), "{page}");
    assert!(!page.contains("Send this again"), "it has come");
    school.stop().await;
}
