//! `GetHealth`: whether what should leave leaves, and whether the providers do their part. Names nobody.
//!
//! It is read from what stands in the database, which all replicas share, and of requests the newest only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kit::clock::{from_micros, to_proto};
use kit::rejection::failure;
use kit::store::Error;
use proto::dispatcher::v1 as pb;
use sea_orm::ConnectionTrait;
use tonic::{Response, Status};

use super::Api;
use crate::domain::DeliveryState;
use crate::domain::reason::sentence_of;
use crate::domain::why::Why;
use crate::store::budgets::{self, Pace};
use crate::store::{backlog, parsed};

/// The newest requests, by any channel.
const REQUESTS: &str = "\
    SELECT d.channel, a.state, a.why, a.ended_at \
    FROM (SELECT delivery_id, state, why, ended_at, id FROM attempts ORDER BY id DESC LIMIT 2000) a \
    JOIN deliveries d ON d.id = a.delivery_id ORDER BY a.id DESC";

/// What the newest requests by one channel say of its provider.
#[derive(Default)]
struct Seen {
    requests: i32,
    /// Since it last did its part.
    failures: i32,
    why: Option<String>,
    did_its_part_at: Option<Timestamp>,
}

impl Seen {
    /// One more request, older than those before.
    fn older(&mut self, (state, why): (DeliveryState, String), at: Timestamp) {
        self.requests += 1;
        if self.did_its_part_at.is_some() {
            return;
        }
        // That a provider refuses an address or a message is a part of what it is for.
        let refused_us = Why::by_code(&why).is_some_and(|why| why.is_ours_to_mend());
        if matches!(state, DeliveryState::Accepted | DeliveryState::Delivered | DeliveryState::Failed)
            && !refused_us
        {
            self.did_its_part_at = Some(at);
        } else {
            self.failures += 1;
            self.why.get_or_insert(why);
        }
    }
}

pub(super) async fn health(api: &Api) -> Result<Response<pb::GetHealthResponse>, Status> {
    let answer = read(api).await.map_err(|error| failure(&error))?;
    Ok(Response::new(answer))
}

async fn read(api: &Api) -> Result<pb::GetHealthResponse, Error> {
    let now = api.store.clock().now();
    let lanes = backlog::read(&api.store, &api.timing, now).await?;
    let lanes = lanes.into_iter().map(|(lane, waiting)| pb::LaneHealth {
        lane: lane.as_str().to_owned(),
        open: i32::try_from(waiting.open).unwrap_or(i32::MAX),
        held: i32::try_from(waiting.held).unwrap_or(i32::MAX),
        waits_since: waiting.since.map(to_proto),
    });
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    for row in api.store.read().query_all_raw(api.store.statement(REQUESTS, [])).await? {
        let state: DeliveryState = parsed(&row.try_get_by_index::<String>(1)?, "state of an attempt")?;
        let (why, at) = (row.try_get_by_index(2)?, from_micros(row.try_get_by_index(3)?));
        seen.entry(row.try_get_by_index(0)?).or_default().older((state, why), at);
    }
    let mut providers = Vec::new();
    for way in &api.ways {
        let (channel, limits) = (way.name().to_string(), way.limits());
        let seen = seen.remove(&channel).unwrap_or_default();
        let pace = budgets::pace(&api.store, &way.account()).await?;
        let full = f64::from(limits.per_second);
        let Pace { per_second, rests_until } = pace.unwrap_or(Pace { per_second: full, rests_until: None });
        let rests_until = rests_until.filter(|until| *until > api.store.clock().real());
        providers.push(pb::ProviderHealth {
            channel,
            requests: seen.requests,
            failures: seen.failures,
            why: seen.why.map(|why| sentence_of(&why).to_owned()).unwrap_or_default(),
            did_its_part_at: seen.did_its_part_at.map(to_proto),
            per_second,
            may_per_second: full,
            rests_until: rests_until.map(to_proto),
        });
    }
    Ok(pb::GetHealthResponse { lanes: lanes.collect(), providers })
}
