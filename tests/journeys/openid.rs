//! Signing in to the console with an account of elsewhere, at a real OpenID provider.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use proto::ids::SchoolId;
use proto::options::v1::Role;
use reqwest::StatusCode;
use serde_json::json;
use tests::installation::Backend;
use tests::openid::{KEY, LABEL, OpenId};
use tests::roster::Contact;
use tests::visit::{Page, Visit};
use tests::{Roster, School};

pub async fn school(issuer: &OpenId) -> School {
    let anna = Contact::parent("Anna").phone("07700900201");
    let roster = Roster::new().pupil("Maya", "oak", [anna]);
    School::start_given(Backend::Sqlite, roster, |settings| issuer.vouches(settings)).await
}

async fn invited(school: &School, name: &str, role: &str) -> String {
    invited_to(school, school.id, (name, role)).await
}

/// The administrator of a school of the installation makes a link for somebody.
pub async fn invited_to(school: &School, id: SchoolId, (name, role): (&str, &str)) -> String {
    let mut admin = Visit::with(school, &school.token(id, Role::SystemAdministrator)).await;
    let mark = admin.mark().await;
    let page = admin.post("/staff/invite", &[("mark", &mark), ("name", name), ("roles", role)]).await;
    let (_, rest) = page.text.split_once("/console/invitations/").unwrap();
    rest.split_once('<').unwrap().0.trim().to_owned()
}

/// Begins: the address of the issuer to which the page leads.
async fn goes(visit: &mut Visit, fields: &[(&str, &str)]) -> String {
    let page = visit.post(&format!("/openid/{KEY}"), fields).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    page.after("<a href=\"")
}

