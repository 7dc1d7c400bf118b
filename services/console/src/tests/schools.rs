//! Somebody who works in several schools: adding one, going from one to another, and what does not work.

use sea_orm::ConnectionTrait;

use super::accounts::{PASSWORD, link_in};
use super::*;
use crate::domain::session::school_of_mark;

/// Jo, who is the head of one school and works in the office of another.
struct Jo {
    id: String,
    /// Signed in to the first school.
    cookie: String,
    mark: String,
    secret: String,
    first: SchoolId,
    second: SchoolId,
}

impl Alone {
    async fn jo(&self) -> Jo {
        let account = self.account().await;
        let (person, _) = people::by_username(&self.store, "j.okafor").await.unwrap().unwrap();
        let (first, _) = people::schools_of(&self.store, &person.id).await.unwrap().remove(0);
        let second = SchoolId::generate();
        let mark = self.get("/console/sessions", &account.cookie).await.field("mark");
        let link = self.invite_to((second, Role::Office), None).await;
        let added = self.post(&format!("{link}/add"), &account.cookie, &[("mark", &mark)]).await;
        assert!(added.leads.starts_with("/console/schools?said=added"), "{}", added.page);
        Jo { id: person.id, cookie: account.cookie, mark, secret: account.secret, first, second }
    }

    async fn changes(&self, cookie: &str, mark: &str, school: &str) -> Answer {
        self.post("/console/schools", cookie, &[("mark", mark), ("school", school)]).await
    }

    /// In which school a session of this cookie is.
    async fn school_of(&self, cookie: &str) -> SchoolId {
        let page = self.get("/console/sessions", cookie).await;
        assert_eq!(page.status, StatusCode::OK, "{cookie} is signed in");
        school_of_mark(&page.field("mark")).unwrap()
    }

    async fn is_signed_in(&self, cookie: &str) -> bool {
        self.get("/console/sessions", cookie).await.status == StatusCode::OK
    }

    /// Of how many entries of the audit this is the deed, in this school.
    async fn entries(&self, rpc: &str, school: SchoolId) -> usize {
        let sql = "SELECT 1 FROM audit WHERE rpc = $1 AND tenant = $2";
        let wanted = self.store.statement(sql, [rpc.into(), school.to_string().into()]);
        self.store.read().query_all_raw(wanted).await.unwrap().len()
    }

    /// Each code is good once: which was the last is forgotten.
    async fn forgets_codes(&self) {
        let forget = self.store.statement("UPDATE accounts SET last_step = 0", []);
        self.store.commit(Commit::new().execute(forget)).await.unwrap();
    }

    async fn roles_are(&self, person: &str, school: SchoolId, roles: &[Role]) {
        let by = ("per_1", self.store.clock().real());
        let grant = people::grant(Commit::new(), &self.store, (school, person), roles, by);
        self.store.commit(grant).await.unwrap();
    }
}

