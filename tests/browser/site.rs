//! The public website alone, over a real bus on which the test says what the dispatcher would say;
//! and a school's own website on another origin, with the banner on it.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use jiff::Timestamp;
use jiff::civil::{Date, date};
use kit::bus::{Bus, relay};
use kit::clock::Clock;
use kit::config;
use kit::runner::Running;
use kit::store::{Commit, Store};
use proto::events::absences::Session;
use proto::events::dispatcher::{AlertKind, Outline, WebsiteAlert};
use proto::events::scheduling::CalendarChanged;
use proto::events::{About, Event, Fact};
use proto::ids::{ClosureId, EventId, SchoolId};
use schoolbell::app;
use schoolbell::settings::Settings;
use tests::given::nats::GivenNats;
use tests::wait::{PATIENCE, until};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub const TODAY: Date = date(2026, 11, 24);

/// The website of one school, and those whom it hears.
pub struct Site {
    /// The school.
    pub school: SchoolId,
    running: Running,
    dispatcher: Sayer,
    scheduling: Sayer,
    clock: Clock,
    nats: GivenNats,
    folder: tempfile::TempDir,
}

impl Site {
    /// Starts it on a Tuesday in term, at ten to nine; of the school only its calendar is known.
    pub async fn start() -> Self {
        app::choose_tls();
        let folder = tempfile::tempdir().unwrap();
        let nats = GivenNats::start(folder.path()).await;
        let file = folder.path().join("schoolbell.toml");
        let text = format!(
            "mode = \"demo\"\ndata = {:?}\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n\
             [telemetry]\nlog = \"warn\"\n[website]\ncache = \"0s\"\ncut_off_after = \"5s\"\n",
            folder.path().join("website").display().to_string(),
        );
        std::fs::write(&file, text).unwrap();
        let mut settings = Settings::read(Some(&file), std::iter::empty()).unwrap();
        nats.give(&mut settings);
        let clock = Clock::starting_at("2026-11-24T08:50:00Z".parse().unwrap());
        settings.clock_ahead_by = Some(clock.ahead());
        let running = Box::pin(app::start(settings, &["website".to_owned()])).await.unwrap();
        let site = Self {
            school: SchoolId::generate(),
            dispatcher: Sayer::start("dispatcher", &nats, (folder.path(), &clock)).await,
            scheduling: Sayer::start("scheduling", &nats, (folder.path(), &clock)).await,
            running,
            clock,
            nats,
            folder,
        };
        let calendar = CalendarChanged {
            school_name: "Elm Park Primary School".to_owned(),
            time_zone: "Europe/London".to_owned(),
            terms: Vec::new(),
            non_school_days: Vec::new(),
        };
        let about = site.about(&site.school.to_string(), 1);
        site.scheduling.say(about, calendar).await;
        site.until("the calendar and both pulses", |json| json["no_contact"].is_null()).await;
        site
    }

    /// The address of one of the school's documents.
    pub fn address(&self, document: &str) -> String {
        format!("http://{}/website/{}/{document}", self.running.http, self.school)
    }

    /// The school's time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Says an alert as the dispatcher does, and waits until it can be read.
    pub async fn publish(&mut self, (subject, version): (ClosureId, u64), alert: WebsiteAlert) {
        let headline = alert.headline.clone();
        let about = self.about(&subject.to_string(), version);
        self.dispatcher.say(about, alert).await;
        self.until("the alert", |json| json["alerts"].to_string().contains(&*json_text(&headline))).await;
    }

    /// Ends the scheduling service, or what stands for it.
    pub async fn loses_scheduling(&mut self) {
        self.scheduling.stop().await;
        self.until("the loss", |json| !json["no_contact"].is_null()).await;
    }

    /// The scheduling service is there again.
    pub async fn finds_scheduling(&mut self) {
        self.scheduling = Sayer::start("scheduling", &self.nats, (self.folder.path(), &self.clock)).await;
        self.until("contact", |json| json["no_contact"].is_null()).await;
    }

    fn about(&self, subject: &str, version: u64) -> About {
        About { school: self.school, subject: subject.to_owned(), version, time: self.now() }
    }

