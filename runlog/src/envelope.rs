//! A message's headers, parsed once: what it is, where it belongs, whether it is whole.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use crate::message::{Kind, Message, header};
use crate::{Topic, limits};

/// The highest attempt number: whoever counts that far is not counting.
pub(crate) const MAX_ATTEMPT: u32 = 1_000_000_000;
/// Reads an attempt's number where it stands in JSON.
pub(crate) fn attempt<'de, D: Deserializer<'de>>(d: D) -> Result<u32, D::Error> {
    let attempt = u32::deserialize(d)?;
    if attempt > MAX_ATTEMPT {
        return Err(D::Error::custom(format!(
            "attempt {attempt}: attempts are 1 to {MAX_ATTEMPT}"
        )));
    }
    Ok(attempt)
}

/// Parts of one iteration.
const MAX_PARTS: u32 = 100_000;

/// A message that says it is ours; whether it keeps its word is asked piece by piece.
pub(crate) struct Envelope<'a> {
    pub kind: Kind,
    pub payload: &'a [u8],
    message: &'a Message,
}

/// The `number`-th of `of` parts, from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Part {
    pub number: u32,
    pub of: u32,
}

impl<'a> Envelope<'a> {
    /// The error is the reason why a message is not this run's.
    pub fn read(topic: &Topic, message: &'a Message) -> Result<Self, String> {
        let Some(kind) = message.header(header::KIND) else {
            return Err(format!(
                "it is no record of a run: it has no header {}",
                header::KIND
            ));
        };
        let Some(kind) = Kind::parse(kind) else {
            return Err(format!(
                "its header {} says {:?}; known are marker, record, end, complaint, step, output",
                header::KIND,
                short(kind)
            ));
        };
        match message.header(header::RUN) {
            Some(run) if run == topic.as_str() => {}
            Some(run) => return Err(format!("it belongs to another run, {}", short(run))),
            None => return Err(format!("it has no header {}", header::RUN)),
        }
        Ok(Self {
            kind,
            payload: &message.payload,
            message,
        })
    }

    pub fn attempt(&self) -> Result<u32, String> {
        let attempt = self.number(header::ATTEMPT)?;
        u32::try_from(attempt)
            .ok()
            .filter(|attempt| (1..=MAX_ATTEMPT).contains(attempt))
            .ok_or_else(|| {
                format!(
                    "its header {} says {attempt}; attempts are 1 to {MAX_ATTEMPT}",
                    header::ATTEMPT
                )
            })
    }

    pub fn iteration(&self) -> Result<u64, String> {
        let iteration = self.number(header::ITERATION)?;
        if (1..=limits::ITERATION).contains(&iteration) {
            Ok(iteration)
        } else {
            Err(format!(
                "its header {} says {iteration}; iterations are counted from 1",
                header::ITERATION
            ))
        }
    }

    pub fn part(&self) -> Result<Part, String> {
        let text = self.text(header::PART)?;
        let part = text.split_once('/').and_then(|(number, of)| {
            let (number, of) = (digits(number)?, digits(of)?);
            let good = 1 <= number && number <= of && of <= u64::from(MAX_PARTS);
            good.then_some(Part {
                number: number as u32,
                of: of as u32,
            })
        });
        part.ok_or_else(|| {
            format!(
                "its header {} says {:?}, not `part/parts`",
                header::PART,
                short(text)
            )
        })
    }

    /// A step's number, and how often it was handed out.
    pub fn step(&self) -> Result<(u64, u32), String> {
        let handed = self.number(header::HANDED)?;
        Ok((
            self.number(header::STEP)?,
            u32::try_from(handed).unwrap_or(u32::MAX),
        ))
    }

    /// The payload's checksum, after comparing it with the header's.
    pub fn checked(&self) -> Result<u32, String> {
        let said = self.text(header::CHECKSUM)?;
        let sum = crc32fast::hash(self.payload);
        let wanted = said
            .strip_prefix("crc32:")
            .and_then(|hex| u32::from_str_radix(hex, 16).ok());
        if wanted == Some(sum) {
            Ok(sum)
        } else {
            Err(format!(
                "its checksum is crc32:{sum:08x}, its header says {:?}",
                short(said)
            ))
        }
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, String> {
        serde_json::from_slice(self.payload)
            .map_err(|e| format!("its payload is no {}: {e}", self.kind.as_str()))
    }

    fn text(&self, name: &str) -> Result<&'a str, String> {
        self.message
            .header(name)
            .ok_or_else(|| format!("it has no header {name}"))
    }

    fn number(&self, name: &str) -> Result<u64, String> {
        let text = self.text(name)?;
        digits(text).ok_or_else(|| format!("its header {name} says {:?}, not a whole number", short(text)))
    }
}

/// Rust's own parser also takes `+1`.
fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
