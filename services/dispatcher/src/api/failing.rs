//! `GetFailingContacts`: whom message after message fails to reach, so that somebody asks for a number that
//! works before it is needed.

use jiff::{SignedDuration, Timestamp};
use kit::audit;
use kit::clock::{from_micros, to_proto};
use kit::identity::Caller;
use kit::rejection::{Rejection, failure};
use kit::store::{Error, Store};
use proto::dispatcher::v1 as pb;
use proto::ids::SchoolId;
use sea_orm::ConnectionTrait;
use tonic::{Response, Status};

const DEFAULT_DAYS: i32 = 14;
const MOST_DAYS: i32 = 90;

/// Of what failed that counts which says something of the address; what our own account or our settings made fail says
/// nothing of anybody. Ids of deliveries begin with when they were made.
const FAILING: &str = "\
    SELECT contact_id, SUM(failed), SUM(reached), \
        MAX(CASE WHEN failed = 1 THEN updated_at END), MAX(CASE WHEN reached = 1 THEN updated_at END) \
    FROM (SELECT DISTINCT m.contact_id, d.id, d.updated_at, \
            CASE WHEN d.state = 'failed' THEN 1 ELSE 0 END AS failed, \
            CASE WHEN d.state = 'delivered' OR (d.state = 'accepted' AND d.channel LIKE 'email.%') \
                THEN 1 ELSE 0 END AS reached \
        FROM deliveries d JOIN members m ON m.delivery_id = d.id \
        WHERE d.id >= $2 AND d.school = $1 AND m.why = '' \
            AND (d.state IN ('delivered', 'accepted') OR (d.state = 'failed' AND d.why IN ( \
                'PERMANENT_FAILURE', 'TEMPORARY_FAILURE', 'BOUNCED', 'ADDRESS_REFUSED', 'ADDRESS_UNKNOWN', \
                'ADDRESS_UNUSABLE', 'MAILBOX_FULL')))) AS outcomes \
    GROUP BY contact_id \
    HAVING SUM(failed) >= 2 AND MAX(CASE WHEN failed = 1 THEN updated_at END) > \
        COALESCE(MAX(CASE WHEN reached = 1 THEN updated_at END), 0) \
    ORDER BY 2 DESC, contact_id LIMIT 200";

const SUPPRESSED: &str =
    "SELECT address, kind, at FROM suppressions WHERE school = $1 ORDER BY at DESC LIMIT 5000";

pub(super) async fn failing(
    store: &Store,
    caller: &Caller,
    request: &pb::GetFailingContactsRequest,
) -> Result<Response<pb::GetFailingContactsResponse>, Status> {
    let days = match request.days {
        0 => DEFAULT_DAYS,
        days if days < 0 => {
            return Err(Rejection::invalid("INVALID_DAYS", "days", "must not be negative").into());
        }
        days => days.min(MOST_DAYS),
    };
    let now = store.clock().real();
    let since = now.saturating_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or_default();
    let read = async || -> Result<_, Error> {
        Ok((contacts(store, caller.tenant, since).await?, suppressed(store, caller.tenant).await?))
    };
    let (contacts, suppressed) = read().await.map_err(|error| failure(&error))?;
    let seen: Vec<String> = contacts.iter().map(|contact| contact.contact_id.clone()).collect();
    let audited = audit::look(store, caller, "GetFailingContacts", &seen).await?;
    Ok(audited.seal(pb::GetFailingContactsResponse { contacts, suppressed }))
}

async fn contacts(
    store: &Store,
    school: SchoolId,
    since: Timestamp,
) -> Result<Vec<pb::FailingContact>, Error> {
    let first = format!("dlv_{:012x}", since.as_millisecond().max(0));
    let statement = store.statement(FAILING, [school.to_string().into(), first.into()]);
    let rows = store.read().query_all_raw(statement).await?;
    let count = |number: i64| i32::try_from(number).unwrap_or(i32::MAX);
    let at = |at: i64| to_proto(from_micros(at));
    rows.iter()
        .map(|row| {
            Ok(pb::FailingContact {
                contact_id: row.try_get_by_index(0)?,
                failed: count(row.try_get_by_index(1)?),
                reached: count(row.try_get_by_index(2)?),
                last_failed_at: row.try_get_by_index::<Option<i64>>(3)?.map(at),
                last_reached_at: row.try_get_by_index::<Option<i64>>(4)?.map(at),
            })
        })
        .collect()
}

async fn suppressed(store: &Store, school: SchoolId) -> Result<Vec<pb::SuppressedAddress>, Error> {
    let statement = store.statement(SUPPRESSED, [school.to_string().into()]);
    let rows = store.read().query_all_raw(statement).await?;
    rows.iter()
        .map(|row| {
            Ok(pb::SuppressedAddress {
                address: row.try_get_by_index(0)?,
                opted_out: row.try_get_by_index::<String>(1)? == "opted_out",
                since: Some(to_proto(from_micros(row.try_get_by_index(2)?))),
            })
        })
        .collect()
}