    async fn until(&self, what: &str, holds: impl Fn(&serde_json::Value) -> bool) {
        let address = self.address("alerts.json");
        let look = || async {
            let answer = reqwest::get(&address).await.unwrap();
            if answer.status().is_success() { answer.json().await.unwrap() } else { serde_json::Value::Null }
        };
        until(what, look, |json: &serde_json::Value| json.is_object() && holds(json)).await;
    }

    /// Ends everything.
    pub async fn stop(mut self) {
        self.dispatcher.stop().await;
        self.scheduling.stop().await;
        self.running.stop_token().cancel();
        tokio::time::timeout(PATIENCE, self.running.wait()).await.expect("the website stops").unwrap();
        self.nats.stop().await;
        drop(self.folder);
    }
}

/// A text as it stands in JSON, without the quotes around it.
fn json_text(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

/// A service of which only the outbox is there.
struct Sayer {
    store: Store,
    bus: Bus,
    relay: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
}

impl Sayer {
    async fn start(
        service: &'static str,
        nats: &GivenNats,
        (folder, clock): (&std::path::Path, &Clock),
    ) -> Self {
        let settings = config::Store { postgres: None, database_prefix: "sayer_".to_owned(), connections: 1 };
        let store = Store::open(service, &settings, folder, clock.clone(), &[]).await.unwrap();
        let (bus, stop) = (nats.bus(service).await, CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(relay::run(store.clone(), bus.clone(), stop.clone()));
        Self { store, bus, relay: tasks, stop }
    }

    async fn say<T: Fact>(&self, about: About, data: T) {
        let event = Event::new(EventId::generate(), about, data);
        self.store.commit(Commit::new().fact(&event).unwrap()).await.unwrap();
    }

    async fn stop(&mut self) {
        self.stop.cancel();
        while let Some(ended) = self.relay.join_next().await {
            ended.unwrap().unwrap();
        }
        self.bus.close().await;
        self.store.close().await.unwrap();
    }
}

/// The school is closed on these days.
pub fn closed(first_day: Date, last_day: Date) -> WebsiteAlert {
    let days = if first_day == last_day {
        format!("on {}", day(first_day))
    } else {
        format!("from {} to {}", day(first_day), day(last_day))
    };
    alert(AlertKind::Closure, "School is closed", (first_day, last_day, &days))
}

/// The school is open from this day on.
pub fn open(on: Date) -> WebsiteAlert {
    let alert = alert(AlertKind::Reopening, "School is open", (on, on, &format!("on {}", day(on))));
    WebsiteAlert { body: "Please send children as usual.".to_owned(), ..alert }
}

fn alert(kind: AlertKind, gist: &str, (first_day, last_day, days): (Date, Date, &str)) -> WebsiteAlert {
    let end = last_day.tomorrow().unwrap().in_tz("Europe/London").unwrap();
    WebsiteAlert {
        kind,
        headline: format!("{gist} {days}"),
        body: "Reason: heavy snow.".to_owned(),
        outline: Some(Outline { gist: gist.to_owned(), first_day, from: Session::Morning }),
        expires_at: end.timestamp(),
    }
}

fn day(date: Date) -> String {
    date.strftime("%A %-d %B").to_string()
}

/// A school's own website, which lets no more be done to it than the banner needs.
pub struct Homepage {
    /// Where it is: another origin than the alerts'.
    pub address: String,
    _server: JoinSet<std::io::Result<()>>,
}

impl Homepage {
    /// Starts one with the banner, and with the frame for those who run no scripts.
    pub async fn with_the_banner(site: &Site) -> Self {
        let alerts = format!("http://{}", site.running.http);
        let policy: Arc<str> = format!(
            "default-src 'none'; script-src {alerts}; connect-src {alerts}; frame-src {alerts}; style-src 'none'"
        )
        .into();
        let page: Arc<str> = format!(
            r#"<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Elm Park Primary School</title>
<script src="{alerts}/website/banner.js" data-school="{}" defer></script></head>
<body><h1>Welcome to Elm Park</h1>
<noscript><iframe src="{}" title="School alerts" width="100%" height="300"></iframe></noscript>
</body></html>"#,
            site.school,
            site.address("banner"),
        )
        .into();
        let answer = move || {
            let (policy, page) = (policy.to_string(), Html(page.to_string()));
            async move { ([(CONTENT_SECURITY_POLICY, policy)], page).into_response() }
        };
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", port.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(port, Router::new().route("/", get(answer))).await });
        Self { address, _server: server }
    }
}
