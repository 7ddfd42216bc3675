//! What a log says of a topic without reading it: where it begins and ends, what it forgets, who reads it how far.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Position;

/// One topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surveyed {
    /// As the log spells it: topics of others may have names that none of ours has.
    pub name: String,
    /// A topic of ours has one.
    pub partitions: usize,
    /// Of the first partition; `None` while nobody can tell.
    pub span: Option<Span>,
    /// `None`: this user may not look.
    pub retention: Option<Retention>,
    /// Those who noted how far they have read, by name.
    pub readers: Vec<Reader>,
}

/// Where a topic begins and ends. Positions may have gaps, so this bounds the number of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    pub first: Position,
    pub end: Position,
}

impl Span {
    /// At most this many messages.
    pub fn messages(&self) -> u64 {
        u64::try_from(self.end.0.saturating_sub(self.first.0)).unwrap_or(0)
    }
}

/// What a topic forgets by itself. Ours forget nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// What is older than this.
    pub age: Option<Duration>,
    /// The oldest beyond this many bytes.
    pub bytes: Option<u64>,
    /// All but the newest message of each key.
    pub compacted: bool,
}

/// Somebody who reads a topic and notes the place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reader {
    pub name: String,
    pub next: Position,
}

impl Reader {
    /// How many messages it has not read yet, at most.
    pub fn lag(&self, span: &Span) -> u64 {
        // What was cleared is not waited for.
        let next = self.next.max(span.first);
        u64::try_from(span.end.0.saturating_sub(next.0)).unwrap_or(0)
    }
}
