//! The staff console over HTTP: what each role may see and do, and what nobody may.

use proto::options::v1::Role;
use reqwest::StatusCode;
use tests::roster::Contact;
use tests::visit::Visit;
use tests::{Roster, School};

const EVERYBODY: [Role; 8] = [
    Role::AttendanceOfficer,
    Role::FirstAider,
    Role::ClassTeacher,
    Role::Office,
    Role::Head,
    Role::DesignatedSafeguardingLead,
    Role::TrustAdministrator,
    Role::SystemAdministrator,
];

/// Two children of one mother.
pub fn families() -> Roster {
    let anna = Contact::parent("Anna").phone("07700900201");
    Roster::new().pupil("Maya", "oak", [anna.clone()]).pupil("Rohan", "elm", [anna])
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_sees_its_own_pages_and_no_other() {
    let school = School::start(families()).await;
    let elsewhere = School::start(families()).await;
    let (maya, stranger) = (school.pupil("Maya"), elsewhere.pupil("Maya"));
    let (pupil, theirs) = (format!("/pupils/{maya}"), format!("/pupils/{stranger}"));
    let accident = format!("/accidents/new/{maya}");
    let reason = format!("/absences/{maya}/case");
    let (office, head, lead) = (Role::Office, Role::Head, Role::DesignatedSafeguardingLead);
    let (officer, aider, teacher) = (Role::AttendanceOfficer, Role::FirstAider, Role::ClassTeacher);
    let administrators = [Role::SystemAdministrator, Role::TrustAdministrator];
    let pages: [(&str, &[Role]); 18] = [
        ("", &EVERYBODY),
        ("/sessions", &EVERYBODY),
        ("/absences", &[officer, office, head, lead]),
        (&reason, &[officer, office, head]),
        ("/accidents", &[aider, teacher, office, head, lead]),
        (&accident, &[aider, teacher, office, head, lead]),
        ("/closures", &EVERYBODY),
        ("/closures/new", &[head, Role::TrustAdministrator]),
        ("/people", &[officer, aider, teacher, office, head, lead]),
        (&pupil, &[officer, office, head, lead]),
        ("/reach", &[officer, office, head, lead]),
        ("/phone-list", &[officer, office, head, lead]),
        ("/system", &administrators),
        ("/staff", &[Role::SystemAdministrator]),
        ("/audit", &[head, lead]),
        ("/schools", &EVERYBODY),
        ("/announcements", &[office, head, lead]),
        ("/announcements/new", &[office, head]),
    ];
    for role in EVERYBODY {
        let mut visit = Visit::to(&school, role).await;
        for (page, allowed) in pages {
            let expected = if allowed.contains(&role) { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(visit.get(page).await.status, expected, "{page} as {role:?}");
        }
        let unknown = visit.get(&theirs).await.status;
        let expected = if pages[9].1.contains(&role) { StatusCode::NOT_FOUND } else { StatusCode::FORBIDDEN };
        assert_eq!(unknown, expected, "a pupil of another school as {role:?}");
        let home = visit.get("").await.text;
        for (way, page) in
            [("/console/staff", "/staff"), ("/console/system", "/system"), ("/console/absences", "/absences")]
        {
            let allowed = pages.iter().find(|(known, _)| *known == page).unwrap().1;
            assert_eq!(
                home.contains(&format!("href=\"{way}\"")),
                allowed.contains(&role),
                "{way} as {role:?}"
            );
        }
    }
    elsewhere.stop().await;
    school.stop().await;
}

/// What the form of a closure of one day sends.
pub fn a_day_of_snow(mark: &str) -> [(&str, &str); 6] {
    [
        ("mark", mark),
        ("request_id", "018f0000-0000-7000-8000-000000000001"),
        ("whom", "school"),
        ("first_day", tests::school::DAY),
        ("last_day", tests::school::DAY),
        ("reason", "snow"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_role_may_not_do_is_refused_whoever_makes_the_form() {
    let school = School::start(families()).await;
    let maya = school.pupil("Maya");
    let mut aider = Visit::to(&school, Role::FirstAider).await;
    let mark = aider.mark().await;
    let closure = a_day_of_snow(&mark);
    assert_eq!(aider.post("/closures/declare", &closure).await.status, StatusCode::FORBIDDEN);
    assert_eq!(aider.post("/closures/new", &closure).await.status, StatusCode::FORBIDDEN);
    let arrived = [("mark", mark.as_str()), ("session", "am"), ("date", tests::school::DAY)];
    let refused = aider.post(&format!("/absences/{maya}/arrived"), &arrived).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let mut lead = Visit::to(&school, Role::TrustAdministrator).await;
    let mark = lead.mark().await;
    let accident = [
        ("mark", mark.as_str()),
        ("head", "no"),
        ("what", "Fell"),
        ("place", "Hall"),
        ("date", tests::school::DAY),
        ("time", "08:40"),
        ("first_aid", "None"),
        ("first_aider", "Jo"),
    ];
    let refused = lead.post(&format!("/accidents/new/{maya}"), &accident).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(school.notices().await.is_empty() && school.phones.messages().is_empty());
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_signs_in_only_whom_it_was_made_for() {
    let school = School::start(families()).await;
    let good = school.token(school.id, Role::Head);
    let (words, _) = good.rsplit_once('.').unwrap();
    for token in ["", "nonsense", &format!("{words}.AAAA")] {
        let mut nobody = Visit::with(&school, token).await;
        assert!(!nobody.is_signed_in());
        let page = nobody.get("").await;
        assert_eq!(
            (page.status, page.leads.as_str()),
            (StatusCode::SEE_OTHER, "/console/sign-in?then=/console")
        );
    }
    let service = school.token(school.id, Role::Service);
    assert!(!Visit::with(&school, &service).await.is_signed_in(), "no service sits before a page");
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_twice_acts_once_and_markup_in_it_is_only_words() {
    let school = School::start(families()).await;
    let maya = school.pupil("Maya");
    let mut head = Visit::to(&school, Role::Head).await;
    let page = head.get(&format!("/accidents/new/{maya}")).await;
    let (mark, request_id) = (page.field("mark"), page.field("request_id"));
    let account = |what| {
        [
            ("mark", mark.as_str()),
            ("request_id", &request_id),
            ("head", "no"),
            ("what", what),
            ("place", "Hall"),
            ("date", tests::school::DAY),
            ("time", "08:40"),
            ("first_aid", "Plaster"),
            ("first_aider", "Jo <script>alert(1)</script>"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let mut post = async |what| {
        let fields = account(what);
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        head.post(&format!("/accidents/new/{maya}"), &fields).await
    };
    let refused = post("Fell <b>badly</b>").await;
    assert!(refused.text.contains("What happened must be words"), "{}", refused.text);
    assert!(!refused.text.contains("<b>badly") && !refused.text.contains("<script>alert"));
    for _ in 0..2 {
        assert!(post("Fell over").await.leads.starts_with("/console/accidents?said=recorded"));
    }
    let list = head.get("/accidents").await.text;
    assert_eq!(list.matches("Fell over").count(), 1);
    assert!(!list.contains("<script>alert"), "{list}");
    school.messages(1).await;
    school.settles().await;
    assert_eq!(school.received("+447700900201").len(), 1);
    let mark = head.mark().await;
    let search = head.post("/people", &[("mark", &mark), ("q", "<script>alert(1)</script>")]).await.text;
    assert!(!search.contains("<script>alert"));
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_head_sees_who_looked_at_a_child_and_taking_it_away_is_written_down() {
    let school = School::start(families()).await;
    let maya = school.pupil("Maya");
    let mut officer = Visit::to(&school, Role::AttendanceOfficer).await;
    officer.get(&format!("/pupils/{maya}")).await;
    let mut head = Visit::to(&school, Role::Head).await;
    let trail = head.get(&format!("/audit?about={maya}")).await;
    assert!(trail.text.contains("get pupil") && trail.text.contains("about everybody"), "{}", trail.text);
    assert!(trail.text.contains("Maya"));
    let mark = trail.field("mark");
    let file = head.post("/audit.csv", &[("mark", &mark), ("about", &maya)]).await;
    assert_eq!(file.status, StatusCode::OK);
    let looks: Vec<&str> = file.text.lines().filter(|line| line.contains(",directory,GetPupil,")).collect();
    assert!(looks.len() == 1 && looks[0].contains(&maya) && looks[0].contains("somebody"), "{}", file.text);
    assert!(head.get("/audit").await.text.contains("export audit"));
    let mark = officer.mark().await;
    let refused = officer.post("/audit.csv", &[("mark", &mark), ("about", &maya)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(head.get("/audit?about=%22%25").await.status, StatusCode::NOT_FOUND);
    school.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_yesterday_and_a_page_that_a_colleague_overtook_undo_nothing() {
    let school = School::start(families()).await;
    let (mut officer, mut head) =
        (Visit::to(&school, Role::AttendanceOfficer).await, Visit::to(&school, Role::Head).await);
    let mark = officer.mark().await;
    let yesterday = [("mark", mark.as_str()), ("session", "am"), ("date", "2026-11-23")];
    for page in ["/absences/close".to_owned(), format!("/absences/{}/arrived", school.pupil("Maya"))] {
        let refused = officer.post(&page, &yesterday).await;
        assert!(refused.text.contains("a page of another day"), "{}", refused.text);
    }
    let mark = officer.mark().await;
    let found = officer.post("/people", &[("mark", &mark), ("q", "anna")]).await.text;
    let (_, rest) = found.split_once("/console/contacts/").unwrap();
    let contact = format!("/contacts/{}", rest.split_once('"').unwrap().0);
    let seen = head.get(&contact).await;
    let (theirs, was) = (seen.field("mark"), seen.field("was-first_phone"));
    let own = officer.get(&contact).await;
    let fixed = [
        ("mark", own.field("mark")),
        ("first_phone", "07700 900288".to_owned()),
        ("was-first_phone", was.clone()),
        ("language", "en".to_owned()),
        ("was-language", "en".to_owned()),
    ];
    let fixed: Vec<(&str, &str)> = fixed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert!(officer.post(&contact, &fixed).await.leads.contains("said=changed-"));
    let overtaken = [
        ("mark", theirs.as_str()),
        ("first_phone", was.as_str()),
        ("was-first_phone", was.as_str()),
        ("language", "pl"),
        ("was-language", "en"),
    ];
    assert!(head.post(&contact, &overtaken).await.leads.contains("said=changed-"));
    let now = head.get(&contact).await;
    assert_eq!(
        (now.field("was-first_phone").as_str(), now.field("was-language").as_str()),
        ("+447700900288", "pl")
    );
    school.stop().await;
}
