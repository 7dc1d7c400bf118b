//! Forms: only the visitor's own, and nothing that was typed is lost.

use super::*;

#[tokio::test]
async fn nobody_sees_anything_but_the_way_in() {
    for console in consoles().await {
        for page in [
            "/console",
            "/console/absences",
            "/console/accidents/new",
            "/console/closures/new",
            "/console/announcements",
            "/console/announcements/new",
            "/console/people",
            "/console/pupils",
            "/console/messages",
            "/console/system",
            "/console/staff",
            "/console/schools",
            "/console/sessions",
            "/console/live",
        ] {
            for cookie in ["", "__Host-schoolbell=forged", "schoolbell=x"] {
                let answer = console.get(page, cookie).await;
                assert_eq!(answer.status, StatusCode::SEE_OTHER, "{page}");
                assert_eq!(answer.leads, format!("/console/sign-in?then={page}"));
            }
        }
        let nowhere = console.get("/console/nowhere", "").await;
        assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
        assert!(nowhere.page.contains("There is nothing at this address"));
        for address in ["/", "/console/"] {
            assert_eq!(console.get(address, "").await.leads, "/console", "{address}");
        }
        let (cookie, _) = console.signed_in().await;
        for address in ["/console/pupils?page=a&page=b", "/console/pupils/%FF"] {
            let unreadable = console.get(address, &cookie).await;
            assert_eq!(unreadable.status, StatusCode::BAD_REQUEST, "{address}");
            assert!(unreadable.page.contains("This address cannot be read"), "{}", unreadable.page);
        }
    }
}

#[tokio::test]
async fn a_session_that_is_over_is_over() {
    for console in consoles().await {
        let (cookie, session) = console.signed_in().await;
        assert_eq!(console.get("/console/sessions", &cookie).await.status, StatusCode::OK);
        for (column, ago) in
            [("seen_at", SignedDuration::from_mins(30)), ("began_at", SignedDuration::from_hours(12))]
        {
            let at = kit::clock::micros(console.store.clock().real() - ago);
            let sql = format!("UPDATE sessions SET {column} = $1 WHERE id = $2");
            let values = [at.into(), session.id.as_str().into()];
            console.store.commit(Commit::new().execute(console.store.statement(&sql, values))).await.unwrap();
            assert_eq!(
                console.get("/console/sessions", &cookie).await.status,
                StatusCode::SEE_OTHER,
                "{column}"
            );
            let now = kit::clock::micros(console.store.clock().real());
            let values = [now.into(), session.id.as_str().into()];
            console.store.commit(Commit::new().execute(console.store.statement(&sql, values))).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_form_of_another_site_does_nothing() {
    for console in consoles().await {
        let (cookie, session) = console.signed_in().await;
        let body = format!("mark={}&name=Al&roles=head", session.mark);
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example.org")] {
            let request = Request::post("/console/staff/invite")
                .header(header::COOKIE, &cookie)
                .header(header::HOST, "console.example.org")
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .header(name, value)
                .body(Body::from(body.clone()))
                .unwrap();
            let answer = Answer::of(console.routes.clone().oneshot(request).await.unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            assert!(answer.page.contains("This was not sent from a page of Schoolbell"));
        }
    }
}

#[tokio::test]
async fn what_was_typed_for_a_session_that_is_over_is_shown_and_can_be_sent_again() {
    for console in consoles().await {
        let fields = [("mark", "stale"), ("name", "Al <b>Bold</b>"), ("roles", "office")];
        let nobody = console.post("/console/staff/invite", "", &fields).await;
        assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
        assert!(nobody.page.contains("You have been signed out"));
        let (cookie, session) = console.signed_in().await;
        let stale = console.post("/console/staff/invite", &cookie, &fields).await;
        assert_eq!(stale.status, StatusCode::CONFLICT);
        assert!(!stale.page.contains("<b>Bold"), "what was typed is never markup");
        assert!(!stale.page.contains("/console/invitations/"), "nothing was done");
        assert_eq!(stale.field("mark"), session.mark);
        let fields = [("mark", session.mark.as_str()), ("name", "Al"), ("roles", "office")];
        let sent = console.post("/console/staff/invite", &cookie, &fields).await;
        assert!(sent.page.contains("/console/invitations/"));
    }
}

#[tokio::test]
async fn a_service_that_is_away_makes_no_blank_page() {
    for console in consoles().await {
        let (cookie, _) = console.signed_in().await;
        let home = console.get("/console", &cookie).await;
        assert_eq!(home.status, StatusCode::OK);
        assert!(home.page.contains("This list is not complete") && !home.page.contains("nothing to do"));
        let system = console.get("/console/system", &cookie).await;
        assert!(system.page.contains("does not answer"));
        let people = console.get("/console/pupils", &cookie).await;
        assert_eq!(people.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(people.page.contains("Nothing was lost") && people.page.contains("Try again"));
    }
}

#[tokio::test]
async fn a_form_that_is_no_form_is_refused_in_words() {
    for console in consoles().await {
        let (cookie, _) = console.signed_in().await;
        let request = Request::post("/console/staff/invite")
            .header(header::COOKIE, &cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("name={}", "x".repeat(170 << 10))))
            .unwrap();
        let answer = Answer::of(console.routes.clone().oneshot(request).await.unwrap()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.page.contains("This form cannot be read"));
    }
}

#[tokio::test]
async fn a_page_that_is_open_is_no_click() {
    for console in consoles().await {
        let (cookie, session) = console.signed_in().await;
        let before = console.store.clock().real() - SignedDuration::from_mins(10);
        let sql = "UPDATE sessions SET seen_at = $1 WHERE id = $2";
        let values = [kit::clock::micros(before).into(), session.id.as_str().into()];
        console.store.commit(Commit::new().execute(console.store.statement(sql, values))).await.unwrap();
        let seen =
            async || sessions::find(&console.store, &session.id).await.unwrap().unwrap().session.seen_at;
        for (name, value) in [("accept", "text/event-stream"), ("looks-again", "1")] {
            let request = Request::get("/console/sessions")
                .header(header::COOKIE, &cookie)
                .header(name, value)
                .body(Body::empty())
                .unwrap();
            let answer = console.routes.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            assert!(seen().await <= before, "{name}");
        }
        console.get("/console/sessions", &cookie).await;
        assert!(seen().await > before, "a click");
    }
}
