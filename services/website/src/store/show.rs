//! What stands here of one school at an instant.

use jiff::Timestamp;
use kit::clock::{from_micros, micros};
use kit::store::{Error, Store};
use proto::events::dispatcher::AlertKind;
use proto::events::scheduling::CalendarChanged;
use proto::ids::SchoolId;
use sea_orm::sea_query::Query;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::rows::{alerts, calendars, schools};
use super::{CLOSURE, REOPENING};
use crate::domain::{Alert, Calendar, School, standing, zone};

/// The school, or nothing when nothing was ever heard about it.
pub async fn school(store: &Store, id: SchoolId, now: Timestamp) -> Result<Option<School>, Error> {
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
    };
    school.arrange(now);
    Ok(Some(school))
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
