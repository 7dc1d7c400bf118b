//! GOV.UK Notify's API as both of its channels use it: signing, posting, and asking by reference.
//!
//! What a refusal means stands in [`notify_answers`], as a table. Nothing here waits, repeats or counts.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use super::notify_account::{Account, Kind, parse_key};
use super::{Error, Found, Leave, Limits, NotSent, Outcome, notify_answers, why};

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
    /// The token of the last second.
    token: Mutex<Option<(i64, Arc<str>)>>,
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
            token: Mutex::new(None),
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

    /// Signed once a second: Notify takes a token for 30 seconds either way.
    fn token(&self, now: Timestamp) -> Arc<str> {
        let second = now.as_second();
        let mut last = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((signed_at, token)) = &*last
            && *signed_at == second
        {
            return Arc::clone(token);
        }
        let claims = Claims { iss: &self.service_id, iat: second };
        // HMAC over a short JSON text does not fail; an empty token would be answered with 401 and retried.
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.key).unwrap_or_default();
        let token: Arc<str> = token.into();
        *last = Some((second, Arc::clone(&token)));
        token
    }
}

struct Answer {
    status: StatusCode,
    body: Vec<u8>,
}

fn judge(answer: &Answer, now: Timestamp) -> Outcome {
    notify_answers::judge(answer.status.as_u16(), &answer.body, now)
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
        assert!(account(&Secret::new("")).is_err());
        for wrong in ["short", "ü-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf", &KEY[..KEY.len() - 1]] {
            let error = account(&Secret::new(wrong)).unwrap_err().to_string();
            assert_eq!(error, "channel sms.notify: api_key does not end in a service id and a secret");
        }
    }
}
