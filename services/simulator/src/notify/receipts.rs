//! Delivery receipts: what Notify reports back to the sender, some time after it accepted a message.
//!
//! Each accepted message gets one task, which waits until its receipt is due, ends the notification and has the
//! [`callback`](crate::callback) say so.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use uuid::Uuid;

use super::render;
use super::store::{Notification, Status, Store, TEMPLATE_VERSION, instant};
use crate::callback::{Callback, ReceiptsTo, Report};
use crate::clock;
use crate::world::World;

/// Carries receipts to the sender.
pub(crate) struct Courier {
    callback: Callback,
    world: Arc<World>,
    store: Arc<Mutex<Store>>,
}

impl Courier {
    pub(crate) fn new(
        world: Arc<World>,
        store: Arc<Mutex<Store>>,
        target: Option<ReceiptsTo>,
        believed: rustls::RootCertStore,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self { callback: Callback::new(Arc::clone(&world), target, believed)?, world, store })
    }

    /// From now on receipts go there, those that are waiting included.
    pub(crate) fn send_to(&self, target: ReceiptsTo) {
        self.callback.send_to(target);
    }

    /// Promises a receipt for an accepted message.
    pub(crate) fn promise(self: &Arc<Self>, id: Uuid, status: Status) {
        let courier = Arc::clone(self);
        self.world.tasks.spawn(async move {
            let stopping = courier.world.stopping.clone();
            stopping.run_until_cancelled(courier.carry(id, status)).await;
        });
    }

    async fn carry(&self, id: Uuid, status: Status) {
        let copies = self.callback.due().await;
        let completed =
            self.store.lock().unwrap_or_else(PoisonError::into_inner).complete(id, status, clock::now());
        let Some(notification) = completed else { return };
        let report = Report {
            id: notification.id.to_string(),
            status: notification.status.text(),
            content_type: "application/json",
            body: body(&notification).to_string().into_bytes(),
        };
        self.callback.say(&report, copies).await;
    }
}

fn body(notification: &Notification) -> Value {
    let draft = &notification.draft;
    json!({
        "id": notification.id,
        "reference": draft.reference,
        "to": draft.written_to,
        "status": notification.status,
        "created_at": instant(notification.created_at),
        "completed_at": notification.completed_at.map(instant),
        "sent_at": instant(notification.created_at),
        "notification_type": render::name(draft.medium),
        "template_id": draft.template_id,
        "template_version": TEMPLATE_VERSION,
    })
}
