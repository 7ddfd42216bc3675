//! What a run's topic already holds: the usable prefix, and the part of it that the solver asked to be given.

use std::collections::BTreeMap;

use kymo_runlog::{Change, Log, LogError, Position, Record, Replay, Stored, Topic};

use crate::catalogue::Feed;

/// Read at a time.
const CHUNK: usize = 8 << 20;

/// The usable prefix.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Past {
    pub iterations: u64,
    /// The highest attempt that the topic speaks of; 0 before the first.
    pub attempt: u32,
    /// The attempt whose word counts at the prefix's end; 0 before the first.
    pub in_effect: u32,
    /// Why there is less than there was: the topic's beginning was taken away.
    pub lost: Option<String>,
    /// Records for the solver, oldest first, as the feed asks.
    pub records: Vec<Record>,
    /// The state that stands in the last record.
    pub state: Option<String>,
    /// Where the solver stood inside the iteration that comes next.
    pub step: Option<String>,
}

/// Reads a topic from its beginning.
pub async fn read(log: &dyn Log, topic: &Topic, feed: Feed) -> Result<Past, LogError> {
    let mut reader = Reader::new(topic.clone(), feed, u64::MAX);
    read_all(log, topic, &mut reader).await?;
    if !reader.is_complete() {
        // What was forgotten had pushed out what is needed now. This time it is known where the prefix ends.
        reader = Reader::new(topic.clone(), feed, reader.replay.iterations());
        read_all(log, topic, &mut reader).await?;
    }
    let mut past = reader.finish();
    if past.attempt == 0 && past.lost.is_none() {
        let end = log.end(topic).await?;
        past.lost = (end > Position::START).then(|| {
            format!("the topic is empty, although {} messages were written to it; retention or somebody removed them", end.0)
        });
    }
    Ok(past)
}

async fn read_all(log: &dyn Log, topic: &Topic, reader: &mut Reader) -> Result<(), LogError> {
    let mut from = Position::START;
    loop {
        let chunk = log.read(topic, from, CHUNK).await?;
        let Some(last) = chunk.last() else {
            return Ok(());
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
    /// Later iterations are known to be void.
    last: u64,
    records: BTreeMap<u64, Record>,
}

impl Reader {
    fn new(topic: Topic, feed: Feed, last: u64) -> Self {
        let keep = match feed {
            Feed::None => 0,
            Feed::State => 1,
            Feed::Last(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Feed::Records => usize::MAX,
        };
        Self {
            replay: Replay::new(topic),
            keep,
            last,
            records: BTreeMap::new(),
        }
    }

    fn push(&mut self, stored: &Stored) {
        for change in self.replay.push(stored) {
            match change {
                Change::Forgotten { from } => drop(self.records.split_off(&from)),
                Change::Iteration { record, .. } => {
                    if record.iteration <= self.last {
                        self.records.insert(record.iteration, *record);
                    }
                    if self.records.len() > self.keep {
                        self.records.pop_first();
                    }
                }
                // The guard tells it and keeps it.
                Change::Rejected(_) | Change::Attempt(_) | Change::Complaint(_) | Change::Ended(_) => {}
            }
        }
    }

    /// Whether all that the solver asked for is there.
    fn is_complete(&self) -> bool {
        let wanted = usize::try_from(self.replay.iterations())
            .unwrap_or(usize::MAX)
            .min(self.keep);
        self.records.len() == wanted
    }

    fn finish(self) -> Past {
        let records: Vec<Record> = self.records.into_values().collect();
        Past {
            iterations: self.replay.iterations(),
            attempt: self.replay.next_attempt() - 1,
            in_effect: self.replay.attempt(),
            lost: self.replay.missing_beginning().map(str::to_owned),
            state: records.last().and_then(|record| record.state.clone()),
            records,
            step: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use kymo_runlog::{Message, Quantity, RunWriter};

    use super::*;
    use crate::testing::{self, FickleLog};

    fn records(writer: &RunWriter, iterations: std::ops::RangeInclusive<u64>) -> Vec<Message> {
        let record = |iteration| Record {
            iteration,
            total: None,
            axes: Vec::new(),
            values: vec![(
                "attempt".to_owned(),
                Quantity::Scalar(f64::from(writer.attempt())),
            )],
            state: Some(format!("{}.{iteration}", writer.attempt())),
            pace: None,
        };
        iterations
            .flat_map(|iteration| writer.record(&record(iteration), &[]).expect("a good record"))
            .collect()
    }

    fn kept(past: &Past) -> Vec<&str> {
        past.records
            .iter()
            .filter_map(|record| record.state.as_deref())
            .collect()
    }

    #[tokio::test]
    async fn what_is_forgotten_does_not_take_with_it_what_is_needed() {
        let log = FickleLog::new();
        let run = testing::job("count", 1).run;
        let (first, second) = (
            RunWriter::new(run.clone(), 1, "1"),
            RunWriter::new(run.clone(), 2, "1"),
        );
        log.create(&run.topic()).await.expect("create");
        // A zombie wrote 41 to 50 after the second attempt had read up to 40 and before it began there.
        let mut messages = vec![first.marker(1, "lab")];
        messages.extend(records(&first, 1..=50));
        messages.push(second.marker(41, "lab"));
        log.append(&run.topic(), messages).await.expect("append");
        let past = read(&*log, &run.topic(), Feed::Last(2)).await.expect("read");
        assert_eq!(
            (past.iterations, past.attempt, kept(&past)),
            (40, 2, vec!["1.39", "1.40"])
        );
        log.append(&run.topic(), records(&second, 41..=41))
            .await
            .expect("append");
        let past = read(&*log, &run.topic(), Feed::Last(2)).await.expect("read");
        assert_eq!(kept(&past), ["1.40", "2.41"]);
        let past = read(&*log, &run.topic(), Feed::State).await.expect("read");
        assert_eq!(past.state.as_deref(), Some("2.41"));
        let past = read(&*log, &run.topic(), Feed::Records).await.expect("read");
        assert_eq!(past.records.len(), 41);
        let past = read(&*log, &run.topic(), Feed::None).await.expect("read");
        assert_eq!((past.iterations, past.records.len(), past.state), (41, 0, None));
    }

    #[tokio::test]
    async fn a_beginning_that_was_taken_away_is_told_and_nothing_of_the_rest_is_used() {
        let log = FickleLog::new();
        let run = testing::job("count", 1).run;
        let writer = RunWriter::new(run.clone(), 1, "1");
        log.create(&run.topic()).await.expect("create");
        let past = read(&*log, &run.topic(), Feed::State).await.expect("read");
        assert_eq!(past.lost, None, "a new topic has lost nothing");
        log.append(&run.topic(), records(&writer, 37..=40))
            .await
            .expect("append");
        let past = read(&*log, &run.topic(), Feed::State).await.expect("read");
        assert_eq!((past.iterations, past.state), (0, None));
        let lost = past.lost.expect("told");
        assert!(lost.contains("iteration 37 of attempt 1"), "{lost}");
        let again = RunWriter::new(run.clone(), 2, "1");
        let mut messages = vec![again.marker(1, "lab")];
        messages.extend(records(&again, 1..=2));
        log.append(&run.topic(), messages).await.expect("append");
        let past = read(&*log, &run.topic(), Feed::State).await.expect("read");
        assert_eq!((past.iterations, past.lost), (2, None), "begun anew, it is whole");
    }
}
