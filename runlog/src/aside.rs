//! What does not count is not lost: it is copied to the companion `<topic>.rejected`, once, with its position and the
//! reason, so that a person can look at it after the topic was started afresh. A flood of garbage must not fill the
//! disk a second time, so the companion is bounded; what is beyond stays in the run's topic only.

use std::collections::HashSet;

use crate::{Log, LogError, Message, Position, Report, Stored, Topic};

/// Where the copied message stands in the run's topic.
const POSITION: &str = "kymo-rejected-position";
/// Why it does not count.
const REASON: &str = "kymo-rejected-reason";

/// Read at once, when asking what was kept before.
const PAGE: usize = 1 << 20;

/// The companion of one run's topic, as one writer sees it: a run has one watchdog, and that one writes.
pub struct Aside {
    companion: Topic,
    kept: HashSet<Vec<u8>>,
    bytes: usize,
    made: bool,
}

/// What became of a message that does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    New,
    /// It was copied before, by an earlier attempt.
    Before,
    /// The companion has taken all that it may.
    TooMuch,
}

impl Aside {
    /// The companion takes no more messages than this.
    pub const MOST: usize = 1000;
    /// Nor more bytes of keys, headers and payloads.
    pub const MOST_BYTES: usize = 16 << 20;

    /// Looks up what was copied before.
    pub async fn open(log: &dyn Log, topic: &Topic) -> Result<Self, LogError> {
        let mut aside = Self {
            companion: topic.rejected(),
            kept: HashSet::new(),
            bytes: 0,
            made: false,
        };
        if !log.exists(&aside.companion).await? {
            return Ok(aside);
        }
        aside.made = true;
        let mut from = Position::START;
        loop {
            let found = log.read(&aside.companion, from, PAGE).await?;
            let Some(last) = found.last() else {
                return Ok(aside);
            };
            from = last.position.next();
            for Stored { message, .. } in found {
                aside.bytes += message.size();
                aside.kept.extend(message.key);
            }
        }
    }

    /// Copies a message, unless it was copied before. After an error it is not known whether the copy is there: open anew.
    pub async fn keep(&mut self, log: &dyn Log, report: &Report, stored: &Stored) -> Result<Kept, LogError> {
        let (key, copy) = copy(report, stored);
        if self.kept.contains(&key) {
            return Ok(Kept::Before);
        }
        let size = copy.size();
        if self.kept.len() >= Self::MOST || self.bytes + size > Self::MOST_BYTES {
            return Ok(Kept::TooMuch);
        }
        if !self.made {
            log.create(&self.companion).await?;
            self.made = true;
        }
        match log.append(&self.companion, vec![copy]).await {
            // With our headers it is larger than what the log took before.
            Err(LogError::TooLarge { .. }) => return Ok(Kept::TooMuch),
            appended => appended?,
        };
        self.bytes += size;
        self.kept.insert(key);
        Ok(Kept::New)
    }
}

/// The message as it was, with two headers more. Its key tells it from what stood at the same
/// position before the topic was deleted and made again; the key that it had is in the run's topic.
fn copy(report: &Report, stored: &Stored) -> (Vec<u8>, Message) {
    let Message { headers, payload, .. } = stored.message.clone();
    let key = format!("{}.{:08x}", report.position.0, crc32fast::hash(&payload)).into_bytes();
    let added = [
        (POSITION, report.position.0.to_string()),
        (REASON, report.reason.clone()),
    ];
    let added = added.map(|(name, value)| (name.to_owned(), value.into_bytes()));
    let message = Message {
        key: Some(key.clone()),
        headers: headers.into_iter().chain(added).collect(),
        payload,
    };
    (key, message)
}
