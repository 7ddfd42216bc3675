//! Which calculation this is: a solver with its parameters. Its identity is its topic.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Parameters, Topic};

/// A run's identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunId {
    pub solver: String,
    pub parameters: Parameters,
}

impl RunId {
    /// The topic that holds this run: solver and every parameter, readable.
    pub fn topic(&self) -> Topic {
        unimplemented!("runlog helper")
    }
}

/// Eight characters that name a run in buttons, units and file names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShortId(String);

impl ShortId {
    pub fn of(_topic: &Topic) -> Self {
        unimplemented!("runlog helper")
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
