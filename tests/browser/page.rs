//! The alert page itself: without a script, in every width.

use jiff::civil::date;
use proto::events::dispatcher::WebsiteAlert;
use proto::ids::ClosureId;
use tests::browser::{Browser, NARROW, Scripts, Size};

use crate::site::{Site, TODAY, closed, open};

const SIZES: [Size; 3] = [(1280, 800), (768, 1024), (390, 844)];

async fn texts(browser: &Browser, element: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for found in browser.driver().find_all(thirtyfour::By::Css(element)).await.unwrap() {
        texts.push(found.text().await.unwrap());
    }
    texts
}

/// Looks at a document in every width; at none may it be wider than its window.
async fn fits(browser: &Browser, address: &str, name: &str) {
    browser.open(address).await;
    for size in SIZES.into_iter().chain([NARROW]) {
        browser.resize(size).await;
        assert_eq!(browser.beyond_the_edge().await, 0, "{name} at {} pixels", size.0);
        browser.picture(&format!("{name}-{}", size.0)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_says_everything_without_a_script() {
    let mut site = Site::start().await;
    let browser = Browser::start(Scripts::AreOff).await;
    browser.open(&site.address("")).await;
    assert_eq!(texts(&browser, "h2").await, ["There are no alerts"]);
    let closure = ClosureId::generate();
    site.publish((closure, 1), closed(TODAY, TODAY)).await;
    site.publish((closure, 2), open(date(2026, 11, 25))).await;
    browser.driver().refresh().await.unwrap();
    let both = ["School is closed on Tuesday 24 November", "School is open on Wednesday 25 November"];
    assert_eq!(texts(&browser, "h2").await, both);
    assert_eq!(texts(&browser, ".label").await, ["Closure", "Open again"]);
    site.loses_scheduling().await;
    browser.driver().refresh().await.unwrap();
    assert_eq!(texts(&browser, "h2").await, ["We may be missing news", both[0], both[1]]);
    browser.quit().await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_width_and_no_word_makes_a_page_scroll_to_the_side() {
    let mut site = Site::start().await;
    let browser = Browser::start(Scripts::Run).await;
    fits(&browser, &site.address(""), "page-nothing").await;
    fits(&browser, &site.address("banner"), "frame-nothing").await;
    let closure = ClosureId::generate();
    site.publish((closure, 1), closed(TODAY, TODAY)).await;
    site.publish((closure, 2), open(date(2026, 11, 25))).await;
    fits(&browser, &site.address(""), "page-both").await;
    fits(&browser, &site.address("banner"), "frame-both").await;
    site.loses_scheduling().await;
    fits(&browser, &site.address(""), "page-cut-off").await;
    fits(&browser, &site.address("banner"), "frame-cut-off").await;
    let long = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft".repeat(3);
    let hostile = WebsiteAlert { headline: long.clone(), body: long, ..closed(TODAY, TODAY) };
    site.publish((ClosureId::generate(), 1), hostile).await;
    fits(&browser, &site.address(""), "page-long").await;
    fits(&browser, &site.address("banner"), "frame-long").await;
    fits(&browser, &site.address("x"), "page-not-found").await;
    browser.quit().await;
    site.stop().await;
}
