//! `POST /v2/notifications/{sms, email}`: the way of one request from its headers to the witness log.
//!
//! Called by the router only. A client that hangs up while it is made to wait has sent nothing: nothing is accepted before
//! the last wait is over.

use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::ApiError;
use super::store::{Notification, Status, TEMPLATE_VERSION};
use super::validate::{self, Draft};
use super::{Notify, base, render};
use crate::address;
use crate::behaviour::{Effect, Failure};
use crate::clock;
use crate::log::{Accepted, Event, Medium, Provider, Refused, Will};
use crate::world::provider_id;

/// What a text says it comes from; a real service has a sender name of at most 11 characters.
const TEXT_SENDER: &str = "GOVUK";
/// What an e-mail says it comes from.
const EMAIL_SENDER: &str = "school@notifications.example.org";
/// The rate that a refusal names when the simulator was told to refuse without having a limit.
const USUAL_RATE: u32 = 3_000;
const USUAL_DAILY_LIMIT: u32 = 250_000;

pub(super) async fn post_notification(
    State(notify): State<Arc<Notify>>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let medium = match kind.as_str() {
        "sms" => Medium::Sms,
        "email" => Medium::Email,
        "letter" => return ApiError::bad_request("Service is not allowed to send letters").into_response(),
        _ => return ApiError::not_found().into_response(),
    };
    notify.world.dawdle(Provider::Notify).await;
    match notify.receive(medium, &headers, &body).await {
        Ok(created) => (StatusCode::CREATED, Json(created)).into_response(),
        Err(error) => {
            notify.world.refused(refusal(medium, &body, &error));
            error.into_response()
        }
    }
}

impl Notify {
    async fn receive(&self, medium: Medium, headers: &HeaderMap, body: &[u8]) -> Result<Value, ApiError> {
        self.authenticate(headers)?;
        let kind = render::name(medium);
        let mut answers = true;
        match self.world.behaviours.next(Provider::Notify) {
            None => {}
            Some(Effect::Refuse { status, text }) => return Err(ApiError::told(status, text.as_deref())),
            Some(Effect::RateLimited) => {
                return Err(ApiError::rate_limited(self.options.rate_per_minute.unwrap_or(USUAL_RATE)));
            }
            Some(Effect::DailyLimitReached) => {
                let limit = self.options.daily_limit.unwrap_or(USUAL_DAILY_LIMIT);
                return Err(ApiError::over_daily_limit(kind, limit));
            }
            Some(Effect::TimeOutBefore) => {
                self.world.silence().await;
                return Err(ApiError::internal());
            }
            Some(Effect::TimeOutAfter | Effect::Drop) => answers = false,
        }
        let draft = validate::draft(medium, body)?;
        let now = clock::now();
        self.spend(kind, now)?;
        let created = self.accept(draft, &base(headers), now)?;
        if !answers {
            self.world.silence().await;
        }
        Ok(created)
    }

    /// Both limits are checked before either is used up.
    fn spend(&self, kind: &'static str, now: Timestamp) -> Result<(), ApiError> {
        let mut limits = self.limits.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(limit) = self.options.daily_limit
            && !limits.day.fits(kind, limit, now)
        {
            return Err(ApiError::over_daily_limit(kind, limit));
        }
        if limits.bucket.as_mut().is_some_and(|bucket| !bucket.take(now)) {
            return Err(ApiError::rate_limited(self.options.rate_per_minute.unwrap_or_default()));
        }
        limits.day.count(kind);
        Ok(())
    }

    fn accept(&self, draft: Draft, base: &str, now: Timestamp) -> Result<Value, ApiError> {
        let content = render::render(&draft, &self.options)?;
        let id = provider_id(now);
        let outcome = self.outcome(&draft.to);
        let accepted = Accepted {
            channel: draft.medium,
            provider: Provider::Notify,
            to: draft.to.clone(),
            from: Some(sender(draft.medium).to_owned()),
            subject: content.subject.clone(),
            body: content.shown.clone(),
            reference: draft.reference.clone(),
            message_id: None,
            id: id.to_string(),
            will: match outcome {
                None => Will::None,
                Some(Status::PermanentFailure | Status::TemporaryFailure) => Will::Fail,
                Some(Status::Delivered | Status::Sending) => Will::Deliver,
            },
        };
        let status = Status::Sending;
        let notification = Notification { id, draft, content, status, created_at: now, completed_at: None };
        let created = created(&notification, base);
        // Known before it is witnessed: whoever reads the log and asks for the id must find it.
        self.store().insert(notification);
        self.world.witness.record(Event::Accepted(accepted), now).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "the witness log could not be written");
            ApiError::internal()
        })?;
        if let Some(outcome) = outcome {
            self.courier.promise(id, outcome);
        }
        Ok(created)
    }

    /// What the receipt will say; `None` when there will be none.
    fn outcome(&self, to: &str) -> Option<Status> {
        if self.world.behaviours.silent(to) {
            return None;
        }
        Some(match self.world.behaviours.failure(to) {
            None => Status::Delivered,
            Some(Failure::Permanent) => Status::PermanentFailure,
            Some(Failure::Temporary) => Status::TemporaryFailure,
        })
    }
}

fn sender(medium: Medium) -> &'static str {
    match medium {
        Medium::Sms => TEXT_SENDER,
        Medium::Email => EMAIL_SENDER,
    }
}

fn created(notification: &Notification, base: &str) -> Value {
    let Notification { id, draft, content, .. } = notification;
    let said = match draft.medium {
        Medium::Sms => json!({ "body": content.body, "from_number": TEXT_SENDER }),
        Medium::Email => json!({
            "subject": content.subject,
            "body": content.body,
            "from_email": EMAIL_SENDER,
            "one_click_unsubscribe_url": draft.one_click_unsubscribe_url,
        }),
    };
    let mut answer = json!({
        "id": id,
        "reference": draft.reference,
        "content": said,
        "uri": format!("{base}/v2/notifications/{id}"),
        "template": {
            "id": draft.template_id,
            "version": TEMPLATE_VERSION,
            "uri": format!("{base}/v2/template/{}", draft.template_id),
        },
        "scheduled_for": null,
    });
    if let (Medium::Email, Some(answer)) = (draft.medium, answer.as_object_mut()) {
        answer.insert("sanitised_content".to_owned(), json!({}));
    }
    answer
}

/// What the log says about a refused request: whatever can be read of it.
fn refusal(medium: Medium, body: &[u8], error: &ApiError) -> Refused {
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |property: &str| json.get(property).and_then(Value::as_str);
    Refused {
        channel: medium,
        provider: Provider::Notify,
        to: text(validate::recipient_property(medium)).map(address::normalised),
        reference: text("reference").map(str::to_owned),
        status: error.status,
        why: error.why(),
    }
}
