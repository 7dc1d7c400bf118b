//! What the tests of this crate share: facts of a made-up bell, callers, and counts of rows.

use jiff::SignedDuration;
use proto::events::{About, Event, Fact};
use proto::ids::EventId;
use proto::options::v1::Role;
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};

use crate::Tenant;
use crate::clock::Clock;
use crate::identity::Caller;
use crate::store::{Commit, Migration, Store};
use crate::tasks::NewTask;
use crate::testing::MORNING;

/// The bell has rung.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rang {
    pub number: u32,
}

impl Fact for Rang {
    const SERVICE: &'static str = "bell";
    const NAME: &'static str = "rang";
    const SAFETY: bool = false;
}

/// The fire bell has rung.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    pub number: u32,
}

impl Fact for Alarm {
    const SERVICE: &'static str = "bell";
    const NAME: &'static str = "alarm";
    const SAFETY: bool = true;
}

/// Accounts that never go below zero.
pub const LEDGER: &[Migration] = &[Migration {
    name: "trial_0001",
    sql: "CREATE TABLE ledger (id TEXT PRIMARY KEY, amount BIGINT NOT NULL CHECK (amount >= 0),
          version BIGINT NOT NULL)",
}];

pub fn about(tenant: Tenant, number: u32) -> About {
    About {
        school: tenant,
        subject: format!("bell-{number}"),
        version: u64::from(number),
        time: MORNING.parse().unwrap(),
    }
}

pub fn rang(tenant: Tenant, number: u32) -> Event<Rang> {
    Event::new(EventId::generate(), about(tenant, number), Rang { number })
}

pub fn alarm(tenant: Tenant, number: u32) -> Event<Alarm> {
    Event::new(EventId::generate(), about(tenant, number), Alarm { number })
}

pub fn caller(tenant: Tenant, role: Role) -> Caller {
    Caller { subject: "person-7".to_owned(), tenant, roles: vec![role] }
}

pub fn task(tenant: Tenant, role: Role) -> NewTask {
    let at = (MORNING.parse().unwrap(), SignedDuration::from_mins(30));
    NewTask::new(tenant, "look_there", role, at).because("a bell rang")
}

/// A commit that opens an account.
pub fn account(store: &Store, id: &str, amount: i64) -> Commit {
    let sql = "INSERT INTO ledger (id, amount, version) VALUES ($1, $2, 1)";
    Commit::new().execute(store.statement(sql, [id.into(), amount.into()]))
}

/// One number that the store answers a question with.
pub async fn number(store: &Store, sql: &str) -> i64 {
    let sql = format!("SELECT COALESCE(CAST(({sql}) AS BIGINT), 0)");
    let row = store.read().query_one_raw(store.statement(&sql, [])).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

pub async fn rows(store: &Store, table: &str) -> i64 {
    number(store, &format!("SELECT COUNT(*) FROM {table}")).await
}

/// Real time: what tokens are made with.
pub fn real() -> jiff::Timestamp {
    Clock::system().real()
}
