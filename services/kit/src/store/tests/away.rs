//! A server that cannot be reached, and one that is only busy: what a caller is told, and when.

use std::time::Duration;

use futures::future::join_all;
use proto::options::v1::Role;
use proto::tasks::v1::{TakeTaskRequest, TakeTaskResponse};
use tokio::net::TcpStream;
use tonic::Code;
use tonic_types::StatusExt;

use super::super::{Call, Commit, Store, once};
use crate::clock::Clock;
use crate::fixtures::{LEDGER, account, caller, number, rows};
use crate::testing::{Postgres, eventually, postgres};
use crate::{Tenant, audit, config};

/// Far more than a caller waits, and less than an opening does.
const DEADLINE: Duration = Duration::from_secs(12);

async fn open(address: String, folder: &tempfile::TempDir) -> Store {
    let settings = config::Store {
        postgres: Some(config::Secret::new(address)),
        database_prefix: format!("t{}_", uuid::Uuid::now_v7().simple()),
        connections: 2,
    };
    Store::open("trial", &settings, folder.path(), Clock::system(), LEDGER).await.unwrap()
}

async fn in_time<T>(what: &str, answer: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, answer).await.unwrap_or_else(|_| panic!("{what}: no answer in time"))
}

#[tokio::test]
async fn who_calls_while_the_server_is_away_is_told_so_while_they_still_look() {
    let (server, folder) = (Postgres::start().await, tempfile::tempdir().unwrap());
    let store = open(server.address.clone(), &folder).await;
    store.commit(account(&store, "one", 1)).await.unwrap();
    let (_, host) = server.address.split_once('@').unwrap();
    let host = host.to_owned();
    drop(server);
    eventually("a server", false, || async { TcpStream::connect(&host).await.is_ok() }).await;

    let tenant = Tenant::generate();
    let caller = caller(tenant, Role::Office);
    let request = TakeTaskRequest { request_id: "request-1".to_owned(), ..TakeTaskRequest::default() };
    let call = Call { caller: &caller, rpc: "Ring", request_id: &request.request_id };
    let decide = || async { Ok((Commit::new(), TakeTaskResponse::default())) };
    let command = in_time("a command", once(&store, call, &request, decide)).await.unwrap_err();
    let look = in_time("a look", audit::look(&store, &caller, "Look", &[])).await.unwrap_err();
    for refused in [command, look] {
        assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
        assert_eq!(refused.get_details_error_info().unwrap().reason, "TRY_AGAIN");
    }
}

#[tokio::test]
async fn who_calls_while_the_server_is_only_busy_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(postgres(), &folder).await;
    let calls = (0..100).map(async |index| {
        number(&store, "SELECT COUNT(*) FROM ledger").await;
        store.commit(account(&store, &format!("account-{index}"), 1)).await.unwrap();
    });
    join_all(calls).await;
    assert_eq!(rows(&store, "ledger").await, 100);
}
