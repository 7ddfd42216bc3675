//! Programs that were never changed: a regular expression finds the numbers in their ordinary output.

use kymo_runlog::{Quantity, shown};
use regex::Regex;

use super::assemble::Pieces;

/// The group that holds the iteration, counted from 1.
const ITERATION: &str = "iteration";

/// The same for programs that count from 0.
const ITERATION_FROM_ZERO: &str = "iteration0";

/// The group that holds how many iterations there will be.
const TOTAL: &str = "total";

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PatternError {
    /// The regular expression does not compile.
    #[error("the pattern {} is no regular expression: {reason}; see https://docs.rs/regex/latest/regex/#syntax", shown(.pattern))]
    Syntax { pattern: String, reason: String },
    /// No named group would become a value.
    #[error("the pattern {} names no value; name a group after it, e.g. loss=(?<loss>\\S+)", shown(.pattern))]
    NoValue { pattern: String },
}

/// A regular expression whose named groups are values.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Regex,
}

impl Pattern {
    /// Compiles and checks a pattern.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let regex = Regex::new(pattern).map_err(|error| {
            // The whole message draws the pattern over several lines; its last one says what is wrong.
            let reason = error
                .to_string()
                .lines()
                .last()
                .unwrap_or_default()
                .trim()
                .to_owned();
            PatternError::Syntax {
                pattern: pattern.to_owned(),
                reason,
            }
        })?;
        let is_value = |name: &&str| ![ITERATION, ITERATION_FROM_ZERO, TOTAL].contains(name);
        match regex.capture_names().flatten().any(|name| is_value(&name)) {
            true => Ok(Self { regex }),
            false => Err(PatternError::NoValue {
                pattern: pattern.to_owned(),
            }),
        }
    }

    /// What the line says; `None` when the pattern does not match.
    pub fn find(&self, line: &str) -> Option<Result<Pieces, String>> {
        let captures = self.regex.captures(line)?;
        let mut pieces = Pieces::default();
        for name in self.regex.capture_names().flatten() {
            let Some(found) = captures.name(name) else {
                continue;
            };
            let Some(number) = leading_number(found.as_str()) else {
                return Some(Err(format!(
                    "the pattern's group {name} caught {}, which does not begin with a number; narrow the group, e.g. (?<{name}>\\S+)",
                    shown(found.as_str())
                )));
            };
            let whole = number.fract() == 0.0 && (0.0..9e15).contains(&number);
            match name {
                ITERATION | ITERATION_FROM_ZERO | TOTAL if !whole => {
                    return Some(Err(format!(
                        "the pattern's group {name} caught {}, which is no whole number",
                        shown(found.as_str())
                    )));
                }
                ITERATION => pieces.iteration = Some(number as u64),
                ITERATION_FROM_ZERO => pieces.iteration = Some(number as u64 + 1),
                TOTAL => pieces.total = Some(number as u64),
                _ => pieces.values.push((name.to_owned(), Quantity::Scalar(number))),
            }
        }
        let nothing = || Err("the pattern matches, but none of its values is there".to_owned());
        Some(if pieces.values.is_empty() {
            nothing()
        } else {
            Ok(pieces)
        })
    }
}

/// The number that a text begins with; a unit after it (`12.5 ms`, `45%`) is left out.
fn leading_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let word = text.split_whitespace().next()?;
    // The longest beginning that is a number; none that a person means is longer than this.
    let ends = word.char_indices().map(|(at, _)| at).skip(1).chain([word.len()]);
    let ends: Vec<usize> = ends.take(64).collect();
    ends.into_iter()
        .rev()
        .find_map(|end| word[..end].parse::<f64>().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_their_units() {
        for (text, number) in [
            ("0.3", Some(0.3)),
            (" 12.5 ms", Some(12.5)),
            ("45%", Some(45.0)),
            ("1e-3s", Some(1e-3)),
            ("-.5", Some(-0.5)),
            ("ms", None),
            ("", None),
            ("µ", None),
            (
                "0.5,0.6,0.7,0.8,0.9,0.5,0.6,0.7,0.8,0.9,0.5,0.6,0.7,0.8,0.9,0.5,0.6,0.7,0.8",
                Some(0.5),
            ),
        ] {
            assert_eq!(leading_number(text), number, "{text}");
        }
        assert!(leading_number("nan").unwrap().is_nan());
    }

    #[test]
    fn bad_patterns_say_why() {
        let told: Vec<String> = ["epoch (", r"epoch (?<iteration>\d+)", "loss"]
            .map(|p| Pattern::new(p).unwrap_err().to_string())
            .into();
        insta::assert_snapshot!(told.join("\n"), @r#"
the pattern "epoch (" is no regular expression: error: unclosed group; see https://docs.rs/regex/latest/regex/#syntax
the pattern "epoch (?<iteration>\d+)" names no value; name a group after it, e.g. loss=(?<loss>\S+)
the pattern "loss" names no value; name a group after it, e.g. loss=(?<loss>\S+)
"#);
    }
}
