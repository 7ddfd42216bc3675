//! `kymo.events`: what happened to runs.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{RunId, Topic};

pub const TOPIC: &str = "kymo.events";

/// [`TOPIC`], ready to use.
pub fn topic() -> crate::Topic {
    crate::Topic::trusted(TOPIC.to_owned())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    pub id: uuid::Uuid,
    pub at: DateTime<Utc>,
    pub topic: Topic,
    pub run: RunId,
    #[serde(deserialize_with = "crate::envelope::attempt")]
    pub attempt: u32,
    pub host: String,
    /// The last complete iteration when it happened; 0 when there was none.
    pub iteration: u64,
    #[serde(flatten)]
    pub event: RunEvent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum RunEvent {
    /// An attempt's solver runs, from the beginning.
    Started { pid: u32 },
    /// An attempt's solver runs, going on after `iteration`.
    Resumed { pid: u32 },
    /// The solver ended by itself and well.
    Finished,
    /// A person's order was carried out.
    Stopped { by: String },
    /// The attempt ended badly. `again_at` when the restart policy starts it again.
    Failed {
        /// In words: `exit code 3`, `killed by signal 11 (SIGSEGV)`, `out of memory`.
        reason: String,
        /// The last lines of the solver's output, oldest first.
        last_lines: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_at: Option<DateTime<Utc>>,
    },
    /// Nothing was heard for longer than the solver's patience.
    Silent { seconds: f64 },
    /// Heard again after silence.
    Heard,
    /// An order could not be carried out at all.
    Refused { reason: String },
}
