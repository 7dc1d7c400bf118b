//! GOV.UK Notify on loopback: one service, two templates, its API as its own source code has it.
//!
//! Order of a POST, as the server does it: authentication, then the schema, the limits, the template; then the message is
//! written to the witness log, and only then answered with 201. There is no idempotency: the same reference twice is two
//! messages. What [`behaviour`](crate::behaviour) was told to do wrong is done after authentication. It sends nothing anywhere.

mod auth;
mod error;
mod limits;
mod receipts;
mod render;
mod send;
mod store;
mod validate;

#[cfg(test)]
pub(crate) mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::json;
use uuid::Uuid;

use crate::callback::ReceiptsTo;
use crate::clock;
use crate::world::World;
use auth::Keys;
use error::ApiError;
use limits::{DailyCount, TokenBucket};
use receipts::Courier;
use store::{Filter, PAGE, Store};

/// The largest request body; the largest e-mail is 2 MB before JSON escapes.
const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// The one service of the simulated Notify.
#[derive(Debug, Clone)]
pub struct NotifyOptions {
    /// The service that keys and tokens name.
    pub service_id: Uuid,
    /// Secrets of its live API keys.
    pub api_key_secrets: Vec<Uuid>,
    /// Secrets of keys that once were good.
    pub revoked_secrets: Vec<Uuid>,
    /// Stands in front of every text: `Name: …`.
    pub service_name: String,
    /// The template whose body is `((body))`.
    pub sms_template_id: Uuid,
    /// The template whose subject is `((subject))` and whose body is `((body))`.
    pub email_template_id: Uuid,
    /// Requests a minute (3,000 for a real service); `None` = unlimited.
    pub rate_per_minute: Option<u32>,
    /// Messages a day of each kind (250,000 for a real service); `None` = unlimited.
    pub daily_limit: Option<u32>,
    /// Whom the certificate of an `https` callback must come from, that of bounces included; nobody by default.
    pub receipts_authorities: rustls::RootCertStore,
}

impl Default for NotifyOptions {
    /// A service with fixed ids, one key and no limits.
    fn default() -> Self {
        Self {
            service_id: Uuid::from_u128(0x5c00_1be1_0000_4000_8000_0000_0000_0001),
            api_key_secrets: vec![Uuid::from_u128(0x5c00_1be1_0000_4000_8000_0000_0000_0002)],
            revoked_secrets: Vec::new(),
            service_name: "Schoolbell".to_owned(),
            sms_template_id: Uuid::from_u128(0x5c00_1be1_0000_4000_8000_0000_0000_0003),
            email_template_id: Uuid::from_u128(0x5c00_1be1_0000_4000_8000_0000_0000_0004),
            rate_per_minute: None,
            daily_limit: None,
            receipts_authorities: rustls::RootCertStore::empty(),
        }
    }
}

impl NotifyOptions {
    /// The text of an API key, as Notify shows it once: `{name}-{service id}-{secret}`, with the first live secret.
    ///
    /// A service without keys gives a key that is never accepted.
    pub fn api_key(&self, name: &str) -> String {
        let secret = self.api_key_secrets.first().copied().unwrap_or_default();
        format!("{name}-{}-{secret}", self.service_id)
    }
}

/// The running API.
pub(crate) struct Notify {
    options: NotifyOptions,
    keys: Keys,
    world: Arc<World>,
    store: Arc<Mutex<Store>>,
    limits: Mutex<Limits>,
    courier: Arc<Courier>,
}

struct Limits {
    bucket: Option<TokenBucket>,
    day: DailyCount,
}

impl Notify {
    pub(crate) fn new(
        options: NotifyOptions,
        receipts: Option<ReceiptsTo>,
        world: Arc<World>,
    ) -> Result<Self, reqwest::Error> {
        let store = Arc::new(Mutex::new(Store::default()));
        let believed = options.receipts_authorities.clone();
        let courier = Courier::new(Arc::clone(&world), Arc::clone(&store), receipts, believed)?;
        let courier = Arc::new(courier);
        let bucket = options.rate_per_minute.map(|rate| TokenBucket::new(rate, clock::now()));
        let keys = Keys {
            service_id: options.service_id,
            live: options.api_key_secrets.clone(),
            revoked: options.revoked_secrets.clone(),
        };
        let limits = Mutex::new(Limits { bucket, day: DailyCount::default() });
        Ok(Self { options, keys, world, store, limits, courier })
    }

    /// From now on receipts go there.
    pub(crate) fn send_receipts_to(&self, target: ReceiptsTo) {
        self.courier.send_to(target);
    }

    /// The API's routes.
    pub(crate) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/v2/notifications/{kind_or_id}", post(send::post_notification).get(get_notification))
            .route("/v2/notifications", get(list_notifications))
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .with_state(self)
    }

    fn authenticate(&self, headers: &HeaderMap) -> Result<(), ApiError> {
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        auth::check(header, &self.keys, clock::now())
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address under which this client knows us.
fn base(headers: &HeaderMap) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}")
}

async fn get_notification(
    State(notify): State<Arc<Notify>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    notify.authenticate(&headers)?;
    let id: Uuid = id
        .parse()
        .map_err(|_| ApiError::validation(vec!["notification_id is not a valid UUID".to_owned()]))?;
    let store = notify.store();
    let notification = store.get(id).ok_or_else(ApiError::not_found)?;
    Ok(Json(notification.as_json(&base(&headers))).into_response())
}

async fn list_notifications(
    State(notify): State<Arc<Notify>>,
    Query(parameters): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    notify.authenticate(&headers)?;
    let filter = filter(&parameters)?;
    let base = base(&headers);
    let store = notify.store();
    let page = store.list(&filter);
    let mut links = BTreeMap::from([("current", format!("{base}/v2/notifications"))]);
    if let (PAGE, Some(last)) = (page.len(), page.last()) {
        links.insert("next", format!("{base}/v2/notifications?older_than={}", last.id));
    }
    let notifications: Vec<_> = page.iter().map(|notification| notification.as_json(&base)).collect();
    Ok(Json(json!({ "notifications": notifications, "links": links })).into_response())
}

fn filter(parameters: &[(String, String)]) -> Result<Filter, ApiError> {
    const STATUSES: &str = "cancelled created sending sent delivered pending failed technical-failure \
                            temporary-failure permanent-failure pending-virus-check validation-failed \
                            virus-scan-failed returned-letter accepted received";
    let one_of = |name: &str, value: &str, known: &str| {
        let fault = || ApiError::validation(vec![format!("{name} {value} is not one of [{known}]")]);
        known.split_whitespace().any(|word| word == value).then(|| value.to_owned()).ok_or_else(fault)
    };
    let mut filter = Filter::default();
    for (name, value) in parameters {
        match name.as_str() {
            "template_type" => filter.kinds.push(one_of(name, value, "sms email letter")?),
            "status" => filter.statuses.push(one_of(name, value, STATUSES)?),
            "reference" => filter.reference = Some(value.clone()),
            "older_than" => {
                let fault = |_| ApiError::validation(vec!["older_than is not a valid UUID".to_owned()]);
                filter.older_than = Some(value.parse().map_err(fault)?);
            }
            "include_jobs" => {}
            _ => {
                let fault = format!("Additional properties are not allowed ({name} was unexpected)");
                return Err(ApiError::validation(vec![fault]));
            }
        }
    }
    Ok(filter)
}
