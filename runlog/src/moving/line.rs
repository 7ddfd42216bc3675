//! The lines of an export: a header, a message each, and a last one that says what was there.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Message, Position, Stored, Topic};

/// Of the format that is described in docs/moving.md.
pub const VERSION: u32 = 1;
/// A last line begins like this, and no other does.
pub const LAST: &str = "{\"messages\":";

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    #[serde(rename = "kymo-export")]
    pub version: u32,
    pub topic: Topic,
    /// Which log it comes from, for people.
    pub log: String,
    pub at: DateTime<Utc>,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub messages: u64,
    /// Of keys, headers and payloads.
    pub bytes: u64,
    /// Over all messages in their order: equal digests mean equal topics, bit for bit.
    pub sha256: String,
}

/// One message.
#[derive(Debug, Serialize, Deserialize)]
pub struct Line {
    /// Where it stood, and when its log took it: for people, the new log has its own.
    position: Position,
    at: DateTime<Utc>,
    key: Option<Bytes>,
    headers: Vec<(String, Bytes)>,
    payload: Bytes,
    crc32: String,
}

/// Text as itself, so that people and `jq` can read it; anything else in hexadecimal.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Hex { hex: String },
}

impl Bytes {
    fn of(bytes: Vec<u8>) -> Self {
        // Escaped, a control character would take six times its room.
        let plain = |text: &str| !text.bytes().any(|byte| byte < b' ' && !b"\n\r\t".contains(&byte));
        match String::from_utf8(bytes) {
            Ok(text) if plain(&text) => Self::Text(text),
            Ok(text) => Self::Hex {
                hex: hex::encode(text),
            },
            Err(error) => Self::Hex {
                hex: hex::encode(error.as_bytes()),
            },
        }
    }

    fn into_bytes(self) -> Result<Vec<u8>, String> {
        match self {
            Self::Text(text) => Ok(text.into_bytes()),
            Self::Hex { hex } => hex::decode(hex).map_err(|error| format!("its hexadecimal digits: {error}")),
        }
    }
}

impl Line {
    pub fn of(stored: Stored) -> Self {
        let Stored {
            position,
            at,
            message,
        } = stored;
        let crc32 = checksum(&message);
        let header = |(name, value)| (name, Bytes::of(value));
        Self {
            position,
            at,
            key: message.key.map(Bytes::of),
            headers: message.headers.into_iter().map(header).collect(),
            payload: Bytes::of(message.payload),
            crc32,
        }
    }

    /// The message, checked. The error is why it is none.
    pub fn into_stored(self) -> Result<Stored, String> {
        let header = |(name, value): (String, Bytes)| Ok((name, value.into_bytes()?));
        let message = Message {
            key: self.key.map(Bytes::into_bytes).transpose()?,
            headers: self
                .headers
                .into_iter()
                .map(header)
                .collect::<Result<_, String>>()?,
            payload: self.payload.into_bytes()?,
        };
        let sum = checksum(&message);
        if sum != self.crc32 {
            return Err(format!("its checksum says {}, its content {sum}", self.crc32));
        }
        Ok(Stored {
            position: self.position,
            at: self.at,
            message,
        })
    }
}

fn checksum(message: &Message) -> String {
    let mut sum = crc32fast::Hasher::new();
    pieces(message, |piece| sum.update(piece));
    format!("{:08x}", sum.finalize())
}

/// A message as one sequence of bytes: every piece behind its length, so that no two messages are alike.
fn pieces(message: &Message, mut each: impl FnMut(&[u8])) {
    let mut piece = |bytes: &[u8]| {
        each(&(bytes.len() as u64).to_le_bytes());
        each(bytes);
    };
    match &message.key {
        None => piece(b"no key"),
        Some(key) => {
            piece(b"key");
            piece(key);
        }
    }
    piece(&(message.headers.len() as u64).to_le_bytes());
    for (name, value) in &message.headers {
        piece(name.as_bytes());
        piece(value);
    }
    piece(&message.payload);
}

/// Counts and digests messages as they pass.
#[derive(Clone, Default)]
pub struct Tally {
    messages: u64,
    bytes: u64,
    digest: Sha256,
}

impl Tally {
    pub fn count(&mut self, message: &Message) {
        self.messages += 1;
        self.bytes += message.size() as u64;
        pieces(message, |piece| self.digest.update(piece));
    }

    pub fn summary(&self) -> Summary {
        Summary {
            messages: self.messages,
            bytes: self.bytes,
            sha256: hex::encode(self.digest.clone().finalize()),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            messages,
            bytes,
            sha256,
        } = self;
        write!(f, "{messages} messages, {bytes} bytes, sha256 {sha256}")
    }
}
