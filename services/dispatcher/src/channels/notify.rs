//! GOV.UK Notify's API as both of its channels use it: signing, posting, asking by reference, and the table of answers.
//!
//! Verdicts come from the HTTP status and the error's class; its message is for people, may change and may quote the recipient,
//! so it is never even parsed.

use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::notify_account::{Account, Kind, parse_key};
use super::{Error, Found, Leave, Limits, NotSent, Outcome, RejectKind, Why, why};

/// After a fault on our side, as of credentials: nothing is lost, and an operator has time to mend it.
const OUR_FAULT_PAUSE: Duration = Duration::from_mins(5);
/// The bucket refills in a second by a fiftieth to a sixtieth of the minute's rate; sooner is in vain.
const RATE_PAUSE: Duration = Duration::from_secs(1);
const SECONDS_OF_A_DAY: i64 = 86_400;

/// What a table line makes of an answer.
#[derive(Debug, Clone, Copy)]
enum Verdict {
    Retry,
    RetryAfter(Duration),
    /// The daily count starts again at midnight UTC.
    RetryTomorrow,
    Reject(RejectKind),
    Unknown,
}

/// HTTP status, the error's class (`*` for any other) and what follows. The first line that fits decides.
///
/// `ValidationError` is about the recipient: everything else that the schema checks (template id, reference, length) is checked
/// before we ask. `BadRequestError` is about templates, trial mode, team keys and permissions.
const ANSWERS: &[(u16, &str, Verdict, Why)] = &[
    (400, "ValidationError", Verdict::Reject(RejectKind::Recipient), why::ADDRESS_REFUSED),
    (400, "InvalidPhoneError", Verdict::Reject(RejectKind::Recipient), why::ADDRESS_REFUSED),
    (400, "InvalidEmailError", Verdict::Reject(RejectKind::Recipient), why::ADDRESS_REFUSED),
    (400, "InvalidRecipientError", Verdict::Reject(RejectKind::Recipient), why::ADDRESS_REFUSED),
    (400, "BadRequestError", Verdict::Reject(RejectKind::Configuration), why::SETTINGS),
    (400, "*", Verdict::Reject(RejectKind::Message), why::MESSAGE_REFUSED),
    (401, "*", Verdict::RetryAfter(OUR_FAULT_PAUSE), why::CREDENTIALS),
    (403, "*", Verdict::RetryAfter(OUR_FAULT_PAUSE), why::CREDENTIALS),
    (404, "*", Verdict::RetryAfter(OUR_FAULT_PAUSE), why::WRONG_ENDPOINT),
    (405, "*", Verdict::RetryAfter(OUR_FAULT_PAUSE), why::WRONG_ENDPOINT),
    (408, "*", Verdict::Retry, why::TRY_LATER),
    (413, "*", Verdict::Reject(RejectKind::Message), why::TOO_LONG),
    (429, "TooManyRequestsError", Verdict::RetryTomorrow, why::DAILY_LIMIT),
    (429, "*", Verdict::RetryAfter(RATE_PAUSE), why::RATE_LIMITED),
    // A gateway may have handed the request on before it gave up.
    (504, "*", Verdict::Unknown, why::NO_ANSWER),
];

/// A client for one service's account. Its `Debug` shows no key.
pub(super) struct Notify {
    http: Client,
    post: Url,
    list: Url,
    kind: Kind,
    service_id: String,
    key: EncodingKey,
    timeout: Duration,
    limits: Limits,
    permits: Semaphore,
}

impl std::fmt::Debug for Notify {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Notify").field("service_id", &self.service_id).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
}

#[derive(Deserialize)]
struct Created {
    id: String,
}

#[derive(Deserialize)]
struct Refused {
    errors: Vec<RefusedError>,
}

#[derive(Deserialize)]
struct RefusedError {
    error: String,
}

#[derive(Deserialize)]
struct Listed {
    notifications: Vec<ListedNotification>,
}

#[derive(Deserialize)]
struct ListedNotification {
    id: String,
    reference: Option<String>,
}

