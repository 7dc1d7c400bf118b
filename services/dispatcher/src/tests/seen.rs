//! What can be seen of the dispatcher: its rows, its tasks, and when it has come to rest.

use super::*;

impl World {
    pub async fn notices(&self) -> Vec<rows::notices::Model> {
        rows::notices::Entity::find()
            .order_by_asc(rows::notices::Column::Id)
            .all(self.store.read())
            .await
            .unwrap()
    }

    pub async fn gatherings(&self) -> Vec<rows::gatherings::Model> {
        rows::gatherings::Entity::find()
            .order_by_asc(rows::gatherings::Column::Id)
            .all(self.store.read())
            .await
            .unwrap()
    }

    pub async fn deliveries(&self) -> Vec<rows::deliveries::Model> {
        rows::deliveries::Entity::find()
            .order_by_asc(rows::deliveries::Column::Id)
            .all(self.store.read())
            .await
            .unwrap()
    }

    pub async fn members(&self) -> Vec<rows::members::Model> {
        rows::members::Entity::find().all(self.store.read()).await.unwrap()
    }

    /// State and why of every delivery, in the order in which they were planned.
    pub async fn fates(&self) -> Vec<(String, String)> {
        self.deliveries().await.into_iter().map(|delivery| (delivery.state, delivery.why)).collect()
    }

    /// Waits until the deliveries, in the order in which they were planned, have these states.
    pub async fn until_states(&self, expected: &[&str]) {
        let expected: Vec<String> = expected.iter().map(|state| (*state).to_owned()).collect();
        eventually(&format!("states on {}", self.backend), expected, async || {
            self.deliveries().await.into_iter().map(|delivery| delivery.state).collect::<Vec<_>>()
        })
        .await;
    }

    /// Waits until nothing is left to do at this moment.
    pub async fn until_quiet(&self) {
        let sql = "SELECT (SELECT COUNT(*) FROM parts) + (SELECT COUNT(*) FROM chunks) \
                   + (SELECT COUNT(*) FROM deliveries WHERE next_address) AS number";
        eventually(&format!("quiet on {}", self.backend), 0, async || self.number(sql).await).await;
    }

    pub async fn tasks(&self) -> Vec<Task> {
        let sql = "SELECT kind, role, subjects, why, state FROM tasks ORDER BY id";
        Task::find_by_statement(self.statement(sql)).all(self.store.read()).await.unwrap()
    }

    pub async fn until_tasks(&self, expected: &[&str]) {
        let mut expected: Vec<String> = expected.iter().map(|kind| (*kind).to_owned()).collect();
        expected.sort();
        eventually(&format!("tasks on {}", self.backend), expected, async || {
            let mut kinds: Vec<String> = self.tasks().await.into_iter().map(|task| task.kind).collect();
            kinds.sort();
            kinds
        })
        .await;
    }

    /// The addresses of everything that was planned, sorted.
    pub async fn addresses(&self) -> Vec<String> {
        let mut addresses: Vec<String> =
            self.messages().await.into_iter().map(|delivery| delivery.address).collect();
        addresses.sort();
        addresses
    }

    /// The deliveries to people; an alert on the website is one to nobody.
    pub async fn messages(&self) -> Vec<rows::deliveries::Model> {
        let mut deliveries = self.deliveries().await;
        deliveries.retain(|delivery| delivery.channel != crate::store::alerts::CHANNEL);
        deliveries
    }

    /// Waits until every message is accepted or delivered, and nothing is left to do.
    pub async fn until_all_are_out(&self, messages: usize) {
        let out = async || {
            let messages = self.messages().await;
            let out = |row: &&rows::deliveries::Model| matches!(row.state.as_str(), "accepted" | "delivered");
            messages.iter().filter(out).count()
        };
        eventually(&format!("out on {}", self.backend), messages, out).await;
        self.until_quiet().await;
        assert_eq!(self.messages().await.len(), messages);
    }

    /// The alerts that were said to the website, in their order.
    pub async fn alerts(&self) -> Vec<proto::events::dispatcher::WebsiteAlert> {
        use proto::events::dispatcher::WebsiteAlert;
        let sql = "SELECT body FROM outbox ORDER BY id";
        let rows = self.store.read().query_all_raw(self.statement(sql)).await.unwrap();
        let event = |row: sea_orm::QueryResult| {
            let body: String = row.try_get("", "body").unwrap();
            serde_json::from_str::<Event<WebsiteAlert>>(&body).unwrap().data
        };
        rows.into_iter().map(event).collect()
    }

    pub fn statement(&self, sql: &str) -> Statement {
        self.store.statement(sql, [])
    }

    /// One number that the store answers a question with, as `number`.
    pub async fn number(&self, sql: &str) -> i64 {
        let row = self.store.read().query_one_raw(self.statement(sql)).await.unwrap().unwrap();
        row.try_get("", "number").unwrap()
    }

    /// Waits until the store answers a question with a number.
    pub async fn until_number(&self, sql: &str, expected: i64) {
        eventually(&format!("{sql} on {}", self.backend), expected, async || self.number(sql).await).await;
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) AS number FROM {table}")).await
    }
}
