//! An account from its link to the end of its sessions.

use sea_orm::ConnectionTrait;

use super::*;
use crate::domain::second_factor::Codes;
use crate::store::people;

pub const PASSWORD: &str = "rabbit lamp snow";

pub struct Account {
    pub cookie: String,
    /// By what the browser shows that it was let in before.
    pub known: String,
    pub secret: String,
}

impl Alone {
    /// The code that an app shows now, or a step later: that one is taken too, and is still good when a step ends on the way.
    pub fn code(&self, secret: &str, steps_on: i64) -> String {
        let at = self.store.clock().real() + SignedDuration::from_secs(30 * steps_on);
        Codes::of(secret).unwrap().at(at)
    }

    pub async fn account(&self) -> Account {
        let link = self.invite().await;
        let page = self.get(&link, "").await;
        let secret = page.field("secret");
        let code = self.code(&secret, 0);
        let fields = [
            ("secret", secret.as_str()),
            ("name", "Jo Okafor"),
            ("username", "J.Okafor"),
            ("password", PASSWORD),
            ("code", &code),
        ];
        let made = self.post(&link, "", &fields).await;
        assert_eq!((made.status, made.leads.as_str()), (StatusCode::SEE_OTHER, "/console"), "{}", made.page);
        Account { cookie: made.cookie.unwrap(), known: made.known.unwrap(), secret }
    }

    pub async fn sign_in(&self, password: &str, code: &str) -> Answer {
        let fields =
            [("username", "j.okafor"), ("password", password), ("code", code), ("then", "/console/sessions")];
        self.post("/console/sign-in", "", &fields).await
    }
}

