//! The banner on a school's own website: another origin, under a policy that allows it and no more.

use jiff::SignedDuration;
use jiff::civil::date;
use proto::events::dispatcher::WebsiteAlert;
use proto::ids::ClosureId;
use serde_json::json;
use tests::browser::{Browser, NARROW, Scripts};

use crate::site::{Homepage, Site, TODAY, closed, open};

/// The banner's place on the page: the element with a shadow.
const HOST: &str = "const host = [...document.body.children].find((element) => element.shadowRoot);";
/// What assistive technology is told at once, and what when it has time.
const READ_OUT: &str = "const words = (role) => [...host.shadowRoot.querySelectorAll(`[role=${role}] .headline span:last-child`)]\
                        .map((element) => element.textContent); return { alert: words('alert'), status: words('status') };";

async fn opened() -> (Site, Homepage, Browser) {
    let site = Site::start().await;
    let homepage = Homepage::with_the_banner(&site).await;
    let browser = Browser::start(Scripts::Run).await;
    browser.open(&homepage.address).await;
    browser.shows("the live regions", &in_banner("return host !== undefined"), json!(true)).await;
    (site, homepage, browser)
}

fn in_banner(script: &str) -> String {
    format!("{HOST} {script}")
}

/// The visitor comes back to the page; the banner would ask by itself within a minute.
async fn looks_again(browser: &Browser) {
    browser.ask("document.dispatchEvent(new Event('visibilitychange'))").await;
}

async fn reads_out(browser: &Browser, alert: &[&str], status: &[&str]) {
    let expected = json!({ "alert": alert, "status": status });
    browser.shows("the banner", &in_banner(READ_OUT), expected).await;
}

async fn height(browser: &Browser) -> serde_json::Value {
    browser.ask(&in_banner("return host.offsetHeight")).await
}

