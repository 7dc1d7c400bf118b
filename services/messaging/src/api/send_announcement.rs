//! `SendAnnouncement`: words to an audience, checked, kept and said in one step.

use kit::clock::to_proto;
use kit::fields::{Fault, Fields};
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::directory::v1::audience::Scope as Wire;
use proto::directory::v1::{Audience, WholeSchool};
use proto::events::scope::{NoScope, Scope};
use proto::ids::{AnnouncementId, ClassId, PupilId};
use proto::messaging::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, named, status, wire};
use crate::domain::{Announcement, Words, audience, tell_until};
use crate::store;

const RPC: &str = "SendAnnouncement";
/// How many entries a scope lists; whoever means more means classes or the school.
const MOST_ENTRIES: usize = 1_000;

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::SendAnnouncementRequest>,
) -> Result<Response<pb::SendAnnouncementResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let (scope, words) = read_request(&request)?;
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(&api.store, call, &request, || decide(api, &caller, &scope, &words)).await
}

fn read_request(request: &pb::SendAnnouncementRequest) -> Result<(Scope, Words), Status> {
    let mut fields = Fields::default();
    let scope = read_scope(&mut fields, request.audience.as_ref());
    let words = wire::read_words(&mut fields, (&request.subject, &request.body, &request.text));
    fields.finish(scope.zip(words))
}

fn read_scope(fields: &mut Fields, audience: Option<&Audience>) -> Option<Scope> {
    let wire = audience.and_then(|audience| audience.scope.as_ref());
    let (field, entries) = match wire {
        None | Some(Wire::WholeSchool(WholeSchool {})) => ("audience", 0),
        Some(Wire::YearGroups(groups)) => ("audience.year_groups.year_groups", groups.year_groups.len()),
        Some(Wire::Classes(classes)) => ("audience.classes.class_ids", classes.class_ids.len()),
        Some(Wire::Pupils(pupils)) => ("audience.pupils.pupil_ids", pupils.pupil_ids.len()),
    };
    if entries > MOST_ENTRIES {
        let expected = format!("has {entries} entries; at most {MOST_ENTRIES} are taken");
        fields.add(Fault::new(field, "TOO_MANY", expected));
        return None;
    }
    match Scope::read(audience) {
        Ok(scope) => Some(scope),
        Err(NoScope::Nobody) => {
            fields.add(Fault::new(field, "AUDIENCE_EMPTY", "must name somebody"));
            None
        }
        Err(NoScope::Id(_)) => {
            let place = |place| format!("{field}[{place}]");
            match wire {
                Some(Wire::Classes(classes)) => {
                    for (index, text) in classes.class_ids.iter().enumerate() {
                        fields.id::<ClassId>(&place(index), text);
                    }
                }
                Some(Wire::Pupils(pupils)) => {
                    for (index, text) in pupils.pupil_ids.iter().enumerate() {
                        fields.id::<PupilId>(&place(index), text);
                    }
                }
                None | Some(Wire::WholeSchool(_) | Wire::YearGroups(_)) => {}
            }
            None
        }
    }
}

async fn decide(
    api: &Api,
    caller: &Caller,
    scope: &Scope,
    words: &Words,
) -> Result<(Commit, pb::SendAnnouncementResponse), Status> {
    let school = caller.tenant;
    let (zone, pupils) = tokio::try_join!(api.directory.zone(school), api.directory.pupils(school, scope))?;
    let pupils = audience::count(scope, &pupils).map_err(status)?;
    let now = api.clock.now();
    let announcement = Announcement {
        id: AnnouncementId::generate(),
        scope: scope.clone(),
        words: words.clone(),
        sent_at: now,
        sent_by: caller.subject.clone(),
        tell_until: tell_until(&zone, now),
        version: 1,
        corrected: None,
    };
    let commit = Commit::new().audit(caller, RPC, &named([scope]), now);
    let commit = store::write(commit, school, &announcement)?;
    let response = pb::SendAnnouncementResponse {
        announcement_id: announcement.id.to_string(),
        sent_at: Some(to_proto(now)),
        pupils: i32::try_from(pupils).unwrap_or(i32::MAX),
    };
    Ok((commit, response))
}
