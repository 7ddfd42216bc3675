//! From what a watchdog knows to messages: headers, checksum, key, parts (docs/records.md).

use crate::message::{Kind, Message, header};
use crate::record::{Complaint, Marker, Outcome, Record, RecordError};
use crate::{RunId, Topic, parts};

/// A record's JSON stays below this; Kafka's default limit is 1 MiB with the headers.
pub const PART_LIMIT: usize = 900_000;

/// Builds the messages of one attempt of one run.
#[derive(Clone, Debug)]
pub struct RunWriter {
    topic: Topic,
    run: RunId,
    attempt: u32,
    version: String,
    traceparent: Option<String>,
    limit: usize,
}

impl RunWriter {
    /// `version` is the solver's.
    pub fn new(run: RunId, attempt: u32, version: impl Into<String>) -> Self {
        let (topic, version) = (run.topic(), version.into());
        Self {
            topic,
            run,
            attempt,
            version,
            traceparent: None,
            limit: PART_LIMIT,
        }
    }

    /// The W3C trace context that every message carries on.
    pub fn with_traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.traceparent = Some(traceparent.into());
        self
    }

    /// Parts stay below `bytes` of JSON.
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.limit = bytes;
        self
    }

    pub fn topic(&self) -> &Topic {
        &self.topic
    }

    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The attempt's first message: it goes on with iteration `from`.
    pub fn marker(&self, from: u64, host: &str) -> Message {
        let marker = Marker {
            attempt: self.attempt,
            from,
            solver: self.run.solver.clone(),
            version: self.version.clone(),
            parameters: self.run.parameters.clone(),
            host: host.to_owned(),
        };
        let payload = serde_json::to_vec(&marker).expect("a marker is always JSON");
        self.message(Kind::Marker, 0, (0, 0), payload, &[])
    }

    /// One iteration, in as many parts as it needs. `extra` are the solver's own headers.
    pub fn record(&self, record: &Record, extra: &[(String, String)]) -> Result<Vec<Message>, RecordError> {
        record.validate()?;
        if let Some((name, _)) = extra.iter().find(|(name, _)| is_ours(name)) {
            let reason = "names that begin with kymo- and traceparent are Kymograph's own";
            return Err(RecordError(format!("header {name}: {reason}")));
        }
        Ok(self.in_parts(Kind::Record, record, extra))
    }

    /// Where the solver stands inside `iteration`: the attempt's step of this number, in as many parts as it
    /// needs. `handed`: how many attempts were given it to go on from.
    pub fn step(&self, iteration: u64, number: u64, handed: u32, state: &str) -> Vec<Message> {
        let record = Record {
            iteration,
            state: Some(state.to_owned()),
            ..Record::default()
        };
        let extra = [
            (header::STEP, number.to_string()),
            (header::HANDED, handed.to_string()),
        ];
        self.in_parts(
            Kind::Step,
            &record,
            &extra.map(|(name, value)| (name.to_owned(), value)),
        )
    }

    /// Some bytes that the solver printed. `iteration` is the last complete one.
    pub fn output(&self, iteration: u64, bytes: Vec<u8>) -> Message {
        self.message(Kind::Output, iteration, (0, 0), bytes, &[])
    }

    fn in_parts(&self, kind: Kind, record: &Record, extra: &[(String, String)]) -> Vec<Message> {
        let whole = record.to_json();
        if whole.len() <= self.limit {
            return vec![self.message(kind, record.iteration, (1, 1), whole, extra)];
        }
        let parts = parts::split(record, self.limit);
        let count = parts.len();
        let message = |(i, part): (usize, &Record)| {
            self.message(kind, record.iteration, (i + 1, count), part.to_json(), extra)
        };
        parts.iter().enumerate().map(message).collect()
    }

    /// The attempt's last message, when the solver ended by itself.
    pub fn end(&self, outcome: &Outcome) -> Message {
        let payload = serde_json::to_vec(outcome).expect("an outcome is always JSON");
        self.message(Kind::End, outcome.iterations, (0, 0), payload, &[])
    }

    /// The solver prints what is no record: how often so far, and why the newest is none.
    /// `iteration` is the last complete one.
    pub fn complaint(&self, iteration: u64, complaint: &Complaint) -> Message {
        let payload = serde_json::to_vec(complaint).expect("a complaint is always JSON");
        self.message(Kind::Complaint, iteration, (0, 0), payload, &[])
    }

    fn message(
        &self,
        kind: Kind,
        iteration: u64,
        (part, parts): (usize, usize),
        payload: Vec<u8>,
        extra: &[(String, String)],
    ) -> Message {
        let mut headers = vec![
            text(header::KIND, kind.as_str()),
            text(header::RUN, self.topic.as_str()),
            text(header::PARAMETERS, &self.run.parameters.to_json()),
            text(header::ATTEMPT, &self.attempt.to_string()),
            text(header::ITERATION, &iteration.to_string()),
        ];
        if parts > 0 {
            headers.push(text(header::PART, &format!("{part}/{parts}")));
        }
        headers.push(text(header::CHECKSUM, &checksum(&payload)));
        headers.push(text(header::SOLVER, &self.run.solver));
        headers.push(text(header::VERSION, &self.version));
        headers.extend(self.traceparent.iter().map(|id| text(header::TRACEPARENT, id)));
        headers.extend(extra.iter().map(|(name, value)| text(name, value)));
        let key = format!("{}.{iteration}.{part}", self.attempt);
        Message {
            key: Some(key.into_bytes()),
            headers,
            payload,
        }
    }
}

fn is_ours(name: &str) -> bool {
    name.is_empty()
        || name.to_ascii_lowercase().starts_with("kymo-")
        || name.eq_ignore_ascii_case(header::TRACEPARENT)
}

fn text(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}

/// `crc32:` and eight hex digits: a broken payload is known before it is parsed.
pub fn checksum(payload: &[u8]) -> String {
    format!("crc32:{:08x}", crc32fast::hash(payload))
}
