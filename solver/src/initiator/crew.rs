//! The seam between what should run and where its watchdogs live: on this machine, or on a server.

use async_trait::async_trait;
use kymo_door::Alert;
use kymo_runlog::Topic;
use kymo_runlog::host::{Capacity, Taken};

use crate::folder::Job;

/// The watchdogs of one host.
#[async_trait]
pub trait Crew: Send + Sync {
    /// Whether a watchdog can be started now. It may be closed for a while; those that live go on.
    fn is_open(&self) -> bool;

    fn has(&self, topic: &Topic) -> bool;

    /// What the host has for runs.
    fn capacity(&self) -> Capacity;

    /// What the living ones have taken of the host.
    fn taken(&self) -> Taken;

    fn start(&mut self, job: Job) -> anyhow::Result<()>;

    /// Takes out whoever has died since the last time; at first those that died while nobody looked.
    fn take_gone(&mut self) -> Vec<Gone>;

    /// Takes out what people must know about the host itself, and what watchdogs there could not tell themselves.
    fn take_alerts(&mut self) -> Vec<Alert>;

    /// Returns when any of the above may have changed.
    async fn news(&mut self);

    /// A watchdog that was killed cannot clean up: nothing that its solver started may live on.
    async fn clean_up_after(&self, job: &Job);
}

/// A watchdog that is no more.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Gone {
    pub job: Job,
    /// How it ended, if its parent knows: `exit status: 1`.
    pub how: Option<String>,
    /// The last words of a dead watchdog.
    pub last_words: Option<String>,
}
