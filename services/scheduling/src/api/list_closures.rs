//! `ListClosures`: the closures of a time, oldest declaration first. They are public and nobody's
//! data.

use kit::fields::Fields;
use kit::identity::Caller;
use kit::page::Page;
use proto::scheduling::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, fields, wire};
use crate::store::read;

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::ListClosuresRequest>,
) -> Result<Response<pb::ListClosuresResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let mut wrong = Fields::default();
    let days = fields::days(&mut wrong, &request.first_day, &request.last_day);
    let days = wrong.finish(days)?;
    let arguments = format!("{} {}", request.first_day, request.last_day);
    let page = Page::read(request.page_size, &request.page_token, &arguments)?;
    let found = read::closures(&api.store, caller.tenant, days, &page).await?;
    let (closures, next_page_token) = page.cut(found, |closure| closure.id.to_string());
    let closures = closures.iter().map(wire::closure).collect();
    Ok(Response::new(pb::ListClosuresResponse { closures, next_page_token }))
}
