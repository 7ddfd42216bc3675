//! Graph workers and who hosts them. What is wanted stands in SQL (`kymo_store::Watch`), so a bot
//! that starts again brings back what was running; the host only carries it out.

mod backoff;
mod child;
mod spawner;
mod systemd;
mod wishes;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kymo_runlog::Topic;

pub use child::ChildWorkers;
pub use systemd::{Bus, SystemdWorkers};
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
    async fn status(&self) -> Result<Vec<WorkerStatus>, WorkerError>;

    /// Waits until every worker that cannot outlive the bot has ended; the bot is ending.
    async fn ended(&self) {}
}

/// A worker as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerStatus {
    pub topic: Topic,
    pub view: Option<String>,
    pub state: WorkerState,
    /// How often it was started again because it ended by itself.
    pub restarts: u32,
    /// The same in the host's own words, where it has some: systemd's `active (running)`.
    pub said: Option<String>,
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
    /// It ended by itself, and its host does not start it again.
    Failed {
        reason: String,
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
    #[error(
        "systemd's manager cannot be reached over the {} bus: {reason}; look at `systemctl status dbus`, or let the \
         bot itself keep graph workers: host = \"child\" under [workers] in kymo.toml", bus.word()
    )]
    NoBus { bus: Bus, reason: String },
    #[error(
        "systemd does not let the bot do this: {reason}; polkit must be there, with the rule that `kymo install` writes \
         as root (docs/systemd.md)"
    )]
    NoRights { reason: String },
    #[error("there is no unit {unit}: its template is missing; `kymo install` as root writes it")]
    NoUnit { unit: String },
    #[error("systemd refuses for {unit}: {reason}; `journalctl -u {unit}` may tell more")]
    Refused { unit: String, reason: String },
    #[error("cannot {what} {path}: {reason}; the bot keeps a note there about each graph worker")]
    Note {
        what: &'static str,
        path: String,
        reason: String,
    },
}
