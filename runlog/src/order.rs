//! `kymo.orders`: what people and schedules want done. Initiators obey.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{RunId, Topic};

pub const TOPIC: &str = "kymo.orders";

/// [`TOPIC`], ready to use.
pub fn topic() -> crate::Topic {
    crate::Topic::trusted(TOPIC.to_owned())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Repeating an order with the same id changes nothing.
    pub id: uuid::Uuid,
    pub at: DateTime<Utc>,
    /// Who ordered it, for people: `Ada (telegram 42)`, `terminal of ada@lab`.
    pub by: String,
    #[serde(flatten)]
    pub order: Order,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// Start, or go on from the log when the run has records.
    Start {
        run: RunId,
        topic: Topic,
        /// Forget the earlier results: clear the topic first.
        #[serde(default)]
        fresh: bool,
        /// Seconds to wait after each iteration, on purpose.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pace: Option<f64>,
        /// Labels that the host must have, all of them. Where a run is placed is no part of its identity.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        on: Vec<String>,
    },
    Stop {
        topic: Topic,
        when: When,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    AfterIteration,
    Now,
}
