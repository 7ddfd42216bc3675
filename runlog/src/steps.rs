//! Which step a new attempt goes on from (docs/records.md, "Steps"): out of everything that stands in
//! `<topic>.steps`, what finished iterations, zombies and strangers left there included, the one that counts.

use crate::envelope::{Envelope, Part};
use crate::message::Kind;
use crate::{Log, LogError, Position, Record, Report, Stored, Topic, parts};

/// Bytes of a step's state. It is written again and again, and must not crowd out the records.
pub const LARGEST_STEP: usize = 16 << 20;
/// Read at a time.
const CHUNK: usize = 8 << 20;
/// Reports that are kept: a hostile topic may hold millions of messages.
const MOST_REPORTS: usize = 20;

/// Where a solver stood inside an iteration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub iteration: u64,
    /// Counted by the attempt that wrote it.
    pub number: u64,
    /// How many attempts were given it to go on from.
    pub handed: u32,
    pub state: String,
}

/// Reads a steps topic from its beginning, message by message, for an attempt that goes on after the usable prefix.
pub struct Steps {
    topic: Topic,
    attempt: u32,
    iteration: u64,
    newest: Option<Step>,
    torn: Option<Torn>,
}

/// A step of which not all parts have come.
struct Torn {
    number: u64,
    handed: u32,
    parts: u32,
    sums: Vec<u32>,
    record: Record,
}

impl Steps {
    /// Steps of this run count if the attempt in effect in its topic wrote them inside the iteration that comes next.
    pub fn new(topic: Topic, attempt: u32, iteration: u64) -> Self {
        Self {
            topic,
            attempt,
            iteration,
            newest: None,
            torn: None,
        }
    }

    /// The error says why a message does not count although it should; what is only stale is passed over.
    pub fn push(&mut self, stored: &Stored) -> Result<(), Report> {
        self.take(stored).map_err(|reason| Report {
            topic: self.topic.steps(),
            position: stored.position,
            reason,
        })
    }

    /// The last whole step.
    pub fn finish(self) -> Option<Step> {
        self.newest
    }

    fn take(&mut self, stored: &Stored) -> Result<(), String> {
        let envelope = Envelope::read(&self.topic, &stored.message)?;
        if envelope.kind != Kind::Step {
            return Err(format!(
                "it is a message of kind {}, no step",
                envelope.kind.as_str()
            ));
        }
        if envelope.attempt()? != self.attempt || envelope.iteration()? != self.iteration {
            return Ok(());
        }
        let (number, handed) = envelope.step()?;
        let part = envelope.part()?;
        let sum = envelope.checked()?;
        if self.newest.as_ref().is_some_and(|newest| number <= newest.number) {
            return Ok(());
        }
        let torn = self.torn.take_if(|torn| torn.number == number);
        let torn = match torn {
            Some(torn) if torn.parts == part.of && torn.sums.get(part.number as usize - 1) == Some(&sum) => {
                self.torn = Some(torn);
                return Ok(());
            }
            Some(torn) if torn.parts == part.of && part.number as usize == torn.sums.len() + 1 => Some(torn),
            None if part.number == 1 => None,
            torn => {
                self.torn = torn.or(self.torn.take());
                return Err(misfit(number, part));
            }
        };
        let torn = self.join(torn, &envelope, (number, handed), part, sum)?;
        if part.number < part.of {
            self.torn = Some(torn);
            return Ok(());
        }
        self.torn = None;
        let state = torn
            .record
            .state
            .ok_or_else(|| format!("step {number} holds no state"))?;
        self.newest = Some(Step {
            iteration: self.iteration,
            number,
            handed: torn.handed,
            state,
        });
        Ok(())
    }

    fn join(
        &self,
        torn: Option<Torn>,
        envelope: &Envelope<'_>,
        (number, handed): (u64, u32),
        part: Part,
        sum: u32,
    ) -> Result<Torn, String> {
        let record = Record::parse(envelope.payload).map_err(|error| error.to_string())?;
        if record.iteration != self.iteration {
            let (said, header) = (record.iteration, self.iteration);
            return Err(format!("iteration: it says {said}, the header says {header}"));
        }
        let torn = match torn {
            None => Torn {
                number,
                handed,
                parts: part.of,
                sums: vec![sum],
                record,
            },
            Some(mut torn) => {
                parts::merge(&mut torn.record, record).map_err(|error| error.to_string())?;
                torn.sums.push(sum);
                torn
            }
        };
        match torn.record.state.as_ref().map_or(0, String::len) {
            0..=LARGEST_STEP => Ok(torn),
            _ => Err(format!("step {number} is larger than {LARGEST_STEP} bytes")),
        }
    }
}

fn misfit(number: u64, part: Part) -> String {
    let Part { number: part, of } = part;
    format!("part {part} of {of} of step {number} came out of order or twice with another content")
}

/// What a steps topic holds for an attempt.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundStep {
    pub step: Option<Step>,
    /// What does not count, for people; the first few.
    pub reports: Vec<Report>,
    /// Behind the last message, if there is any.
    pub end: Option<Position>,
}

/// The step to go on from inside `iteration`, if the attempt in effect wrote one. A missing topic holds none.
pub async fn find_step(
    log: &dyn Log,
    topic: &Topic,
    attempt: u32,
    iteration: u64,
) -> Result<FoundStep, LogError> {
    let mut steps = Steps::new(topic.clone(), attempt, iteration);
    let mut reports = Vec::new();
    let (mut from, mut end) = (Position::START, None);
    loop {
        let chunk = match log.read(&topic.steps(), from, CHUNK).await {
            Ok(chunk) => chunk,
            Err(LogError::UnknownTopic(..)) => return Ok(FoundStep::default()),
            Err(error) => return Err(error),
        };
        let Some(last) = chunk.last() else {
            return Ok(FoundStep {
                step: steps.finish(),
                reports,
                end,
            });
        };
        from = last.position.next();
        end = Some(from);
        for report in chunk.iter().filter_map(|stored| steps.push(stored).err()) {
            if reports.len() < MOST_REPORTS {
                reports.push(report);
            }
        }
    }
}
