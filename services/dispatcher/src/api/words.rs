//! `GetWords`: what a gathering says, as each channel shows it. Worded again for the people of one of its messages,
//! because words are not kept for each of thousands.

use std::collections::BTreeSet;

use kit::audit;
use kit::clock::from_micros;
use kit::identity::Caller;
use kit::rejection::{self, Rejection, failure};
use kit::store::Error;
use proto::dispatcher::v1 as pb;
use proto::ids::{GatheringId, PupilId};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tonic::{Code, Response, Status};

use super::Api;
use super::preview::words::on_the_wire;
use crate::channels::{Channel, Medium};
use crate::domain::clearance::Readers;
use crate::domain::{About, NoticeKind};
use crate::render::Wording;
use crate::store::{gatherings, parsed, rows};

/// The children whom one message by a channel names: the one that names most.
const NAMED: &str = "\
    SELECT DISTINCT pupil_id FROM members WHERE why = '' AND delivery_id = (\
        SELECT d.id FROM deliveries d JOIN members m ON m.delivery_id = d.id \
        WHERE d.gathering_id = $1 AND d.channel = $2 AND m.why = '' \
        GROUP BY d.id ORDER BY COUNT(DISTINCT m.pupil_id) DESC, d.id LIMIT 1)";

pub(super) async fn words(
    api: &Api,
    caller: &Caller,
    request: &pb::GetWordsRequest,
) -> Result<Response<pb::GetWordsResponse>, Status> {
    let gathering: GatheringId = rejection::id(&request.gathering_id, "gathering_id")?;
    let found = rows::gatherings::Entity::find_by_id(gathering.to_string())
        .filter(rows::gatherings::Column::School.eq(caller.tenant.to_string()))
        .one(api.store.read())
        .await
        .map_err(|error| failure(&Error::from(error)))?;
    let found =
        found.ok_or_else(|| Rejection::not_found("UNKNOWN_GATHERING", "there is no such gathering"))?;
    if found.erased_at.is_some() {
        return Ok(audit::look(&api.store, caller, "GetWords", &[])
            .await?
            .seal(pb::GetWordsResponse { words: Vec::new(), erased: true }));
    }
    let about = gatherings::about(&found).map_err(|error| failure(&error))?;
    let kind: NoticeKind = parsed(&found.kind, "kind of a gathering").map_err(|error| failure(&error))?;
    let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
    for way in &api.ways {
        let channel = way.name().to_string();
        let pupils = named(api, &found.id, &channel).await.map_err(|error| failure(&error))?;
        if pupils.is_empty() {
            continue;
        }
        all.extend(by_channel(api, caller, (kind, &about, &found), (&**way, &pupils)).await?);
        seen.extend(pupils.iter().map(ToString::to_string));
    }
    let mark = if found.drill { "EXERCISE: " } else { "" };
    let alert = api.renderer.alert(kind, &about).map_err(|error| failure(&error))?;
    all.extend(alert.map(|alert| pb::Words {
        medium: "website".to_owned(),
        subject: format!("{mark}{}", alert.headline),
        body: alert.body,
        ..pb::Words::default()
    }));
    let seen: Vec<String> = seen.into_iter().collect();
    let audited = audit::look(&api.store, caller, "GetWords", &seen).await?;
    Ok(audited.seal(pb::GetWordsResponse { words: all, erased: false }))
}

async fn named(api: &Api, gathering: &str, channel: &str) -> Result<Vec<PupilId>, Error> {
    let statement = api.store.statement(NAMED, [gathering.into(), channel.into()]);
    let rows = api.store.read().query_all_raw(statement).await?;
    rows.iter().map(|row| parsed(&row.try_get_by_index::<String>(0)?, "pupil of a message")).collect()
}

/// The words by one channel, and those for whoever may not know where children are, where they are others.
async fn by_channel(
    api: &Api,
    caller: &Caller,
    (kind, about, gathering): (NoticeKind, &About, &rows::gatherings::Model),
    (way, pupils): (&dyn Channel, &[PupilId]),
) -> Result<Vec<pb::Words>, Status> {
    let away = || {
        Rejection::new(Code::Unavailable, "DIRECTORY_UNAVAILABLE", "the directory cannot be asked just now")
    };
    let school = api.directory.school(caller.tenant).await.map_err(|_| away())?;
    let people = api.directory.resolve(caller.tenant, pupils).await.map_err(|_| away())?;
    let names: Vec<&str> = people.iter().map(|pupil| pupil.first_name.as_str()).collect();
    let medium = way.name().medium();
    let worded = |readers| {
        // What was called today is called so for whoever reads again what was said then.
        let now = from_micros(gathering.opened_at);
        let wording = Wording { kind, medium, about, names: &names, school: &school, readers, now };
        // Words that cannot be said were said to nobody; there is a task about them.
        let words = api.renderer.words(&wording).ok()?;
        Some(if gathering.drill { words.as_exercise() } else { words })
    };
    let on_the_wire = |said: crate::render::Worded, shortened| pb::Words {
        medium: match medium {
            Medium::Text => "text",
            Medium::Email => "email",
        }
        .to_owned(),
        size: way.size(&said.body).filter(|_| medium == Medium::Text).map(on_the_wire),
        subject: said.subject.unwrap_or_default(),
        body: said.body,
        shortened,
    };
    let (entitled, barred) = (worded(Readers::Entitled), worded(Readers::Barred));
    let shortened = barred.filter(|barred| entitled.as_ref() != Some(barred));
    let shortened = shortened.map(|barred| on_the_wire(barred, true));
    Ok(entitled.map(|words| on_the_wire(words, false)).into_iter().chain(shortened).collect())
}
