//! `DispatcherService`: what became of every fact, and stopping what has not left.

mod exercise;
mod explain;
mod failing;
mod health;
mod lists;
mod preview;
mod progress;
mod recall;
mod redeliver;
mod words;

use std::sync::Arc;

use kit::identity::Caller;
use kit::rejection::failure;
use kit::store::Store;
use proto::dispatcher::v1 as pb;
use proto::dispatcher::v1::dispatcher_service_server::DispatcherService;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use crate::channels::Channel;
use crate::directory::Directory;
use crate::domain::Choices;
use crate::domain::plan::Media;
use crate::render::Renderer;
use crate::routes::Timing;
use crate::sender::{Air, Generation};
use crate::store::parts::PlanWriter;
use crate::store::plans::Outlets;

/// The RPCs.
#[derive(Clone)]
pub struct Api {
    /// The store.
    pub store: Store,
    /// What may stop a message.
    pub generation: Generation,
    /// What this process has in the air.
    pub air: Air,
    /// This process, as the holder of leases.
    pub owner: String,
    /// Who there is, for previews.
    pub directory: Arc<Directory>,
    /// The media that have a channel.
    pub media: Media,
    /// The channels, for what is sent again.
    pub outlets: Outlets,
    /// The school's timings.
    pub timing: Timing,
    /// Signalled when there is something to send.
    pub sender: Arc<Notify>,
    /// Signalled when there may be something to plan.
    pub planner: Arc<Notify>,
    /// What was planned and does not stand in rows yet.
    pub plans: PlanWriter,
    /// What the school has chosen about who is told.
    pub choices: Choices,
    /// The words, for the size of texts in previews.
    pub renderer: Arc<Renderer>,
    /// The channels in use, for what they bear and cost in previews.
    pub ways: Vec<Arc<dyn Channel>>,
}

impl Api {
    /// Before somebody of a school looks at what was planned, all of it stands in rows.
    async fn write_out(&self, caller: &Caller) -> Result<(), Status> {
        self.plans.write_out(Some(caller.tenant)).await.map(drop).map_err(|error| failure(&error))
    }
}

#[tonic::async_trait]
impl DispatcherService for Api {
    async fn list_notices(
        &self,
        request: Request<pb::ListNoticesRequest>,
    ) -> Result<Response<pb::ListNoticesResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.write_out(&caller).await?;
        lists::notices(&self.store, &caller, request.into_inner()).await
    }

    async fn list_deliveries(
        &self,
        request: Request<pb::ListDeliveriesRequest>,
    ) -> Result<Response<pb::ListDeliveriesResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.write_out(&caller).await?;
        lists::deliveries(&self.store, &caller, request.into_inner()).await
    }

    async fn get_failing_contacts(
        &self,
        request: Request<pb::GetFailingContactsRequest>,
    ) -> Result<Response<pb::GetFailingContactsResponse>, Status> {
        failing::failing(&self.store, &Caller::of(&request)?, request.get_ref()).await
    }

    async fn get_progress(
        &self,
        request: Request<pb::GetProgressRequest>,
    ) -> Result<Response<pb::GetProgressResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.write_out(&caller).await?;
        progress::progress(self, &caller, request.get_ref()).await
    }

    async fn get_words(
        &self,
        request: Request<pb::GetWordsRequest>,
    ) -> Result<Response<pb::GetWordsResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.write_out(&caller).await?;
        words::words(self, &caller, request.get_ref()).await
    }

    async fn get_health(
        &self,
        _: Request<pb::GetHealthRequest>,
    ) -> Result<Response<pb::GetHealthResponse>, Status> {
        health::health(self).await
    }

    async fn explain(
        &self,
        request: Request<pb::ExplainRequest>,
    ) -> Result<Response<pb::ExplainResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.write_out(&caller).await?;
        explain::explain(self, &caller, &request.into_inner()).await
    }

    async fn recall(
        &self,
        request: Request<pb::RecallRequest>,
    ) -> Result<Response<pb::RecallResponse>, Status> {
        let caller = Caller::of(&request)?;
        recall::recall(self, &caller, &request.into_inner()).await
    }

    async fn redeliver(
        &self,
        request: Request<pb::RedeliverRequest>,
    ) -> Result<Response<pb::RedeliverResponse>, Status> {
        let caller = Caller::of(&request)?;
        redeliver::redeliver(self, &caller, &request.into_inner()).await
    }

    async fn exercise(
        &self,
        request: Request<pb::ExerciseRequest>,
    ) -> Result<Response<pb::ExerciseResponse>, Status> {
        exercise::run(self, &Caller::of(&request)?, request.get_ref()).await
    }

    async fn preview(
        &self,
        request: Request<pb::PreviewRequest>,
    ) -> Result<Response<pb::PreviewResponse>, Status> {
        let caller = Caller::of(&request)?;
        preview::preview(self, &caller, &request.into_inner()).await
    }
}
