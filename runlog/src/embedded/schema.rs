//! The file's tables, laid out once.

use std::io;
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Row};

use super::error::Explain;
use crate::LogError;

/// "kymo": tells our files from other SQLite files.
const APPLICATION: i64 = 0x6b79_6d6f;
const VERSION: i64 = 1;

/// AUTOINCREMENT: the number of a deleted topic is never given again, so that its followers notice.
const TABLES: &str = "
create table topics (
    number integer primary key autoincrement,
    name text not null unique,
    next integer not null default 0
);
create table messages (
    topic integer not null,
    position integer not null,
    at integer not null, -- microseconds since 1970
    key blob,
    headers blob not null,
    payload blob not null,
    primary key (topic, position)
);
create table commits (
    topic integer not null,
    consumer text not null,
    next integer not null,
    primary key (topic, consumer)
) without rowid;
";

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
    let application = pragma(connection, "application_id")
        .await
        .map_err(|e| explain.sql(e))?;
    let version = pragma(connection, "user_version")
        .await
        .map_err(|e| explain.sql(e))?;
    if application == APPLICATION {
        return match version {
            VERSION => Ok(()),
            other => Err(explain.broken(format!(
                "its layout has version {other}, this kymo knows {VERSION}; use the kymo that wrote it, or another folder"
            ))),
        };
    }
    let tables = count_tables(connection).await.map_err(|e| explain.sql(e))?;
    if tables > 0 {
        return Err(explain.broken("it is a SQLite file of another program; give another folder with --data"));
    }
    make(connection).await.map_err(|e| explain.sql(e))
}

async fn make(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql(TABLES).execute(&mut *transaction).await?;
    let marks = format!("pragma application_id = {APPLICATION}; pragma user_version = {VERSION};");
    sqlx::raw_sql(&marks).execute(&mut *transaction).await?;
    transaction.commit().await
}

async fn pragma(connection: &mut SqliteConnection, name: &str) -> Result<i64, sqlx::Error> {
    sqlx::query(&format!("pragma {name}"))
        .fetch_one(connection)
        .await?
        .try_get(0)
}

async fn count_tables(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select count(*) from sqlite_master")
        .fetch_one(connection)
        .await
}
