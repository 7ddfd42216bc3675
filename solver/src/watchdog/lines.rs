//! Cuts a solver's standard output into lines, in bounded memory: only a line that can be a record
//! (it begins with `{`) or that a pattern may want is collected, everything else streams through as text.

/// The longest line that is taken for a record. A record of many megabytes is an honest field; gigabytes without
/// a newline are not.
pub const LONGEST_RECORD: usize = 64 << 20;
/// The longest line that a pattern is tried on.
pub const LONGEST_TEXT: usize = 64 << 10;

/// A piece of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A whole line without its newline.
    Line(Vec<u8>),
    /// Part of a line that is too long to be looked at. It ends with the newline if `last`.
    Stretch { bytes: Vec<u8>, last: bool },
    /// A line began like a record and grew beyond [`LONGEST_RECORD`]; its rest follows as stretches.
    TooLong { bytes: usize },
}

/// Collects bytes until a line is complete.
pub struct Lines {
    line: Vec<u8>,
    /// The current line was given up: pass it on until its newline.
    streaming: bool,
    longest_record: usize,
    longest_text: usize,
}

impl Lines {
    pub fn new() -> Self {
        Self::with_limits(LONGEST_RECORD, LONGEST_TEXT)
    }

    fn with_limits(longest_record: usize, longest_text: usize) -> Self {
        Self {
            line: Vec::new(),
            streaming: false,
            longest_record,
            longest_text,
        }
    }

    pub fn push(&mut self, mut bytes: &[u8], out: &mut impl FnMut(Piece)) {
        while !bytes.is_empty() {
            let newline = bytes.iter().position(|b| *b == b'\n');
            let (part, rest) = match newline {
                Some(at) => (&bytes[..at], &bytes[at + 1..]),
                None => (bytes, &bytes[bytes.len()..]),
            };
            self.take(part, newline.is_some(), out);
            bytes = rest;
        }
    }

    /// The stream has ended; a last line without newline counts.
    pub fn finish(&mut self, out: &mut impl FnMut(Piece)) {
        if self.streaming {
            self.streaming = false;
            out(Piece::Stretch {
                bytes: Vec::new(),
                last: true,
            });
        } else if !self.line.is_empty() {
            out(Piece::Line(std::mem::take(&mut self.line)));
        }
    }

    fn take(&mut self, part: &[u8], complete: bool, out: &mut impl FnMut(Piece)) {
        if self.streaming {
            out(Piece::Stretch {
                bytes: part.to_vec(),
                last: complete,
            });
            self.streaming = !complete;
            return;
        }
        self.line.extend_from_slice(part);
        if complete {
            let line = std::mem::take(&mut self.line);
            out(Piece::Line(line));
            return;
        }
        let may_be_record = begins_like_record(&self.line);
        let limit = if may_be_record {
            self.longest_record
        } else {
            self.longest_text
        };
        if self.line.len() > limit {
            let line = std::mem::take(&mut self.line);
            if may_be_record {
                out(Piece::TooLong { bytes: line.len() });
            }
            out(Piece::Stretch {
                bytes: line,
                last: false,
            });
            self.streaming = true;
        }
    }
}

/// Whether a line claims to be a record.
pub fn begins_like_record(line: &[u8]) -> bool {
    line.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(lines: &mut Lines, chunks: &[&[u8]]) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for chunk in chunks {
            lines.push(chunk, &mut |piece| pieces.push(piece));
        }
        lines.finish(&mut |piece| pieces.push(piece));
        pieces
    }

    fn line(text: &str) -> Piece {
        Piece::Line(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_arrive_whole_however_they_were_cut() {
        assert_eq!(
            cut(&mut Lines::new(), &[b"{\"a\":", b"1}\nhel", b"lo\n\nend"]),
            [line("{\"a\":1}"), line("hello"), line(""), line("end"),]
        );
    }

    #[test]
    fn a_text_without_newline_streams_through() {
        let pieces = cut(&mut Lines::with_limits(8, 4), &[b"abcdef", b"ghi", b"\nok\n"]);
        assert_eq!(
            pieces,
            [
                Piece::Stretch {
                    bytes: b"abcdef".to_vec(),
                    last: false
                },
                Piece::Stretch {
                    bytes: b"ghi".to_vec(),
                    last: false
                },
                Piece::Stretch {
                    bytes: b"".to_vec(),
                    last: true
                },
                line("ok"),
            ]
        );
    }

    #[test]
    fn a_record_that_never_ends_is_given_up_and_named() {
        let pieces = cut(&mut Lines::with_limits(8, 4), &[b" {\"abcdefghij", b"k"]);
        assert_eq!(pieces[0], Piece::TooLong { bytes: 13 });
        assert_eq!(
            pieces.last(),
            Some(&Piece::Stretch {
                bytes: b"".to_vec(),
                last: true
            })
        );
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_and_memory_stays_bounded(
            chunks in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'{'), any::<u8>()], 0..40), 0..30),
        ) {
            let mut lines = Lines::with_limits(16, 8);
            let mut whole = Vec::new();
            let mut seen = Vec::new();
            let mut collect = |piece: Piece| match piece {
                Piece::Line(bytes) => { seen.extend(bytes); seen.push(b'\n'); }
                Piece::Stretch { bytes, last } => { seen.extend(bytes); if last { seen.push(b'\n'); } }
                Piece::TooLong { .. } => {}
            };
            for chunk in &chunks {
                lines.push(chunk, &mut collect);
                whole.extend(chunk);
                prop_assert!(lines.line.len() <= 16);
            }
            lines.finish(&mut collect);
            if !whole.is_empty() && whole.last() != Some(&b'\n') {
                whole.push(b'\n');
            }
            prop_assert_eq!(seen, whole);
        }
    }
}
