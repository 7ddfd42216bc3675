//! Graph workers and who hosts them. What is wanted stands in SQL (`kymo_store::Watch`), so a bot
//! that starts again brings back what was running; the host only carries it out.

mod backoff;
mod child;
mod spawner;
mod wishes;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kymo_runlog::Topic;

pub use child::ChildWorkers;
pub use wishes::{Wishes, restore, tidy};

/// A host of graph workers, one worker per topic.
#[async_trait]
pub trait Workers: Send + Sync {
    /// Makes a worker known; it does not start. With a worker there is none to add.
    async fn add(&self, topic: &Topic, view: Option<&str>) -> Result<(), WorkerError>;

    /// Starts the worker and keeps it running. A running one stays as it is.
    async fn start(&self, topic: &Topic) -> Result<(), WorkerError>;

    /// Ends the worker; it stays known.
    async fn stop(&self, topic: &Topic) -> Result<(), WorkerError>;

    /// Ends the worker and forgets it.
    async fn remove(&self, topic: &Topic) -> Result<(), WorkerError>;

    /// All workers, in the order in which they were added.
    async fn status(&self) -> Vec<WorkerStatus>;
}

/// A worker as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerStatus {
    pub topic: Topic,
    pub view: Option<String>,
    pub state: WorkerState,
    /// How often it was started again because it ended by itself.
    pub restarts: u32,
}

/// What a worker is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// Known, not started, or stopped by a person.
    Stopped,
    Running {
        pid: u32,
        since: DateTime<Utc>,
    },
    /// It ended by itself and is started again at this time.
    Waiting {
        reason: String,
        again_at: DateTime<Utc>,
    },
}

/// What a caller can tell a person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkerError {
    #[error("there is no graph worker for {0}; add one with /workers add")]
    Unknown(Topic),
    #[error("there is a graph worker for {0} already; start it, or remove it first")]
    Known(Topic),
    #[error("the bot is shutting down")]
    Closing,
}
