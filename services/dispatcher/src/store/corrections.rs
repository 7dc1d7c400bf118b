//! Contacts who were told what does not hold: that a pupil is missing who is in school after all, or
//! something in words that others take the place of.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp};
use kit::clock::micros;
use kit::store::{Commit, Error, Store};
use proto::ids::{EventId, GatheringId, NoticeId, PupilId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::Deserialize;

use super::gatherings::{self, Gathering};
use super::plans::{self, Desk, Writing};
use super::{parsed, rows};
use crate::channels::{ChannelName, Medium};
use crate::domain::plan::{self, Media, Member, Wanted};
use crate::domain::{
    Address, AddressKind, Choices, DeliveryState, Matter, NoticeKind, Reason, Suppressed, Texts,
};
use crate::routes::Route;

const LOOKED_BACK: SignedDuration = SignedDuration::from_hours(24);

/// A gathering in which somebody was told wrongly, with the deliveries that told it.
#[derive(Debug, Clone)]
pub struct Wrong {
    gathering: Gathering,
    members: Vec<rows::members::Model>,
    event: String,
    traceparent: Option<String>,
}

/// What was told wrongly and has not been corrected. What is not worth a message any more becomes
/// a person's task, so a day is looked back.
pub async fn wanted(store: &Store, now: Timestamp) -> Result<Vec<Wrong>, Error> {
    let sql = "SELECT DISTINCT n.gathering_id AS gathering_id FROM notices n \
               JOIN members m ON m.notice_id = n.id \
               WHERE n.state = 'withdrawn' AND n.why = 'ARRIVED' AND n.valid_until > $1 \
               AND m.told AND m.corrected_by IS NULL";
    let since = now.checked_sub(LOOKED_BACK).unwrap_or(now);
    let found = store.read().query_all_raw(store.statement(sql, [micros(since).into()])).await?;
    let mut wrong = Vec::with_capacity(found.len());
    for row in found {
        let id: String = row.try_get("", "gathering_id")?;
        if let Some(one) = read(store, &id).await? {
            wrong.push(one);
        }
    }
    Ok(wrong)
}

async fn read(store: &Store, gathering: &str) -> Result<Option<Wrong>, Error> {
    let Some(row) = rows::gatherings::Entity::find_by_id(gathering.to_owned()).one(store.read()).await?
    else {
        return Ok(None);
    };
    let arrived = rows::notices::Entity::find()
        .filter(rows::notices::Column::GatheringId.eq(gathering))
        .filter(rows::notices::Column::State.eq("withdrawn"))
        .filter(rows::notices::Column::Why.eq(Reason::Arrived.code()))
        .all(store.read())
        .await?;
    let members = rows::members::Entity::find()
        .filter(rows::members::Column::NoticeId.is_in(arrived.iter().map(|notice| notice.id.as_str())))
        .filter(rows::members::Column::Told.eq(true))
        .filter(rows::members::Column::CorrectedBy.is_null())
        .all(store.read())
        .await?;
    let first = arrived.into_iter().next();
    let (event, traceparent) = first.map(|notice| (notice.event_id, notice.traceparent)).unwrap_or_default();
    Ok(Some(Wrong { gathering: Gathering::from_row(&row)?, members, event, traceparent }))
}

/// Writes the correction: to exactly the addresses and people that were told, naming each child.
/// A conflict when somebody else is correcting the same.
pub async fn correct(wrong: &Wrong, desk: Desk<'_>, route: &Route) -> Result<Commit, Error> {
    let store = desk.store;
    let addresses = addresses(store, &wrong.members).await?;
    let mut gathering = Gathering {
        id: GatheringId::generate().to_string(),
        kind: route.kind,
        leaves_at: desk.now,
        steps: 0,
        ..wrong.gathering.clone()
    };
    let pupils: BTreeSet<&str> = wrong.members.iter().map(|member| member.pupil_id.as_str()).collect();
    for pupil in pupils {
        gathering.notices.push((NoticeId::generate(), Some(parsed(pupil, "pupil of a member")?)));
    }
    let late = desk.now >= gathering.valid_until;
    let mut told = Vec::with_capacity(wrong.members.len());
    for row in &wrong.members {
        if let Some(address) = addresses.get(&row.delivery_id) {
            told.push((address.clone(), member(&row.contact_id, &row.pupil_id)?));
        }
    }
    let nothing = Media { text: false, email: false };
    let mut plan = plan::corrected(
        &Wanted {
            matter: Matter { kind: route.kind, reach: gathering.about.reach(), choices: Choices::default() },
            pupils: &[],
            audience: &[],
            media: if late { nothing } else { desk.outlets.media() },
            texts: Texts::Go,
            suppressed: &Suppressed::none(),
            later: None,
        },
        &told,
        Reason::ToldWrongly,
    );
    for decision in plan.decisions.iter_mut().filter(|decision| late && decision.reason == Reason::NoChannel)
    {
        decision.reason = Reason::Expired;
    }
    let commit = rows_of(store, wrong, &gathering, desk.now)?;
    let writing = Writing { desk, gathering: &gathering, lane: route.lane };
    plans::write(&writing, &plan, commit)
}

fn rows_of(store: &Store, wrong: &Wrong, gathering: &Gathering, now: Timestamp) -> Result<Commit, Error> {
    let mut commit = Commit::new().execute(gatherings::insert(store, gathering, "left", now)?);
    let event: EventId = parsed(&wrong.event, "event of a notice")?;
    for (notice, pupil) in &gathering.notices {
        let sql = "INSERT INTO notices \
                   (id, school, kind, gathering_id, event_id, subject, pupil_id, state, why, created_at, valid_until, \
                   traceparent) VALUES ($1, $2, $3, $4, $5, $6, $7, 'planned', '', $8, $9, $10)";
        let values = [
            notice.to_string().into(),
            gathering.school.to_string().into(),
            NoticeKind::AbsenceCorrection.as_str().into(),
            gathering.id.clone().into(),
            event.to_string().into(),
            // What is corrected, so that a later fact of the same case does not touch it.
            correction_of(&wrong.gathering.id, *pupil).into(),
            pupil.map(|pupil| pupil.to_string()).into(),
            micros(now).into(),
            micros(gathering.valid_until).into(),
            wrong.traceparent.clone().into(),
        ];
        commit = commit.execute(store.statement(sql, values));
    }
    for member in &wrong.members {
        let sql = "UPDATE members SET corrected_by = $1 WHERE delivery_id = $2 AND contact_id = $3 \
                   AND pupil_id = $4 AND corrected_by IS NULL";
        let values = [
            gathering.id.clone().into(),
            member.delivery_id.clone().into(),
            member.contact_id.clone().into(),
            member.pupil_id.clone().into(),
        ];
        commit = commit.guarded(store.statement(sql, values));
    }
    Ok(commit)
}

fn correction_of(gathering: &str, pupil: Option<PupilId>) -> String {
    let pupil = pupil.map_or_else(String::new, |pupil| pupil.to_string());
    format!("correction:{gathering}:{pupil}")
}

async fn addresses(
    store: &Store,
    members: &[rows::members::Model],
) -> Result<BTreeMap<String, Address>, Error> {
    let deliveries = rows::deliveries::Entity::find()
        .filter(rows::deliveries::Column::Id.is_in(members.iter().map(|member| member.delivery_id.as_str())))
        .all(store.read())
        .await?;
    deliveries.into_iter().map(|row| Ok((row.id, address(&row.channel, row.address)?))).collect()
}

fn address(channel: &str, value: String) -> Result<Address, Error> {
    let channel: ChannelName = parsed(channel, "channel of a delivery")?;
    let kind = match channel.medium() {
        Medium::Text => AddressKind::Mobile,
        Medium::Email => AddressKind::Email,
    };
    Ok(Address { kind, value, barred: false, no_contact: false })
}

fn member(contact: &str, pupil: &str) -> Result<Member, Error> {
    Ok((parsed(contact, "contact of a member")?, parsed(pupil, "pupil of a member")?))
}

/// The notices of the other gatherings that said what a gathering says in earlier words.
const EARLIER: &str = "FROM notices own JOIN notices n \
                       ON n.subject = own.subject AND n.school = own.school AND n.gathering_id <> own.gathering_id";

/// Whether a part of the plans of earlier words is still to be written out.
pub async fn earlier_is_put_by(store: &Store, gathering: &Gathering) -> Result<bool, Error> {
    let sql = format!(
        "SELECT p.id AS id {EARLIER} JOIN parts p ON p.gathering_id = n.gathering_id \
         WHERE own.gathering_id = $1 LIMIT 1"
    );
    let part = store.statement(&sql, [gathering.id.clone().into()]);
    Ok(store.read().query_one_raw(part).await?.is_some())
}

#[derive(Deserialize)]
struct Earlier {
    channel: String,
    address: String,
    contact_id: String,
    pupil_id: String,
    left: bool,
}

/// Where and about whom people have, or may have, earlier words of what a gathering says: where a provider took
/// them, and where they were started and are not settled. Beside these the addresses of the same people at
/// which the earlier words were stopped, by newer ones or by a person who recalled them before they were
/// corrected, because who reads texts only is not told by an e-mail. Where an address was erased since, nobody
/// knows it.
pub async fn told_before(store: &Store, gathering: &Gathering) -> Result<Vec<(Address, Member)>, Error> {
    let (started, waits) = (DeliveryState::Started, [DeliveryState::Held, DeliveryState::Due]);
    let stopped = format!("'{}', '{}'", Reason::Replaced.code(), Reason::Recalled.code());
    let sql = format!(
        "SELECT d.channel AS channel, d.address AS address, m.contact_id AS contact_id, m.pupil_id AS pupil_id, \
         (m.told OR d.state = '{}') AS \"left\" {EARLIER} \
         JOIN gatherings g ON g.id = n.gathering_id JOIN members m ON m.notice_id = n.id \
         JOIN deliveries d ON d.id = m.delivery_id \
         WHERE own.gathering_id = $1 AND g.erased_at IS NULL AND d.erased_at IS NULL AND m.why IN ('', {stopped}) \
         AND (m.told OR d.state IN ('{}', {}) OR d.state = '{}' AND d.why IN ({stopped}))",
        started.as_str(),
        started.as_str(),
        DeliveryState::listed(|state| waits.contains(&state)),
        DeliveryState::Recalled.as_str(),
    );
    let columns = [
        ("channel", "TEXT"),
        ("address", "TEXT"),
        ("contact_id", "TEXT"),
        ("pupil_id", "TEXT"),
        ("left", "BOOLEAN"),
    ];
    let found: Vec<Earlier> = store.rows(&sql, &columns, [gathering.id.clone().into()]).await?;
    let told: HashSet<String> =
        found.iter().filter(|row| row.left).map(|row| row.contact_id.clone()).collect();
    // Several messages may have told one address about one pupil.
    let mut once = HashSet::new();
    let mut told_at = Vec::new();
    for row in found.into_iter().filter(|row| told.contains(&row.contact_id)) {
        let (member, address) =
            (member(&row.contact_id, &row.pupil_id)?, address(&row.channel, row.address)?);
        if once.insert((address.key(), member)) {
            told_at.push((address, member));
        }
    }
    Ok(told_at)
}
