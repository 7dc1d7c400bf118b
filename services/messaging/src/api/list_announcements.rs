//! `ListAnnouncements`: what was sent, newest first.

use kit::audit;
use kit::identity::Caller;
use kit::page::Page;
use proto::messaging::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, named, wire};
use crate::store;

const RPC: &str = "ListAnnouncements";

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::ListAnnouncementsRequest>,
) -> Result<Response<pb::ListAnnouncementsResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let page = Page::read(request.page_size, &request.page_token, "")?;
    let found = store::newest(&api.store, caller.tenant, &page).await?;
    let (announcements, next_page_token) = page.cut(found, |announcement| announcement.id.to_string());
    let pupils = named(announcements.iter().map(|announcement| &announcement.scope));
    let audited = audit::look(&api.store, &caller, RPC, &pupils).await?;
    let announcements = announcements.into_iter().map(wire::announcement).collect();
    Ok(audited.seal(pb::ListAnnouncementsResponse { announcements, next_page_token }))
}
