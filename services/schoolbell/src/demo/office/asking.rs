//! What people at school ask the systems: what was told, why, and what there is to do.

use proto::dispatcher::v1 as dispatcher;
use proto::dispatcher::v1::dispatcher_service_client::DispatcherServiceClient;
use proto::options::v1::Role;
use proto::tasks::v1 as tasks;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;

use super::{Office, PAGE, answered};
use crate::app;

impl Office {
    /// Every notice.
    pub async fn notices(&self) -> anyhow::Result<Vec<dispatcher::Notice>> {
        let mut client = DispatcherServiceClient::new(self.channel.clone());
        let (mut notices, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                dispatcher::ListNoticesRequest { page_size: PAGE, page_token, ..Default::default() };
            let request = self.request(Role::AttendanceOfficer, request)?;
            let page = answered("ListNotices", client.list_notices(request).await)?;
            notices.extend(page.notices);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(notices);
            }
        }
    }

    /// Every delivery.
    pub async fn deliveries(&self) -> anyhow::Result<Vec<dispatcher::Delivery>> {
        let mut client = DispatcherServiceClient::new(self.channel.clone());
        let (mut deliveries, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                dispatcher::ListDeliveriesRequest { page_size: PAGE, page_token, ..Default::default() };
            let request = self.request(Role::AttendanceOfficer, request)?;
            let page = answered("ListDeliveries", client.list_deliveries(request).await)?;
            deliveries.extend(page.deliveries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(deliveries);
            }
        }
    }

    /// Why a contact was told of a notice, or was not: a sentence for each step.
    pub async fn explain(&self, contact_id: &str, notice_id: &str) -> anyhow::Result<Vec<String>> {
        let request =
            dispatcher::ExplainRequest { contact_id: contact_id.to_owned(), notice_id: notice_id.to_owned() };
        let request = self.request(Role::AttendanceOfficer, request)?;
        let mut client = DispatcherServiceClient::new(self.channel.clone());
        let answer = answered("Explain", client.explain(request).await)?;
        Ok(answer.steps.into_iter().map(|step| step.sentence).collect())
    }

    /// What people have been asked to do by any service, and have not done.
    pub async fn tasks(&self) -> anyhow::Result<Vec<tasks::Task>> {
        let mut client = TasksServiceClient::new(self.channel.clone());
        let mut open = Vec::new();
        for service in app::all() {
            let mut page_token = String::new();
            loop {
                let service = service.clone();
                let request =
                    tasks::ListTasksRequest { service, page_size: PAGE, page_token, ..Default::default() };
                let request = self.request(Role::Head, request)?;
                let page = answered("ListTasks", client.list_tasks(request).await)?;
                open.extend(page.tasks);
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
        }
        Ok(open)
    }
}
