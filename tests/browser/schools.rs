//! Somebody who works in two schools, in a real browser: by the keyboard, in every width, and in two windows at once.

use proto::ids::SchoolId;
use proto::options::v1::Role;
use tests::browser::{Browser, NARROW, Scripts};
use tests::installation::Backend;
use tests::openid::{LABEL, OpenId};
use tests::visit::Visit;
use tests::{Roster, School};

use crate::console::{Person, SIZES, families};

const SISTER: &str = "Ashdown School of the Northfield Trust";

/// The page of a link that a school's administrator has made for Jo.
async fn invitation(school: &School, id: SchoolId, role: &str) -> String {
    let mut admin = Visit::with(school, &school.token(id, Role::SystemAdministrator)).await;
    let mark = admin.mark().await;
    let fields = [("mark", mark.as_str()), ("name", "Jo Okafor"), ("roles", role)];
    let page = admin.post("/staff/invite", &fields).await;
    let (_, rest) = page.text.split_once("/console/invitations/").unwrap();
    format!("/invitations/{}", rest.split_once('<').unwrap().0.trim())
}

/// Nothing on the page keeps somebody from using it, in any width.
async fn is_usable(browser: &Browser, name: &str) {
    for size in SIZES.into_iter().chain([NARROW]) {
        browser.resize(size).await;
        assert_eq!(browser.beyond_the_edge().await, 0, "{name} at {} pixels", size.0);
        browser.picture(&format!("console-{name}-{}", size.0)).await;
    }
    assert_eq!(browser.barriers().await, [] as [&str; 0], "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_is_added_and_changed_to_and_a_window_of_the_one_before_says_so() {
    let issuer = OpenId::start().await;
    let school = School::start_given(Backend::Sqlite, families(), |settings| issuer.vouches(settings)).await;
    let sister = school.has_sister(&Roster::of("sister", SISTER).pupil("Quentin", "ash", [])).await;
    let browser = Browser::start(Scripts::Run).await;
    let jo = Person { browser: &browser, console: format!("http://{}/console", school.http) };
    jo.goes_to(&invitation(&school, school.id, "head").await).await;
    jo.presses(&format!("Use my {LABEL} account")).await;
    jo.sees("To do").await;
    jo.goes_to(&invitation(&school, sister, "attendance_officer").await).await;
    jo.sees("You are signed in as Jo Okafor").await;
    is_usable(&browser, "invitation-of-another-school").await;
    jo.presses("Add this school to my account").await;
    jo.sees("A school is added to your account").await;
    is_usable(&browser, "two-schools").await;

    let first = browser.driver().window().await.unwrap();
    let window = browser.driver().new_tab().await.unwrap();
    browser.driver().switch_to_window(window.clone()).await.unwrap();
    jo.goes_to("").await;
    jo.sees("There is nothing to do.").await;
    browser.driver().switch_to_window(first).await.unwrap();
    jo.presses("Change to this school").await;
    jo.sees("To do").await;
    jo.sees(SISTER).await;
    jo.sees("Change school").await;
    is_usable(&browser, "home-of-two-schools").await;
    browser.driver().switch_to_window(window).await.unwrap();
    jo.sees("You have changed the school in another window.").await;
    jo.sees("Hillside School").await;
    assert_eq!(browser.barriers().await, [] as [&str; 0], "the window of the school before");
    jo.presses("Go to the home page").await;
    jo.sees(SISTER).await;
    browser.quit().await;
    school.stop().await;
}
