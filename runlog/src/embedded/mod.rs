//! The embedded log: a SQLite file that several processes of one machine share.
//! One connection writes, one reads; a bell per topic tells followers of news.

mod bell;
mod error;
mod follow;
mod network;
mod read;
mod schema;
mod survey;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::Mutex;

use crate::log::LogStream;
use crate::{Log, LogError, Message, Position, Stored, Surveyed, Topic};

use bell::Bells;
use error::Explain;

/// The file in the data folder.
pub const FILE: &str = "log.sqlite";
/// The largest message, headers included.
const MESSAGE_LIMIT: usize = 64 << 20;
/// How long a locked database is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A log in `<folder>/log.sqlite`.
pub struct EmbeddedLog {
    inner: Arc<Inner>,
}

struct Inner {
    file: PathBuf,
    reader: Mutex<SqliteConnection>,
    /// Opened with the first write: most processes only read.
    writer: Mutex<Option<SqliteConnection>>,
    bells: Bells,
    explain: Explain,
}

/// A topic's number in the file. A topic that is deleted and made again gets another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct TopicNumber(i64);

impl EmbeddedLog {
    /// Opens the log in this folder, and makes both if need be.
    pub async fn open(folder: &Path) -> Result<Self, LogError> {
        let file = folder.join(FILE);
        let explain = Explain::new(&file);
        std::fs::create_dir_all(folder).map_err(|e| explain.io("make the folder", &e))?;
        network::refuse(folder, &explain)?;
        let bells = Bells::new(folder).map_err(|e| explain.io("make the bells' folder", &e))?;
        // Only one process at a time switches the journal and lays out the tables.
        let door = schema::lock(folder).await.map_err(|e| explain.io("lock", &e))?;
        let mut reader = connect(&file).await.map_err(|e| explain.sql(e))?;
        schema::lay_out(&mut reader, &explain).await?;
        drop(door);
        let (reader, writer) = (Mutex::new(reader), Mutex::new(None));
        let inner = Inner {
            file,
            reader,
            writer,
            bells,
            explain,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }
}

/// Small caches: a process that only follows one topic must stay small.
async fn connect(file: &Path) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(PATIENCE)
        .pragma("cache_size", "-256")
        .pragma("page_size", "8192")
        .statement_cache_capacity(16)
        .row_buffer_size(4)
        .disable_statement_logging();
    SqliteConnection::connect_with(&options).await
}

/// Writes go on when whoever asked for them stops listening: nothing is left half done.
async fn shielded<T: Send + 'static>(
    job: impl Future<Output = Result<T, LogError>> + Send + 'static,
) -> Result<T, LogError> {
    match tokio::spawn(job).await {
        Ok(result) => result,
        Err(e) => Err(LogError::Away {
            log: "embedded log".to_owned(),
            reason: format!("the write was ended: {e}"),
        }),
    }
}

#[async_trait]
impl Log for EmbeddedLog {
    async fn create(&self, topic: &Topic) -> Result<(), LogError> {
        let (inner, topic) = (self.inner.clone(), topic.clone());
        shielded(async move { inner.create(&topic).await }).await
    }

    async fn exists(&self, topic: &Topic) -> Result<bool, LogError> {
        Ok(self.inner.find(topic).await?.is_some())
    }

    async fn append(&self, topic: &Topic, batch: Vec<Message>) -> Result<Vec<Position>, LogError> {
        let (inner, topic) = (self.inner.clone(), topic.clone());
        shielded(async move { inner.append(&topic, batch).await }).await
    }

    async fn read(&self, topic: &Topic, from: Position, max_bytes: usize) -> Result<Vec<Stored>, LogError> {
        let number = self.inner.load(topic).await?;
        self.inner.read(topic, number, from, max_bytes).await
    }

    async fn follow(&self, topic: &Topic, from: Position) -> Result<LogStream, LogError> {
        let number = self.inner.load(topic).await?;
        Ok(follow::follow(self.inner.clone(), topic.clone(), number, from))
    }

    async fn end(&self, topic: &Topic) -> Result<Position, LogError> {
        self.inner.end(topic).await
    }

    async fn clear(&self, topic: &Topic) -> Result<(), LogError> {
        let (inner, topic) = (self.inner.clone(), topic.clone());
        shielded(async move { inner.trim(&topic, Position(i64::MAX)).await }).await
    }

    async fn trim(&self, topic: &Topic, before: Position) -> Result<(), LogError> {
        let (inner, topic) = (self.inner.clone(), topic.clone());
        shielded(async move { inner.trim(&topic, before).await }).await
    }

    async fn delete(&self, topic: &Topic) -> Result<(), LogError> {
        let (inner, topic) = (self.inner.clone(), topic.clone());
        shielded(async move { inner.delete(&topic).await }).await
    }

    async fn list(&self) -> Result<Vec<Topic>, LogError> {
        self.inner.list().await
    }

    async fn survey(&self) -> Result<Vec<Surveyed>, LogError> {
        self.inner.survey().await
    }

    async fn committed(&self, topic: &Topic, consumer: &str) -> Result<Option<Position>, LogError> {
        self.inner.committed(topic, consumer).await
    }

    async fn commit(&self, topic: &Topic, consumer: &str, next: Position) -> Result<(), LogError> {
        let (inner, topic, consumer) = (self.inner.clone(), topic.clone(), consumer.to_owned());
        shielded(async move { inner.commit(&topic, &consumer, next).await }).await
    }

    /// Nothing can be wrong with a topic here: all are kept for ever.
    async fn warnings(&self, topic: &Topic) -> Result<Vec<String>, LogError> {
        self.inner.load(topic).await?;
        Ok(Vec::new())
    }

    fn describe(&self) -> String {
        self.inner.explain.log().to_owned()
    }
}
