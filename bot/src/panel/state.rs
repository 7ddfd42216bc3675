//! What a run is doing, as its panel says it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A run's state in the eyes of a person on a phone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum RunState {
    /// Nothing was heard of it but its records.
    #[default]
    Unknown,
    /// Ordered, and no initiator has taken it yet.
    Queued {
        /// Its place in the queue, in words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    Running,
    Stopped {
        by: String,
    },
    Finished,
    Crashed {
        reason: String,
        again_at: Option<DateTime<Utc>>,
    },
    /// Nothing was heard for longer than the solver's patience.
    Silent {
        seconds: f64,
    },
    /// Nobody says how it stands: what watched it is gone.
    Lost {
        since: DateTime<Utc>,
    },
    /// The order could not be carried out.
    Refused {
        reason: String,
    },
}

impl RunState {
    /// Whether its solver computes, or is about to.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Queued { .. } | Self::Running | Self::Silent { .. } => true,
            Self::Crashed { again_at, .. } => again_at.is_some(),
            Self::Unknown
            | Self::Stopped { .. }
            | Self::Finished
            | Self::Lost { .. }
            | Self::Refused { .. } => false,
        }
    }
}
