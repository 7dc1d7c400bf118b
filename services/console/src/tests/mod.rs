//! The console alone, without any service behind it: signing in, sessions and forms. What its pages
//! show of a school is told in `tests/journeys` and `tests/browser`.

mod accounts;
mod forms;
mod schools;
mod strangers;
mod titles;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use jiff::SignedDuration;
use kit::identity::Caller;
use kit::store::{Commit, Store};
use kit::testing::{TestStore, stores};
use proto::ids::SchoolId;
use proto::options::v1::Role;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::asking::Services;
use crate::domain::session::{Rules, Session};
use crate::http::{self, Console};
use crate::live::Hub;
use crate::store::invitations::{self, Invitation};
use crate::store::{MIGRATIONS, fingerprint, people, sessions};

/// A console with nobody behind it.
struct Alone {
    routes: Router,
    store: Store,
    _test: TestStore,
}

async fn consoles() -> Vec<Alone> {
    let alone = |test: TestStore| {
        let console = Console {
            store: test.store.clone(),
            services: Services::none(),
            hub: Hub::default(),
            rules: Rules { idle: SignedDuration::from_mins(30), lasts: SignedDuration::from_hours(12) },
            is_protected: true,
            links: None,
            providers: BTreeMap::new(),
            public_url: None,
            access: proto::access::by_path().unwrap(),
            guesses: http::Guesses::default(),
            just_used: http::JustUsed::default(),
            just_changed: http::JustChanged::default(),
            hashing: http::hashing(),
            schools: http::Schools::default(),
            lists: http::Lists::default(),
            stop: CancellationToken::new(),
        };
        Alone { routes: http::routes(console), store: test.store.clone(), _test: test }
    };
    stores("console", MIGRATIONS).await.into_iter().map(alone).collect()
}

/// What came back, with its page.
struct Answer {
    status: StatusCode,
    leads: String,
    cookie: Option<String>,
    known: Option<String>,
    page: String,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let text = |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (leads, cookie) = (text(header::LOCATION).unwrap_or_default(), text(header::SET_COOKIE));
        let all = response.headers().get_all(header::SET_COOKIE).iter();
        let known =
            all.map(|cookie| cookie.to_str().unwrap().to_owned()).find(|cookie| cookie.contains("-known="));
        let status = response.status();
        let policy = text(header::CONTENT_SECURITY_POLICY).unwrap();
        assert!(!policy.contains("unsafe"), "{policy}");
        let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let value = |cookie: String| cookie.split(';').next().unwrap().to_owned();
        Self {
            status,
            leads,
            cookie: cookie.map(value),
            known: known.map(value),
            page: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// What stands in a hidden field of the page.
    fn field(&self, name: &str) -> String {
        let (_, rest) = self.page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }
}

impl Alone {
    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap();
        Answer::of(self.routes.clone().oneshot(request).await.unwrap()).await
    }

    async fn post(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let encoded: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
        let request = Request::post(path)
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", "same-origin")
            .body(Body::from(encoded.join("&")))
            .unwrap();
        Answer::of(self.routes.clone().oneshot(request).await.unwrap()).await
    }

    /// A link for somebody who is to be the head.
    async fn invite(&self) -> String {
        self.invite_to((SchoolId::generate(), Role::Head), None).await
    }

    /// A link for somebody new, or to come in again.
    async fn invite_to(&self, (school, role): (SchoolId, Role), person_id: Option<&str>) -> String {
        let token = http::random();
        let invitation = Invitation {
            id: fingerprint(&token),
            school,
            name: "Jo Okafor".to_owned(),
            roles: vec![role],
            invited_by: "per_1".to_owned(),
            request_id: http::random(),
            person_id: person_id.map(str::to_owned),
            ends_at: http::until(self.store.clock().real()),
        };
        self.store.commit(invitations::make(Commit::new(), &self.store, &invitation)).await.unwrap();
        format!("/console/invitations/{token}")
    }

    /// Somebody who is signed in, by the cookie, with the mark of the session.
    async fn signed_in(&self) -> (String, Session) {
        let (token, now) = (http::random(), self.store.clock().real());
        let session = Session {
            id: fingerprint(&token),
            caller: Caller {
                subject: "per_2".to_owned(),
                tenant: SchoolId::generate(),
                roles: vec![Role::SystemAdministrator],
            },
            name: "Sam".to_owned(),
            mark: http::random(),
            device: "a browser".to_owned(),
            began_at: now,
            seen_at: now,
        };
        self.store.commit(sessions::begin(Commit::new(), &session)).await.unwrap();
        (format!("__Host-schoolbell={token}"), session)
    }
}

fn escaped(value: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    value.bytes().map(escape).collect()
}
