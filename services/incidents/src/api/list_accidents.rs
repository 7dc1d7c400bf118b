//! `ListAccidents`: the accidents of a child or of everybody, newest first.

use std::collections::BTreeSet;

use kit::audit;
use kit::fields::Fields;
use kit::identity::Caller;
use kit::page::Page;
use proto::ids::PupilId;
use proto::incidents::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, fields};
use crate::store::read;

const RPC: &str = "ListAccidents";

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::ListAccidentsRequest>,
) -> Result<Response<pb::ListAccidentsResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let mut faults = Fields::default();
    let pupil_id = match request.pupil_id.as_str() {
        "" => Some(None),
        pupil_id => faults.id::<PupilId>("pupil_id", pupil_id).map(Some),
    };
    let pupil_id = faults.finish(pupil_id)?;
    let page = Page::read(request.page_size, &request.page_token, &request.pupil_id)?;
    audit::show(&api.store, &caller, (RPC, &request, ""), || async {
        let found = read::accidents(&api.store, caller.tenant, pupil_id, &page).await?;
        let (accidents, next_page_token) = page.cut(found, |accident| accident.id.to_string());
        // That a child had none is something learnt about the child too.
        let seen: BTreeSet<PupilId> =
            accidents.iter().map(|accident| accident.pupil_id).chain(pupil_id).collect();
        let accidents = accidents.iter().map(fields::accident_to_proto).collect();
        let subjects = seen.iter().map(ToString::to_string).collect();
        Ok((pb::ListAccidentsResponse { accidents, next_page_token }, subjects))
    })
    .await
}
