//! Who may keep, frame and read what; and what is answered to those who ask for something else.

use super::*;

const DOCUMENTS: [(&str, &str); 5] = [
    ("", "text/html; charset=utf-8"),
    ("banner", "text/html; charset=utf-8"),
    ("alerts.json", "application/json"),
    ("alerts.atom", "application/atom+xml; charset=utf-8"),
    ("term.ics", "text/calendar; charset=utf-8"),
];

async fn published() -> Vec<World> {
    let worlds = worlds().await;
    for world in &worlds {
        world.hear(&world.school.to_string(), 1, NOW, calendar("Elm Park")).await;
        world.hear(&closure_id(), 1, NOW, closed("Closed today")).await;
    }
    worlds
}

fn paths(world: &World) -> Vec<String> {
    let ours = DOCUMENTS.iter().map(|(name, _)| format!("/website/{}/{name}", world.school));
    ours.chain(["/website/banner.js".to_owned()]).collect()
}

#[tokio::test]
async fn a_visitor_who_has_a_document_is_told_that_it_is_still_the_same_until_it_is_not() {
    for world in published().await {
        for path in paths(&world) {
            let first = world.ask(Method::GET, &path, &[]).await;
            let tag = first.header("etag").to_owned();
            assert!(first.status == 200 && tag.starts_with('"') && tag.ends_with('"'), "{path}");
            let cache = "public, max-age=30, stale-while-revalidate=60, stale-if-error=86400";
            assert_eq!(first.header("cache-control"), cache);
            let again = world.ask(Method::GET, &path, &[("if-none-match", &tag)]).await;
            assert_eq!((again.status, again.body.as_str()), (304, ""), "{path}");
            assert_eq!((again.header("etag"), again.header("cache-control")), (tag.as_str(), cache));
            assert_eq!(again.header("schoolbell-now"), NOW);
            let other = world.ask(Method::GET, &path, &[("if-none-match", "\"other\"")]).await;
            assert_eq!(other.status, 200);
        }
        let path = format!("/website/{}/alerts.json", world.school);
        let tag = world.ask(Method::GET, &path, &[]).await.header("etag").to_owned();
        world.set_clock("2026-11-24T09:50:00Z");
        assert_eq!(world.ask(Method::GET, &path, &[("if-none-match", &tag)]).await.status, 304);
        world.set_clock("2026-11-25T00:00:00Z");
        assert_eq!(world.ask(Method::GET, &path, &[("if-none-match", &tag)]).await.status, 200);
    }
}

#[tokio::test]
async fn a_question_about_the_head_is_answered_like_the_whole_without_it() {
    for world in published().await {
        for path in paths(&world) {
            let whole = world.ask(Method::GET, &path, &[]).await;
            let head = world.ask(Method::HEAD, &path, &[]).await;
            assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
            for name in ["etag", "content-type", "cache-control", "content-security-policy"] {
                assert_eq!(head.header(name), whole.header(name), "{path} {name}");
            }
            assert_eq!(head.header("content-length"), whole.body.len().to_string());
        }
    }
}

#[tokio::test]
async fn every_document_says_what_it_is_and_what_a_browser_may_do_with_it() {
    for world in published().await {
        for (name, content_type) in DOCUMENTS {
            let answer = world.get(name).await;
            assert_eq!(answer.header("content-type"), content_type);
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("referrer-policy"), "no-referrer");
            let policy = answer.header("content-security-policy");
            assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
            assert!(!policy.contains("script-src") && !policy.contains("unsafe"));
            assert_eq!(policy.ends_with("frame-ancestors *"), name == "banner");
            assert_eq!(policy.ends_with("frame-ancestors 'none'"), name != "banner");
            let open = if content_type.starts_with("text/html") { "" } else { "*" };
            assert_eq!(answer.header("access-control-allow-origin"), open, "{name}");
        }
        let script = world.ask(Method::GET, "/website/banner.js", &[]).await;
        assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(script.header("access-control-allow-origin"), "*");
        assert_eq!(script.header("cross-origin-resource-policy"), "cross-origin");
    }
}

#[tokio::test]
async fn nobody_can_change_anything_here() {
    for world in published().await {
        for path in paths(&world) {
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS] {
                let answer = world.ask(method.clone(), &path, &[]).await;
                assert_eq!(answer.status, 405, "{method} {path}");
                assert_eq!(answer.header("allow"), "GET,HEAD");
            }
        }
    }
}

#[tokio::test]
async fn a_school_that_nobody_has_and_an_address_that_is_none_are_told_apart_by_nobody() {
    for world in published().await {
        let stranger = SchoolId::generate().to_string();
        let upper = world.school.to_string().to_uppercase();
        let mut answers = Vec::new();
        for school in
            [stranger.as_str(), upper.as_str(), "sch_1", "x", "%00", "%FF%FE", "%F0%9F%94%94", "<script>"]
        {
            let school = school.replace('<', "%3C").replace('>', "%3E");
            for name in ["", "banner", "alerts.json", "alerts.atom", "term.ics", "nothing", "a/b/c"] {
                let answer = world.ask(Method::GET, &format!("/website/{school}/{name}"), &[]).await;
                assert_eq!(answer.status, 404, "{school}/{name}");
                assert_eq!(answer.header("cache-control"), "no-store");
                assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
                answers.push(answer.body);
            }
        }
        answers.push(world.get("nothing").await.body);
        answers.dedup();
        assert_eq!(answers.len(), 1, "one page for all of them");
        assert!(answers[0].contains("There is no school"));
    }
}

#[tokio::test]
async fn an_address_without_its_last_stroke_leads_to_the_page() {
    for world in published().await {
        let answer = world.ask(Method::GET, &format!("/website/{}", world.school), &[]).await;
        assert_eq!((answer.status, answer.header("location")), (308, format!("{}/", world.school).as_str()));
        assert_eq!(world.ask(Method::GET, "/website/x", &[]).await.status, 404);
    }
}

#[tokio::test]
async fn while_the_store_is_away_a_visitor_is_asked_to_come_back_and_proxies_keep_what_they_have() {
    for world in published().await {
        world.test.store.close().await.unwrap();
        for (name, _) in DOCUMENTS {
            let answer = world.get(name).await;
            assert_eq!((answer.status, answer.header("retry-after")), (503, "30"), "{name}");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(answer.body.contains("ring the school"));
        }
        assert_eq!(world.ask(Method::GET, "/website/banner.js", &[]).await.status, 200);
    }
}
