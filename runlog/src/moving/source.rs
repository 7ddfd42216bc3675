//! Reading an export: anything may be in it, and nothing but whole messages comes out.

use std::io::{BufRead, Read};

use super::line::{Header, LAST, Line, Summary, Tally, VERSION};
use crate::{Position, Stored};

/// The longest line: the largest message of any of our logs, every byte of it escaped.
const LINE: u64 = 512 << 20;
/// A gzip file begins with these.
const GZIP: &[u8] = &[0x1f, 0x8b];

/// Where an export is broken, and how.
#[derive(Debug, thiserror::Error)]
#[error("line {line}{}: {reason}", behind(.after))]
pub struct Damage {
    /// Counted from 1.
    pub line: u64,
    /// The last whole message before, by its position in the log that it comes from.
    pub after: Option<Position>,
    pub reason: String,
}

fn behind(after: &Option<Position>) -> String {
    after.map_or_else(String::new, |after| {
        format!(", behind the message at position {}", after.0)
    })
}

/// An export on its way in.
pub struct Source<R> {
    reader: R,
    pub header: Header,
    line: u64,
    after: Option<Position>,
    tally: Tally,
    summary: Option<Summary>,
}

impl<R: BufRead> Source<R> {
    /// Reads the header.
    pub fn open(mut reader: R) -> Result<Self, Damage> {
        let broken = |reason: String| Damage {
            line: 1,
            after: None,
            reason,
        };
        let beginning = reader.fill_buf().map_err(|error| broken(error.to_string()))?;
        if beginning.is_empty() {
            return Err(broken("it is empty; an export has a header at least".to_owned()));
        }
        if beginning.starts_with(GZIP) {
            return Err(broken(
                "it is compressed; unpack it on the way: `gunzip -c FILE | kymo import -`".to_owned(),
            ));
        }
        let text = read_line(&mut reader).map_err(broken)?.unwrap_or_default();
        let header: Header = serde_json::from_slice(&text).map_err(|_| {
            broken("it is no export of kymo, whose first line tells version and topic; make one with `kymo export`".to_owned())
        })?;
        if header.version != VERSION {
            let version = header.version;
            return Err(broken(format!(
                "it has version {version}, this kymo knows {VERSION}; use the kymo that wrote it, or a newer one"
            )));
        }
        Ok(Self {
            reader,
            header,
            line: 1,
            after: None,
            tally: Tally::default(),
            summary: None,
        })
    }

    /// The next message; `None` when all were there and the last line agrees.
    pub fn read(&mut self) -> Result<Option<Stored>, Damage> {
        if self.summary.is_some() {
            return Ok(None);
        }
        self.line += 1;
        let text = match read_line(&mut self.reader) {
            Ok(Some(text)) => text,
            Ok(None) => {
                self.line -= 1;
                return Err(self.damage("it ends here, without the line that closes an export: it was cut off; export the topic again"));
            }
            Err(reason) => return Err(self.damage(&reason)),
        };
        if text.starts_with(LAST.as_bytes()) {
            return self.close(&text).map(|()| None);
        }
        let line: Line = serde_json::from_slice(&text).map_err(|error| {
            self.damage(&format!(
                "it is no message ({error}); the file is damaged: export the topic again"
            ))
        })?;
        let stored = line.into_stored().map_err(|reason| {
            self.damage(&format!("{reason}; the file is damaged: export the topic again"))
        })?;
        self.after = Some(stored.position);
        self.tally.count(&stored.message);
        Ok(Some(stored))
    }

    /// What the export says of itself, once all of it was read.
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    fn close(&mut self, text: &[u8]) -> Result<(), Damage> {
        let said: Summary = serde_json::from_slice(text).map_err(|error| {
            self.damage(&format!("it closes no export ({error}); export the topic again"))
        })?;
        let found = self.tally.summary();
        if said != found {
            return Err(self.damage(&format!(
                "it says {said}, but before it stand {found}: lines are missing or changed; export the topic again"
            )));
        }
        match read_line(&mut self.reader) {
            Ok(None) => {}
            Ok(Some(_)) | Err(_) => {
                return Err(self.damage(
                    "more follows behind the line that closes the export; import one export at a time",
                ));
            }
        }
        self.summary = Some(said);
        Ok(())
    }

    fn damage(&self, reason: &str) -> Damage {
        Damage {
            line: self.line,
            after: self.after,
            reason: reason.to_owned(),
        }
    }
}

/// One line without its end; `None` at the end of the file.
fn read_line(reader: &mut impl BufRead) -> Result<Option<Vec<u8>>, String> {
    let mut text = Vec::new();
    let read = reader
        .by_ref()
        .take(LINE)
        .read_until(b'\n', &mut text)
        .map_err(|error| format!("it cannot be read: {error}"))?;
    if read == 0 {
        return Ok(None);
    }
    match text.pop_if(|last| *last == b'\n') {
        Some(_) => Ok(Some(text)),
        None if read as u64 >= LINE => {
            Err("it is longer than any message; this is no export of kymo".to_owned())
        }
        None => Err("it is cut off in the middle; export the topic again".to_owned()),
    }
}
