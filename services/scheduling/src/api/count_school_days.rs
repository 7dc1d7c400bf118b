//! `CountSchoolDays`: the school day that is so many school days after a date.

use kit::fields::{Fault, Fields};
use kit::identity::Caller;
use proto::scheduling::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Api, refusal};
use crate::domain::{Calendar, counting};
use crate::store::read;

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::CountSchoolDaysRequest>,
) -> Result<Response<pb::CountSchoolDaysResponse>, Status> {
    let school = Caller::of(&request)?.tenant;
    let request = request.into_inner();
    let mut wrong = Fields::default();
    let from = wrong.date("from", &request.from);
    let school_days = usize::try_from(request.school_days).ok().filter(|days| *days <= counting::MOST);
    if school_days.is_none() {
        let expected = format!("must be from 0 to {}", counting::MOST);
        wrong.add(Fault::new("school_days", "OUT_OF_RANGE", expected));
    }
    let (from, school_days) = wrong.finish(from.zip(school_days))?;
    let described = api.directory.school(school).await?;
    let set_asides = read::set_asides(&api.store, school).await?;
    let closures = read::closing_everybody(&api.store, school, from).await?;
    let calendar = Calendar::new(described.described, set_asides);
    let day = counting::count(&calendar, &closures, from, school_days).map_err(refusal::status)?;
    Ok(Response::new(pb::CountSchoolDaysResponse { date: day.to_string() }))
}
