//! The rule of reading (ARCHITECTURE.md, decision 4): out of everything that stands in a run's
//! topic, duplicates, zombies and garbage included, the one prefix of complete iterations that counts.

use std::collections::BTreeMap;

use crate::digest::{self, IterationDigest};
use crate::envelope::{Envelope, Part};
use crate::message::Kind;
use crate::parts;
use crate::{Complaint, Marker, Outcome, Position, Record, Stored, Topic};

/// Reads a run's topic from its beginning, message by message. Keeps no payloads of complete iterations.
pub struct Replay {
    topic: Topic,
    /// The attempt in effect; 0 before the first.
    attempt: u32,
    /// The highest attempt that any marker named: its number is spent.
    spent: u32,
    /// The latest attempt whose missing marker was reported.
    unmarked: u32,
    /// Checksum of the marker in effect.
    marker: u32,
    /// The first iteration of the attempt in effect.
    from: u64,
    /// Of each iteration of the prefix.
    digests: Vec<IterationDigest>,
    /// Of each complete iteration of the attempt in effect, the checksums of its parts.
    sums: Sums,
    torn: Option<Torn>,
    /// Something ended the prefix; only a new attempt goes on.
    closed: bool,
    ended: Option<Outcome>,
    /// What the topic begins with instead of an attempt.
    headless: Option<String>,
}

/// The checksums of each complete iteration's parts. A long run has millions of iterations, and
/// nearly all are in one part, so those take four bytes.
#[derive(Default)]
struct Sums {
    first: Vec<u32>,
    /// Of the iterations in several parts, by their place in `first`.
    all: BTreeMap<usize, Box<[u32]>>,
}

impl Sums {
    fn push(&mut self, parts: &[u32]) {
        if parts.len() > 1 {
            self.all.insert(self.first.len(), parts.into());
        }
        self.first.push(parts.first().copied().unwrap_or_default());
    }

    fn get(&self, place: usize) -> &[u32] {
        match self.all.get(&place) {
            Some(all) => all,
            None => &self.first[place..=place],
        }
    }
}

/// An iteration of which not all parts have come.
struct Torn {
    record: Record,
    parts: u32,
    sums: Vec<u32>,
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
    /// The solver of the attempt in effect prints what is no record. It changes no results.
    Complaint(Complaint),
}

/// Why a message does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub topic: Topic,
    pub position: Position,
    pub reason: String,
}

/// Why something does not count, and whether the prefix ends with it.
enum Fault {
    Aside(String),
    Closes(String),
}

impl Replay {
    pub fn new(topic: Topic) -> Self {
        Self {
            topic,
            attempt: 0,
            spent: 0,
            unmarked: 0,
            marker: 0,
            from: 1,
            digests: Vec::new(),
            sums: Sums::default(),
            torn: None,
            closed: false,
            ended: None,
            headless: None,
        }
    }

    pub fn push(&mut self, stored: &Stored) -> Vec<Change> {
        match self.take(stored) {
            Ok(changes) => changes,
            Err(fault) => {
                let reason = match fault {
                    Fault::Aside(reason) => reason,
                    Fault::Closes(reason) => {
                        self.closed = true;
                        self.torn = None;
                        reason
                    }
                };
                vec![Change::Rejected(Report {
                    topic: self.topic.clone(),
                    position: stored.position,
                    reason,
                })]
            }
        }
    }

    /// The last iteration of the usable prefix; 0 when there is none.
    pub fn iterations(&self) -> u64 {
        self.digests.len() as u64
    }

    /// The newest attempt's number; 0 before the first.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// A number that no marker in the topic has named, for the next attempt.
    pub fn next_attempt(&self) -> u32 {
        self.spent.saturating_add(1)
    }

    /// How the newest attempt ended, when its solver ended by itself.
    pub fn ended(&self) -> Option<&Outcome> {
        self.ended.as_ref()
    }

    /// Why nothing counts, when the topic's beginning was taken away: by retention, or by somebody.
    pub fn missing_beginning(&self) -> Option<&str> {
        self.headless.as_deref()
    }

    /// Hex SHA-256 over the payloads of the usable prefix: equal digests mean equal results, bit for bit.
    pub fn digest(&self) -> String {
        digest::of_prefix(&self.digests)
    }

