//! The rule of reading (ARCHITECTURE.md, decision 4): out of everything that stands in a run's
//! topic, duplicates, zombies and garbage included, the one prefix of complete iterations that counts.

use crate::{Marker, Outcome, Position, Record, Stored, Topic};

/// Reads a run's topic from its beginning, message by message. Keeps no payloads of complete iterations.
pub struct Replay {
    _topic: Topic,
}

/// What one message changed for a reader.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A new attempt is in effect.
    Attempt(Marker),
    /// Iterations `from` and later do not count any more.
    Forgotten { from: u64 },
    /// The next iteration is complete, its parts merged.
    Iteration { attempt: u32, record: Box<Record> },
    /// Something was kept aside; it is reported once.
    Rejected(Report),
    /// The solver ended by itself.
    Ended(Outcome),
}

/// Why a message does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub topic: Topic,
    pub position: Position,
    pub reason: String,
}

impl Replay {
    pub fn new(topic: Topic) -> Self {
        Self { _topic: topic }
    }

    pub fn push(&mut self, _stored: &Stored) -> Vec<Change> {
        unimplemented!("runlog helper")
    }

    /// The last iteration of the usable prefix; 0 when there is none.
    pub fn iterations(&self) -> u64 {
        unimplemented!("runlog helper")
    }

    /// The newest attempt's number; 0 before the first.
    pub fn attempt(&self) -> u32 {
        unimplemented!("runlog helper")
    }

    /// Hex SHA-256 over the payloads of the usable prefix: equal digests mean equal results, bit for bit.
    pub fn digest(&self) -> String {
        unimplemented!("runlog helper")
    }
}
