//! What is said through the socket: a question, and one answer (or, to a follower, many). A frame is the length of
//! its JSON, the length of its bytes, the JSON, and the bytes, in which messages keep their keys, headers and payloads.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::{Message, Position, Stored, Topic};

/// What is appended at once is not larger; no log takes a larger message.
pub(super) const LONGEST_BATCH: usize = 64 << 20;
/// A page stops here, or after the message that goes beyond.
pub(super) const LONGEST_PAGE: usize = 32 << 20;
/// Whoever announces a longer frame is no relay.
const LONGEST: u32 = 97 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Question {
    Describe,
    Create(Topic),
    Exists(Topic),
    Append(Topic, Vec<Sizes>),
    Read(Topic, Position, usize),
    Follow(Topic, Position),
    End(Topic),
    Clear(Topic),
    Trim(Topic, Position),
    Delete(Topic),
    List,
    Survey,
    Committed(Topic, String),
    Commit(Topic, String, Position),
    Warnings(Topic),
}

/// One frame: its JSON and its bytes.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    json: Vec<u8>,
    bytes: Vec<u8>,
}

impl Frame {
    pub(super) fn new<T: Serialize>(value: &T, bytes: Vec<u8>) -> Self {
        let json = serde_json::to_vec(value).expect("the relay's words have texts as keys");
        Self { json, bytes }
    }

    /// Says only that the answer is still awaited.
    pub(super) fn patience() -> Self {
        Self::default()
    }

    pub(super) fn is_patience(&self) -> bool {
        self.json.is_empty()
    }

    pub(super) fn json<T: DeserializeOwned>(&self) -> std::io::Result<T> {
        serde_json::from_slice(&self.json).map_err(|error| broken(format!("not the relay's words: {error}")))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) async fn write(&self, to: &mut (impl AsyncWrite + Unpin)) -> std::io::Result<()> {
        let length = |part: &[u8]| {
            let length = u32::try_from(part.len()).ok().filter(|length| *length <= LONGEST);
            length.ok_or_else(|| broken(format!("{} bytes are too many for one frame", part.len())))
        };
        let mut all = Vec::with_capacity(8 + self.json.len() + self.bytes.len());
        all.extend_from_slice(&length(&self.json)?.to_be_bytes());
        all.extend_from_slice(&length(&self.bytes)?.to_be_bytes());
        all.extend_from_slice(&self.json);
        all.extend_from_slice(&self.bytes);
        to.write_all(&all).await
    }

    /// `None` at the end between two frames.
    pub(super) async fn read(from: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Option<Self>> {
        let json = match from.read_u32().await {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(None),
            length => length?,
        };
        let bytes = from.read_u32().await?;
        Ok(Some(Self {
            json: take(from, json).await?,
            bytes: take(from, bytes).await?,
        }))
    }
}

async fn take(from: &mut (impl AsyncRead + Unpin), length: u32) -> std::io::Result<Vec<u8>> {
    if length > LONGEST {
        return Err(broken(format!("a frame of {length} bytes")));
    }
    // Grows with what comes: a length alone must not take memory.
    let mut part = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut part).await?;
    match part.len() == length as usize {
        true => Ok(part),
        false => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

fn broken(reason: String) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, reason)
}

/// How a message's parts lie in a frame's bytes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sizes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<usize>,
    headers: Vec<(String, usize)>,
    payload: usize,
}

/// The same for a message that the log has taken.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Place {
    position: Position,
    at: DateTime<Utc>,
    #[serde(flatten)]
    sizes: Sizes,
}

pub(super) fn pack(message: &Message, bytes: &mut Vec<u8>) -> Sizes {
    let mut put = |part: &[u8]| {
        bytes.extend_from_slice(part);
        part.len()
    };
    Sizes {
        key: message.key.as_deref().map(&mut put),
        headers: message
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), put(value)))
            .collect(),
        payload: put(&message.payload),
    }
}

pub(super) fn pack_stored(stored: &Stored, bytes: &mut Vec<u8>) -> Place {
    Place {
        position: stored.position,
        at: stored.at,
        sizes: pack(&stored.message, bytes),
    }
}

/// Takes one message off the front of the bytes.
pub(super) fn unpack(sizes: Sizes, bytes: &mut &[u8]) -> std::io::Result<Message> {
    let mut take = |length: usize| {
        let (part, rest) = bytes
            .split_at_checked(length)
            .ok_or_else(|| broken("a message is longer than its frame".to_owned()))?;
        *bytes = rest;
        Ok::<_, std::io::Error>(part.to_vec())
    };
    Ok(Message {
        key: sizes.key.map(&mut take).transpose()?,
        headers: sizes
            .headers
            .into_iter()
            .map(|(name, length)| Ok((name, take(length)?)))
            .collect::<std::io::Result<_>>()?,
        payload: take(sizes.payload)?,
    })
}

pub(super) fn unpack_stored(place: Place, bytes: &mut &[u8]) -> std::io::Result<Stored> {
    Ok(Stored {
        position: place.position,
        at: place.at,
        message: unpack(place.sizes, bytes)?,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_message_survives_the_frame(
            key in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
            headers in proptest::collection::vec((".*", proptest::collection::vec(any::<u8>(), 0..20)), 0..4),
            payload in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let message = Message { key, headers, payload };
            let mut bytes = Vec::new();
            let sizes = [pack(&message, &mut bytes), pack(&message, &mut bytes)];
            let mut rest = bytes.as_slice();
            for sizes in sizes {
                prop_assert_eq!(&unpack(sizes, &mut rest).expect("whole"), &message);
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn whatever_comes_through_the_socket_nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(async {
                let mut from = bytes.as_slice();
                while let Ok(Some(frame)) = Frame::read(&mut from).await {
                    let _ = frame.json::<Question>();
                    if let Ok(places) = frame.json::<Result<Vec<Place>, crate::LogError>>() {
                        let mut rest = frame.bytes();
                        for place in places.into_iter().flatten() {
                            let _ = unpack_stored(place, &mut rest);
                        }
                    }
                }
            });
        }
    }

    #[test]
    fn a_message_longer_than_its_frame_is_an_error() {
        let mut bytes = Vec::new();
        let sizes = pack(
            &Message {
                payload: b"1234".to_vec(),
                ..Message::default()
            },
            &mut bytes,
        );
        assert!(unpack(sizes, &mut &bytes[..3]).is_err());
    }
}
