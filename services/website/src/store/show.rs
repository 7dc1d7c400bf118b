//! What stands here of one school at an instant.

use jiff::{SignedDuration, Timestamp};
use kit::clock::{from_micros, micros};
use kit::store::{Error, Store};
use proto::events::dispatcher::AlertKind;
use proto::events::scheduling::CalendarChanged;
use proto::ids::SchoolId;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::rows::{alerts, calendars, schools, touch};
use super::{CLOSURE, REOPENING};
use crate::domain::{Alert, Calendar, School, cut_off_since, standing, zone};
use crate::reactions::SAYERS;

/// The school, or nothing when nothing was ever heard about it. `patience` is how long nothing may be
/// heard before news may be missing.
pub async fn school(
    store: &Store,
    id: SchoolId,
    now: Timestamp,
    patience: SignedDuration,
) -> Result<Option<School>, Error> {
    let Some(news) = schools::Entity::find_by_id(id.to_string()).one(store.read()).await? else {
        return Ok(None);
    };
    let calendar = calendars::Entity::find_by_id(id.to_string()).one(store.read()).await?;
    let calendar = calendar.as_ref().map(read_calendar).transpose()?;
    // All that is known of what has news: an alert that has expired may still end another one.
    let newsworthy = Query::select()
        .column(alerts::Column::Subject)
        .from(alerts::Entity)
        .and_where(alerts::Column::School.eq(id.to_string()))
        .and_where(alerts::Column::ExpiresAt.gt(micros(now)))
        .to_owned();
    let kept = alerts::Entity::find()
        .filter(alerts::Column::School.eq(id.to_string()))
        .filter(alerts::Column::Subject.in_subquery(newsworthy))
        .all(store.read())
        .await?;
    let kept: Vec<Alert> = kept.into_iter().map(read_alert).collect::<Result<_, _>>()?;
    let in_touch_at = in_touch_at(store).await?.unwrap_or(from_micros(news.heard_at));
    let days = calendar.as_ref().map(|calendar| &calendar.days);
    let zone = zone(days.map(|days| days.time_zone.as_str()));
    let mut school = School {
        id,
        name: days.map(|days| days.school_name.clone()).filter(|name| !name.is_empty()),
        alerts: standing(&kept, &zone, now),
        zone,
        calendar,
        changed_at: from_micros(news.changed_at),
        heard_at: from_micros(news.heard_at),
        cut_off_since: cut_off_since(in_touch_at, patience, now),
    };
    school.arrange(now);
    Ok(Some(school))
}

/// When all of those who are heard were last known to be; none when one never was.
async fn in_touch_at(store: &Store) -> Result<Option<Timestamp>, Error> {
    let kept = touch::Entity::find().all(store.read()).await?;
    let of = |sayer: &str| kept.iter().find(|row| row.sayer == sayer).map(|row| from_micros(row.at));
    let sayers = SAYERS.into_iter().map(of).collect::<Option<Vec<_>>>();
    Ok(sayers.and_then(|beats| beats.into_iter().min()))
}

fn read_calendar(row: &calendars::Model) -> Result<Calendar, Error> {
    let days: CalendarChanged =
        serde_json::from_str(&row.calendar).map_err(|_| Error::Corrupt { what: "calendar" })?;
    Ok(Calendar { changed_at: from_micros(row.changed_at), days })
}

fn read_alert(row: alerts::Model) -> Result<Alert, Error> {
    let kind = match row.kind.as_str() {
        CLOSURE => AlertKind::Closure,
        REOPENING => AlertKind::Reopening,
        _ => return Err(Error::Corrupt { what: "alert" }),
    };
    let outline = row.outline.as_deref().map(serde_json::from_str).transpose();
    Ok(Alert {
        subject: row.subject,
        version: u64::try_from(row.version).unwrap_or(0),
        kind,
        headline: row.headline,
        body: row.body,
        outline: outline.map_err(|_| Error::Corrupt { what: "outline" })?,
        published_at: from_micros(row.published_at),
        expires_at: from_micros(row.expires_at),
    })
}