    fn take(&mut self, stored: &Stored) -> Result<Vec<Change>, Fault> {
        let envelope = Envelope::read(&self.topic, &stored.message).map_err(Fault::Aside)?;
        match envelope.kind {
            Kind::Marker => self.take_marker(&envelope),
            Kind::Record if self.counts(&envelope)? => self.take_part(&envelope),
            Kind::End if self.counts(&envelope)? => self.take_end(&envelope),
            Kind::Record | Kind::End => Ok(Vec::new()),
            Kind::Complaint => self.take_complaint(&envelope),
            Kind::Step | Kind::Output => {
                let kind = envelope.kind.as_str();
                Err(Fault::Aside(format!(
                    "a message of kind {kind} belongs into a companion topic"
                )))
            }
        }
    }

    /// Whether the attempt in effect can still grow, and a message belongs to it.
    fn counts(&mut self, envelope: &Envelope<'_>) -> Result<bool, Fault> {
        Ok(self.is_in_effect(envelope)? && !self.closed)
    }

    /// A broken complaint is no reason to end the results.
    fn take_complaint(&self, envelope: &Envelope<'_>) -> Result<Vec<Change>, Fault> {
        if envelope.attempt().map_err(Fault::Aside)? != self.attempt {
            return Ok(Vec::new());
        }
        envelope.checked().map_err(Fault::Aside)?;
        Ok(vec![Change::Complaint(envelope.json().map_err(Fault::Aside)?)])
    }

    /// Whether a message belongs to the attempt in effect. Earlier ones are void without a word.
    fn is_in_effect(&mut self, envelope: &Envelope<'_>) -> Result<bool, Fault> {
        let attempt = envelope.attempt().map_err(Fault::Closes)?;
        if attempt <= self.attempt {
            return Ok(attempt == self.attempt);
        }
        if attempt == self.unmarked {
            return Ok(false);
        }
        self.unmarked = attempt;
        if self.attempt == 0 && self.spent == 0 {
            let first = envelope.iteration().map_err(Fault::Aside)?;
            return Err(self.begins_too_late(format!(
                "the topic begins with iteration {first} of attempt {attempt}, and the attempt's own beginning is not there"
            )));
        }
        Err(Fault::Aside(format!(
            "attempt {attempt} has no marker in effect, so its records do not count"
        )))
    }

    fn take_marker(&mut self, envelope: &Envelope<'_>) -> Result<Vec<Change>, Fault> {
        let attempt = envelope.attempt().map_err(Fault::Closes)?;
        if attempt < self.attempt {
            return Ok(Vec::new());
        }
        let is_ours = attempt == self.attempt;
        let spent = attempt <= self.spent;
        self.spent = self.spent.max(attempt);
        let sum = envelope.checked().map_err(|reason| {
            if is_ours {
                Fault::Closes(reason)
            } else {
                Fault::Aside(reason)
            }
        })?;
        if is_ours && sum == self.marker {
            return Ok(Vec::new());
        }
        if spent {
            return Err(Fault::Aside(format!(
                "attempt {attempt} had a marker before; this one does not count"
            )));
        }
        let marker: Marker = envelope.json().map_err(Fault::Aside)?;
        if marker.attempt != attempt {
            let said = marker.attempt;
            return Err(Fault::Aside(format!(
                "the marker says attempt {said}, its header says {attempt}"
            )));
        }
        let next = self.iterations() + 1;
        if marker.from > next && self.attempt == 0 {
            let from = marker.from;
            return Err(self.begins_too_late(format!(
                "attempt {attempt} goes on with iteration {from}, and iterations 1 to {} are not there",
                from - 1
            )));
        }
        if marker.from == 0 || marker.from > next {
            let from = marker.from;
            return Err(Fault::Aside(format!(
                "the marker of attempt {attempt} goes on with iteration {from}, but the next one is {next}"
            )));
        }
        self.attempt = attempt;
        self.marker = sum;
        self.from = marker.from;
        self.sums = Sums::default();
        self.torn = None;
        self.closed = false;
        self.ended = None;
        self.headless = None;
        let from = marker.from;
        let mut changes = vec![Change::Attempt(marker)];
        if from < next {
            // `from` is at most the prefix's length here.
            self.digests.truncate(from as usize - 1);
            changes.push(Change::Forgotten { from });
        }
        Ok(changes)
    }

    /// Nothing that follows can count until an attempt begins with iteration 1.
    fn begins_too_late(&mut self, what: String) -> Fault {
        let reason = format!("the beginning is missing: {what}; retention or somebody removed it");
        self.headless.get_or_insert_with(|| reason.clone());
        Fault::Aside(reason)
    }

