//! What a log keeps: bytes with headers at a position.

use chrono::{DateTime, Utc};

/// Names of the headers that every record of a run carries (docs/records.md).
pub mod header {
    pub const KIND: &str = "kymo-kind";
    pub const RUN: &str = "kymo-run";
    pub const PARAMETERS: &str = "kymo-parameters";
    pub const ATTEMPT: &str = "kymo-attempt";
    pub const ITERATION: &str = "kymo-iteration";
    /// `i/n`: the i-th of n parts, counted from 1.
    pub const PART: &str = "kymo-part";
    /// `crc32:` and eight hex digits over the payload bytes.
    pub const CHECKSUM: &str = "kymo-checksum";
    pub const SOLVER: &str = "kymo-solver";
    pub const VERSION: &str = "kymo-solver-version";
    pub const TRACEPARENT: &str = "traceparent";
}

/// What a message in a run's topic is, as its header `kymo-kind` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first message of an attempt (payload: [`crate::Marker`]).
    Marker,
    /// One iteration or one part of it (payload: [`crate::Record`]).
    Record,
    /// The last message of an attempt whose solver ended by itself (payload: [`crate::Outcome`]).
    End,
}

/// A place in a topic. Positions only grow, also across `clear`; they may have gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Position(pub i64);

impl Position {
    /// Before everything that a topic holds.
    pub const START: Self = Self(0);

    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A message before it is in the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub key: Option<Vec<u8>>,
    pub headers: Vec<(String, Vec<u8>)>,
    pub payload: Vec<u8>,
}

impl Message {
    /// The newest value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .and_then(|(_, v)| std::str::from_utf8(v).ok())
    }
}

/// A message as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub position: Position,
    /// When the log took it.
    pub at: DateTime<Utc>,
    pub message: Message,
}
