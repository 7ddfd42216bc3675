//! Short ways to write the cards of built-in solvers, and to take checked values out of parameters.

use kymo_runlog::catalogue::{ParameterCard, ParameterKind};
use kymo_runlog::{Parameters, Value};

/// A real number with a default.
pub(crate) fn real(
    name: &str,
    default: f64,
    min: Option<f64>,
    max: Option<f64>,
    help: &str,
) -> ParameterCard {
    parameter(
        name,
        ParameterKind::Real { min, max },
        Some(Value::Number(default)),
        help,
    )
}

/// A whole number with a default.
pub(crate) fn whole(name: &str, default: i64, min: i64, max: i64, help: &str) -> ParameterCard {
    let kind = ParameterKind::Integer {
        min: Some(min),
        max: Some(max),
    };
    parameter(name, kind, Some(Value::Number(default as f64)), help)
}

/// One of several words; the first is the default.
pub(crate) fn choice(name: &str, options: &[&str], help: &str) -> ParameterCard {
    let kind = ParameterKind::Choice {
        options: options.iter().map(|o| (*o).to_owned()).collect(),
    };
    parameter(
        name,
        kind,
        options.first().map(|o| Value::Text((*o).to_owned())),
        help,
    )
}

/// A text that may be left out.
pub(crate) fn optional_text(name: &str, max_length: usize, help: &str) -> ParameterCard {
    parameter(name, ParameterKind::Text { max_length }, None, help)
}

/// A real number that may be left out.
pub(crate) fn optional_real(name: &str, min: Option<f64>, max: Option<f64>, help: &str) -> ParameterCard {
    parameter(name, ParameterKind::Real { min, max }, None, help)
}

/// Adds a unit.
pub(crate) fn with_unit(unit: &str, card: ParameterCard) -> ParameterCard {
    ParameterCard {
        unit: Some(unit.to_owned()),
        ..card
    }
}

/// Adds another name.
pub(crate) fn also_called(alias: &str, mut card: ParameterCard) -> ParameterCard {
    card.aliases.push(alias.to_owned());
    card
}

fn parameter(name: &str, kind: ParameterKind, default: Option<Value>, help: &str) -> ParameterCard {
    let optional = default.is_none();
    let (name, help) = (name.to_owned(), help.to_owned());
    ParameterCard {
        name,
        kind,
        unit: None,
        default,
        optional,
        help,
        aliases: Vec::new(),
    }
}

/// Values by name, out of parameters that were checked against the card.
pub(crate) struct Checked<'a>(pub &'a Parameters);

impl Checked<'_> {
    /// A number that may be left out.
    pub fn find_number(&self, name: &str) -> Option<f64> {
        match self.0.0.get(name) {
            Some(Value::Number(x)) => Some(*x),
            Some(Value::Flag(_) | Value::Text(_)) | None => None,
        }
    }

    /// A number; the card's default has filled it in.
    pub fn number(&self, name: &str) -> f64 {
        self.find_number(name)
            .expect("the card gives it a default and checks its type")
    }

    /// A whole number that is not negative.
    pub fn count(&self, name: &str) -> u64 {
        self.number(name) as u64
    }

    /// A text that may be left out.
    pub fn find_text(&self, name: &str) -> Option<&str> {
        match self.0.0.get(name) {
            Some(Value::Text(text)) => Some(text),
            Some(Value::Flag(_) | Value::Number(_)) | None => None,
        }
    }
}
