//! Somebody of a trust who works in two of its schools, with one account.

use proto::ids::SchoolId;
use proto::options::v1::Role;
use reqwest::StatusCode;
use tests::openid::OpenId;
use tests::roster::Contact;
use tests::visit::Visit;
use tests::{Roster, School};

use super::console::a_day_of_snow;
use super::openid::{invited_to, school, signs_in};

/// Comes before the first school by its name, and after it by its id.
const SISTER: &str = "Ashdown School";

/// A trust of two schools.
async fn trust(issuer: &OpenId) -> (School, SchoolId) {
    let school = school(issuer).await;
    let omar = Contact::parent("Omar").phone("07700900211");
    let sister = school.has_sister(&Roster::of("sister", SISTER).pupil("Zofia", "ash", [omar])).await;
    (school, sister)
}

/// Goes to another school, as the page with the list of them offers it.
async fn changes(visit: &mut Visit, to: &str) {
    let page = visit.get("/schools").await;
    let (mark, school) = (page.field("mark"), page.field("school"));
    let changed = visit.post("/schools", &[("mark", &mark), ("school", &school)]).await;
    assert_eq!(
        (changed.status, changed.leads.as_str()),
        (StatusCode::SEE_OTHER, "/console"),
        "{}",
        changed.text
    );
    is_in(visit, to).await;
}

/// The header of every page says in which school the visit is.
async fn is_in(visit: &mut Visit, name: &str) {
    let home = visit.get("").await;
    assert!(
        home.text.contains(&format!(">{name} <a href=\"/console/schools\">Change school</a>")),
        "{}",
        home.text
    );
}

async fn signs_out(visit: &mut Visit) {
    let mark = visit.mark().await;
    visit.post("/sign-out", &[("mark", &mark)]).await;
    assert!(!visit.is_signed_in());
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_works_in_two_schools_with_one_account_and_each_session_is_in_one() {
    let issuer = OpenId::start().await;
    let (school, sister) = trust(&issuer).await;
    let mut jo = Visit::by_nobody(&school);
    let token = invited_to(&school, school.id, ("Jo Okafor", "head")).await;
    signs_in(&mut jo, &[("invitation", &token), ("name", "Jo Okafor")]).await;
    let home = jo.get("").await.text;
    assert!(home.contains("Hillside School") && !home.contains("Change school"), "{home}");

    let token = invited_to(&school, sister, ("J. Okafor", "office")).await;
    let page = jo.get(&format!("/invitations/{token}")).await;
    assert!(page.text.contains("You are signed in as Jo Okafor"), "{}", page.text);
    let mark = page.field("mark");
    let added = jo.post(&format!("/invitations/{token}/add"), &[("mark", &mark)]).await;
    let page = jo.get(added.leads.strip_prefix("/console").unwrap()).await;
    for words in
        ["A school is added to your account", SISTER, "office", "Hillside School", "head or senior leader"]
    {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(page.text.find(SISTER) < page.text.rfind("Hillside School"), "by name: {}", page.text);

    let (before, there) = (jo.mark().await, sister.to_string());
    changes(&mut jo, SISTER).await;
    let pupil = jo.get(&format!("/pupils/{}", school.pupil("Maya"))).await;
    assert_eq!(pupil.status, StatusCode::NOT_FOUND, "a pupil of the school before");
    assert!(jo.get("/pupils").await.text.contains("Zofia"));
    assert_eq!(jo.get("/closures/new").await.status, StatusCode::FORBIDDEN, "the office closes no school");
    let twice = jo.post("/schools", &[("mark", &before), ("school", &there)]).await;
    assert_eq!(twice.leads, "/console", "a second click");
    let unknown = SchoolId::generate().to_string();
    let mark = jo.mark().await;
    let forged = jo.post("/schools", &[("mark", &mark), ("school", &unknown)]).await;
    assert_eq!(forged.status, StatusCode::NOT_FOUND);

    // A window of the first school was left open.
    let open = jo.post("/closures/declare", &a_day_of_snow(&before)).await;
    assert_eq!(open.status, StatusCode::CONFLICT);
    assert!(open.text.contains("This was written for another school"), "{}", open.text);
    assert!(school.notices().await.is_empty(), "nobody is told");

    let mut head = Visit::with(&school, &school.token(sister, Role::Head)).await;
    let trail = head.get("/audit").await.text;
    for words in ["change school", "join school", "Jo Okafor"] {
        assert!(trail.contains(words), "{words}: {trail}");
    }
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_remembers_its_school_and_roles_are_taken_away_in_one_of_them_only() {
    let issuer = OpenId::start().await;
    let (school, sister) = trust(&issuer).await;
    let mut jo = Visit::by_nobody(&school);
    let token = invited_to(&school, school.id, ("Jo Okafor", "head")).await;
    signs_in(&mut jo, &[("invitation", &token), ("name", "Jo Okafor")]).await;
    // Not signed in, whoever has an account of elsewhere adds the school by signing in with it.
    signs_out(&mut jo).await;
    let token = invited_to(&school, sister, ("J. Okafor", "office")).await;
    let joined = signs_in(&mut jo, &[("invitation", &token), ("name", "J. Okafor")]).await;
    assert_eq!(joined.leads, "/console", "{}", joined.text);
    is_in(&mut jo, SISTER).await;
    let other = invited_to(&school, sister, ("Jo", "head")).await;
    let mut again = Visit::by_nobody(&school);
    let refused = signs_in(&mut again, &[("invitation", &other), ("name", "Jo")]).await;
    assert!(refused.text.contains("You work in this school already"), "{}", refused.text);
    assert_eq!(again.get(&format!("/invitations/{other}")).await.status, StatusCode::OK, "it is still good");

    changes(&mut jo, "Hillside School").await;
    signs_out(&mut jo).await;
    signs_in(&mut jo, &[]).await;
    is_in(&mut jo, "Hillside School").await;
    let mut elsewhere = Visit::by_nobody(&school);
    signs_in(&mut elsewhere, &[]).await;
    is_in(&mut elsewhere, SISTER).await;

    let mut admin = Visit::with(&school, &school.token(sister, Role::SystemAdministrator)).await;
    let staff = admin.get("/staff").await;
    assert!(staff.text.contains("Jo Okafor"), "by the name that the account has: {}", staff.text);
    let person = staff.after("action=\"/console/staff/");
    let (mark, was) = (staff.field("mark"), staff.field("was-roles"));
    let key = admin.post(&format!("/staff/{person}/key"), &[("mark", &mark)]).await;
    assert!(key.text.contains("works in another school too"), "{}", key.text);
    let without = admin.post(&format!("/staff/{person}"), &[("mark", &mark), ("was-roles", &was)]).await;
    assert!(without.leads.starts_with("/console/staff?said=staff"), "{}", without.text);
    assert!(elsewhere.get("").await.leads.starts_with("/console/sign-in"), "that session is over");
    let home = jo.get("").await.text;
    assert!(home.contains("Hillside School") && !home.contains("Change school"), "{home}");
    school.stop().await;
}