#[tokio::test]
async fn a_link_makes_an_account_once() {
    for console in consoles().await {
        let link = console.invite().await;
        let page = console.get(&link, "").await;
        assert!(page.page.contains("head or senior leader") && page.page.contains("Jo Okafor"));
        let secret = page.field("secret");
        let wrong = console
            .post(
                &link,
                "",
                &[
                    ("secret", &secret),
                    ("name", "Jo"),
                    ("username", "jo"),
                    ("password", "short"),
                    ("code", ""),
                ],
            )
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(wrong.page.contains("Use at least 12 characters") && wrong.page.contains("Enter the code"));
        assert_eq!(wrong.field("secret"), secret, "the key that is in the app already stays");
        assert!(!wrong.page.contains("short"), "a password is never shown");
        let code = console.code(&secret, 0);
        let fields = [
            ("secret", secret.as_str()),
            ("name", "Jo"),
            ("username", "jo"),
            ("password", PASSWORD),
            ("code", &code),
        ];
        let made = console.post(&link, "", &fields).await;
        assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.page);
        let cookie = made.cookie.unwrap();
        assert_eq!(console.get("/console/sessions", &cookie).await.status, StatusCode::OK);
        let clicked_twice = console.post(&link, "", &fields).await;
        assert_eq!((clicked_twice.status, clicked_twice.leads.as_str()), (StatusCode::SEE_OTHER, "/console"));
        assert_eq!(
            console.get("/console/sessions", &clicked_twice.cookie.unwrap()).await.status,
            StatusCode::OK
        );
        for over in [console.post(&link, "", &fields).await, console.get(&link, "").await] {
            assert_eq!(over.status, StatusCode::NOT_FOUND);
            assert!(over.page.contains("This link has been used or is over"), "{}", over.page);
            assert!(over.page.contains("href=\"/console/sign-in\""));
        }
        assert_eq!(console.get("/console/invitations/nonsense", "").await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn two_who_take_one_user_name_are_told_so() {
    for console in consoles().await {
        console.account().await;
        let link = console.invite().await;
        let secret = console.get(&link, "").await.field("secret");
        let code = console.code(&secret, 0);
        let fields = [
            ("secret", secret.as_str()),
            ("name", "Jon Okafor"),
            ("username", "j.okafor"),
            ("password", PASSWORD),
            ("code", &code),
        ];
        let taken = console.post(&link, "", &fields).await;
        assert_eq!(taken.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(taken.page.contains("Somebody else has this user name"), "{}", taken.page);
        assert_eq!(console.get(&link, "").await.status, StatusCode::OK, "the link is still good");
    }
}

#[tokio::test]
async fn signing_in_needs_all_three_and_a_code_is_good_once() {
    for console in consoles().await {
        let account = console.account().await;
        let code = console.code(&account.secret, 1);
        for (password, code) in [("rabbit lamp rain", code.as_str()), (PASSWORD, "000000")] {
            let refused = console.sign_in(password, code).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(refused.page.contains("The user name, the password or the code is not right"));
            assert!(refused.page.contains("j.okafor") && !refused.page.contains("rabbit"));
        }
        let entered = console.sign_in(PASSWORD, &code).await;
        assert_eq!((entered.status, entered.leads.as_str()), (StatusCode::SEE_OTHER, "/console/sessions"));
        let cookie = entered.cookie.unwrap();
        assert_ne!(cookie, account.cookie, "each has a session of its own");
        assert!(cookie.starts_with("__Host-"));
        let second_click = console.sign_in(PASSWORD, &code).await;
        assert_eq!(second_click.status, StatusCode::SEE_OTHER, "the browser keeps the second answer only");
        for _ in 0..2 {
            let third = console.sign_in(PASSWORD, &code).await;
            assert_eq!(third.status, StatusCode::UNPROCESSABLE_ENTITY, "the same code");
        }
        let second = second_click.cookie.unwrap();
        let page = console.get("/console/sessions", &second).await;
        console.post("/console/sign-out", &second, &[("mark", &page.field("mark"))]).await;
        let page = console.get("/console/sessions", &cookie).await;
        assert_eq!(page.page.matches("last used").count(), 2);
        let other = page.field("session");
        console
            .post("/console/sessions", &cookie, &[("mark", &page.field("mark")), ("session", &other)])
            .await;
        let ended = console.get("/console/sessions", &account.cookie).await;
        assert_eq!(ended.leads, "/console/sign-in?then=/console/sessions");
        let out = console.post("/console/sign-out", &cookie, &[("mark", &page.field("mark"))]).await;
        assert_eq!(out.leads, "/console/sign-in");
        assert_eq!(console.get("/console/sessions", &cookie).await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_for_one_user_name_and_says_so() {
    for console in consoles().await {
        let account = console.account().await;
        for _ in 0..5 {
            assert_eq!(console.sign_in("wrong", "123456").await.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let slowed = console.sign_in(PASSWORD, &console.code(&account.secret, 1)).await;
        assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS, "the right ones are not tried either");
        assert!(slowed.page.contains("This was wrong too often"));
        assert!(slowed.page.contains("Wait a minute, then try again"), "{}", slowed.page);
        let fields = [("username", "other"), ("password", "x"), ("code", "1")];
        assert_eq!(
            console.post("/console/sign-in", "", &fields).await.status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
}

#[tokio::test]
async fn other_roles_act_at_once_and_nobody_changes_their_own() {
    for console in consoles().await {
        let account = console.account().await;
        let (cookie, admin) = console.signed_in().await;
        let school = admin.caller.tenant;
        let elsewhere = console.get("/console/staff", &cookie).await;
        assert!(elsewhere.page.contains("Nobody has an account"), "another school's staff are not shown");
        let link = console
            .post(
                "/console/staff/invite",
                &cookie,
                &[("mark", &admin.mark), ("name", "Al"), ("roles", "office")],
            )
            .await;
        let (_, rest) = link.page.split_once("/console/invitations/").unwrap();
        let link = format!("/console/invitations/{}", rest.split_once('<').unwrap().0.trim());
        let secret = console.get(&link, "").await.field("secret");
        let code = console.code(&secret, 0);
        let fields = [
            ("secret", secret.as_str()),
            ("name", "Al"),
            ("username", "al"),
            ("password", PASSWORD),
            ("code", &code),
        ];
        let al = console.post(&link, "", &fields).await.cookie.unwrap();
        assert!(!console.get("/console/sessions", &al).await.page.contains("/console/staff"));
        let staff = people::staff(&console.store, school).await.unwrap();
        assert_eq!((staff[0].name.as_str(), staff[0].roles.as_slice()), ("Al", &[Role::Office][..]));
        let change = format!("/console/staff/{}", staff[0].person_id);
        assert_eq!(
            console.get("/console/staff", &al).await.status,
            StatusCode::FORBIDDEN,
            "the office looks after no accounts"
        );
        let was = console.get("/console/staff", &cookie).await.field("was-roles");
        assert_eq!(was, "office");
        let roles = |was, now| [("mark", admin.mark.as_str()), ("was-roles", was), ("roles", now)];
        let nothing = console.post(&change, &cookie, &roles("office", "office")).await;
        assert!(nothing.page.contains("Nothing is changed yet"), "{}", nothing.page);
        assert_eq!(console.get("/console/sessions", &al).await.status, StatusCode::OK, "nothing was done");
        for _ in ["a click", "a double click"] {
            let changed = console.post(&change, &cookie, &roles("office", "head")).await;
            assert!(changed.leads.starts_with("/console/staff?said=staff"));
        }
        let written = console.store.statement("SELECT 1 FROM audit WHERE rpc = 'ChangeRoles'", []);
        assert_eq!(console.store.read().query_all_raw(written).await.unwrap().len(), 1);
        let stale = console.post(&change, &cookie, &roles("office", "first_aider")).await;
        assert!(stale.page.contains("Somebody has changed the roles of Al"), "{}", stale.page);
        let staff = people::staff(&console.store, school).await.unwrap();
        assert_eq!(staff[0].roles, [Role::Head], "what a colleague has set stands");
        assert_eq!(
            console.get("/console/sessions", &al).await.status,
            StatusCode::SEE_OTHER,
            "signed out at once"
        );
        let service = console.post(&change, &cookie, &[("mark", &admin.mark), ("roles", "service")]).await;
        assert!(service.page.contains("Choose among the roles of the list"));
        let own = format!("/console/staff/{}", admin.caller.subject);
        let own = console.post(&own, &cookie, &[("mark", &admin.mark), ("roles", "head")]).await;
        assert_eq!(own.status, StatusCode::NOT_FOUND, "whoever has no account here has no roles to change");
        drop(account);
    }
}

pub fn link_in(page: &str) -> String {
    let (_, rest) = page.split_once("/console/invitations/").unwrap();
    format!("/console/invitations/{}", rest.split_once('<').unwrap().0.trim())
}

impl Alone {
    /// Makes an account by a link, or another key to one.
    pub async fn comes_by(&self, link: &str, username: &str, password: &str) -> Answer {
        let secret = self.get(link, "").await.field("secret");
        let code = self.code(&secret, 0);
        let fields = [
            ("secret", secret.as_str()),
            ("name", "Al"),
            ("username", username),
            ("password", password),
            ("code", &code),
        ];
        self.post(link, "", &fields).await
    }
}

#[tokio::test]
async fn a_link_that_was_made_twice_or_taken_back_opens_nothing() {
    for console in consoles().await {
        let (cookie, admin) = console.signed_in().await;
        let fields = [
            ("mark", admin.mark.as_str()),
            ("request_id", "018f0000-0000-7000-8000-000000000001"),
            ("name", "Al"),
            ("roles", "office"),
        ];
        let first = link_in(&console.post("/console/staff/invite", &cookie, &fields).await.page);
        let second = link_in(&console.post("/console/staff/invite", &cookie, &fields).await.page);
        assert_eq!(console.get(&first, "").await.status, StatusCode::NOT_FOUND, "only what is shown last");
        assert_eq!(console.get(&second, "").await.status, StatusCode::OK);
        let page = console.get("/console/staff", &cookie).await;
        assert_eq!(page.page.matches("Take it back").count(), 1, "{}", page.page);
        let invitation = page.field("invitation");
        let (elsewhere, stranger) = console.signed_in().await;
        let theirs = [("mark", stranger.mark.as_str()), ("invitation", &invitation)];
        let theirs = console.post("/console/staff/withdraw", &elsewhere, &theirs).await;
        assert!(theirs.leads.contains("said=withdrawn"), "there is no such link in that school");
        assert_eq!(console.get(&second, "").await.status, StatusCode::OK, "another school's");
        let fields = [("mark", admin.mark.as_str()), ("invitation", &invitation)];
        let taken = console.post("/console/staff/withdraw", &cookie, &fields).await;
        assert!(taken.leads.starts_with("/console/staff?said=withdrawn"));
        assert_eq!(console.get(&second, "").await.status, StatusCode::NOT_FOUND);
        let again = console.post("/console/staff/withdraw", &cookie, &fields).await;
        assert!(again.leads.starts_with("/console/staff?said=withdrawn"), "{}", again.page);
    }
}

#[tokio::test]
async fn whoever_is_locked_out_gets_another_key_and_keeps_the_roles() {
    for console in consoles().await {
        let (cookie, admin) = console.signed_in().await;
        let mark = ("mark", admin.mark.as_str());
        let fields = [mark, ("name", "Al"), ("roles", "office")];
        let link = link_in(&console.post("/console/staff/invite", &cookie, &fields).await.page);
        let before = console.comes_by(&link, "al", PASSWORD).await.cookie.unwrap();
        let staff = people::staff(&console.store, admin.caller.tenant).await.unwrap();
        let key = format!("/console/staff/{}/key", staff[0].person_id);
        assert_eq!(
            console
                .post(
                    &key,
                    &before,
                    &[("mark", &console.get("/console/sessions", &before).await.field("mark"))]
                )
                .await
                .status,
            StatusCode::FORBIDDEN,
            "nobody helps themselves"
        );
        let (elsewhere, stranger) = console.signed_in().await;
        let theirs = console.post(&key, &elsewhere, &[("mark", &stranger.mark)]).await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND, "another school's");
        let (_, old) = people::by_username(&console.store, "al").await.unwrap().unwrap();
        let link = link_in(&console.post(&key, &cookie, &[mark]).await.page);
        let page = console.get(&link, "").await.page;
        assert!(page.contains("Come in again") && !page.contains("Your name"), "{page}");
        let after = console.comes_by(&link, "al", "another lamp in snow").await;
        assert_eq!(after.status, StatusCode::SEE_OTHER, "{}", after.page);
        let page = console.get("/console/sessions", &after.cookie.unwrap()).await;
        assert!(page.page.contains("office"), "{}", page.page);
        assert_eq!(
            console.get("/console/sessions", &before).await.status,
            StatusCode::SEE_OTHER,
            "it is over"
        );
        let staff = people::staff(&console.store, admin.caller.tenant).await.unwrap();
        assert_eq!((staff.len(), staff[0].roles.as_slice()), (1, &[Role::Office][..]), "the same person");
        let (_, account) = people::by_username(&console.store, "al").await.unwrap().unwrap();
        assert!(
            account.password != old.password && account.secret != old.secret,
            "the old key opens nothing"
        );
        assert_eq!(console.get(&link, "").await.status, StatusCode::NOT_FOUND, "it works once");
    }
}
