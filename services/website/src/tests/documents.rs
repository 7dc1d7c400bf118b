//! What each document says.

use super::*;

async fn told() -> Vec<World> {
    let worlds = worlds().await;
    for world in &worlds {
        world.hear(&world.school.to_string(), 1, "2026-11-20T10:00:00Z", calendar("Elm Park")).await;
        let body = "The heating has failed.\nLunches are cancelled.".to_owned();
        let alert = WebsiteAlert { body, ..closed("Elm Park is closed on Tuesday 24 November 2026") };
        let id = "clo_0192f0c1000070008000000000000002";
        world.hear(id, 2, "2026-11-24T06:12:00Z", alert).await;
    }
    worlds
}

#[tokio::test]
async fn the_page_says_what_until_when_and_how_old_it_is_without_any_script() {
    for world in told().await {
        let page = parsed::html(&world.get("").await.body);
        assert_eq!(parsed::texts(&page, "h1"), ["School alerts"]);
        assert_eq!(parsed::texts(&page, "h2"), ["Elm Park is closed on Tuesday 24 November 2026"]);
        assert!(parsed::texts(&page, "title")[0].starts_with("Elm Park is closed"));
        let times = parsed::texts(&page, "time");
        let said = "06:12 today, Tuesday 24 November 2026";
        assert_eq!(times, ["until the end of Tuesday 24 November 2026", said, said]);
        assert_eq!(page.iter().find(|element| element.name == "html").unwrap().attribute("lang"), "en-GB");
        let links: Vec<&str> = page
            .iter()
            .filter(|element| element.name == "a")
            .map(|element| element.attribute("href"))
            .collect();
        assert_eq!(links, ["alerts.atom", "term.ics"]);
        assert!(!page.iter().any(|element| element.name == "script"));
    }
}

#[tokio::test]
async fn the_only_style_of_a_page_is_the_one_that_its_policy_names() {
    use base64::Engine;
    use sha2::Digest;
    for world in told().await {
        for name in ["", "banner", "nothing"] {
            let answer = world.get(name).await;
            let styles = parsed::texts(&parsed::html(&answer.body), "style");
            let hash = sha2::Sha256::digest(styles.concat());
            let hash = base64::engine::general_purpose::STANDARD.encode(hash);
            let policy = answer.header("content-security-policy");
            assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "{name}: {policy}");
            assert!(!answer.body.contains("style=\""));
        }
    }
}

#[tokio::test]
async fn a_school_of_which_only_an_alert_is_known_has_a_page_and_no_calendar() {
    for world in worlds().await {
        world.hear(&closure_id(), 1, NOW, closed("Closed today")).await;
        let page = parsed::html(&world.get("").await.body);
        assert_eq!(parsed::texts(&page, "h2"), ["Closed today"]);
        assert!(!page.iter().any(|element| element.attribute("href") == "term.ics"));
        assert_eq!(world.get("term.ics").await.status, 404);
        let empty =
            CalendarChanged { terms: Vec::new(), non_school_days: Vec::new(), ..calendar("Elm Park") };
        world.hear(&world.school.to_string(), 1, NOW, empty).await;
        assert_eq!(world.get("term.ics").await.status, 404, "nothing stands in it");
    }
}

#[tokio::test]
async fn the_banner_finds_in_the_json_all_that_it_shows() {
    for world in told().await {
        let json: serde_json::Value = serde_json::from_str(&world.get("alerts.json").await.body).unwrap();
        let expected = serde_json::json!({
            "school": world.school.to_string(),
            "school_name": "Elm Park",
            "alerts": [{
                "id": "clo_0192f0c1000070008000000000000002",
                "version": 2,
                "kind": "closure",
                "label": "Closure",
                "pressing": true,
                "headline": "Elm Park is closed on Tuesday 24 November 2026",
                "body": "The heating has failed.\nLunches are cancelled.",
                "until": "until the end of Tuesday 24 November 2026",
                "published_at": "2026-11-24T06:12:00Z",
                "expires_at": "2026-11-25T00:00:00Z",
            }],
            "changed_at": "2026-11-24T06:12:00Z",
            "heard_at": NOW,
            "no_contact": null,
        });
        assert_eq!(json, expected);
        let script = world.ask(Method::GET, "/website/banner.js", &[]).await.body;
        for forbidden in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "cookie ="]
        {
            assert!(!script.contains(forbidden), "{forbidden}");
        }
    }
}

