//! Words that would break out of a document if they could. They are shown as they are, and every
//! document is read by an independent parser.

use super::*;
use crate::domain::text;

fn hostile() -> Vec<String> {
    vec![
        "<script>alert(1)</script>".to_owned(),
        "</title></h2></article><img src=x onerror=alert(1)>".to_owned(),
        "</style><style>body{display:none}</style>".to_owned(),
        "\" onmouseover=\"alert(1)\" ' ` = >".to_owned(),
        "&amp; &lt;b&gt; &#60; &nbsp &".to_owned(),
        "]]> <![CDATA[ x ]]> <!-- -- --> <?xml ?>".to_owned(),
        "line one\r\nline two\nline three\u{2028}four\u{85}five\u{b}six".to_owned(),
        "X\r\nEND:VEVENT\r\nBEGIN:VALARM\r\nSUMMARY:owned".to_owned(),
        "back\\slash; semicolon, comma: colon \\n \\".to_owned(),
        "{{ 7 * 7 }} {% raw %} {# x #} ${x} `".to_owned(),
        "nul\0 bell\u{7} escape\u{1b}[31m delete\u{7f} \u{fffe}\u{ffff}".to_owned(),
        "🏫🧑‍🏫 Žofia \u{202e}right to left\u{202c} שלום العربية 学校".to_owned(),
        "x".repeat(10_000),
        "🔔".repeat(2_500),
        "\"},{\"headline\":\"second".to_owned(),
        "   ".to_owned(),
    ]
}

#[tokio::test]
async fn whatever_words_come_every_document_reads_and_says_them_and_nothing_else() {
    for world in worlds().await {
        for (version, words) in (1..).zip(hostile()) {
            let alert = WebsiteAlert { body: words.clone(), ..closed(&words) };
            world.hear("clo_hostile", version, NOW, alert).await;
            let mut calendar = calendar(&words);
            calendar.terms[0].title.clone_from(&words);
            world.hear(&world.school.to_string(), version, NOW, calendar).await;
            let said = Said::of(&words);
            said.in_html(&world).await;
            said.in_json(&world).await;
            said.in_atom(&world).await;
            said.in_ics(&world).await;
        }
    }
}

#[tokio::test]
async fn a_subject_and_a_zone_that_are_none_harm_nothing() {
    for world in worlds().await {
        for subject in ["", "<b>\"&'", "\0\r\nclo", "clo_ü"] {
            world.hear(subject, 1, NOW, closed("Closed")).await;
        }
        let zone = "../../etc/passwd\0".to_owned();
        let odd = CalendarChanged { time_zone: zone, ..calendar("Elm Park") };
        world.hear(&world.school.to_string(), 1, NOW, odd).await;
        assert_eq!(world.headlines().await.len(), 4);
        assert_eq!(parsed::atom(&world.get("alerts.atom").await.body, "id").len(), 5);
        parsed::html(&world.get("").await.body);
    }
}

/// What should be read in the end.
struct Said {
    headline: String,
    body: String,
    school: String,
}

impl Said {
    fn of(words: &str) -> Self {
        let or = |line: String, other: &str| if line.is_empty() { other.to_owned() } else { line };
        Self {
            headline: or(text::line(words), "Closure"),
            body: text::lines(words),
            school: or(text::line(words), "The school"),
        }
    }

    async fn in_html(&self, world: &World) {
        for name in ["", "banner"] {
            let answer = world.get(name).await;
            let page = parsed::html(&answer.body);
            assert_eq!(parsed::texts(&page, "h2"), [self.headline.as_str()]);
            assert_eq!((parsed::texts(&page, "style").len(), parsed::texts(&page, "title").len()), (1, 1));
            for element in &page {
                assert!(!["script", "img", "iframe", "b"].contains(&element.name.as_str()));
                assert!(!element.attributes.iter().any(|(name, _)| name.starts_with("on")));
            }
            let said = page.iter().filter(|element| element.attribute("class") == "words");
            let said: Vec<&str> = said.map(|element| element.text.as_str()).collect();
            assert_eq!(said.concat(), if name.is_empty() { self.body.as_str() } else { "" });
            let schools = page.iter().filter(|element| element.attribute("class") == "school");
            assert!(schools.map(|element| &element.text).all(|text| *text == self.school));
        }
    }

    async fn in_json(&self, world: &World) {
        let json: serde_json::Value = serde_json::from_str(&world.get("alerts.json").await.body).unwrap();
        let alerts = json["alerts"].as_array().unwrap();
        assert_eq!(alerts.len(), 1);
        assert_eq!(
            (alerts[0]["headline"].as_str(), alerts[0]["body"].as_str()),
            (Some(&*self.headline), Some(&*self.body))
        );
    }

    async fn in_atom(&self, world: &World) {
        let feed = world.get("alerts.atom").await.body;
        assert_eq!(parsed::atom(&feed, "title"), [format!("{}: alerts", self.school), self.headline.clone()]);
        assert_eq!(parsed::atom(&feed, "name"), [self.school.as_str()]);
        assert!(parsed::atom(&feed, "content")[0].starts_with(&self.body));
        assert_eq!(parsed::atom(&feed, "entry").len(), 1);
    }

    async fn in_ics(&self, world: &World) {
        let (name, events) = parsed::ics(&world.get("term.ics").await.body);
        assert_eq!(name, format!("{}: term dates", self.school));
        assert_eq!(events.len(), 7);
        let title = if self.school == "The school" { "Term" } else { &self.school };
        assert_eq!(events[0].1, format!("{title}: first day"));
    }
}
