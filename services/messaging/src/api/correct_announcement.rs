//! `CorrectAnnouncement`: other words take the place of what was sent, checked, kept and said in one step.
//!
//! Who is in the audience is not asked again: whoever has the wrong words is told, and the dispatcher knows
//! who that is.

use kit::clock::to_proto;
use kit::fields::Fields;
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::ids::AnnouncementId;
use proto::messaging::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, named, status, wire};
use crate::domain::{Corrected, Rejection, Words};
use crate::store;

const RPC: &str = "CorrectAnnouncement";

struct Asked {
    announcement_id: AnnouncementId,
    words: Words,
    /// The version that was looked at.
    seen: i64,
}

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::CorrectAnnouncementRequest>,
) -> Result<Response<pb::CorrectAnnouncementResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let asked = read_request(&request)?;
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(&api.store, call, &request, || decide(api, &caller, &asked)).await
}

fn read_request(request: &pb::CorrectAnnouncementRequest) -> Result<Asked, Status> {
    let mut fields = Fields::default();
    let announcement_id = fields.id("announcement_id", &request.announcement_id);
    let words = wire::read_words(&mut fields, (&request.subject, &request.body, &request.text));
    let seen = request.version;
    fields.finish(announcement_id.zip(words).map(|(announcement_id, words)| Asked {
        announcement_id,
        words,
        seen,
    }))
}

async fn decide(
    api: &Api,
    caller: &Caller,
    asked: &Asked,
) -> Result<(Commit, pb::CorrectAnnouncementResponse), Status> {
    let school = caller.tenant;
    let stands = store::one(&api.store, school, asked.announcement_id).await?;
    let stands = stands.ok_or_else(|| status(Rejection::UnknownAnnouncement))?;
    let zone = api.directory.zone(school).await?;
    let now = api.clock.now();
    let corrected = Corrected { at: now, by: caller.subject.clone() };
    let announcement = stands.correct(asked.words.clone(), asked.seen, corrected, &zone).map_err(status)?;
    let commit = Commit::new().audit(caller, RPC, &named([&announcement.scope]), now);
    let commit = store::correct(&api.store, commit, school, &announcement)?;
    let response = pb::CorrectAnnouncementResponse {
        corrected_at: Some(to_proto(now)),
        version: wire::version(announcement.version),
    };
    Ok((commit, response))
}
