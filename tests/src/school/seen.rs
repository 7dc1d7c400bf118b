//! What can be seen of a school: its notices, deliveries and tasks, and what arrived.

use proto::dispatcher::v1 as dispatcher;
use proto::options::v1::Role;
use proto::tasks::v1 as tasks;
use proto::tasks::v1::tasks_service_client::TasksServiceClient;
use schoolbell::app;
use simulator::Message;

use super::School;
use crate::wait::{PATIENCE, until};

impl School {
    /// Every notice of the school.
    pub async fn notices(&self) -> Vec<dispatcher::Notice> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = dispatcher::ListNoticesRequest { page_size: 500, page_token, ..Default::default() };
            let list = async || self.dispatcher().list_notices(self.by(Role::Head, request.clone())).await;
            let page = self.answered(list).await;
            all.extend(page.notices);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    /// Every delivery of the school.
    pub async fn deliveries(&self) -> Vec<dispatcher::Delivery> {
        let (mut all, mut page_token) = (Vec::new(), String::new());
        loop {
            let request =
                dispatcher::ListDeliveriesRequest { page_size: 500, page_token, ..Default::default() };
            let list = async || self.dispatcher().list_deliveries(self.by(Role::Head, request.clone())).await;
            let page = self.answered(list).await;
            all.extend(page.deliveries);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return all;
            }
        }
    }

    /// The open tasks of every service.
    pub async fn tasks(&self) -> Vec<tasks::Task> {
        let mut all = Vec::new();
        for service in app::all() {
            let client = TasksServiceClient::new(self.to(&service));
            let request = tasks::ListTasksRequest { service, page_size: 500, ..Default::default() };
            let list = async || client.clone().list_tasks(self.by(Role::Head, request.clone())).await;
            all.extend(self.answered(list).await.tasks);
        }
        all
    }

    /// Waits for a task of this kind.
    pub async fn task(&self, kind: &str) -> tasks::Task {
        let seen = until(kind, || self.tasks(), |tasks| tasks.iter().any(|task| task.kind == kind)).await;
        seen.into_iter().find(|task| task.kind == kind).unwrap()
    }

    /// Waits until somebody has been sent so many messages.
    pub async fn messages(&self, number: usize) -> Vec<Message> {
        self.phones.wait_until(PATIENCE, |messages| messages.len() >= number).await.unwrap()
    }

    /// Waits until nothing gathers, nothing is due and every text has its receipt.
    pub async fn settles(&self) {
        until("settling", || self.open(), Vec::is_empty).await;
    }

    async fn open(&self) -> Vec<String> {
        let gathering = dispatcher::NoticeState::Gathering;
        let mut open: Vec<String> = (self.notices().await.into_iter())
            .filter(|notice| notice.state() == gathering)
            .map(|notice| format!("{notice:?}"))
            .collect();
        let ended = [
            dispatcher::DeliveryState::Delivered,
            dispatcher::DeliveryState::Failed,
            dispatcher::DeliveryState::Recalled,
            dispatcher::DeliveryState::Expired,
            dispatcher::DeliveryState::Skipped,
        ];
        for delivery in self.deliveries().await {
            let reached = delivery.channel.starts_with("email") && delivery.reached;
            if !reached && !ended.contains(&delivery.state()) {
                open.push(format!("{delivery:?}"));
            }
        }
        open
    }

    /// What arrived at an address, in order.
    pub fn received(&self, address: &str) -> Vec<String> {
        let at = |message: &Message| message.accepted.to == address;
        self.phones
            .messages()
            .iter()
            .filter(|message| at(message))
            .map(|message| message.accepted.body.clone())
            .collect()
    }
}
