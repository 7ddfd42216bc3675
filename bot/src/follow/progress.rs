//! How far a run is, from the last messages of its topic: cheap enough for every /status.

use chrono::{DateTime, Utc};
use kymo_runlog::{Log, LogError, Position, Stored, Topic, header};
use serde::Deserialize;

/// The newest iteration in a topic.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub iteration: u64,
    pub total: Option<u64>,
    /// When the log took it.
    pub at: DateTime<Utc>,
}

/// A page holds the last records of every solver that keeps to Kafka's usual message size.
const PAGE: usize = 4 << 20;

/// Reads a topic's tail; `None` when no iteration stands there.
pub async fn progress(log: &dyn Log, topic: &Topic) -> Result<Option<Progress>, LogError> {
    let end = log.end(topic).await?;
    let tail = log.read(topic, Position((end.0 - 4).max(0)), PAGE).await?;
    Ok(tail.iter().rev().find_map(newest))
}

fn newest(stored: &Stored) -> Option<Progress> {
    #[derive(Deserialize)]
    struct Counted {
        iteration: u64,
        #[serde(default)]
        total: Option<u64>,
    }
    stored.message.header(header::ITERATION)?;
    let counted: Counted = serde_json::from_slice(&stored.message.payload).ok()?;
    (counted.iteration > 0).then_some(Progress {
        iteration: counted.iteration,
        total: counted.total,
        at: stored.at,
    })
}
