//! Each line that a solver prints: a record, a record gone wrong, or text.

use std::fmt;

use kymo_runlog::{LARGEST_STEP, Record, shown};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::assemble::{Pieces, assemble};
use super::pattern::{Pattern, PatternError};
use super::raw::{Raw, quote_specials};
use super::state;

/// No line is read beyond this many bytes.
pub const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// What a line is.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// One iteration, and what the solver wants in its headers.
    Record {
        record: Box<Record>,
        headers: Vec<(String, String)>,
    },
    /// How the solver stands inside this iteration, the next one.
    Step { iteration: u64, state: String },
    /// Meant as a record, but none; the reason is for people.
    Rejected(String),
    /// Log text.
    Text,
}

/// Reads a solver's lines one after the other and numbers those that carry no number.
#[derive(Clone, Debug)]
pub struct LineParser {
    /// The last iteration that is known.
    done: u64,
    total: Option<u64>,
    patterns: Vec<Pattern>,
}

impl LineParser {
    /// `resume_after` is the last iteration that the log holds already.
    pub fn new<S: AsRef<str>>(resume_after: u64, patterns: &[S]) -> Result<Self, PatternError> {
        let patterns = patterns
            .iter()
            .map(|pattern| Pattern::new(pattern.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            done: resume_after,
            total: None,
            patterns,
        })
    }

    /// How many iterations there will be, unless the program says so itself.
    pub fn with_total(mut self, total: Option<u64>) -> Self {
        self.total = total;
        self
    }

    /// The last iteration that was read, or that the log held before.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// What this line is. Its line break may be there or not; bytes that are no UTF-8 make text.
    pub fn parse(&mut self, line: &[u8]) -> Line {
        if line.len() > LONGEST_LINE {
            return match line.starts_with(b"{") {
                true => Line::Rejected(format!(
                    "the line is longer than {} MB; print fewer values at once",
                    LONGEST_LINE / 1024 / 1024
                )),
                false => Line::Text,
            };
        }
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\r', '\n']);
        // A progress bar returns to the line's beginning again and again; its last state counts.
        let text = text.rsplit('\r').next().unwrap_or_default();
        if text.starts_with('{') {
            return self.read_json(text);
        }
        match text.trim_start().starts_with('{') {
            // Indented JSON is more often a piece of pretty-printed text than a record.
            true => match self.clone().read_json(text) {
                Line::Record { .. } | Line::Step { .. } => self.read_json(text),
                Line::Rejected(_) | Line::Text => Line::Text,
            },
            false => self.match_patterns(text),
        }
    }

    fn read_json(&mut self, text: &str) -> Line {
        let top: Top = match serde_json::from_str(&quote_specials(text)) {
            Ok(top) => top,
            Err(error) => return Line::Rejected(not_json(text, &error)),
        };
        if let Some(step) = top.step {
            let offered = match top.entries.is_empty() && top.state.is_none() {
                true => step.and_then(|offered| self.step(&offered)),
                false => Err(format!("a step stands on a line of its own: {STEP_FORM}")),
            };
            return offered.unwrap_or_else(Line::Rejected);
        }
        let state = top.state.as_deref().and_then(state::to_text);
        match assemble(top.entries).and_then(|pieces| self.number(pieces, state)) {
            Ok(record) => record,
            Err(reason) => Line::Rejected(reason),
        }
    }

    fn match_patterns(&mut self, text: &str) -> Line {
        match self.patterns.iter().find_map(|pattern| pattern.find(text)) {
            None => Line::Text,
            Some(Err(reason)) => Line::Rejected(reason),
            // Unchanged programs print the same iteration several times; the first one counts.
            Some(Ok(pieces)) if pieces.iteration.is_some_and(|iteration| iteration <= self.done) => {
                Line::Text
            }
            Some(Ok(pieces)) => self.number(pieces, None).unwrap_or_else(Line::Rejected),
        }
    }

