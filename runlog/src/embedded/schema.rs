//! The file's tables, laid out once.

use std::io;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use super::error::Explain;
use crate::LogError;

/// "kymo" as four bytes: tells our files from other SQLite files.
const APPLICATION: i64 = 0x6b79_6d6f;
const VERSION: i64 = 1;

/// AUTOINCREMENT: the number of a deleted topic is never given again, so that its followers notice.
const TABLES: [&str; 5] = [
    "create table topics (
        number integer primary key autoincrement,
        name text not null unique,
        next integer not null default 0
    )",
    "create table messages (
        topic integer not null,
        position integer not null,
        at integer not null, -- microseconds since 1970
        key blob,
        headers blob not null,
        payload blob not null,
        primary key (topic, position)
    )",
    "create table commits (
        topic integer not null,
        consumer text not null,
        next integer not null,
        primary key (topic, consumer)
    ) without rowid",
    "pragma application_id = 1803119983",
    "pragma user_version = 1",
];

/// Held while the file is made. The operating system frees it when a process dies.
pub(super) async fn lock(folder: &Path) -> io::Result<Flock<std::fs::File>> {
    let path = folder.join("log.lock");
    let wait = move || {
        let file = std::fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
    };
    tokio::task::spawn_blocking(wait)
        .await
        .map_err(io::Error::other)?
}

/// Makes the tables in a new file, and refuses a file that is somebody else's.
pub(super) async fn lay_out(connection: &mut SqliteConnection, explain: &Explain) -> Result<(), LogError> {
    match find_state(connection).await.map_err(|e| explain.sql(e))? {
        State { application: APPLICATION, version: VERSION, .. } => Ok(()),
        State { application: APPLICATION, version, .. } => Err(explain.broken(format!(
            "its layout has version {version}, this kymo knows {VERSION}; use the kymo that wrote it, or another folder"
        ))),
        State { tables: 0, .. } => make(connection).await.map_err(|e| explain.sql(e)),
        State { .. } => {
            Err(explain.broken("it is a SQLite file of another program; give another folder with --data"))
        }
    }
}

struct State {
    application: i64,
    version: i64,
    tables: i64,
}

async fn find_state(connection: &mut SqliteConnection) -> Result<State, sqlx::Error> {
    let application = sqlx::query_scalar("pragma application_id")
        .fetch_one(&mut *connection)
        .await?;
    let version = sqlx::query_scalar("pragma user_version")
        .fetch_one(&mut *connection)
        .await?;
    let tables = sqlx::query_scalar("select count(*) from sqlite_master")
        .fetch_one(&mut *connection)
        .await?;
    Ok(State {
        application,
        version,
        tables,
    })
}

async fn make(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    for statement in TABLES {
        sqlx::query(statement).execute(&mut *transaction).await?;
    }
    transaction.commit().await
}