    fn take_end(&mut self, envelope: &Envelope<'_>) -> Result<Vec<Change>, Fault> {
        envelope.checked().map_err(Fault::Closes)?;
        let outcome: Outcome = envelope.json().map_err(Fault::Closes)?;
        match &self.ended {
            Some(before) if *before == outcome => return Ok(Vec::new()),
            Some(_) => {
                return Err(Fault::Closes(
                    "the attempt had ended before, and otherwise".to_owned(),
                ));
            }
            None => {}
        }
        if let Some(torn) = &self.torn {
            return Err(Fault::Closes(torn.missing()));
        }
        if outcome.iterations != self.iterations() {
            let (said, found) = (outcome.iterations, self.iterations());
            return Err(Fault::Closes(format!(
                "the end says {said} iterations, but {found} came before it"
            )));
        }
        self.ended = Some(outcome.clone());
        Ok(vec![Change::Ended(outcome)])
    }

    fn take_part(&mut self, envelope: &Envelope<'_>) -> Result<Vec<Change>, Fault> {
        let iteration = envelope.iteration().map_err(Fault::Closes)?;
        let part = envelope.part().map_err(Fault::Closes)?;
        let sum = envelope.checked().map_err(Fault::Closes)?;
        let next = self.iterations() + 1;
        if iteration < self.from {
            let from = self.from;
            return Err(Fault::Closes(format!(
                "iteration {iteration} stands before the attempt's first, {from}"
            )));
        }
        if iteration < next {
            // Complete ones of this attempt begin at `from`.
            let known = self.sums.get((iteration - self.from) as usize);
            return is_copy(known, known.len() as u32, part, sum, iteration);
        }
        if iteration > next {
            let reason = match &self.torn {
                Some(torn) => torn.missing(),
                None => format!("iteration {next} is missing, iteration {iteration} came instead"),
            };
            return Err(Fault::Closes(reason));
        }
        if self.ended.is_some() {
            return Err(Fault::Closes(format!(
                "iteration {iteration} came after the attempt's end"
            )));
        }
        let had = self.torn.as_ref().map_or(0, |torn| torn.sums.len() as u32);
        if part.number <= had
            && let Some(torn) = &self.torn
        {
            return is_copy(&torn.sums, torn.parts, part, sum, iteration);
        }
        if part.number > had + 1 {
            let missing = had + 1;
            return Err(Fault::Closes(format!(
                "part {missing} of iteration {iteration} is missing"
            )));
        }
        self.add_part(envelope, iteration, part, sum)
    }

    /// The next part of the next iteration.
    fn add_part(
        &mut self,
        envelope: &Envelope<'_>,
        iteration: u64,
        part: Part,
        sum: u32,
    ) -> Result<Vec<Change>, Fault> {
        let closes = |e: crate::RecordError| Fault::Closes(e.to_string());
        let record = Record::parse(envelope.payload).map_err(closes)?;
        if record.iteration != iteration {
            let said = record.iteration;
            return Err(Fault::Closes(format!(
                "iteration: it says {said}, the header says {iteration}"
            )));
        }
        let torn = match self.torn.take() {
            None => Torn {
                record,
                parts: part.of,
                sums: vec![sum],
            },
            Some(mut torn) if torn.parts == part.of => {
                parts::merge(&mut torn.record, record).map_err(closes)?;
                torn.sums.push(sum);
                torn
            }
            Some(torn) => {
                let (before, now) = (torn.parts, part.of);
                return Err(Fault::Closes(format!(
                    "iteration {iteration} had {before} parts, now it has {now}"
                )));
            }
        };
        if part.number < part.of {
            self.torn = Some(torn);
            return Ok(Vec::new());
        }
        torn.record.validate().map_err(closes)?;
        self.digests.push(digest::of_record(&torn.record));
        self.sums.push(&torn.sums);
        Ok(vec![Change::Iteration {
            attempt: self.attempt,
            record: Box::new(torn.record),
        }])
    }
}

impl Torn {
    fn missing(&self) -> String {
        let (iteration, had, parts) = (self.record.iteration, self.sums.len(), self.parts);
        format!("iteration {iteration} ends after part {had} of {parts}")
    }
}

/// A copy of what came before changes nothing; something else in its place ends the prefix.
fn is_copy(known: &[u32], of: u32, part: Part, sum: u32, iteration: u64) -> Result<Vec<Change>, Fault> {
    let same = part.of == of && known.get(part.number as usize - 1) == Some(&sum);
    if same {
        return Ok(Vec::new());
    }
    let number = part.number;
    Err(Fault::Closes(format!(
        "part {number} of iteration {iteration} came again with another content"
    )))
}