#[tokio::test]
async fn a_link_adds_a_school_to_the_account_of_whoever_is_signed_in_once() {
    for console in consoles().await {
        let account = console.account().await;
        let alone = console.get("/console/sessions", &account.cookie).await;
        assert!(!alone.page.contains("/console/schools"), "nothing is to be seen of it with one school");
        let school = SchoolId::generate();
        let link = console.invite_to((school, Role::Office), None).await;
        let nobody = console.get(&link, "").await;
        assert!(nobody.page.contains(&format!("/console/sign-in?then={link}")), "{}", nobody.page);
        assert!(!nobody.page.contains("Add this school to my account"));
        let code = console.code(&account.secret, 1);
        let fields = [("username", "j.okafor"), ("password", PASSWORD), ("code", &code), ("then", &link)];
        let back = console.post("/console/sign-in", "", &fields).await;
        assert_eq!(back.leads, link, "signing in leads back to the link");
        let cookie = back.cookie.unwrap();
        let page = console.get(&link, &cookie).await;
        assert!(page.page.contains("You are signed in as Jo Okafor"), "{}", page.page);
        assert!(page.page.contains("Add this school to my account"));
        let add = format!("{link}/add");
        let mark = page.field("mark");
        let stale = console.post(&add, &cookie, &[("mark", "stale")]).await;
        assert_eq!(stale.status, StatusCode::CONFLICT);
        for click in ["a click", "a double click"] {
            let added = console.post(&add, &cookie, &[("mark", &mark)]).await;
            assert!(added.leads.starts_with("/console/schools?said=added"), "{click}: {}", added.page);
            assert_eq!(console.entries("JoinSchool", school).await, 1, "{click}");
        }
        let staff = people::staff(&console.store, school).await.unwrap();
        assert_eq!((staff.len(), staff[0].roles.as_slice()), (1, &[Role::Office][..]));
        assert!(console.is_signed_in(&account.cookie).await, "the account and what stood stay as they were");
        let page = console.get("/console/schools", &cookie).await;
        assert!(page.page.contains("Change school</a>"), "{}", page.page);
        assert_eq!(page.page.matches("A school whose name cannot be known just now</").count(), 1);
        assert!(page.page.contains("head or senior leader") && page.page.contains("office"));
        for cookie in ["", &cookie] {
            assert_eq!(console.get(&link, cookie).await.status, StatusCode::NOT_FOUND, "it works once");
        }
        assert_eq!(console.get(&add, &cookie).await.leads, link, "nothing is looked at there");
    }
}

#[tokio::test]
async fn whoever_works_in_the_school_already_is_told_so_and_the_link_stays_good() {
    for console in consoles().await {
        let jo = console.jo().await;
        let link = console.invite_to((jo.second, Role::Head), None).await;
        let page = console.get(&link, &jo.cookie).await;
        assert!(page.page.contains("work in this school already, as: office"), "{}", page.page);
        let refused = console.post(&format!("{link}/add"), &jo.cookie, &[("mark", &jo.mark)]).await;
        assert_eq!(refused.status, StatusCode::CONFLICT);
        assert!(refused.page.contains("work in this school already"), "{}", refused.page);
        let staff = people::staff(&console.store, jo.second).await.unwrap();
        assert_eq!(staff[0].roles, [Role::Office], "nothing was changed");
        let al = console.comes_by(&link, "al", PASSWORD).await;
        assert_eq!(al.leads, "/console", "somebody else comes by it: {}", al.page);
        // Whose roles there were taken away works there no more.
        console.roles_are(&jo.id, jo.second, &[]).await;
        let link = console.invite_to((jo.second, Role::FirstAider), None).await;
        let added = console.post(&format!("{link}/add"), &jo.cookie, &[("mark", &jo.mark)]).await;
        assert!(added.leads.starts_with("/console/schools?said=added"), "{}", added.page);
    }
}