impl Notify {
    /// Connects to nobody yet.
    pub(super) fn open(account: &Account<'_>, http: &Client) -> Result<Self, Error> {
        let api_key = account.api_key()?;
        let setting = |key, expected| account.setting(key, expected);
        let base = || format!("{}/v2/notifications", account.base_url.trim_end_matches('/'));
        let list =
            Url::parse(&base()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let list = list.ok_or_else(|| setting("base_url", "is not an http or https address"))?;
        let post = Url::parse(&format!("{}/{}", base(), account.kind.as_str()))
            .map_err(|_| setting("base_url", "is not an http or https address"))?;
        let (service_id, secret) = parse_key(&api_key)
            .ok_or_else(|| setting("api_key", "does not end in a service id and a secret"))?;
        if account.limits.connections == 0 {
            return Err(setting("connections", "is not at least 1"));
        }
        Ok(Self {
            http: http.clone(),
            post,
            list,
            kind: account.kind,
            service_id: service_id.to_owned(),
            key: EncodingKey::from_secret(secret.as_bytes()),
            timeout: account.timeout,
            limits: account.limits,
            permits: Semaphore::new(account.limits.connections),
        })
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// The service: Notify counts texts and e-mails of one service together.
    pub(super) fn account(&self) -> String {
        format!("notify/{}", self.service_id)
    }

    /// Posts one message and reads the verdict. A request cannot be asked back once it connects, which is why connecting may take
    /// only a moment.
    pub(super) async fn post(
        &self,
        body: &impl Serialize,
        leave: &Leave,
        now: Timestamp,
    ) -> Result<Outcome, NotSent> {
        // The semaphore is never closed; without a permit the request merely goes uncounted.
        let _permit = self.permits.acquire().await.ok();
        leave.ask()?;
        Ok(self.posted(body, now).await)
    }

    async fn posted(&self, body: &impl Serialize, now: Timestamp) -> Outcome {
        let answer = match self.ask(self.http.post(self.post.clone()).json(body), now).await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() || error.is_builder() => {
                return Outcome::retry(why::UNREACHABLE);
            }
            Err(error) if error.is_timeout() => return Outcome::Unknown { why: why::NO_ANSWER },
            Err(_) => return Outcome::Unknown { why: why::ANSWER_LOST },
        };
        if !answer.status.is_success() {
            return judge(&answer, now);
        }
        match serde_json::from_slice::<Created>(&answer.body) {
            Ok(created) => Outcome::Accepted { reference: created.id },
            Err(_) => Outcome::Unknown { why: why::ANSWER_UNREADABLE.answered(answer.status.as_u16()) },
        }
    }

    /// Lists what the account has under our reference; Notify keeps it for seven days and finds by exact match.
    pub(super) async fn find(&self, reference: &str, now: Timestamp) -> Found {
        let _permit = self.permits.acquire().await.ok();
        let query = [("template_type", self.kind.as_str()), ("reference", reference)];
        let answer = match self.ask(self.http.get(self.list.clone()).query(&query), now).await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Found::Failed { why: why::UNREACHABLE },
            Err(_) => return Found::Failed { why: why::NO_ANSWER },
        };
        if !answer.status.is_success() {
            let (Outcome::Retry { why, .. } | Outcome::Reject { why, .. } | Outcome::Unknown { why }) =
                judge(&answer, now)
            else {
                return Found::Failed { why: why::ANSWER_UNREADABLE };
            };
            return Found::Failed { why };
        }
        match serde_json::from_slice::<Listed>(&answer.body) {
            Ok(listed) => listed
                .notifications
                .into_iter()
                .find(|notification| notification.reference.as_deref() == Some(reference))
                .map_or(Found::NotFound, |notification| Found::Accepted {
                    provider_reference: notification.id,
                }),
            Err(_) => Found::Failed { why: why::ANSWER_UNREADABLE.answered(answer.status.as_u16()) },
        }
    }

    async fn ask(&self, request: RequestBuilder, now: Timestamp) -> Result<Answer, reqwest::Error> {
        let response = request.bearer_auth(self.token(now)).timeout(self.timeout).send().await?;
        let status = response.status();
        Ok(Answer { status, body: response.bytes().await?.to_vec() })
    }

    /// Signed for each request: Notify takes a token for 30 seconds either way.
    fn token(&self, now: Timestamp) -> String {
        let claims = Claims { iss: &self.service_id, iat: now.as_second() };
        // HMAC over a short JSON text does not fail; an empty token would be answered with 401 and retried.
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.key).unwrap_or_default()
    }
}

struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

fn judge(answer: &Answer, now: Timestamp) -> Outcome {
    let status = answer.status.as_u16();
    let class = serde_json::from_slice::<Refused>(&answer.body)
        .ok()
        .and_then(|refused| refused.errors.into_iter().next())
        .map_or_else(String::new, |first| first.error);
    let line = ANSWERS.iter().find(|(code, error, ..)| *code == status && (*error == "*" || *error == class));
    let (verdict, why) = match line {
        Some((.., verdict, why)) => (*verdict, *why),
        None if answer.status.is_server_error() => (Verdict::Unknown, why::PROVIDER_FAULT),
        None if answer.status.is_client_error() => {
            (Verdict::Reject(RejectKind::Message), why::MESSAGE_REFUSED)
        }
        None => (Verdict::RetryAfter(OUR_FAULT_PAUSE), why::WRONG_ENDPOINT),
    };
    let why = why.answered(status);
    match verdict {
        Verdict::Retry => Outcome::retry(why),
        Verdict::RetryAfter(pause) => Outcome::retry_after(why, pause),
        Verdict::RetryTomorrow => Outcome::retry_after(why, until_midnight_utc(now)),
        Verdict::Reject(kind) => Outcome::reject(kind, why),
        Verdict::Unknown => Outcome::Unknown { why },
    }
}

