//! Alerts for the public website. The channel `website` is our own outbox: the alert is said in the
//! commit that hears the fact, so that it stands there at once, whoever else can be asked.

use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use proto::events::dispatcher::WebsiteAlert;
use proto::events::{About, Event};
use proto::ids::{DeliveryId, EventId};

use super::facts::Told;
use crate::domain::{DeliveryState, NoticeKind, Reason};

/// The channel's name in rows and lists.
pub const CHANNEL: &str = "website";

/// Says an alert, and keeps a delivery for it like for everything that is told.
pub fn publish(
    store: &Store,
    commit: Commit,
    (told, gathering, kind): (&Told, &str, NoticeKind),
    alert: WebsiteAlert,
) -> Result<Commit, Error> {
    let now = store.clock().now();
    let about =
        About { school: told.school, subject: told.subject.clone(), version: told.version, time: now };
    let sql = "INSERT INTO deliveries (id, school, gathering_id, kind, channel, address, state, why, attempts, \
               created_at, updated_at, valid_until, next_address) \
               VALUES ($1, $2, $3, $4, $5, '', $6, $7, 1, $8, $8, $9, FALSE)";
    let values = [
        DeliveryId::generate().to_string().into(),
        told.school.to_string().into(),
        gathering.into(),
        kind.as_str().into(),
        CHANNEL.into(),
        DeliveryState::Delivered.as_str().into(),
        Reason::OnWebsite.code().into(),
        micros(now).into(),
        micros(alert.expires_at).into(),
    ];
    commit.execute(store.statement(sql, values)).fact(&Event::new(EventId::generate(), about, alert))
}