#[tokio::test]
async fn only_an_account_takes_a_school_and_a_link_to_come_in_again_adds_none() {
    for console in consoles().await {
        let jo = console.jo().await;
        let (cookie, session) = console.signed_in().await;
        let link = console.invite().await;
        assert!(!console.get(&link, &cookie).await.page.contains("Add this school"), "there is no account");
        let add = format!("{link}/add");
        let refused = console.post(&add, &cookie, &[("mark", &session.mark)]).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert_eq!(console.post(&add, "", &[("mark", &jo.mark)]).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(console.get(&link, "").await.status, StatusCode::OK, "it is still good");
        let al = console.comes_by(&link, "al", PASSWORD).await.cookie.unwrap();
        let mark = console.get("/console/sessions", &al).await.field("mark");
        let late = console.post(&add, &jo.cookie, &[("mark", &jo.mark)]).await;
        assert!(late.page.contains("This link has been used or is over"), "{}", late.page);
        let nonsense = console.post("/console/invitations/nonsense/add", &al, &[("mark", &mark)]).await;
        assert_eq!(nonsense.status, StatusCode::NOT_FOUND);
        let (person, _) = people::by_username(&console.store, "al").await.unwrap().unwrap();
        let (school, _) = people::schools_of(&console.store, &person.id).await.unwrap().remove(0);
        let again = console.invite_to((school, Role::Head), Some(&person.id)).await;
        assert!(!console.get(&again, &jo.cookie).await.page.contains("Add this school"));
        let refused = console.post(&format!("{again}/add"), &jo.cookie, &[("mark", &jo.mark)]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND);
        assert_eq!(console.get(&again, "").await.status, StatusCode::OK, "it is still good");
    }
}

#[tokio::test]
async fn changing_the_school_gives_another_session_there_and_a_second_click_too() {
    for console in consoles().await {
        let jo = console.jo().await;
        let to = jo.second.to_string();
        let began = async |cookie: &str| {
            let id = fingerprint(cookie.split_once('=').unwrap().1);
            sessions::find(&console.store, &id).await.unwrap().unwrap().session.began_at
        };
        let began_at = began(&jo.cookie).await;
        let changed = console.changes(&jo.cookie, &jo.mark, &to).await;
        assert_eq!((changed.status, changed.leads.as_str()), (StatusCode::SEE_OTHER, "/console"));
        let first = changed.cookie.unwrap();
        assert_eq!(console.school_of(&first).await, jo.second);
        assert_eq!(began(&first).await, began_at, "it ends no later for it");
        let page = console.get("/console/sessions", &first).await;
        assert!(page.page.contains("<span class=\"roles\">office</span>"), "{}", page.page);
        assert!(!console.is_signed_in(&jo.cookie).await, "the session before is over");

        // The browser has the first answer already, or sent the second click before it came.
        let seen = console.changes(&first, &jo.mark, &to).await;
        assert_eq!((seen.leads.as_str(), seen.cookie), ("/console", None));
        let blind = console.changes(&jo.cookie, &jo.mark, &to).await;
        assert_eq!(blind.leads, "/console");
        let second = blind.cookie.unwrap();
        assert_eq!(console.school_of(&second).await, jo.second);
        assert!(!console.is_signed_in(&first).await, "one click leaves one session");
        let third = console.changes(&jo.cookie, &jo.mark, &to).await;
        assert_eq!((third.leads.as_str(), third.cookie), ("/console", None), "and nothing comes after it");
        assert_eq!(console.entries("ChangeSchool", jo.second).await, 1);
        assert!(console.is_signed_in(&second).await);

        let mark = console.get("/console/schools", &second).await.field("mark");
        let back = console.changes(&second, &mark, &jo.first.to_string()).await.cookie.unwrap();
        assert_eq!(console.school_of(&back).await, jo.first);
        assert_eq!(console.entries("ChangeSchool", jo.first).await, 1);
    }
}

#[tokio::test]
async fn two_clicks_at_the_same_moment_leave_one_session_that_stands() {
    for console in consoles().await {
        let jo = console.jo().await;
        let to = jo.second.to_string();
        let click = || console.changes(&jo.cookie, &jo.mark, &to);
        let (one, other) = tokio::join!(click(), click());
        let mut standing = 0;
        for answer in [one, other] {
            assert_eq!(answer.leads, "/console", "{}", answer.page);
            standing += usize::from(console.is_signed_in(&answer.cookie.unwrap()).await);
        }
        assert_eq!(standing, 1);
        assert_eq!(console.entries("ChangeSchool", jo.second).await, 1);
    }
}

#[tokio::test]
async fn a_school_that_is_none_of_ones_own_is_as_one_that_there_is_not() {
    for console in consoles().await {
        let jo = console.jo().await;
        let (_, stranger) = console.signed_in().await;
        let theirs = stranger.caller.tenant.to_string();
        let unknown = SchoolId::generate().to_string();
        console.roles_are(&jo.id, jo.second, &[]).await;
        let taken_away = jo.second.to_string();
        let mut pages = Vec::new();
        for school in [&theirs, &unknown, &taken_away, "sch_1", "", "<b>", "\u{0}"] {
            let answer = console.changes(&jo.cookie, &jo.mark, school).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{school}");
            pages.push(answer.page);
        }
        pages.dedup();
        assert_eq!(pages.len(), 1, "the same answer: {pages:?}");
        assert!(console.is_signed_in(&jo.cookie).await, "and nothing was done");
    }
}

#[tokio::test]
async fn a_form_that_is_stale_foreign_or_of_nobody_changes_nothing() {
    for console in consoles().await {
        let jo = console.jo().await;
        let to = jo.second.to_string();
        for mark in ["", "stale"] {
            let stale = console.changes(&jo.cookie, mark, &to).await;
            assert_eq!(stale.status, StatusCode::CONFLICT);
            assert!(stale.page.contains("Choose once more") && stale.page.contains("Error: Your schools"));
            assert_eq!(stale.field("mark"), jo.mark, "the form beneath is good");
            assert!(!stale.page.contains(">sch_"), "no id is shown to anybody");
        }
        for cookie in ["", "__Host-schoolbell=forged"] {
            let nobody = console.changes(cookie, &jo.mark, &to).await;
            assert_eq!((nobody.leads.as_str(), nobody.cookie), ("/console", None));
        }
        let request = Request::post("/console/schools")
            .header(header::COOKIE, &jo.cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "cross-site")
            .body(Body::from(format!("mark={}&school={to}", jo.mark)))
            .unwrap();
        let foreign = Answer::of(console.routes.clone().oneshot(request).await.unwrap()).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN);
        assert_eq!(console.school_of(&jo.cookie).await, jo.first);
    }
}

