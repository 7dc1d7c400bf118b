//! The staff console in a real browser: what the three people it exists for do, by the keyboard alone
//! and on a narrow screen, and nothing on any page that keeps somebody from using it.

use proto::incidents::v1::AccidentKind;
use proto::options::v1::Role;
use schoolbell::app;
use serde_json::json;
use simulator::{Behaviour, Failure};
use tests::browser::{Browser, NARROW, Scripts, Size};
use tests::installation::Backend;
use tests::openid::{LABEL, OpenId};
use tests::roster::Contact;
use tests::school::stories::{account, snow};
use tests::visit::Visit;
use tests::wait::until;
use tests::{Roster, School};
use thirtyfour::{By, Key};

pub const SIZES: [Size; 3] = [(1280, 900), (768, 1024), (390, 844)];
const DEAD: &str = "+447700900201";

pub fn families() -> Roster {
    let anna = Contact::parent("Anna").phone("07700900201");
    let bert = Contact::parent("Bert").phone("07700900202").email("bert@example.org");
    let barred = Contact::parent("Carl").phone("07700900203").restricted("no_child_information");
    Roster::new().pupil("Maya", "oak", [anna.clone(), bert, barred]).pupil("Rohan", "oak", [anna]).pupil(
        "Zofia",
        "elm",
        [Contact::parent("Dora").email("dora@example.org")],
    )
}

/// A school in which Maya is missing, and her mother's number is dead.
async fn morning() -> School {
    let school = School::start(families()).await;
    school.phones.behave(Behaviour::Dead { address: DEAD.to_owned(), failure: Failure::Permanent });
    school.close_without(&["Maya"]).await;
    school.messages(2).await;
    school.settles().await;
    school
}

/// Somebody before the console.
pub struct Person<'a> {
    /// The browser.
    pub browser: &'a Browser,
    /// Where the console is found.
    pub console: String,
}

impl<'a> Person<'a> {
    /// Signs in by a link of the command line.
    async fn sign_in(browser: &'a Browser, school: &School, role: Role) -> Self {
        browser.open(&app::link(school.http, &school.token(school.id, role))).await;
        let person = Self { browser, console: format!("http://{}/console", school.http) };
        person.presses("Sign in").await;
        person.sees("To do").await;
        person
    }

    /// Opens a page of the console.
    pub async fn goes_to(&self, page: &str) {
        self.browser.open(&format!("{}{page}", self.console)).await;
    }

    /// Waits until words stand on the page.
    pub async fn sees(&self, words: &str) {
        let text = || async {
            let body = self.browser.driver().find(By::Css("body")).await;
            match body {
                Ok(body) => body.text().await.unwrap_or_default(),
                // The page is being replaced.
                Err(_) => String::new(),
            }
        };
        until(words, text, |text: &String| text.contains(words)).await;
    }

    async fn key(&self, key: Key) {
        self.browser.driver().action_chain().send_keys(key).perform().await.unwrap();
    }

    async fn types(&self, text: &str) {
        self.browser.driver().action_chain().send_keys(text).perform().await.unwrap();
    }

    /// Goes on by the tabulator until the focus stands on what is called so.
    async fn comes_to(&self, name: &str) {
        let called = "const at = document.activeElement; \
                      return (at.labels?.[0]?.innerText || at.innerText || '').trim()";
        let mut here = serde_json::Value::Null;
        for _ in 0..120 {
            here = self.browser.ask(called).await;
            if here.as_str().is_some_and(|here| here.starts_with(name)) {
                return;
            }
            self.key(Key::Tab).await;
        }
        assert_eq!(here, name, "the keyboard comes to it");
    }

    /// Comes to a button or a link, and presses it.
    pub async fn presses(&self, name: &str) {
        self.comes_to(name).await;
        self.key(Key::Enter).await;
    }

