//! `kymo.claims`: which host may run which attempt. The first claim for an attempt wins;
//! it is a lease, renewed by further claims of the same holder.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Topic;

pub const TOPIC: &str = "kymo.claims";

/// [`TOPIC`], ready to use.
pub fn topic() -> crate::Topic {
    crate::Topic::trusted(TOPIC.to_owned())
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    pub topic: Topic,
    pub attempt: u32,
    pub host: String,
    /// One life of one initiator on that host.
    pub holder: uuid::Uuid,
    pub at: DateTime<Utc>,
    pub until: DateTime<Utc>,
    #[serde(default)]
    pub released: bool,
}