#[tokio::test]
async fn what_was_written_for_one_school_is_not_sent_for_another() {
    for console in consoles().await {
        let jo = console.jo().await;
        let there = console.changes(&jo.cookie, &jo.mark, &jo.second.to_string()).await.cookie.unwrap();
        let fields = [("mark", jo.mark.as_str()), ("reason", "heavy snow")];
        let kept = console.post("/console/closures/declare", &there, &fields).await;
        assert_eq!(kept.status, StatusCode::CONFLICT);
        assert!(kept.page.contains("This was written for another school"), "{}", kept.page);
        assert!(kept.page.contains("heavy snow"), "nothing is lost");
        assert_eq!(kept.field("mark"), jo.mark, "sent again, it is still of the school before");
        let nobody = console.post("/console/closures/declare", "", &fields).await;
        assert_eq!(nobody.field("mark"), jo.mark, "whoever signs in meanwhile may come to another school");
        let mark = console.get("/console/schools", &there).await.field("mark");
        let back = console.changes(&there, &mark, &jo.first.to_string()).await.cookie.unwrap();
        let own = console.post("/console/closures/declare", &back, &fields).await;
        assert!(own.page.contains("Please check this and send it again"), "{}", own.page);
        let own_mark = own.field("mark");
        assert_ne!(own_mark, jo.mark);
        let out = console.post("/console/sign-out", &back, &[("mark", &mark)]).await;
        assert!(out.page.contains("Please check this and send it again"), "signing out is of no school");
    }
}

#[tokio::test]
async fn a_session_begins_in_the_school_that_was_used_last_from_the_browser() {
    for console in consoles().await {
        let jo = console.jo().await;
        let mut steps = 1..;
        let mut signs_in = async |kept: &str| {
            console.forgets_codes().await;
            let code = console.code(&jo.secret, steps.next().unwrap() % 2);
            let fields = [("username", "j.okafor"), ("password", PASSWORD), ("code", &code)];
            let entered = console.post("/console/sign-in", kept, &fields).await;
            console.school_of(&entered.cookie.unwrap()).await
        };
        let kept = |school: SchoolId| format!("__Host-schoolbell-school={school}");
        for school in [jo.second, jo.first] {
            assert_eq!(signs_in(&kept(school)).await, school);
        }
        let first = jo.first.min(jo.second);
        for forged in [String::new(), kept(SchoolId::generate()), "__Host-schoolbell-school=<b>".to_owned()] {
            assert_eq!(signs_in(&forged).await, first, "{forged}");
        }
        console.roles_are(&jo.id, jo.second, &[]).await;
        assert_eq!(signs_in(&kept(jo.second)).await, jo.first, "there is nothing to do there any more");
    }
}

