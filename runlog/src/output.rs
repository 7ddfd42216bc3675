//! What a solver printed, as it stands in `<topic>.log` (docs/records.md, "Output").

use std::collections::VecDeque;

use crate::envelope::Envelope;
use crate::message::Kind;
use crate::{Log, LogError, Position, Stored, Topic};

/// Read at a time.
const CHUNK: usize = 1 << 20;

/// Reads an output topic message by message.
pub struct OutputReader {
    topic: Topic,
    attempt: u32,
}

impl OutputReader {
    /// `topic` is the run's.
    pub fn new(topic: Topic) -> Self {
        Self { topic, attempt: 0 }
    }

    /// The bytes that a message adds. What an attempt prints after a later one has printed, and what is broken or
    /// foreign, is passed over.
    pub fn push<'a>(&mut self, stored: &'a Stored) -> Option<&'a [u8]> {
        let envelope = Envelope::read(&self.topic, &stored.message).ok()?;
        let attempt = envelope.attempt().ok()?;
        if envelope.kind != Kind::Output || attempt < self.attempt || envelope.checked().is_err() {
            return None;
        }
        self.attempt = attempt;
        Some(&stored.message.payload)
    }
}

/// The last `limit` bytes of a run's output, and whether something stood before them. `None` when the run has no such topic.
pub async fn output_tail(
    log: &dyn Log,
    topic: &Topic,
    limit: usize,
) -> Result<Option<(Vec<u8>, bool)>, LogError> {
    let mut reader = OutputReader::new(topic.clone());
    let mut tail: VecDeque<u8> = VecDeque::new();
    let mut from = Position::START;
    let mut cut = false;
    loop {
        let chunk = match log.read(&topic.output(), from, CHUNK).await {
            Ok(chunk) => chunk,
            Err(LogError::UnknownTopic(..)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Some(last) = chunk.last() else {
            return Ok(Some((tail.into(), cut)));
        };
        from = last.position.next();
        for bytes in chunk.iter().filter_map(|stored| reader.push(stored)) {
            tail.extend(bytes);
            let over = tail.len().saturating_sub(limit);
            cut |= over > 0;
            tail.drain(..over);
        }
    }
}
