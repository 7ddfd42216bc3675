//! What a run's topic already holds: the usable prefix, and the part of it that the solver asked to be given.

use std::collections::VecDeque;

use kymo_runlog::{Change, Log, LogError, Outcome, Position, Record, Replay, Stored, Topic};

use crate::catalogue::Feed;

/// Read at a time.
const CHUNK: usize = 8 << 20;

/// The usable prefix.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    pub iterations: u64,
    /// The newest attempt in the topic; 0 before the first.
    pub attempt: u32,
    /// Records for the solver, oldest first, as the feed asks.
    pub records: VecDeque<Record>,
    /// The state that stands in the last record.
    pub state: Option<String>,
    pub outcome: Option<Outcome>,
}

/// Reads a topic from its beginning.
pub async fn read(log: &dyn Log, topic: &Topic, feed: &Feed) -> Result<Past, LogError> {
    let mut reader = Reader::new(topic.clone(), feed);
    let mut from = Position::START;
    loop {
        let chunk = log.read(topic, from, CHUNK).await?;
        let Some(last) = chunk.last() else {
            return Ok(reader.finish());
        };
        from = last.position.next();
        for stored in &chunk {
            reader.push(stored);
        }
    }
}

struct Reader {
    replay: Replay,
    /// How many of the newest records are kept.
    keep: usize,
    records: VecDeque<Record>,
    outcome: Option<Outcome>,
}

impl Reader {
    fn new(topic: Topic, feed: &Feed) -> Self {
        let keep = match feed {
            // The last record may carry the state, or show where a total stood.
            Feed::None | Feed::State => 1,
            Feed::Last(count) => usize::try_from(*count).unwrap_or(usize::MAX).max(1),
            Feed::Records => usize::MAX,
        };
        Self {
            replay: Replay::new(topic),
            keep,
            records: VecDeque::new(),
            outcome: None,
        }
    }

    fn push(&mut self, stored: &Stored) {
        for change in self.replay.push(stored) {
            match change {
                Change::Attempt(_) => self.outcome = None,
                Change::Forgotten { from } => self.records.retain(|record| record.iteration < from),
                Change::Iteration { record, .. } => {
                    self.records.push_back(*record);
                    if self.records.len() > self.keep {
                        self.records.pop_front();
                    }
                }
                Change::Rejected(report) => tracing::warn!(
                    topic = %report.topic, position = report.position.0, reason = report.reason, "kept aside"
                ),
                Change::Complaint(_) => {}
                Change::Ended(outcome) => self.outcome = Some(outcome),
            }
        }
    }

    fn finish(self) -> Past {
        Past {
            iterations: self.replay.iterations(),
            attempt: self.replay.attempt(),
            state: self.records.back().and_then(|record| record.state.clone()),
            records: self.records,
            outcome: self.outcome,
        }
    }
}