#[tokio::test]
async fn roles_that_are_taken_away_end_the_sessions_of_that_school_only() {
    for console in consoles().await {
        let jo = console.jo().await;
        let code = console.code(&jo.secret, 1);
        let fields = [("username", "j.okafor"), ("password", PASSWORD), ("code", &code)];
        let kept = format!("__Host-schoolbell-school={}", jo.second);
        let there = console.post("/console/sign-in", &kept, &fields).await.cookie.unwrap();
        assert_eq!(console.school_of(&there).await, jo.second);
        let changed = console.changes(&jo.cookie, &jo.mark, &jo.second.to_string()).await;
        console.roles_are(&jo.id, jo.second, &[]).await;
        for over in [&there, &changed.cookie.unwrap()] {
            assert!(!console.is_signed_in(over).await);
        }
        let again = console.changes(&jo.cookie, &jo.mark, &jo.second.to_string()).await;
        assert_eq!((again.leads.as_str(), again.cookie), ("/console", None), "a second click is too late");
        console.forgets_codes().await;
        let code = console.code(&jo.secret, 0);
        let fields = [("username", "j.okafor"), ("password", PASSWORD), ("code", &code)];
        let here = console.post("/console/sign-in", "", &fields).await.cookie.unwrap();
        let page = console.get("/console/sessions", &here).await;
        assert!(!page.page.contains("/console/schools"), "one school is left");
        console.roles_are(&jo.id, jo.second, &[Role::Office]).await;
        assert!(console.is_signed_in(&here).await, "the session of the first school stands");
        console.roles_are(&jo.id, jo.first, &[]).await;
        assert!(!console.is_signed_in(&here).await);
    }
}

#[tokio::test]
async fn nobody_gets_into_another_school_by_a_link_to_come_in_again() {
    for console in consoles().await {
        let account = console.account().await;
        let (person, _) = people::by_username(&console.store, "j.okafor").await.unwrap().unwrap();
        let (first, _) = people::schools_of(&console.store, &person.id).await.unwrap().remove(0);
        let before = console.invite_to((first, Role::Head), Some(&person.id)).await;
        assert_eq!(console.get(&before, "").await.status, StatusCode::OK);
        let (cookie, admin) = console.signed_in().await;
        let (school, mark) = (admin.caller.tenant, admin.mark.as_str());
        console.roles_are(&person.id, school, &[Role::Office]).await;
        let over = console.get(&before, "").await;
        assert_eq!(over.status, StatusCode::NOT_FOUND, "it would open the second school too");
        let key = format!("/console/staff/{}/key", person.id);
        let refused = console.post(&key, &cookie, &[("mark", mark)]).await;
        assert!(refused.page.contains("Jo Okafor works in another school too"), "{}", refused.page);
        assert!(!refused.page.contains("/console/invitations/"));
        // Whoever looks after the accounts of both may; and a role that looks after none is not enough.
        console.roles_are(&admin.caller.subject, first, &[Role::Head]).await;
        let refused = console.post(&key, &cookie, &[("mark", mark)]).await;
        assert!(refused.page.contains("works in another school too"));
        console.roles_are(&admin.caller.subject, first, &[Role::SystemAdministrator]).await;
        let link = link_in(&console.post(&key, &cookie, &[("mark", mark)]).await.page);
        assert_eq!(console.get(&link, "").await.status, StatusCode::OK);
        console.roles_are(&admin.caller.subject, first, &[]).await;
        assert_eq!(console.get(&link, "").await.status, StatusCode::NOT_FOUND, "nor when it is used");
        assert!(console.is_signed_in(&account.cookie).await);
    }
}
