//! The spelling of a run as a topic name (docs/records.md, "Topic names").
//! Only `[a-zA-Z0-9.-]` may stand there, and a name must be readable and read back to the same run.
//!
//! | in the run | in the name |
//! | --- | --- |
//! | letters and digits | themselves |
//! | `-` | `--` (a single one separates parameters) |
//! | `_` | `..` |
//! | `.` in a value | `.` |
//! | any other byte, and whatever the rows above would make ambiguous | `...` and two hex digits |

use std::fmt::Write;

/// Which part of a name is being written: the rules for dots differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Solver,
    Key,
    Value,
}

/// Endings that companion topics own, so a run's name never ends like that.
pub(crate) const COMPANIONS: [&str; 3] = ["steps", "log", "rejected"];

/// What each byte of a text takes in the name.
pub(crate) fn encode(text: &str, place: Place) -> Vec<String> {
    let bytes = text.as_bytes();
    if bytes.is_empty() && place == Place::Solver {
        // No name may be empty. This one cannot be read back, and no catalogue holds such a solver.
        return vec!["....".to_owned()];
    }
    let companion_dot = companion_dot(text, place);
    let token = |(i, &byte): (usize, &u8)| {
        let first = i == 0;
        let last = i + 1 == bytes.len();
        // Whether what follows in the name begins with a dot: then `.` and `..` would run into it.
        let dot_follows = match bytes.get(i + 1) {
            Some(next) => !(next.is_ascii_alphanumeric() || *next == b'-'),
            None => place == Place::Key,
        };
        match (byte, place) {
            (b, _) if b.is_ascii_alphanumeric() => char::from(b).to_string(),
            // A key that began with `--` could not be told from the end of the value before it.
            (b'-', Place::Key) if first => hex(byte),
            (b'-', _) => "--".to_owned(),
            // After the dot that ends the key, a value's own dots must come as an escape.
            (b'_', Place::Value) if first => hex(byte),
            // The name ".." is reserved.
            (b'_', Place::Solver) if first && last => hex(byte),
            (b'_', _) if !dot_follows => "..".to_owned(),
            (b'.', Place::Value) if !first && !dot_follows && Some(i) != companion_dot => ".".to_owned(),
            (other, _) => hex(other),
        }
    };
    bytes.iter().enumerate().map(token).collect()
}

/// Where a value's text ends like a companion topic, e.g. `4.steps`.
fn companion_dot(text: &str, place: Place) -> Option<usize> {
    let (head, tail) = text.rsplit_once('.')?;
    (place == Place::Value && COMPANIONS.contains(&tail)).then_some(head.len())
}

pub(crate) fn hex(byte: u8) -> String {
    let mut token = String::with_capacity(5);
    write!(token, "...{byte:02x}").expect("writing to a String cannot fail");
    token
}

/// A name taken apart: the solver, the parameters as they stand there, and what closes a cut name.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Parts {
    pub solver: Vec<u8>,
    pub parameters: Vec<(Vec<u8>, Written)>,
    pub hash: Option<String>,
}

/// A value as it stands in a name.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Written {
    pub bytes: Vec<u8>,
    /// Text that looks like a number or a flag is told from those by an escape.
    pub escaped: bool,
}

/// How many hex digits close a name that was cut.
pub(crate) const HASH_DIGITS: usize = 24;

/// Takes a name apart; the error is a reason in words.
pub(crate) fn decode(name: &str) -> Result<Parts, String> {
    let mut segments = split(name).into_iter();
    let solver = segments.next().unwrap_or_default();
    let solver = Reader::new(solver).key()?;
    if let Some(rest) = solver.rest {
        return Err(format!(
            "a solver's name holds no single dot, but {rest:?} follows one"
        ));
    }
    let mut parts = Parts {
        solver: solver.bytes,
        ..Parts::default()
    };
    let segments: Vec<&str> = segments.collect();
    for (i, segment) in segments.iter().enumerate() {
        let key = Reader::new(segment).key()?;
        let Some(value) = key.rest else {
            let closes = i + 1 == segments.len()
                && segment.len() == HASH_DIGITS
                && segment.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if !closes {
                return Err(format!("{segment:?} has no dot between key and value"));
            }
            parts.hash = Some((*segment).to_owned());
            continue;
        };
        parts.parameters.push((key.bytes, Reader::new(value).value()?));
    }
    Ok(parts)
}

/// Splits at single hyphens; a doubled one is a character.
fn split(name: &str) -> Vec<&str> {
    let bytes = name.as_bytes();
    let (mut segments, mut begin, mut i) = (Vec::new(), 0, 0);
    while i < bytes.len() {
        match (bytes[i], bytes.get(i + 1)) {
            (b'-', Some(b'-')) => i += 2,
            (b'-', _) => {
                segments.push(&name[begin..i]);
                i += 1;
                begin = i;
            }
            _ => i += 1,
        }
    }
    segments.push(&name[begin..]);
    segments
}

struct Key<'a> {
    bytes: Vec<u8>,
    /// What stands behind the separating dot.
    rest: Option<&'a str>,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    fn dots(&self) -> usize {
        self.text[self.at..].bytes().take_while(|b| *b == b'.').count()
    }

    fn key(mut self) -> Result<Key<'a>, String> {
        let mut bytes = Vec::new();
        while self.at < self.text.len() {
            match self.dots() {
                0 => bytes.push(self.plain()),
                2 => {
                    bytes.push(b'_');
                    self.at += 2;
                }
                3 => bytes.push(self.escape()?),
                // One dot, or the dot and an escape behind it.
                1 | 4 => {
                    return Ok(Key {
                        bytes,
                        rest: Some(&self.text[self.at + 1..]),
                    });
                }
                n => return Err(format!("{n} dots in a row mean nothing")),
            }
        }
        Ok(Key { bytes, rest: None })
    }

    fn value(mut self) -> Result<Written, String> {
        let mut value = Written::default();
        while self.at < self.text.len() {
            match self.dots() {
                0 => value.bytes.push(self.plain()),
                1 => {
                    value.bytes.push(b'.');
                    self.at += 1;
                }
                2 => {
                    value.bytes.push(b'_');
                    self.at += 2;
                }
                3 => {
                    value.bytes.push(self.escape()?);
                    value.escaped = true;
                }
                n => return Err(format!("{n} dots in a row mean nothing")),
            }
        }
        Ok(value)
    }

    /// A letter, a digit or a doubled hyphen.
    fn plain(&mut self) -> u8 {
        let byte = self.text.as_bytes()[self.at];
        self.at += if byte == b'-' { 2 } else { 1 };
        byte
    }

    fn escape(&mut self) -> Result<u8, String> {
        let digits = self.text.get(self.at + 3..self.at + 5).unwrap_or_default();
        let byte = u8::from_str_radix(digits, 16).map_err(|_| "three dots need two hex digits".to_owned())?;
        self.at += 5;
        Ok(byte)
    }
}
