//! The office writes to a class, sees whom it reaches before it leaves, and puts right what was wrong: on the console's pages,
//! as far as the families' telephones.

use proto::options::v1::Role;
use reqwest::StatusCode;
use tests::roster::Contact;
use tests::visit::{Page, Visit};
use tests::{Roster, School};

const ANNA: &str = "+447700900201";
const DAVE: &str = "+447700900205";

fn families() -> Roster {
    let anna = Contact::parent("Anna").phone("07700900201").email("anna@example.org");
    let dave = Contact::parent("Dave").phone("07700900205").restricted("no_child_information");
    let cara = Contact::parent("Cara").phone("07700900203");
    Roster::new().pupil("Maya", "oak", [anna, dave]).pupil("Rohan", "elm", [cara])
}

/// What the form sends, from a page that has its hidden fields.
fn trip<'a>(page: &Page, class: &'a str, text: &'a str) -> Vec<(&'static str, String)> {
    [
        ("mark", page.field("mark")),
        ("request_id", page.field("request_id")),
        ("whom", "classes".to_owned()),
        ("class", class.to_owned()),
        ("text", text.to_owned()),
        ("subject", "Museum visit".to_owned()),
        ("body", "Dear families,\n\nplease send a packed lunch on Thursday.".to_owned()),
    ]
    .into()
}

