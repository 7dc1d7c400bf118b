//! The notifications that the simulated Notify has accepted, for its GET endpoints and receipts.
//!
//! In memory only: the witness log is what lasts. Like the server it takes the same reference as often as it is sent.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::render::{self, Content};
use super::validate::Draft;
use crate::log::Medium;

/// How many notifications one page of a list has.
pub(crate) const PAGE: usize = 250;
/// Our templates never change.
pub(crate) const TEMPLATE_VERSION: u32 = 1;

/// How far a notification has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Status {
    Sending,
    Delivered,
    PermanentFailure,
    TemporaryFailure,
}

impl Status {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::PermanentFailure => "permanent-failure",
            Self::TemporaryFailure => "temporary-failure",
        }
    }

    /// Whether a filter word of the list means this; `failed` means every failure.
    fn is_meant_by(self, word: &str) -> bool {
        let failed = matches!(self, Self::PermanentFailure | Self::TemporaryFailure);
        word == self.text() || (word == "failed" && failed)
    }
}

/// One accepted message.
#[derive(Debug, Clone)]
pub(crate) struct Notification {
    pub(crate) id: Uuid,
    pub(crate) draft: Draft,
    pub(crate) content: Content,
    pub(crate) status: Status,
    pub(crate) created_at: Timestamp,
    pub(crate) completed_at: Option<Timestamp>,
}

/// What a list asks for; empty means any.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    pub(crate) kinds: Vec<String>,
    pub(crate) statuses: Vec<String>,
    pub(crate) reference: Option<String>,
    pub(crate) older_than: Option<Uuid>,
}

/// All notifications, oldest first.
#[derive(Default)]
pub(crate) struct Store {
    notifications: Vec<Notification>,
    positions: HashMap<Uuid, usize>,
    references: HashMap<String, Vec<usize>>,
}

impl Store {
    pub(crate) fn insert(&mut self, notification: Notification) {
        let position = self.notifications.len();
        self.positions.insert(notification.id, position);
        if let Some(reference) = &notification.draft.reference {
            self.references.entry(reference.clone()).or_default().push(position);
        }
        self.notifications.push(notification);
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<&Notification> {
        self.notifications.get(*self.positions.get(&id)?)
    }

    /// Ends a notification; the caller reports it.
    pub(crate) fn complete(&mut self, id: Uuid, status: Status, at: Timestamp) -> Option<Notification> {
        let position = *self.positions.get(&id)?;
        let notification = self.notifications.get_mut(position)?;
        notification.status = status;
        notification.completed_at = Some(at);
        Some(notification.clone())
    }

    /// A page of what fits, newest first.
    pub(crate) fn list(&self, filter: &Filter) -> Vec<&Notification> {
        let before = match filter.older_than {
            Some(id) => self.positions.get(&id).copied().unwrap_or_default(),
            None => self.notifications.len(),
        };
        let fits = |notification: &&Notification| {
            let kind = render::name(notification.draft.medium);
            (filter.kinds.is_empty() || filter.kinds.iter().any(|wanted| wanted == kind))
                && (filter.statuses.is_empty()
                    || filter.statuses.iter().any(|word| notification.status.is_meant_by(word)))
        };
        let older = |position: &&usize| **position < before;
        match &filter.reference {
            Some(reference) => {
                let positions = self.references.get(reference).map(Vec::as_slice).unwrap_or_default();
                let found = positions.iter().rev().filter(older);
                found
                    .filter_map(|position| self.notifications.get(*position))
                    .filter(fits)
                    .take(PAGE)
                    .collect()
            }
            None => self.notifications.iter().take(before).rev().filter(fits).take(PAGE).collect(),
        }
    }
}

impl Notification {
    /// As GET answers it; every property of the API is there, most of them null.
    pub(crate) fn as_json(&self, base: &str) -> Value {
        let draft = &self.draft;
        let recipient = |medium| (draft.medium == medium).then_some(draft.written_to.as_str());
        json!({
            "id": self.id,
            "reference": draft.reference,
            "email_address": recipient(Medium::Email),
            "phone_number": recipient(Medium::Sms),
            "line_1": null, "line_2": null, "line_3": null, "line_4": null, "line_5": null, "line_6": null,
            "postcode": null,
            "postage": null,
            "type": render::name(draft.medium),
            "status": self.status,
            "template": {
                "id": draft.template_id,
                "version": TEMPLATE_VERSION,
                "uri": format!("{base}/v2/template/{}/version/{TEMPLATE_VERSION}", draft.template_id),
            },
            "body": self.content.body,
            "subject": self.content.subject,
            "created_at": instant(self.created_at),
            "created_by_name": null,
            "sent_at": instant(self.created_at),
            "completed_at": self.completed_at.map(instant),
            "scheduled_for": null,
            "one_click_unsubscribe": draft.one_click_unsubscribe_url,
            "is_cost_data_ready": false,
            "cost_in_pounds": null,
            "cost_details": {},
        })
    }
}

/// An instant in the server's form.
pub(crate) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
