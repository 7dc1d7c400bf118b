//! Pages that were opened before something happened: what a colleague has done, or the night between, undoes nothing and
//! loses nothing.

use proto::ids::SchoolId;
use proto::options::v1::Role;
use tests::School;
use tests::visit::{Page, Visit};

use super::console::families;

#[tokio::test(flavor = "multi_thread")]
async fn an_accident_on_a_page_of_yesterday_is_asked_for_its_day() {
    let school = School::start(families()).await;
    let mut aider = Visit::to(&school, Role::FirstAider).await;
    let address = format!("/accidents/new/{}", school.pupil("Maya"));
    let page = aider.get(&address).await;
    assert_eq!(page.field("date"), tests::school::DAY);
    let mark = page.field("mark");
    let account = |date, day| {
        [
            ("mark", mark.as_str()),
            ("head", "no"),
            ("what", "Fell off the bench"),
            ("place", "Hall"),
            ("date", date),
            ("day", day),
            ("time", "08:40"),
            ("first_aid", "Plaster"),
            ("first_aider", "Jo"),
        ]
    };
    let asked = aider.post(&address, &account("2026-11-23", "")).await;
    assert!(asked.text.contains("This page was opened on another day. Say on which day"), "{}", asked.text);
    assert!(asked.text.contains("Fell off the bench"), "what was typed stays");
    assert!(school.notices().await.is_empty());
    let said = aider.post(&address, &account("2026-11-23", "2026-11-23")).await;
    assert!(said.leads.contains("said=recorded-"), "{}", said.text);
    assert!(aider.get("/accidents").await.text.contains("yesterday at 08:40"));
    school.stop().await;
}

fn changed<'a>(page: &'a Page, mark: &'a str, first_phone: &'a str) -> Vec<(&'a str, String)> {
    let was = page.field("was-first_phone");
    [("mark", mark.to_owned()), ("first_phone", first_phone.to_owned()), ("was-first_phone", was)].to_vec()
}

async fn send(visit: &mut Visit, address: &str, fields: &[(&str, String)]) -> Page {
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    visit.post(address, &fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_a_colleague_has_put_right_is_not_overwritten_unseen() {
    let school = School::start(families()).await;
    let (mut officer, mut head) =
        (Visit::to(&school, Role::AttendanceOfficer).await, Visit::to(&school, Role::Head).await);
    let mark = officer.mark().await;
    let found = officer.post("/people", &[("mark", &mark), ("q", "anna")]).await;
    let contact = format!("/contacts/{}", found.after("/console/contacts/"));
    let (own, theirs) = (officer.get(&contact).await, head.get(&contact).await);
    let (mark, stale) = (own.field("mark"), theirs.field("mark"));
    let was = own.field("was-first_phone");
    let nothing = send(&mut officer, &contact, &changed(&own, &mark, &was)).await;
    assert!(nothing.text.contains("Nothing is changed yet"), "{}", nothing.text);
    let request_id = ("request_id", own.field("request_id"));
    for _ in ["a click", "a double click"] {
        let mut fixed = changed(&own, &mark, "07700 900288");
        fixed.push(request_id.clone());
        let fixed = send(&mut officer, &contact, &fixed).await;
        assert!(fixed.leads.contains("said=changed-"), "{}", fixed.text);
    }
    let overtaken = send(&mut head, &contact, &changed(&theirs, &stale, "07700 900299")).await;
    let words = "A colleague has changed this meanwhile: it is +447700900288 now";
    assert!(overtaken.text.contains(words), "{}", overtaken.text);
    assert!(overtaken.text.contains("07700 900299"), "what was typed stays");
    assert_eq!(head.get(&contact).await.field("was-first_phone"), "+447700900288");
    let seen = send(&mut head, &contact, &changed(&overtaken, &stale, "07700 900299")).await;
    assert!(seen.leads.contains("said=changed-"), "who has seen it may: {}", seen.text);
    assert_eq!(head.get(&contact).await.field("was-first_phone"), "+447700900299");
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_is_closed_only_after_one_has_seen_of_how_many_is_told() {
    let school = School::start(families()).await;
    school.post_register("oak", &["Maya"]).await;
    let mut officer = Visit::to(&school, Role::AttendanceOfficer).await;
    let page = officer.get("/absences").await.text;
    assert!(
        page.contains("href=\"/console/absences/close/am\"")
            && !page.contains("action=\"/console/absences/close\"")
    );
    assert!(officer.get("/absences/close/pm").await.text.contains("no child is marked as missing"));
    let asked = officer.get("/absences/close/am").await;
    assert!(asked.text.contains("1 child is"), "{}", asked.text);
    let (mark, date) = (asked.field("mark"), asked.field("date"));
    let fields = [("mark", mark.as_str()), ("session", "am"), ("date", &date)];
    assert!(officer.post("/absences/close", &fields).await.leads.contains("said=closed-"));
    school.messages(1).await;
    let mut lead = Visit::to(&school, Role::DesignatedSafeguardingLead).await;
    assert_eq!(lead.get("/absences/close/am").await.status, reqwest::StatusCode::FORBIDDEN);
    school.settles().await;
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_school_of_which_nothing_was_imported_is_told_its_id() {
    let school = School::start(families()).await;
    let empty = SchoolId::generate();
    let mut first = Visit::with(&school, &school.token(empty, Role::SystemAdministrator)).await;
    let home = first.get("").await.text;
    assert!(home.contains(&format!("schoolbell import ROSTER --school {empty}")), "{home}");
    let mut other = Visit::to(&school, Role::SystemAdministrator).await;
    assert!(!other.get("").await.text.contains("No roster was imported yet"));
    school.stop().await;
}
