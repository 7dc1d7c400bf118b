//! `GetAnnouncement`: one of them, as it stands.

use kit::audit;
use kit::identity::Caller;
use kit::rejection;
use proto::messaging::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, named, status, wire};
use crate::domain::Rejection;
use crate::store;

const RPC: &str = "GetAnnouncement";

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::GetAnnouncementRequest>,
) -> Result<Response<pb::GetAnnouncementResponse>, Status> {
    let caller = Caller::of(&request)?;
    let id = rejection::id(&request.into_inner().announcement_id, "announcement_id")?;
    let found = store::one(&api.store, caller.tenant, id).await?;
    let announcement = found.ok_or_else(|| status(Rejection::UnknownAnnouncement))?;
    let audited = audit::look(&api.store, &caller, RPC, &named([&announcement.scope])).await?;
    Ok(audited.seal(pb::GetAnnouncementResponse { announcement: Some(wire::announcement(announcement)) }))
}
