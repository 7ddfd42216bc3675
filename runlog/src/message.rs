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
    /// Which step of its attempt it is; later ones have higher numbers.
    pub const STEP: &str = "kymo-step";
    /// How many attempts were given this step to go on from.
    pub const HANDED: &str = "kymo-handed";
    pub const TRACEPARENT: &str = "traceparent";
}

/// What a message in a run's topic or its companions is, as its header `kymo-kind` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first message of an attempt (payload: [`crate::Marker`]).
    Marker,
    /// One iteration or one part of it (payload: [`crate::Record`]).
    Record,
    /// The last message of an attempt whose solver ended by itself (payload: [`crate::Outcome`]).
    End,
    /// Output of the solver that was meant as a record and is none (payload: [`crate::Complaint`]).
    Complaint,
    /// In `<topic>.steps`: where the solver stands inside an iteration (payload: [`crate::Record`] with a state).
    Step,
    /// In `<topic>.log`: what the solver printed (payload: the bytes as they came).
    Output,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Marker => "marker",
            Self::Record => "record",
            Self::End => "end",
            Self::Complaint => "complaint",
            Self::Step => "step",
            Self::Output => "output",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "marker" => Some(Self::Marker),
            "record" => Some(Self::Record),
            "end" => Some(Self::End),
            "complaint" => Some(Self::Complaint),
            "step" => Some(Self::Step),
            "output" => Some(Self::Output),
            _ => None,
        }
    }
}

/// A place in a topic. Positions only grow, also across `clear`; they may have gaps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Position(pub i64);

impl Position {
    /// Before everything that a topic holds.
    pub const START: Self = Self(0);

    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
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
    /// A record of one of the system topics (orders, claims, events, catalogue).
    pub fn json<T: serde::Serialize>(key: &str, value: &T) -> Self {
        let payload =
            serde_json::to_vec(value).expect("system records have texts as keys, so they are always JSON");
        let headers = vec![(
            header::CHECKSUM.to_owned(),
            crate::writer::checksum(&payload).into_bytes(),
        )];
        Self {
            key: Some(key.as_bytes().to_vec()),
            headers,
            payload,
        }
    }

    /// Bytes of key, headers and payload.
    pub fn size(&self) -> usize {
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum();
        headers + self.payload.len() + self.key.as_ref().map_or(0, Vec::len)
    }

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

impl Stored {
    /// A record of one of the system topics. The error is the reason why it is none; readers
    /// report it and go on.
    pub fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(&self.message.payload).map_err(|e| e.to_string())
    }
}