    fn step(&self, offered: &Offered) -> Result<Line, String> {
        let next = self.done + 1;
        if let Some(iteration) = offered.iteration.filter(|iteration| *iteration != next) {
            return Err(format!(
                "a step of iteration {iteration} came where iteration {next} is computed; print a step before its iteration's record"
            ));
        }
        let state = state::to_text(&offered.state)
            .ok_or_else(|| format!("a step needs something to go on from: {STEP_FORM}"))?;
        match state.len() {
            0..=LARGEST_STEP => Ok(Line::Step {
                iteration: next,
                state,
            }),
            bytes => Err(format!(
                "a step's state has {bytes} bytes, and at most {LARGEST_STEP} are kept; offer a smaller one"
            )),
        }
    }

    /// Gives the record its number, or says why the number it has is wrong.
    fn number(&mut self, mut pieces: Pieces, state: Option<String>) -> Result<Line, String> {
        let next = self.done + 1;
        match pieces.iteration {
            Some(0) => return Err("iteration is 0; iterations are counted from 1".to_owned()),
            Some(iteration) if iteration < next => {
                return Err(format!(
                    "iteration {iteration} is in the log already; go on with {next} (resume_after in the job line says where)"
                ));
            }
            Some(iteration) if iteration > next => {
                return Err(format!(
                    "iteration {iteration} came where {next} is next; print every iteration, in order"
                ));
            }
            Some(_) | None => {}
        }
        self.total = pieces.total.or(self.total);
        pieces.total = self.total;
        let headers = std::mem::take(&mut pieces.headers);
        let record = pieces.into_record(next, state);
        record.validate().map_err(|error| error.to_string())?;
        self.done = next;
        Ok(Line::Record {
            record: Box::new(record),
            headers,
        })
    }
}

/// Why a line that begins like a record is no JSON, with the remedy for the usual mistakes.
fn not_json(text: &str, error: &serde_json::Error) -> String {
    if text.trim() == "{" {
        return "a record must stand on one line; print it without indentation".to_owned();
    }
    if text.starts_with("{'") {
        return format!(
            "{} is no JSON; print(json.dumps(record)) instead of print(record)",
            shown(text)
        );
    }
    let (reason, column) = (error.to_string(), error.column());
    let reason = reason.split(" at line ").next().unwrap_or_default();
    format!("it is no JSON: {reason} at column {column}; print a record with your language's JSON writer")
}

/// The line that a solver prints to say how it stands inside an iteration.
pub fn step_line(state: &str) -> String {
    let state = state::to_json(state);
    format!("{{\"step\":{{\"state\":{}}}}}", state.get())
}

const STEP_FORM: &str = "{\"step\":{\"state\":...}}";

/// What stands under `step`.
#[derive(serde::Deserialize)]
struct Offered {
    #[serde(default)]
    iteration: Option<u64>,
    state: Box<RawValue>,
}

/// A number called `step`, or an array with its data, is a value like any other.
fn is_value(raw: &Raw) -> bool {
    match raw {
        Raw::Map(entries) => entries.iter().any(|(key, _)| key == "data"),
        _ => true,
    }
}

/// The top of a line. The state is kept as it is written.
struct Top {
    step: Option<Result<Offered, String>>,
    state: Option<Box<RawValue>>,
    entries: Vec<(String, Raw)>,
}

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(TopVisitor)
    }
}

struct TopVisitor;

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
        let mut top = Top {
            step: None,
            state: None,
            entries: Vec::new(),
        };
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "state" if top.state.is_some() => return Err(A::Error::custom("state is given twice")),
                "state" => top.state = Some(map.next_value()?),
                "step" => {
                    let json: Box<RawValue> = map.next_value()?;
                    let raw: Raw = serde_json::from_str(json.get()).map_err(A::Error::custom)?;
                    match is_value(&raw) {
                        true => top.entries.push((key, raw)),
                        false => {
                            let offered = serde_json::from_str(json.get());
                            top.step =
                                Some(offered.map_err(|error| format!("no step: {error}; write {STEP_FORM}")));
                        }
                    }
                }
                _ => top.entries.push((key, map.next_value()?)),
            }
        }
        Ok(top)
    }
}
