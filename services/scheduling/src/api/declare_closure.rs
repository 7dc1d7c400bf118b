//! `DeclareClosure`: the school, or a part of it, is closed.

use jiff::civil::Date;
use kit::clock::to_proto;
use kit::fields::{Fields, of_faults};
use kit::identity::Caller;
use kit::store::{Call, Commit, once};
use proto::events::absences::Session;
use proto::ids::ClosureId;
use proto::scheduling::v1 as pb;
use tonic::{Request, Response, Status};

use super::around::Standing;
use super::{Api, fields};
use crate::domain::Part;
use crate::domain::closure::{Command, Declaration};
use crate::domain::words::Words;
use crate::store::changes::Hand;

const RPC: &str = "DeclareClosure";

struct Asked {
    part: Part,
    first_day: Date,
    from: Session,
    last_day: Date,
    words: Words,
}

pub(super) async fn answer(
    api: &Api,
    request: Request<pb::DeclareClosureRequest>,
) -> Result<Response<pb::DeclareClosureResponse>, Status> {
    let caller = Caller::of(&request)?;
    let request = request.into_inner();
    let asked = read(&request)?;
    let call = Call { caller: &caller, rpc: RPC, request_id: &request.request_id };
    once(&api.store, call, &request, || decide(api, &caller, &request, &asked)).await
}

fn read(request: &pb::DeclareClosureRequest) -> Result<Asked, Status> {
    let mut wrong = Fields::default();
    let part = fields::part(&mut wrong, request.audience.as_ref());
    let days = wrong.date("first_day", &request.first_day).zip(wrong.date("last_day", &request.last_day));
    let from = fields::from(&mut wrong, request.from);
    let reason = fields::reason(&mut wrong, &request.reason);
    let collection = fields::collection(&mut wrong, &request.collection);
    let read = part.zip(days).zip(from).zip(reason.zip(collection));
    let (((part, (first_day, last_day)), from), (reason, collection)) = wrong.finish(read)?;
    Ok(Asked { part, first_day, from, last_day, words: Words { reason, collection } })
}

async fn decide(
    api: &Api,
    caller: &Caller,
    request: &pb::DeclareClosureRequest,
    asked: &Asked,
) -> Result<(Commit, pb::DeclareClosureResponse), Status> {
    let now = api.clock.now();
    let standing = Standing::before(api, caller, asked.part.clone()).await?;
    let nobody = fields::without_pupils(request.audience.as_ref(), &standing.reach.named_for_nobody());
    if !nobody.is_empty() {
        return Err(of_faults(nobody).into());
    }
    let declaration = Declaration {
        id: ClosureId::generate(),
        part: asked.part.clone(),
        first_day: asked.first_day,
        from: asked.from,
        last_day: asked.last_day,
        words: asked.words.clone(),
    };
    let closure_id = declaration.id.to_string();
    let hand = Hand { caller, rpc: RPC, at: now };
    let response = pb::DeclareClosureResponse { closure_id, declared_at: Some(to_proto(now)) };
    match standing.decide(Command::Declare(declaration), now)? {
        Some(event) => Ok((standing.commit(api, hand, event)?.0, response)),
        None => Ok((hand.commit(response.closure_id.clone()), response)),
    }
}
