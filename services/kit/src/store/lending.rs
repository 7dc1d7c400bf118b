//! The connections for reading. A server's come from a pool. Those of a file are lent by ourselves: a pool asks
//! each connection that comes back whether it is still well, which for a file is another way to its thread
//! and back, as dear as a short question. A file does not go away.

use std::sync::{Arc, Mutex, PoisonError};

use sea_orm::sqlx::sqlite::SqliteConnectOptions;
use sea_orm::sqlx::{self, AssertSqlSafe, ConnectOptions as _, Connection as _, Sqlite, SqliteConnection};
use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult,
    RuntimeErr, Statement,
};
use sea_query_sqlx::SqlxValues;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Connections that can be asked, and change nothing.
#[derive(Clone)]
pub struct Readers(Kind);

#[derive(Clone)]
enum Kind {
    File(Arc<File>),
    Server(DatabaseConnection),
}

struct File {
    options: SqliteConnectOptions,
    most: u32,
    turns: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

/// A connection until it is given back. One whose question failed is not.
struct Lent<'a> {
    file: &'a File,
    connection: Option<SqliteConnection>,
    _turn: SemaphorePermit<'a>,
}

impl Readers {
    /// Of a file: so many at most, opened when they are needed.
    pub(super) fn of_file(options: SqliteConnectOptions, most: u32) -> Self {
        let turns = Semaphore::new(usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS));
        Self(Kind::File(Arc::new(File { options, most, turns, idle: Mutex::default() })))
    }

    /// Of a server: the ones of this pool.
    pub(super) fn of_server(pool: DatabaseConnection) -> Self {
        Self(Kind::Server(pool))
    }

    /// Closes them. Questions that are being answered are answered first.
    pub(super) async fn close(&self) -> Result<(), DbErr> {
        match &self.0 {
            Kind::File(file) => file.close().await,
            Kind::Server(pool) => pool.clone().close().await,
        }
    }
}

impl File {
    async fn lend(&self) -> Result<Lent<'_>, DbErr> {
        let closed = |_| DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed);
        let turn = self.turns.acquire().await.map_err(closed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(|error| DbErr::Conn(of(error)))?,
        };
        Ok(Lent { file: self, connection: Some(connection), _turn: turn })
    }

    async fn close(&self) -> Result<(), DbErr> {
        let all = self.turns.acquire_many(self.most).await;
        self.turns.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            connection.close().await.map_err(|error| DbErr::Conn(of(error)))?;
        }
        Ok(())
    }
}

impl Lent<'_> {
    async fn ask<T>(
        mut self,
        statement: Statement,
        how: impl AsyncFnOnce(&mut SqliteConnection, Query<'_>) -> Result<T, sqlx::Error>,
    ) -> Result<T, DbErr> {
        let Some(connection) = &mut self.connection else {
            return Err(DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed));
        };
        let values = SqlxValues(statement.values.unwrap_or_else(|| sea_orm::Values(Vec::new())));
        let query = sqlx::query_with(AssertSqlSafe(statement.sql.as_str()), values);
        let answer = how(connection, query).await;
        if answer.is_err() {
            self.connection = None;
        }
        answer.map_err(|error| DbErr::Query(of(error)))
    }
}

impl Drop for Lent<'_> {
    /// Whoever stops waiting for an answer gives the connection back too: what is asked next waits behind it.
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.file.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}

type Query<'q> = sqlx::query::Query<'q, Sqlite, SqlxValues>;

fn of(error: sqlx::Error) -> RuntimeErr {
    RuntimeErr::SqlxError(Arc::new(error))
}

#[tonic::async_trait]
impl ConnectionTrait for Readers {
    fn get_database_backend(&self) -> DbBackend {
        match &self.0 {
            Kind::File(_) => DbBackend::Sqlite,
            Kind::Server(pool) => pool.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Kind::File(file) => {
                let done = file.lend().await?;
                Ok(done
                    .ask(statement, async |connection, query| query.execute(connection).await)
                    .await?
                    .into())
            }
            Kind::Server(pool) => pool.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.0 {
            Kind::File(_) => self.execute_raw(Statement::from_string(DbBackend::Sqlite, sql)).await,
            Kind::Server(pool) => pool.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.0 {
            Kind::File(file) => {
                let lent = file.lend().await?;
                let row =
                    lent.ask(statement, async |connection, query| query.fetch_optional(connection).await);
                Ok(row.await?.map(QueryResult::from))
            }
            Kind::Server(pool) => pool.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.0 {
            Kind::File(file) => {
                let lent = file.lend().await?;
                let rows = lent.ask(statement, async |connection, query| query.fetch_all(connection).await);
                Ok(rows.await?.into_iter().map(QueryResult::from).collect())
            }
            Kind::Server(pool) => pool.query_all_raw(statement).await,
        }
    }
}