fn with(fields: &[(&'static str, String)], name: &str, value: &str) -> Vec<(&'static str, String)> {
    let replaced = |(own, typed): &(&'static str, String)| {
        (*own, if *own == name { value.to_owned() } else { typed.clone() })
    };
    fields.iter().map(replaced).collect()
}

async fn post(visit: &mut Visit, page: &str, fields: &[(&'static str, String)]) -> Page {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    visit.post(page, &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_announcement_is_checked_sent_once_and_corrected_to_whoever_got_it() {
    let school = School::start(families()).await;
    let oak = school.classes["oak"].clone();
    let mut office = Visit::to(&school, Role::Office).await;
    assert!(office.get("/announcements").await.text.contains("Nothing was announced yet."));
    let form = office.get("/announcements/new").await;
    assert!(form.text.contains("See whom it reaches") && form.text.contains(&oak), "{}", form.text);
    let letter = trip(&form, &oak, "A packed lunch on Thursday, please.");
    let check = post(&mut office, "/announcements/new", &letter).await;
    assert!(check.text.contains("1 person at home of 1 pupil is told: 1 text, 1 e-mail"), "{}", check.text);
    assert!(check.text.contains("The texts have 1 part"), "{}", check.text);
    assert!(check.text.contains("1: A restriction bars this contact"), "{}", check.text);
    assert!(school.notices().await.is_empty(), "nothing is sent yet");
    let mut again = letter.clone();
    again.push(("back", "yes".to_owned()));
    let back = post(&mut office, "/announcements/new", &again).await.text;
    assert!(back.contains("Write an announcement") && back.contains("A packed lunch on Thursday, please."));
    for _ in ["a click", "a double click"] {
        let sent = post(&mut office, "/announcements/send", &letter).await;
        assert!(sent.leads.contains("/console/announcements?said=announced-"), "{}", sent.text);
    }
    school.messages(2).await;
    school.settles().await;
    assert_eq!(school.received(ANNA), ["Schoolbell: A packed lunch on Thursday, please."]);

    let list = office.get("/announcements").await;
    let page = list.after("class=\"button second\" href=\"/console");
    let mut head = Visit::to(&school, Role::Head).await;
    let (own, theirs) = (office.get(&page).await, head.get(&page).await);
    assert!(own.text.contains("A packed lunch on Thursday, please."), "{}", own.text);
    let correction = |page: &Page, text: &str| {
        let body = "Dear families,\n\nplease send a packed lunch on Friday.".to_owned();
        let mut fields = with(&with(&trip(page, &oak, text), "body", &body), "whom", "");
        fields.push(("version", page.field("version")));
        fields
    };
    let friday = correction(&own, "A packed lunch on Friday, please.");
    let check = post(&mut office, &page, &friday).await;
    assert!(check.text.contains("Send the correction now"), "{}", check.text);
    assert!(check.text.contains("Whoever was told before reads that it is a correction"), "{}", check.text);
    let ends_at = page.replace("/correct", "/corrected");
    for _ in ["a click", "a double click"] {
        let sent = post(&mut office, &ends_at, &friday).await;
        assert!(sent.leads.contains("said=announcement-corrected-"), "{}", sent.text);
    }
    school.messages(4).await;
    school.settles().await;
    let received = school.received(ANNA);
    assert_eq!(
        received[1..],
        ["Schoolbell: Correction to our earlier message: A packed lunch on Friday, please."]
    );
    let email = school.received("anna@example.org");
    assert!(
        email[1].starts_with("This takes the place of our earlier message.")
            && email[1].contains("on Friday")
    );
    assert!(school.received(DAVE).is_empty() && school.phones.messages().len() == 4);

    // The head's page is of the time before.
    let monday = correction(&theirs, "A packed lunch on Monday, please.");
    for address in [&page, &ends_at] {
        let overtaken = post(&mut head, address, &monday).await;
        assert!(overtaken.text.contains("A colleague has corrected this meanwhile"), "{}", overtaken.text);
        assert!(overtaken.text.contains("A packed lunch on Monday, please."), "what was typed stays");
        assert!(overtaken.text.contains("A packed lunch on Friday, please."), "what stands is shown");
        assert_eq!(overtaken.field("version"), "2", "who has seen it may");
    }
    assert_eq!(school.phones.messages().len(), 4);
    let listed = office.get("/announcements").await.text;
    assert!(listed.contains("A packed lunch on Friday, please.") && listed.contains("corrected"), "{listed}");
    assert!(!listed.contains("Thursday"), "it stands in its newest words");
    assert_eq!(school.tasks().await, []);
    school.ends_clean().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_said_beside_its_field_and_nothing_that_was_typed_is_lost() {
    let school = School::start(families()).await;
    let oak = school.classes["oak"].clone();
    let mut office = Visit::to(&school, Role::Office).await;
    let form = office.get("/announcements/new").await;
    let letter = trip(&form, &oak, "A packed lunch, please.");
    for (field, value, fault) in [
        ("subject", "", "Enter the subject of the e-mail"),
        ("body", "", "Write the e-mail, or leave its subject empty too"),
        ("text", "<b>Lunch</b>", "Use words only"),
        ("text", "two\nlines", "without line breaks"),
        ("text", &"x".repeat(460), "Use at most 459 characters"),
        ("class", "cls_1", "Whom it concerns"),
    ] {
        for page in ["/announcements/new", "/announcements/send"] {
            let refused = post(&mut office, page, &with(&letter, field, value)).await;
            assert!(refused.text.contains(fault), "{page} with {field}: {}", refused.text);
            assert!(
                refused.text.contains("There is a problem")
                    && !refused.text.contains("Send it to everybody now")
            );
            assert!(refused.text.contains("Museum visit") || field == "subject", "what was typed stays");
        }
    }
    let mut nobody = with(&letter, "whom", "years");
    nobody.push(("years", "99".to_owned()));
    let nobody = post(&mut office, "/announcements/new", &nobody).await;
    assert!(nobody.text.contains("Nobody on roll is in these year groups"));
    let unchosen: Vec<_> = letter.iter().filter(|(name, _)| *name != "class").cloned().collect();
    assert!(post(&mut office, "/announcements/new", &unchosen).await.text.contains("Choose the classes"));
    assert!(school.notices().await.is_empty());

    let id = school.announces("oak", "A packed lunch, please.", "Please send a packed lunch.").await;
    school.messages(2).await;
    let page = format!("/announcements/{id}/correct");
    let form = office.get(&page).await;
    let stands: Vec<(&'static str, String)> = [
        ("mark", form.field("mark")),
        ("request_id", form.field("request_id")),
        ("version", form.field("version")),
        ("subject", form.field("subject\" type=\"text")),
        ("text", "A packed lunch, please.".to_owned()),
        ("body", "Please send a packed lunch.".to_owned()),
    ]
    .into();
    assert!(post(&mut office, &page, &stands).await.text.contains("Nothing is changed yet"));
    let ends_at = page.replace("/correct", "/corrected");
    for (field, fault) in [("text", "Write the text message: the wrong one"), ("body", "Write the e-mail")] {
        let refused = post(&mut office, &page, &with(&stands, field, "")).await;
        assert!(refused.text.contains(fault), "{}", refused.text);
    }
    let refused = post(&mut office, &ends_at, &with(&stands, "text", "")).await;
    assert!(
        refused.text.contains("must be set, because the announcement went as a text too"),
        "{}",
        refused.text
    );
    for unknown in ["ann_1", "ann_00000000000000000000000000000000"] {
        let nothing = office.get(&format!("/announcements/{unknown}/correct")).await;
        assert_eq!(nothing.status, StatusCode::NOT_FOUND, "{unknown}");
    }

    // The message's page leads there, for whoever may.
    let gathering = school.deliveries().await.remove(0).gathering_id;
    let link = format!("href=\"/console{page}\"");
    for (role, may) in [(Role::Office, true), (Role::Head, true), (Role::DesignatedSafeguardingLead, false)] {
        let mut visit = Visit::to(&school, role).await;
        let message = visit.get(&format!("/messages/{gathering}")).await.text;
        assert_eq!(message.contains(&link), may, "{role:?}: {message}");
        assert_eq!(visit.get("/announcements").await.text.contains(&link), may, "{role:?}");
        let expected = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(visit.get(&page).await.status, expected, "{role:?}");
    }
    let mut lead = Visit::to(&school, Role::DesignatedSafeguardingLead).await;
    let mark = [("mark", lead.mark().await)];
    for address in ["/announcements/new", "/announcements/send", &page, &ends_at] {
        assert_eq!(post(&mut lead, address, &mark).await.status, StatusCode::FORBIDDEN, "{address}");
    }
    school.settles().await;
    school.stop().await;
}
