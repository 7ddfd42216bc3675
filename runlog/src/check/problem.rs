//! What can be wrong with a parameter, in one sentence each.

use crate::shown::{shown, shown_number};

/// What is wrong with a parameter. Each sentence names the thing, the reason and the remedy.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ParameterProblem {
    /// Not of the form `name=value`.
    #[error("{} is no parameter; write name=value, e.g. {example}", shown(.text))]
    NotAnAssignment { text: String, example: String },
    /// The solver has no such parameter.
    #[error("{solver} has no parameter {}; {remedy}", shown(.name))]
    Unknown {
        solver: String,
        name: String,
        remedy: String,
    },
    /// The same parameter twice, possibly once by its other name.
    #[error("{name} is given twice; leave one of them out")]
    Twice { name: String },
    /// Text where a number is expected.
    #[error("{name}={} is not a number; write {name}={example}", shown(.text).trim_matches('"'))]
    NotANumber {
        name: String,
        text: String,
        example: String,
    },
    /// NaN, infinity, or too large for f64.
    #[error("{name}={} is not a finite number; {range}", shown(.text).trim_matches('"'))]
    NotFinite {
        name: String,
        text: String,
        range: String,
    },
    /// A fraction where a whole number is expected.
    #[error("{name}={} is not a whole number; write e.g. {name}={}", shown_number(*.value), shown_number(.value.round()))]
    NotWhole { name: String, value: f64 },
    /// Outside of the range.
    #[error("{name}={} is out of range; {range}", shown_number(*.value))]
    OutOfRange { name: String, value: f64, range: String },
    /// Another unit than the parameter's.
    #[error("{name}={number}: the unit {} does not fit, {expected}; write {name}={number}", shown(.unit))]
    WrongUnit {
        name: String,
        number: String,
        unit: String,
        expected: String,
    },
    /// None of the options.
    #[error("{name}={} is none of its options; choose {options}", shown(.text).trim_matches('"'))]
    NotAnOption {
        name: String,
        text: String,
        options: String,
    },
    /// Too long a text.
    #[error("{name} has {length} characters; at most {longest} are allowed, so shorten it")]
    TooLong {
        name: String,
        length: usize,
        longest: usize,
    },
    /// A line break or another control character.
    #[error("{name} contains the control character {}; leave it out", .character.escape_unicode())]
    ControlCharacter { name: String, character: char },
    /// Neither yes nor no.
    #[error("{name}={} is neither true nor false; write {name}=true or {name}=false", shown(.text).trim_matches('"'))]
    NotAFlag { name: String, text: String },
    /// No value and no default.
    #[error("{name} is missing and has no default; {range}")]
    Missing { name: String, range: String },
}