fn until_midnight_utc(now: Timestamp) -> Duration {
    let left = SECONDS_OF_A_DAY - now.as_second().rem_euclid(SECONDS_OF_A_DAY);
    Duration::from_secs(left.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::super::{ChannelName, Secret};
    use super::*;

    const KEY: &str = "my_test_key-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0";

    fn account(key: &Secret) -> Result<Notify, Error> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let account = Account {
            channel: ChannelName::known("sms.notify"),
            kind: Kind::Sms,
            base_url: "http://127.0.0.1:9/",
            api_key: (Some(key), None),
            timeout: Duration::from_secs(1),
            limits: Limits { characters: 1, per_second: 1, burst: 1, connections: 1 },
        };
        Notify::open(&account, &Client::new())
    }

    #[test]
    fn a_token_carries_what_notify_documents() {
        // The known answer: the same key and second as in Notify's own clients' tests.
        let known = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJpc3MiOiIyNjc4NWEwOS1hYjE2LTRlYjAtODQwNy1hMzc0OTdhNTc1MDYiLCJpYXQiOjE1Njg4MTg1Nzh9.YT_aQYNif0l3HaPwy62Cj9g0qsYzjnj1K5pLwkELiFw";
        let notify = account(&Secret::new(KEY)).unwrap();
        let ours = notify.token(Timestamp::from_second(1_568_818_578).unwrap());
        let mut validation = jsonwebtoken::Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let secret = jsonwebtoken::DecodingKey::from_secret(b"3d844edf-8d35-48ac-975b-e847b4f122b0");
        let read = |token: &str| {
            let token = jsonwebtoken::decode::<serde_json::Value>(token, &secret, &validation).unwrap();
            (token.header.typ, token.header.alg, token.claims)
        };
        assert_eq!(read(&ours), read(known));
    }

    #[test]
    fn a_key_is_read_from_its_end_and_a_wrong_one_is_refused_unseen() {
        assert!(account(&Secret::new(format!("a-name-with-dashes-{KEY}"))).is_ok());
        for wrong in ["", "short", "ü-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf", &KEY[..KEY.len() - 1]]
        {
            let error = account(&Secret::new(wrong)).unwrap_err().to_string();
            assert_eq!(error, "channel sms.notify: api_key does not end in a service id and a secret");
        }
    }

    #[test]
    fn every_answer_has_its_fate() {
        let now: Timestamp = "2026-11-23T23:59:30Z".parse().unwrap();
        let fate = |status: u16, class: &str| {
            let body = serde_json::json!({"status_code": status, "errors": [{"error": class, "message": "phone_number"}]});
            let status = StatusCode::from_u16(status).unwrap();
            match judge(&Answer { status, body: body.to_string().into_bytes() }, now) {
                Outcome::Accepted { .. } => unreachable!("a refusal is never an acceptance"),
                Outcome::Retry { why, after } => {
                    (why.code(), after.map_or(0, |after| after.as_secs()), "retry")
                }
                Outcome::Reject { why, kind: RejectKind::Recipient } => (why.code(), 0, "recipient"),
                Outcome::Reject { why, kind: RejectKind::Message } => (why.code(), 0, "message"),
                Outcome::Reject { why, kind: RejectKind::Configuration } => (why.code(), 0, "configuration"),
                Outcome::Unknown { why } => (why.code(), 0, "unknown"),
            }
        };
        let table = [
            (400, "ValidationError", ("ADDRESS_REFUSED", 0, "recipient")),
            (400, "InvalidPhoneError", ("ADDRESS_REFUSED", 0, "recipient")),
            (400, "InvalidEmailError", ("ADDRESS_REFUSED", 0, "recipient")),
            (400, "InvalidRecipientError", ("ADDRESS_REFUSED", 0, "recipient")),
            (400, "BadRequestError", ("SETTINGS", 0, "configuration")),
            (400, "SomethingNew", ("MESSAGE_REFUSED", 0, "message")),
            (401, "AuthError", ("CREDENTIALS", 300, "retry")),
            (403, "AuthError", ("CREDENTIALS", 300, "retry")),
            (403, "BadRequestError", ("CREDENTIALS", 300, "retry")),
            (404, "NoResultFound", ("WRONG_ENDPOINT", 300, "retry")),
            (308, "", ("WRONG_ENDPOINT", 300, "retry")),
            (413, "", ("TOO_LONG", 0, "message")),
            (429, "RateLimitError", ("RATE_LIMITED", 1, "retry")),
            (429, "TooManyRequestsError", ("DAILY_LIMIT", 30, "retry")),
            (429, "", ("RATE_LIMITED", 1, "retry")),
            (500, "Exception", ("PROVIDER_FAULT", 0, "unknown")),
            (503, "", ("PROVIDER_FAULT", 0, "unknown")),
            (504, "EventletTimeout", ("NO_ANSWER", 0, "unknown")),
        ];
        for (status, class, expected) in table {
            assert_eq!(fate(status, class), expected, "{status} {class}");
        }
    }
}