    /// Comes to a field, and puts something else in it.
    async fn fills(&self, name: &str, text: &str) {
        self.comes_to(name).await;
        let driver = self.browser.driver();
        driver
            .action_chain()
            .key_down(Key::Control)
            .send_keys("a")
            .key_up(Key::Control)
            .perform()
            .await
            .unwrap();
        self.key(Key::Delete).await;
        self.types(text).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mother_is_found_by_the_keyboard_and_her_number_is_put_right() {
    let school = morning().await;
    let browser = Browser::start(Scripts::Run).await;
    browser.resize((1280, 900)).await;
    let officer = Person::sign_in(&browser, &school, Role::AttendanceOfficer).await;
    officer.goes_to("/people").await;
    officer.types("may").await;
    officer.sees("Maya").await;
    officer.presses("Maya").await;
    officer.sees("At home, in the order in which they are asked").await;
    officer.sees("Restriction.").await;
    browser.picture("console-pupil-1280").await;
    officer.presses("Anna").await;
    officer.sees("the network says that this address does not exist").await;
    browser.picture("console-contact-1280").await;
    officer.fills("First phone", "07700 900299").await;
    officer.presses("Save").await;
    officer.sees("The contact is changed.").await;
    officer.presses("Send this again to whom nothing reached").await;
    officer.sees("Who was reached").await;
    officer.fills("Why?", "The number was put right").await;
    officer.presses("Send it again").await;
    officer.sees("It goes again to everybody whom nothing had reached.").await;
    school.messages(3).await;
    let received = school.received("+447700900299");
    assert!(received.len() == 1 && received[0].contains("Maya"), "{received:?}");
    // The bar goes on by itself.
    browser
        .shows("everybody reached", "return document.querySelectorAll('.state.good').length", 2.into())
        .await;
    browser.picture("console-message-1280").await;
    school.settles().await;
    browser.quit().await;
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accident_is_recorded_on_a_phone_and_what_is_missing_is_said() {
    let school = School::start(families()).await;
    let browser = Browser::start(Scripts::Run).await;
    browser.resize(NARROW).await;
    let aider = Person::sign_in(&browser, &school, Role::FirstAider).await;
    aider.goes_to("/accidents").await;
    aider.presses("Record an accident").await;
    aider.sees("Which child was hurt?").await;
    aider.types("zof").await;
    aider.sees("Zofia").await;
    aider.presses("Zofia").await;
    aider.sees("Accident of Zofia").await;
    aider.fills("What happened?", "Fell from the climbing frame").await;
    aider.presses("Record it, and tell the family").await;
    aider.sees("There is a problem").await;
    aider.sees("Say whether the head was hurt").await;
    let kept = browser.ask("return document.getElementById('what').value.trim()").await;
    assert_eq!(kept, "Fell from the climbing frame", "what was typed stays");
    browser.picture("console-accident-faults-320").await;
    aider.comes_to("Yes: the family is told at once").await;
    aider.key(Key::Space).await;
    aider.fills("Where?", "Playground").await;
    aider.fills("Which first aid was given?", "Cold pack").await;
    aider.presses("Record it, and tell the family").await;
    aider.sees("The accident is recorded").await;
    aider.sees("head injury").await;
    school.messages(1).await;
    assert!(school.received("dora@example.org")[0].contains("Zofia"));
    school.settles().await;
    browser.quit().await;
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_closes_the_school_without_any_script_and_sees_first_whom_it_reaches() {
    let school = School::start(families()).await;
    let browser = Browser::start(Scripts::AreOff).await;
    browser.resize((768, 1024)).await;
    let head = Person::sign_in(&browser, &school, Role::Head).await;
    head.goes_to("/closures/new").await;
    head.fills("Why?", "heavy snow").await;
    browser.picture("console-closure-768").await;
    head.presses("See whom it reaches").await;
    head.sees("4 people at home of 3 pupils are told").await;
    assert!(school.phones.messages().is_empty(), "nothing is sent by looking");
    browser.picture("console-closure-check-768").await;
    head.presses("Close the school, and tell everybody now").await;
    head.sees("The closure is declared").await;
    school.messages(5).await;
    head.presses("Open again").await;
    head.sees("Open the school again").await;
    head.presses("Open again, and tell everybody now").await;
    head.sees("The school is not closed.").await;
    school.settles().await;
    browser.quit().await;
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_what_is_to_be_done_grows_by_itself() {
    let school = School::start(families()).await;
    let browser = Browser::start(Scripts::Run).await;
    browser.resize((1280, 900)).await;
    let officer = Person::sign_in(&browser, &school, Role::AttendanceOfficer).await;
    officer.sees("There is nothing to do.").await;
    officer.goes_to("/absences").await;
    officer.sees("No child is marked as missing without a reason so far.").await;
    school.close_without(&["Zofia"]).await;
    officer.sees("Zofia").await;
    officer.presses("Give the reason").await;
    officer.sees("Why is Zofia").await;
    officer.comes_to("Ill").await;
    officer.key(Key::Space).await;
    officer.presses("Record the reason").await;
    officer.sees("No child is marked as missing without a reason so far.").await;
    school.settles().await;
    browser.quit().await;
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_windows_at_once_are_no_hindrance_and_each_is_up_to_date_when_it_is_seen() {
    let school = School::start(families()).await;
    let browser = Browser::start(Scripts::Run).await;
    let officer = Person::sign_in(&browser, &school, Role::AttendanceOfficer).await;
    officer.goes_to("/absences").await;
    let first = browser.driver().window().await.unwrap();
    for _ in 0..7 {
        let window = browser.driver().new_tab().await.unwrap();
        browser.driver().switch_to_window(window).await.unwrap();
        officer.goes_to("/absences").await;
        officer.sees("No child is marked as missing without a reason so far.").await;
    }
    school.close_without(&["Zofia"]).await;
    officer.sees("Zofia").await;
    browser.driver().switch_to_window(first).await.unwrap();
    officer.sees("Zofia").await;
    school.settles().await;
    browser.quit().await;
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_is_invited_signs_in_with_the_account_of_the_trust() {
    let issuer = OpenId::start().await;
    let school = School::start_given(Backend::Sqlite, families(), |settings| issuer.vouches(settings)).await;
    let mut admin = Visit::to(&school, Role::SystemAdministrator).await;
    let mark = admin.mark().await;
    let fields = [("mark", mark.as_str()), ("name", "Jo Okafor"), ("roles", "head")];
    let page = admin.post("/staff/invite", &fields).await;
    let (_, rest) = page.text.split_once("/console/invitations/").unwrap();
    let browser = Browser::start(Scripts::Run).await;
    let console = format!("http://{}/console", school.http);
    let jo = Person { browser: &browser, console };
    browser.resize((768, 1024)).await;
    jo.goes_to(&format!("/invitations/{}", rest.split_once('<').unwrap().0.trim())).await;
    assert_eq!(browser.barriers().await, [""; 0]);
    browser.picture("console-invitation").await;
    jo.presses(&format!("Use my {LABEL} account")).await;
    jo.sees("To do").await;
    jo.sees("Jo Okafor").await;
    jo.presses("Sign out").await;
    jo.sees("Or with a password").await;
    assert_eq!(browser.barriers().await, [""; 0]);
    browser.picture("console-sign-in").await;
    jo.presses(&format!("Sign in with {LABEL}")).await;
    jo.sees("head or senior leader").await;
    issuer.behaves(json!({ "wrong": "audience" })).await;
    jo.presses("Sign out").await;
    jo.presses(&format!("Sign in with {LABEL}")).await;
    jo.sees("did not work").await;
    browser.quit().await;
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_on_any_page_keeps_somebody_from_using_it() {
    let school = morning().await;
    let browser = Browser::start(Scripts::Run).await;
    let (maya, gathering) = (school.pupil("Maya"), school.notices().await[0].gathering_id.clone());
    let anna = school.deliveries().await.into_iter().find(|one| one.address == DEAD).unwrap();
    let anna = anna.contact_ids[0].clone();
    let task = school.tasks().await.into_iter().next().unwrap();
    let pupil = format!("/pupils/{maya}");
    let contact = format!("/contacts/{anna}");
    let phones = format!("/phone-list?class={}", school.classes["oak"]);
    let message = format!("/messages/{gathering}");
    let accident = format!("/accidents/new/{maya}");
    let recorded = school.records("Maya", account(AccidentKind::Minor, "Grazed a knee")).await;
    let amend = format!("/accidents/{recorded}/amend");
    let closure = school.closes_for(snow()).await;
    let (change, end) = (format!("/closures/{closure}/change"), format!("/closures/{closure}/end"));
    let announced = school.announces("oak", "A packed lunch, please.", "Please send a packed lunch.").await;
    let correct = format!("/announcements/{announced}/correct");
    let task = format!("/tasks/{}/{}", task.service, task.id);
    browser.open(&format!("http://{}/console/sign-in", school.http)).await;
    assert_eq!(browser.barriers().await, [] as [&str; 0], "signing in");
    for (role, pages) in [
        (
            Role::Head,
            &[
                ("home", ""),
                ("task", &task),
                ("absences", "/absences"),
                ("register-close", "/absences/close/pm"),
                ("accidents", "/accidents"),
                ("accident-pupil", "/accidents/new"),
                ("accident", &accident),
                ("amend", &amend),
                ("closures", "/closures"),
                ("closure-change", &change),
                ("closure-end", &end),
                ("closure", "/closures/new"),
                ("announcements", "/announcements"),
                ("announcement", "/announcements/new"),
                ("announcement-correct", &correct),
                ("people", "/people"),
                ("pupils", "/pupils"),
                ("pupil", &pupil),
                ("reach", "/reach"),
                ("phone-list", &phones),
                ("contact", &contact),
                ("messages", "/messages"),
                ("message", &message),
                ("audit", "/audit"),
                ("sessions", "/sessions"),
                ("schools", "/schools"),
                ("nothing", "/nowhere"),
            ][..],
        ),
        (Role::SystemAdministrator, &[("system", "/system"), ("staff", "/staff")][..]),
    ] {
        let person = Person::sign_in(&browser, &school, role).await;
        for (name, page) in pages {
            person.goes_to(page).await;
            for size in SIZES.into_iter().chain([NARROW]) {
                browser.resize(size).await;
                assert_eq!(browser.beyond_the_edge().await, 0, "{name} at {} pixels", size.0);
                browser.picture(&format!("console-{name}-{}", size.0)).await;
            }
            assert_eq!(browser.barriers().await, [] as [&str; 0], "{name}");
            let size = browser.ask("return document.documentElement.outerHTML.length").await;
            assert!(size.as_u64().unwrap() < 100_000, "{name} has {size} characters");
        }
    }
    browser.quit().await;
    school.stop().await;
}
