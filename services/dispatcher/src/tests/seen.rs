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
        let sql = "SELECT (SELECT COUNT(*) FROM chunks) \
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

    pub fn statement(&self, sql: &str) -> Statement {
        self.store.statement(sql, [])
    }

    /// One number that the store answers a question with, as `number`.
    pub async fn number(&self, sql: &str) -> i64 {
        let row = self.store.read().query_one_raw(self.statement(sql)).await.unwrap().unwrap();
        row.try_get("", "number").unwrap()
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.number(&format!("SELECT COUNT(*) AS number FROM {table}")).await
    }
}