async fn ends(site: Site, browser: Browser) {
    browser.quit().await;
    site.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_that_comes_while_the_page_is_open_is_shown_and_read_out_at_once() {
    let (mut site, _homepage, browser) = opened().await;
    // Live regions that came together with their words would not be read out.
    let regions = "window.regions = ['alert', 'status'].map((role) => host.shadowRoot.querySelector(`[role=${role}]`)); \
                   return window.regions.map((region) => [region.getAttribute('aria-live'), region.textContent]);";
    let empty = json!([["assertive", ""], ["polite", ""]]);
    assert_eq!(browser.ask(&in_banner(regions)).await, empty);
    assert_eq!(height(&browser).await, 0, "nothing is shown while there is no alert");
    browser.picture("banner-nothing").await;

    site.publish((ClosureId::generate(), 1), closed(TODAY, TODAY)).await;
    looks_again(&browser).await;
    reads_out(&browser, &["School is closed on Tuesday 24 November"], &[]).await;
    let same = "return window.regions[0].isConnected && window.regions[0].textContent.includes('heavy snow')";
    assert_eq!(browser.ask(same).await, true);
    assert!(height(&browser).await.as_f64().unwrap() > 0.0);
    let link = in_banner("return host.shadowRoot.querySelector('a').href");
    assert_eq!(browser.ask(&link).await, site.address(""));
    browser.picture("banner-closed").await;

    // Asking again without news must not have it read out again.
    browser.ask(&in_banner("window.article = host.shadowRoot.querySelector('article')")).await;
    site.publish((ClosureId::generate(), 1), closed(date(2026, 12, 10), date(2026, 12, 10))).await;
    looks_again(&browser).await;
    let both = ["School is closed on Tuesday 24 November"];
    reads_out(&browser, &both, &["School is closed on Thursday 10 December"]).await;
    ends(site, browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_changed_is_not_written_again() {
    let (mut site, _homepage, browser) = opened().await;
    site.publish((ClosureId::generate(), 1), closed(TODAY, TODAY)).await;
    looks_again(&browser).await;
    reads_out(&browser, &["School is closed on Tuesday 24 November"], &[]).await;
    browser.ask(&in_banner("window.article = host.shadowRoot.querySelector('article'); window.asked = 0; \
        const fetches = window.fetch; window.fetch = async (...all) => { const answer = await fetches(...all); window.asked += 1; return answer; };")).await;
    looks_again(&browser).await;
    looks_again(&browser).await;
    browser.shows("two questions", "return window.asked >= 2", json!(true)).await;
    assert_eq!(browser.ask("return window.article.isConnected").await, true);
    ends(site, browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_today_is_an_alert_and_open_tomorrow_stands_beside_it() {
    let (mut site, _homepage, browser) = opened().await;
    let closure = ClosureId::generate();
    site.publish((closure, 1), closed(TODAY, date(2026, 11, 27))).await;
    site.publish((closure, 2), open(date(2026, 11, 25))).await;
    looks_again(&browser).await;
    let (closed, open) =
        ("School is closed on Tuesday 24 November", "School is open on Wednesday 25 November");
    reads_out(&browser, &[closed], &[open]).await;
    for size in [(1280, 720), (768, 900), (390, 780)] {
        browser.resize(size).await;
        browser.picture(&format!("banner-both-{}", size.0)).await;
    }
    ends(site, browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn markup_in_public_words_stays_text() {
    let (mut site, _homepage, browser) = opened().await;
    let words =
        "<img src=x onerror=\"window.owned = true\"><script>window.owned = true</script> & <b>snow</b>";
    let hostile = WebsiteAlert { headline: words.to_owned(), body: words.to_owned(), ..closed(TODAY, TODAY) };
    site.publish((ClosureId::generate(), 1), hostile).await;
    looks_again(&browser).await;
    reads_out(&browser, &[words], &[]).await;
    let body = in_banner("return host.shadowRoot.querySelector('.words').textContent");
    assert_eq!(browser.ask(&body).await, words);
    let made =
        in_banner("return [host.shadowRoot.querySelectorAll('img, script, b').length, typeof window.owned]");
    assert_eq!(browser.ask(&made).await, json!([0, "undefined"]));
    browser.resize(NARROW).await;
    assert_eq!(browser.beyond_the_edge().await, 0);
    browser.picture("banner-markup-320").await;
    ends(site, browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_goes_by_itself_when_it_is_over_though_nobody_asks_again() {
    let (mut site, _homepage, browser) = opened().await;
    let soon = site.now() + SignedDuration::from_secs(6);
    let short = WebsiteAlert { expires_at: soon, ..closed(TODAY, TODAY) };
    site.publish((ClosureId::generate(), 1), short).await;
    looks_again(&browser).await;
    reads_out(&browser, &["School is closed on Tuesday 24 November"], &[]).await;
    // From here on nothing that is asked is answered.
    browser.ask("window.fetch = () => Promise.reject(new Error('away'))").await;
    reads_out(&browser, &[], &[]).await;
    assert!(site.now() >= soon);
    assert_eq!(height(&browser).await, 0);
    ends(site, browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_cut_off_says_so_and_takes_it_back() {
    let (mut site, _homepage, browser) = opened().await;
    site.loses_scheduling().await;
    looks_again(&browser).await;
    reads_out(&browser, &[], &["We may be missing news"]).await;
    let words = browser.ask(&in_banner("return host.shadowRoot.querySelector('.times').textContent")).await;
    let words = words.as_str().unwrap();
    assert!(words.starts_with("We have had no contact with the school's systems since 08:5"), "{words}");
    assert!(words.contains("ring the school"), "{words}");
    browser.resize((390, 780)).await;
    browser.picture("banner-cut-off-390").await;
    site.finds_scheduling().await;
    looks_again(&browser).await;
    reads_out(&browser, &[], &[]).await;
    ends(site, browser).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_frame_says_the_same() {
    let mut site = Site::start().await;
    let closure = ClosureId::generate();
    site.publish((closure, 1), closed(TODAY, TODAY)).await;
    site.publish((closure, 2), open(date(2026, 11, 25))).await;
    let homepage = Homepage::with_the_banner(&site).await;
    let browser = Browser::start(Scripts::AreOff).await;
    browser.open(&homepage.address).await;
    browser.picture("frame-both").await;
    browser.driver().enter_frame(0).await.unwrap();
    let mut headlines = Vec::new();
    for found in browser.driver().find_all(thirtyfour::By::Css("h2")).await.unwrap() {
        headlines.push(found.text().await.unwrap());
    }
    assert_eq!(
        headlines,
        ["School is closed on Tuesday 24 November", "School is open on Wednesday 25 November"]
    );
    ends(site, browser).await;
}