/// There and back.
pub async fn signs_in(visit: &mut Visit, fields: &[(&str, &str)]) -> Page {
    let address = goes(visit, fields).await;
    visit.follow(address).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_invited_signs_in_with_an_account_of_elsewhere_from_then_on() {
    let issuer = OpenId::start().await;
    let school = school(&issuer).await;
    let mut jo = Visit::by_nobody(&school);
    let uninvited = signs_in(&mut jo, &[]).await;
    assert_eq!(uninvited.status, StatusCode::FORBIDDEN);
    assert!(uninvited.text.contains(&format!("Nobody has given this {LABEL} account a role here")));
    assert!(!jo.is_signed_in());

    let token = invited(&school, "Jo Okafor", "attendance_officer").await;
    let page = jo.get(&format!("/invitations/{token}")).await;
    assert!(page.text.contains(&format!("Use my {LABEL} account")), "{}", page.text);
    let joined = signs_in(&mut jo, &[("invitation", &token), ("name", "Jo Okafor")]).await;
    assert_eq!(
        (joined.status, joined.leads.as_str()),
        (StatusCode::SEE_OTHER, "/console"),
        "{}",
        joined.text
    );
    let home = jo.get("/absences").await;
    assert!(home.text.contains("Jo Okafor") && home.text.contains("attendance officer"), "{}", home.text);

    let mark = jo.mark().await;
    jo.post("/sign-out", &[("mark", &mark)]).await;
    assert!(!jo.is_signed_in());
    let again = signs_in(&mut jo, &[("then", "/console/absences")]).await;
    assert_eq!(again.leads, "/console/absences");
    assert_eq!(jo.get("/absences").await.status, StatusCode::OK);

    // The same link again, and another link of the same school.
    let mut second = Visit::by_nobody(&school);
    assert_eq!(
        second.post(&format!("/openid/{KEY}"), &[("invitation", &token), ("name", "Al")]).await.status,
        StatusCode::NOT_FOUND
    );
    let other = invited(&school, "Al", "office").await;
    let refused = signs_in(&mut second, &[("invitation", &other), ("name", "Al")]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("You work in this school already"), "{}", refused.text);
    assert!(!second.is_signed_in());
    // Somebody else's account takes it: they are told apart by what the issuer calls them.
    issuer.behaves(json!({ "person": "person-2" })).await;
    second.forgets();
    let al = signs_in(&mut second, &[("invitation", &other), ("name", "Al")]).await;
    assert_eq!(al.leads, "/console", "{}", al.text);
    assert!(second.get("").await.text.contains("office"));
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_by_what_an_issuer_did_not_say_of_them_now() {
    let issuer = OpenId::start().await;
    let school = school(&issuer).await;
    let token = invited(&school, "Jo", "head").await;
    let mut jo = Visit::by_nobody(&school);
    signs_in(&mut jo, &[("invitation", &token), ("name", "Jo")]).await;
    assert!(jo.is_signed_in(), "rightly, it works");
    // Signed anew and otherwise as it was, a token is good: each of the following is refused for what is wrong with it.
    issuer.behaves(json!({ "wrong": "nothing" })).await;
    assert!(signs_in(&mut jo, &[]).await.leads == "/console");
    for (wrong, status, words) in [
        ("issuer", StatusCode::UNPROCESSABLE_ENTITY, "did not work"),
        ("audience", StatusCode::UNPROCESSABLE_ENTITY, "did not work"),
        ("nonce", StatusCode::UNPROCESSABLE_ENTITY, "did not work"),
        ("expired", StatusCode::UNPROCESSABLE_ENTITY, "did not work"),
        ("key", StatusCode::UNPROCESSABLE_ENTITY, "did not work"),
        ("denied", StatusCode::UNPROCESSABLE_ENTITY, "did not sign you in"),
    ] {
        issuer.behaves(json!({ "wrong": wrong })).await;
        let mut visit = Visit::by_nobody(&school);
        let refused = signs_in(&mut visit, &[]).await;
        assert_eq!(refused.status, status, "{wrong}: {}", refused.text);
        assert!(refused.text.contains(words), "{wrong}: {}", refused.text);
        assert!(!visit.is_signed_in(), "{wrong}");
    }
    issuer.behaves(json!({ "tenant": "school-2" })).await;
    let mut stranger = Visit::by_nobody(&school);
    let refused = signs_in(&mut stranger, &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("is not one of your school or trust"), "{}", refused.text);
    assert!(!stranger.is_signed_in());
    issuer.behaves(json!({ "tenant": "school-1", "wrong": "away" })).await;
    let away = stranger.post(&format!("/openid/{KEY}"), &[]).await;
    assert_eq!(away.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(away.text.contains("cannot be asked just now"), "{}", away.text);
    issuer.behaves(json!({})).await;
    assert_eq!(signs_in(&mut stranger, &[]).await.leads, "/console", "and rightly again");
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_an_invitation_counts_is_not_for_the_invited_to_say() {
    let issuer = OpenId::start().await;
    let school = school(&issuer).await;
    let token = invited(&school, "Jo", "head").await;
    let elsewhere = SchoolId::generate().to_string();
    let mut jo = Visit::by_nobody(&school);
    let address = goes(&mut jo, &[("invitation", &token), ("name", "Jo")]).await;
    jo.tampers("schoolbell-openid", |kept| {
        let mut away: serde_json::Value =
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(kept).unwrap()).unwrap();
        assert_eq!(away["joins"]["school"], school.id.to_string());
        away["joins"]["school"] = json!(elsewhere);
        away["then"] = json!("https://example.org");
        BASE64_URL_SAFE_NO_PAD.encode(away.to_string())
    });
    assert_eq!(jo.follow(address).await.leads, "/console");
    let home = jo.get(&format!("/pupils/{}", school.pupil("Maya"))).await;
    assert!(home.text.contains("Maya") && home.text.contains("head or senior leader"), "{}", home.text);
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn coming_back_counts_once_and_for_the_browser_that_went() {
    let issuer = OpenId::start().await;
    let school = school(&issuer).await;
    let token = invited(&school, "Jo", "head").await;
    let mut jo = Visit::by_nobody(&school);
    signs_in(&mut jo, &[("invitation", &token), ("name", "Jo")]).await;
    let mark = jo.mark().await;
    jo.post("/sign-out", &[("mark", &mark)]).await;

    // Somebody is led back by an address of another's sign-in: in their browser it was not begun.
    let mut address = goes(&mut jo, &[]).await;
    let back = loop {
        let page = jo.look(&address).await;
        address = reqwest::Url::parse(&address).unwrap().join(&page.leads).unwrap().into();
        if address.contains("/console/openid/") {
            break address;
        }
    };
    let mut led = Visit::by_nobody(&school);
    let refused = led.look(&back).await;
    assert!(refused.text.contains("was not begun in this browser"), "{}", refused.text);
    goes(&mut led, &[]).await;
    let refused = led.look(&back).await;
    assert!(refused.text.contains("was not begun in this browser"), "another state");
    assert!(!led.is_signed_in());
    let mixed = back.replace("iss=", "iss=http%3A%2F%2F127.0.0.1%3A1%2F");
    assert_ne!(mixed, back);
    goes(&mut jo, &[]).await;
    assert!(jo.look(&mixed).await.text.contains("was not begun in this browser"), "another issuer's answer");
    assert!(!jo.is_signed_in());

    let entered = signs_in(&mut jo, &[]).await;
    assert_eq!(entered.leads, "/console");
    assert!(jo.is_signed_in());
    let twice = jo.look(&back).await;
    assert_eq!(twice.status, StatusCode::UNPROCESSABLE_ENTITY, "the same answer once more");
    for page in ["/openid/nobody/callback", "/openid/nobody"] {
        assert!(!led.get(page).await.status.is_success(), "{page}");
    }
    school.stop().await;
}
