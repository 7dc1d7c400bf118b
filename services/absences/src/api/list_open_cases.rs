//! `ListOpenCases`: the pupils still missing without a reason, oldest case first.

use kit::audit;
use kit::fields::Fields;
use kit::identity::Caller;
use kit::page::Page;
use proto::absences::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, case_to_proto};
use crate::store::read;

const RPC: &str = "ListOpenCases";

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::ListOpenCasesRequest>,
) -> Result<Response<pb::ListOpenCasesResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let mut fields = Fields::default();
    let date = match request.date.as_str() {
        "" => Some(None),
        date => fields.date("date", date).map(Some),
    };
    let date = fields.finish(date)?;
    let page = Page::read(request.page_size, &request.page_token, &request.date)?;
    let found = read::open_cases(api.store(), caller.tenant, date, &page).await?;
    let (cases, next_page_token) = page.cut(found, |case| case.opening.id.to_string());
    let pupils: Vec<String> = cases.iter().map(|case| case.opening.pupil_id.to_string()).collect();
    let audited = audit::look(api.store(), &caller, RPC, &pupils).await?;
    let cases = cases.iter().map(case_to_proto).collect();
    Ok(audited.seal(pb::ListOpenCasesResponse { cases, next_page_token }))
}
