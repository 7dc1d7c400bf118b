//! What people at school ask the systems: what was told, why, and what there is to do.

use proto::dispatcher::v1 as dispatcher;
use proto::dispatcher::v1::dispatcher_service_client::DispatcherServiceClient;
use proto::options::v1::Role;
use proto::tasks::v1 as tasks;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;

use super::{Office, PAGE, every_page};
use crate::app;

impl Office {
    /// Every notice.
    pub async fn notices(&self) -> anyhow::Result<Vec<dispatcher::Notice>> {
        every_page(async |page_token| {
            let request =
                dispatcher::ListNoticesRequest { page_size: PAGE, page_token, ..Default::default() };
            let rpc = ("ListNotices", "dispatcher");
            let page = self.ask(rpc, Role::AttendanceOfficer, request, async |channel, request| {
                DispatcherServiceClient::new(channel).list_notices(request).await
            });
            page.await.map(|page| (page.notices, page.next_page_token))
        })
        .await
    }

    /// Every delivery.
    pub async fn deliveries(&self) -> anyhow::Result<Vec<dispatcher::Delivery>> {
        every_page(async |page_token| {
            let request =
                dispatcher::ListDeliveriesRequest { page_size: PAGE, page_token, ..Default::default() };
            let rpc = ("ListDeliveries", "dispatcher");
            let page = self.ask(rpc, Role::AttendanceOfficer, request, async |channel, request| {
                DispatcherServiceClient::new(channel).list_deliveries(request).await
            });
            page.await.map(|page| (page.deliveries, page.next_page_token))
        })
        .await
    }

    /// Why a contact was told of a notice, or was not: a sentence for each step.
    pub async fn explain(&self, contact_id: &str, notice_id: &str) -> anyhow::Result<Vec<String>> {
        let request =
            dispatcher::ExplainRequest { contact_id: contact_id.to_owned(), notice_id: notice_id.to_owned() };
        let rpc = ("Explain", "dispatcher");
        let answer = self.ask(rpc, Role::AttendanceOfficer, request, async |channel, request| {
            DispatcherServiceClient::new(channel).explain(request).await
        });
        Ok(answer.await?.steps.into_iter().map(|step| step.sentence).collect())
    }

    /// What people have been asked to do by any service, and have not done.
    pub async fn tasks(&self) -> anyhow::Result<Vec<tasks::Task>> {
        let mut open = Vec::new();
        for service in app::all() {
            let of_service = every_page(async |page_token| {
                let service = service.clone();
                let rpc = ("ListTasks", service.as_str());
                let request = tasks::ListTasksRequest {
                    service: service.clone(),
                    page_size: PAGE,
                    page_token,
                    ..Default::default()
                };
                let page = self.ask(rpc, Role::Head, request, async |channel, request| {
                    TasksServiceClient::new(channel).list_tasks(request).await
                });
                page.await.map(|page| (page.tasks, page.next_page_token))
            });
            open.extend(of_service.await?);
        }
        Ok(open)
    }
}
