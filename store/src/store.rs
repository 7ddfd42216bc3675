//! Opening the database. A SQLite file in WAL mode; the schema is brought up to date on the way.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Database, Sqlite, Transaction, TransactionManager};

use crate::StoreError;

/// The bot's memory. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    /// For reading; in WAL mode nobody's lock delays it.
    pub(crate) pool: SqlitePool,
    /// SQLite has one writer at a time, and so do we: a lock of another process holds up this one only.
    pub(crate) writer: SqlitePool,
    database: Arc<str>,
}

pub(crate) type Row = sqlx::sqlite::SqliteRow;

impl Store {
    /// Opens or makes the database: a path, or `sqlite:` and a path.
    pub async fn open(database: &str) -> Result<Self, StoreError> {
        Self::open_patiently(database, Duration::from_secs(5)).await
    }

    /// As [`Store::open`]; `patience` is how long a lock of another process is waited out.
    pub async fn open_patiently(database: &str, patience: Duration) -> Result<Self, StoreError> {
        let file = database.strip_prefix("sqlite:").unwrap_or(database);
        let fail = |error| StoreError::of(database, error);
        let options = SqliteConnectOptions::new()
            .filename(Path::new(file))
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // An alert that was answered with "durable" must survive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(patience)
            .foreign_keys(true)
            .pragma("cache_size", "-512")
            .statement_cache_capacity(64)
            .disable_statement_logging();
        let patience = patience + Duration::from_secs(25);
        let writer = pool(options.clone(), patience).await.map_err(fail)?;
        let pool = pool(options, patience).await.map_err(fail)?;
        let store = Self {
            pool,
            writer,
            database: database.into(),
        };
        sqlx::migrate!("../migrations")
            .run(&store.writer)
            .await
            .map_err(|error| StoreError::of_migration(database, error))?;
        Ok(store)
    }

    /// Waits for open statements and closes the file.
    pub async fn close(&self) {
        self.pool.close().await;
        self.writer.close().await;
    }

    /// What was given to [`Store::open`], for people.
    pub fn database(&self) -> &str {
        &self.database
    }

    pub(crate) fn fail(&self, error: sqlx::Error) -> StoreError {
        StoreError::of(&self.database, error)
    }

    /// A transaction that takes the write lock at once: two that read first and write later
    /// would refuse each other instead of waiting.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer
            .begin_with("BEGIN IMMEDIATE")
            .await
            .map_err(|error| self.fail(error))
    }
}

/// One connection: each costs a thread and a cache.
async fn pool(options: SqliteConnectOptions, patience: Duration) -> Result<SqlitePool, sqlx::Error> {
    SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(patience)
        // SQLite ends a transaction by itself when the disk is full; sqlx does not notice and
        // would refuse every later one on that connection.
        .before_acquire(|connection, _| {
            let depth = <Sqlite as Database>::TransactionManager::get_transaction_depth(connection);
            Box::pin(async move { Ok(depth == 0) })
        })
        .connect_with(options)
        .await
}
