//! What strangers try, and links that lead nowhere, keep nobody out.

use super::accounts::PASSWORD;
use super::*;

#[tokio::test]
async fn what_strangers_guess_keeps_nobody_out_of_a_browser_that_was_let_in_before() {
    for console in consoles().await {
        let account = console.account().await;
        for _ in 0..5 {
            console.sign_in("wrong", "123456").await;
        }
        let code = console.code(&account.secret, 1);
        assert_eq!(console.sign_in(PASSWORD, &code).await.status, StatusCode::TOO_MANY_REQUESTS);
        let fields = [("username", "J.Okafor"), ("password", PASSWORD), ("code", &code)];
        let forged = format!("__Host-schoolbell-known={}", "0".repeat(64));
        for cookie in [forged.as_str(), &account.cookie] {
            let slowed = console.post("/console/sign-in", cookie, &fields).await;
            assert_eq!(slowed.status, StatusCode::TOO_MANY_REQUESTS, "{cookie}");
        }
        let entered = console.post("/console/sign-in", &account.known, &fields).await;
        assert_eq!(entered.status, StatusCode::SEE_OTHER, "{}", entered.page);
        let wrong = [("username", "J.Okafor"), ("password", "wrong"), ("code", "123456")];
        for _ in 0..5 {
            let refused = console.post("/console/sign-in", &account.known, &wrong).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        }
        let slowed = console.post("/console/sign-in", &account.known, &wrong).await;
        assert_eq!(
            slowed.status,
            StatusCode::TOO_MANY_REQUESTS,
            "whoever sits before it guesses no more than others"
        );
    }
}

#[tokio::test]
async fn a_link_to_come_in_again_says_so_when_the_roles_were_taken_away_meanwhile() {
    for console in consoles().await {
        let account = console.account().await;
        let (person, _) = people::by_username(&console.store, "j.okafor").await.unwrap().unwrap();
        let token = http::random();
        let (school, roles) = people::schools_of(&console.store, &person.id).await.unwrap().remove(0);
        let invitation = Invitation {
            id: fingerprint(&token),
            school,
            name: person.name.clone(),
            roles,
            invited_by: "per_1".to_owned(),
            request_id: "of-another-form".to_owned(),
            person_id: Some(person.id.clone()),
            ends_at: http::until(console.store.clock().real()),
        };
        console.store.commit(invitations::make(Commit::new(), &console.store, &invitation)).await.unwrap();
        let link = format!("/console/invitations/{token}");
        assert_eq!(console.get(&link, "").await.status, StatusCode::OK);
        let by = ("per_1", console.store.clock().real());
        let none = people::grant(Commit::new(), &console.store, (school, &person.id), &[], by);
        console.store.commit(none).await.unwrap();
        let late = console.get(&link, "").await;
        assert!(late.page.contains("You have no role here any more"), "{}", late.page);
        drop(account);
    }
}

#[tokio::test]
async fn a_link_for_somebody_else_leads_to_where_the_page_was_asked_for_and_a_name_is_short() {
    for console in consoles().await {
        let (cookie, admin) = console.signed_in().await;
        let fields = [("mark", admin.mark.as_str()), ("name", "Al"), ("roles", "office")];
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let request = Request::post("/console/staff/invite")
            .header(header::COOKIE, &cookie)
            .header(header::HOST, "school.test:8080")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(body.join("&")))
            .unwrap();
        let made = Answer::of(console.routes.clone().oneshot(request).await.unwrap()).await;
        assert!(made.page.contains("http://school.test:8080/console/invitations/"), "{}", made.page);
        let long = "x".repeat(101);
        let fields = [("mark", admin.mark.as_str()), ("name", &long), ("roles", "office")];
        let refused = console.post("/console/staff/invite", &cookie, &fields).await;
        assert!(refused.page.contains("Use at most 100 characters"), "{}", refused.page);
    }
}

#[test]
fn an_address_at_which_nobody_can_find_the_console_is_refused_at_the_start() {
    let found = |address: Option<&str>| {
        let config = crate::Config {
            session_idle_seconds: 60,
            session_lasts_seconds: 60,
            public_url: address.map(str::to_owned),
            openid: BTreeMap::new(),
        };
        config.is_found().is_ok()
    };
    for address in [None, Some("https://console.example.org"), Some("http://127.0.0.1:8080/")] {
        assert!(found(address), "{address:?}");
    }
    for address in ["", "console.example.org", "ftp://console.example.org", "https://", "localhost:8080"] {
        assert!(!found(Some(address)), "{address}");
    }
}