#[tokio::test]
async fn an_entry_of_the_feed_stays_the_same_while_its_closure_changes() {
    for world in told().await {
        let feed = world.get("alerts.atom").await.body;
        let school = world.school.uuid().urn().to_string();
        let entry = "urn:uuid:0192f0c1-0000-7000-8000-000000000002";
        assert_eq!(parsed::atom(&feed, "id"), [school.as_str(), entry]);
        assert_eq!(parsed::atom(&feed, "updated"), ["2026-11-24T06:12:00Z"; 2]);
        assert_eq!(
            parsed::atom(&feed, "content"),
            [
                "The heating has failed.\nLunches are cancelled.\n\nShown until the end of Tuesday 24 November 2026."
            ]
        );
        let open = alert(AlertKind::Reopening, "Open again", "2026-11-26T00:00:00Z");
        world.hear("clo_0192f0c1000070008000000000000002", 3, "2026-11-24T08:40:00Z", open).await;
        let feed = world.get("alerts.atom").await.body;
        // The reopening is news: a reader that shows an id once must show it.
        let ids = parsed::atom(&feed, "id");
        assert!(ids.len() == 2 && ids[1] != entry, "{ids:?}");
        assert_eq!(parsed::atom(&feed, "updated"), ["2026-11-24T08:40:00Z"; 2]);
        assert_eq!(parsed::atom(&feed, "title"), ["Elm Park: alerts", "Open again"]);
    }
}

/// RFC 4287, sections 4.1.1, 4.1.2 and 4.2.7.2; relative references lead astray whoever has kept a copy.
#[tokio::test]
async fn the_feed_has_all_that_a_feed_must_and_names_itself_by_its_whole_address() {
    for world in told().await {
        let open = alert(AlertKind::Reopening, "Open again", "2026-11-26T00:00:00Z");
        world.hear(&closure_id(), 1, "2026-11-24T08:40:00Z", open).await;
        let path = format!("/website/{}/alerts.atom", world.school);
        let feed = world.ask(Method::GET, &path, &[("host", "alerts.example.org")]).await.body;
        let home = format!("https://alerts.example.org/website/{}/", world.school);
        let links = parsed::atom_links(&feed);
        let of_page = ("alternate".to_owned(), home.clone());
        assert_eq!(links[0], ("self".to_owned(), format!("{home}alerts.atom")));
        assert_eq!(links[1..], [of_page.clone(), of_page.clone(), of_page]);
        parsed::atom_is_complete(&feed);
        // Whoever asks nobody gets no wrong address.
        let links = parsed::atom_links(&world.get("alerts.atom").await.body);
        assert!(links.iter().all(|(rel, href)| rel == "alternate" && href == "./"), "{links:?}");
        for host in ["\"><script>", "a/b"] {
            let feed = world.ask(Method::GET, &path, &[("host", host)]).await.body;
            assert_eq!(parsed::atom_links(&feed).len(), 3, "{host}");
        }
    }
}

#[tokio::test]
async fn the_calendar_has_every_day_that_counts_under_an_id_that_stays() {
    for world in told().await {
        let (name, events) = parsed::ics(&world.get("term.ics").await.body);
        assert_eq!(name, "Elm Park: term dates");
        let days: Vec<(&str, &str)> =
            events.iter().map(|(day, words, _)| (day.as_str(), words.as_str())).collect();
        assert_eq!(
            days,
            [
                ("20261102", "Autumn term, second half: first day"),
                ("20261127", "No school: staff training (INSET day)"),
                ("20261204", "No school: occasional day"),
                ("20261218", "Autumn term, second half: last day"),
                ("20270105", "Spring term: first day"),
                ("20270325", "Spring term: last day"),
                ("20270326", "No school: bank holiday"),
            ]
        );
        let mut more = calendar("Elm Park");
        more.non_school_days.pop();
        world.hear(&world.school.to_string(), 2, NOW, more).await;
        let (_, fewer) = parsed::ics(&world.get("term.ics").await.body);
        assert_eq!(fewer, events[..6]);
        let ids: std::collections::BTreeSet<&str> = events.iter().map(|(_, _, id)| id.as_str()).collect();
        assert_eq!(ids.len(), events.len());
    }
}
