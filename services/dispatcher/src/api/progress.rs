//! `GetProgress`: how far a gathering has come, in numbers that name nobody.
//!
//! A contact counts once, by the best that came of its messages: whoever was reached by one of them
//! was reached. Whoever has no message that stands is counted under one of the reasons that stand against one.

use kit::identity::Caller;
use kit::rejection::{self, failure};
use kit::store::Error;
use proto::dispatcher::v1 as pb;
use proto::ids::GatheringId;
use sea_orm::{ConnectionTrait, QueryResult};
use tonic::{Response, Status};

use super::Api;
use super::lists::state_on_the_wire;
use crate::domain::DeliveryState;
use crate::domain::reason::sentence_of;
use crate::store::parsed;

const CONTACTS: &str = "\
    SELECT best, COUNT(*) FROM (\
        SELECT MIN(CASE \
            WHEN d.state = 'delivered' OR (d.state = 'accepted' AND d.channel LIKE 'email.%') THEN 0 \
            WHEN d.state IN ('held', 'due', 'started', 'accepted') THEN 1 \
            WHEN d.state = 'unknown' THEN 2 \
            WHEN d.state = 'drill' THEN 3 \
            ELSE 4 END) AS best \
        FROM deliveries d JOIN members m ON m.delivery_id = d.id \
        WHERE d.gathering_id = $1 AND d.school = $2 AND m.why = '' GROUP BY m.contact_id) AS contacts \
    GROUP BY best";

const SKIPPED: &str = "\
    SELECT why, COUNT(*) FROM (\
        SELECT MIN(m.why) AS why FROM deliveries d JOIN members m ON m.delivery_id = d.id \
        WHERE d.gathering_id = $1 AND d.school = $2 GROUP BY m.contact_id HAVING MIN(m.why) <> '' \
        UNION ALL \
        SELECT COALESCE(MIN(NULLIF(why, 'ENTITLED')), 'ENTITLED') AS why FROM decisions \
        WHERE gathering_id = $1 AND contact_id IS NOT NULL \
        AND gathering_id IN (SELECT id FROM gatherings WHERE school = $2) \
        AND contact_id NOT IN (SELECT m.contact_id FROM deliveries d JOIN members m ON m.delivery_id = d.id \
            WHERE d.gathering_id = $1) \
        GROUP BY contact_id) AS contacts \
    GROUP BY why ORDER BY why";

const MESSAGES: &str = "\
    SELECT channel, state, COUNT(*) FROM deliveries \
    WHERE gathering_id = $1 AND school = $2 GROUP BY channel, state ORDER BY channel, state";

pub(super) async fn progress(
    api: &Api,
    caller: &Caller,
    request: &pb::GetProgressRequest,
) -> Result<Response<pb::GetProgressResponse>, Status> {
    let gathering: GatheringId = rejection::id(&request.gathering_id, "gathering_id")?;
    let answer = read(api, caller, gathering).await.map_err(|error| failure(&error))?;
    Ok(Response::new(answer))
}

async fn read(api: &Api, caller: &Caller, gathering: GatheringId) -> Result<pb::GetProgressResponse, Error> {
    let (mut answer, whose) =
        (pb::GetProgressResponse::default(), [gathering.to_string(), caller.tenant.to_string()]);
    for row in rows(api, CONTACTS, &whose).await? {
        let contacts = count(&row, 1)?;
        match row.try_get_by_index::<i32>(0)? {
            0 => answer.reached = contacts,
            1 => answer.waiting = contacts,
            2 => answer.unclear = contacts,
            3 => answer.exercised = contacts,
            _ => answer.not_reached = contacts,
        }
    }
    for row in rows(api, SKIPPED, &whose).await? {
        let reason: String = row.try_get_by_index(0)?;
        let sentence = sentence_of(&reason).to_owned();
        answer.skipped.push(pb::Skipped { reason, sentence, contacts: count(&row, 1)? });
    }
    for row in rows(api, MESSAGES, &whose).await? {
        let state: DeliveryState = parsed(&row.try_get_by_index::<String>(1)?, "state of a delivery")?;
        answer.channels.push(pb::ChannelProgress {
            channel: row.try_get_by_index(0)?,
            state: state_on_the_wire(state).into(),
            messages: count(&row, 2)?,
        });
    }
    Ok(answer)
}

async fn rows(api: &Api, question: &str, whose: &[String; 2]) -> Result<Vec<QueryResult>, Error> {
    let statement = api.store.statement(question, whose.clone().map(Into::into));
    Ok(api.store.read().query_all_raw(statement).await?)
}

fn count(row: &QueryResult, index: usize) -> Result<i32, Error> {
    Ok(i32::try_from(row.try_get_by_index::<i64>(index)?).unwrap_or(i32::MAX))
}
