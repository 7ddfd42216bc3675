//! The log as the roles see it. What Kafka cannot promise, the trait does not offer.

use std::pin::Pin;

use async_trait::async_trait;
use futures::Stream;

use crate::{Message, Position, Stored, Surveyed, Topic};

/// Endless: ends only with an error.
pub type LogStream = Pin<Box<dyn Stream<Item = Result<Stored, LogError>> + Send>>;

/// An append-only, totally ordered log per topic, shared by several processes.
#[async_trait]
pub trait Log: Send + Sync {
    /// Makes the topic with retention for ever. An existing topic is left as it is.
    /// Returns once every server of the log knows it.
    async fn create(&self, topic: &Topic) -> Result<(), LogError>;

    async fn exists(&self, topic: &Topic) -> Result<bool, LogError>;

    /// Appends in order; durable (and on all in-sync replicas) when it returns. After an error
    /// some of the batch may be in the log: records have identities, so a retry is harmless.
    async fn append(&self, topic: &Topic, batch: Vec<Message>) -> Result<Vec<Position>, LogError>;

    /// Messages at `from` and later, oldest first, as many as fit into `max_bytes` of payload
    /// (at least one). Empty at the end.
    async fn read(&self, topic: &Topic, from: Position, max_bytes: usize) -> Result<Vec<Stored>, LogError>;

    /// Everything from `from` on, then news as it comes. After `clear` it goes on with what is
    /// written afterwards; a deleted topic ends it with [`LogError::UnknownTopic`].
    async fn follow(&self, topic: &Topic, from: Position) -> Result<LogStream, LogError>;

    /// Where the next message will stand.
    async fn end(&self, topic: &Topic) -> Result<Position, LogError>;

    /// Forgets everything up to now; positions go on.
    async fn clear(&self, topic: &Topic) -> Result<(), LogError>;

    /// Forgets what stands before `before`, which is at most the end; positions go on.
    async fn trim(&self, topic: &Topic, before: Position) -> Result<(), LogError>;

    /// A missing topic is no error.
    async fn delete(&self, topic: &Topic) -> Result<(), LogError>;

    async fn list(&self) -> Result<Vec<Topic>, LogError>;

    /// What is known of every topic without reading it, those of others included, in the order of their names.
    async fn survey(&self) -> Result<Vec<Surveyed>, LogError>;

    /// Where `consumer` goes on reading; `None` when it never committed.
    async fn committed(&self, topic: &Topic, consumer: &str) -> Result<Option<Position>, LogError>;

    async fn commit(&self, topic: &Topic, consumer: &str, next: Position) -> Result<(), LogError>;

    /// What a person must know before a run writes here (short retention, compaction, too few
    /// replicas), one sentence with the remedy each. Empty when all is well.
    async fn warnings(&self, topic: &Topic) -> Result<Vec<String>, LogError>;

    /// One line for people: which log this is, e.g. `embedded log in /data/log.sqlite`.
    fn describe(&self) -> String;
}

#[derive(Debug, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum LogError {
    #[error("there is no topic {0} in the {1}; start its run first, or check the name with `kymo topics`")]
    UnknownTopic(Topic, String),
    /// Worth trying again: broker away, database locked.
    #[error("the {log} cannot be reached: {reason}")]
    Away { log: String, reason: String },
    #[error("the {log} refused us: {reason}")]
    Denied { log: String, reason: String },
    #[error("the message for topic {topic} has {bytes} bytes; the {log} takes at most {limit}")]
    TooLarge {
        topic: Topic,
        bytes: usize,
        limit: usize,
        log: String,
    },
    #[error("no space left for the {log}: {reason}; free some space, nothing that was acknowledged is lost")]
    Full { log: String, reason: String },
    #[error("the {log} is damaged or was misused: {reason}")]
    Broken { log: String, reason: String },
}

impl LogError {
    /// Whether waiting and trying again can help.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Full { .. })
    }
}
