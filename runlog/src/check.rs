//! Turning what a person wrote (`h=0.02 kerr=0.5`) into checked parameters, with nothing but a solver's
//! card in hand: the same rules at the bot, in a terminal and at the initiator.
//! What needs several parameters at once (1/h whole, ...) is the solver's own business.

mod problem;

use std::collections::BTreeMap;

use crate::catalogue::{ParameterCard, ParameterKind, SolverCard};
use crate::shown::shown_number;
use crate::{Parameters, RunId, Value};

pub use problem::ParameterProblem;

/// Whole numbers above this have gaps in f64.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// No number that a person means is written longer.
const LONGEST_NUMBER: usize = 400;

impl ParameterCard {
    /// Reads a value as a person writes it: typed, in range, with or without the parameter's own unit.
    pub fn parse(&self, text: &str) -> Result<Value, ParameterProblem> {
        let text = text.trim();
        let value = match &self.kind {
            ParameterKind::Real { .. } | ParameterKind::Integer { .. } => {
                Value::Number(self.parse_number(text)?)
            }
            ParameterKind::Choice { .. } | ParameterKind::Text { .. } => Value::Text(text.to_owned()),
            ParameterKind::Flag => Value::Flag(self.parse_flag(text)?),
        };
        self.check(&value)?;
        Ok(value)
    }

    /// Whether a typed value fits this parameter. An order from the log is checked like one from a person.
    pub fn check(&self, value: &Value) -> Result<(), ParameterProblem> {
        match (&self.kind, value) {
            (ParameterKind::Real { min, max }, Value::Number(x)) => self.check_number(*x, *min, *max),
            (ParameterKind::Integer { min, max }, Value::Number(x)) => {
                if x.is_finite() && x.fract() != 0.0 {
                    return Err(ParameterProblem::NotWhole {
                        name: self.name.clone(),
                        value: *x,
                    });
                }
                let bound = |bound: &Option<i64>, widest: f64| bound.map_or(widest, |b| b as f64);
                self.check_number(
                    *x,
                    Some(bound(min, -LARGEST_WHOLE)),
                    Some(bound(max, LARGEST_WHOLE)),
                )
            }
            (ParameterKind::Real { .. } | ParameterKind::Integer { .. }, Value::Flag(_) | Value::Text(_)) => {
                Err(self.not_a_number(&value.to_string()))
            }
            (ParameterKind::Choice { options }, Value::Text(text)) if options.contains(text) => Ok(()),
            (ParameterKind::Choice { options }, _) => Err(ParameterProblem::NotAnOption {
                name: self.name.clone(),
                text: value.to_string(),
                options: options.join(" or "),
            }),
            (ParameterKind::Text { max_length }, _) => self.check_text(&value.to_string(), *max_length),
            (ParameterKind::Flag, Value::Flag(_)) => Ok(()),
            (ParameterKind::Flag, Value::Number(_) | Value::Text(_)) => Err(ParameterProblem::NotAFlag {
                name: self.name.clone(),
                text: value.to_string(),
            }),
        }
    }

    /// What may be given, in words: `it must be from 1 to 25 L`.
    pub fn range(&self) -> String {
        let unit = self
            .unit
            .as_ref()
            .map(|unit| format!(" {unit}"))
            .unwrap_or_default();
        let between = |min: Option<String>, max: Option<String>, what: &str| match (min, max) {
            (Some(min), Some(max)) => format!("it must be {what}from {min} to {max}{unit}"),
            (Some(min), None) => format!("it must be {what}{min}{unit} or more"),
            (None, Some(max)) => format!("it must be {what}{max}{unit} or less"),
            (None, None) => format!(
                "it must be {}",
                if what.is_empty() {
                    "a number"
                } else {
                    "a whole number"
                }
            ),
        };
        match &self.kind {
            ParameterKind::Real { min, max } => between(min.map(shown_number), max.map(shown_number), ""),
            ParameterKind::Integer { min, max } => between(
                min.map(|m| m.to_string()),
                max.map(|m| m.to_string()),
                "a whole number ",
            ),
            ParameterKind::Choice { options } => format!("choose {}", options.join(" or ")),
            ParameterKind::Text { max_length } => format!("it is a text of at most {max_length} characters"),
            ParameterKind::Flag => "it is true or false".to_owned(),
        }
    }

    fn parse_number(&self, text: &str) -> Result<f64, ParameterProblem> {
        if text.len() > LONGEST_NUMBER {
            return Err(self.not_a_number(text));
        }
        let (number, unit) = match text.parse::<f64>() {
            Ok(x) => (x, ""),
            Err(_) => split_unit(text).ok_or_else(|| self.not_a_number(text))?,
        };
        if !number.is_finite() {
            let (name, text) = (self.name.clone(), text.to_owned());
            return Err(ParameterProblem::NotFinite {
                name,
                text,
                range: self.range(),
            });
        }
        if !unit.is_empty() && self.unit.as_deref() != Some(unit) {
            // A decimal comma would otherwise read as a strange unit.
            if unit.starts_with([',', '.', '_', '\'']) {
                return Err(self.not_a_number(text));
            }
            return Err(ParameterProblem::WrongUnit {
                name: self.name.clone(),
                number: shown_number(number),
                unit: unit.to_owned(),
                expected: match &self.unit {
                    Some(own) => format!("{} is measured in {own}", self.name),
                    None => format!("{} is a pure number", self.name),
                },
            });
        }
        // Zero has one spelling, so that equal parameters are the same run.
        Ok(if number == 0.0 { 0.0 } else { number })
    }

    fn parse_flag(&self, text: &str) -> Result<bool, ParameterProblem> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(true),
            "false" | "no" | "off" => Ok(false),
            _ => Err(ParameterProblem::NotAFlag {
                name: self.name.clone(),
                text: text.to_owned(),
            }),
        }
    }

    fn check_number(&self, x: f64, min: Option<f64>, max: Option<f64>) -> Result<(), ParameterProblem> {
        if !x.is_finite() {
            let (name, text) = (self.name.clone(), x.to_string());
            return Err(ParameterProblem::NotFinite {
                name,
                text,
                range: self.range(),
            });
        }
        if min.is_some_and(|min| x < min) || max.is_some_and(|max| x > max) {
            return Err(ParameterProblem::OutOfRange {
                name: self.name.clone(),
                value: x,
                range: self.range(),
            });
        }
        Ok(())
    }

    fn check_text(&self, text: &str, longest: usize) -> Result<(), ParameterProblem> {
        let length = text.chars().count();
        if length > longest {
            return Err(ParameterProblem::TooLong {
                name: self.name.clone(),
                length,
                longest,
            });
        }
        match text.chars().find(|c| c.is_control()) {
            Some(character) => Err(ParameterProblem::ControlCharacter {
                name: self.name.clone(),
                character,
            }),
            None => Ok(()),
        }
    }

    fn not_a_number(&self, text: &str) -> ParameterProblem {
        let example = match (&self.default, &self.kind) {
            (Some(Value::Number(x)), _) => shown_number(*x),
            (_, ParameterKind::Real { min: Some(min), .. }) => shown_number(*min),
            (_, ParameterKind::Integer { min: Some(min), .. }) => min.to_string(),
            _ => "1".to_owned(),
        };
        ParameterProblem::NotANumber {
            name: self.name.clone(),
            text: text.to_owned(),
            example,
        }
    }
}

impl SolverCard {
    /// A parameter by its name or by one of its other names.
    pub fn find_parameter(&self, name: &str) -> Option<&ParameterCard> {
        let named = |card: &&ParameterCard| card.name == name;
        let aliased = |card: &&ParameterCard| card.aliases.iter().any(|alias| alias == name);
        self.parameters
            .iter()
            .find(named)
            .or_else(|| self.parameters.iter().find(aliased))
    }

    /// Reads `["h=0.02", "kerr=0.5"]` and fills in the defaults.
    pub fn read<S: AsRef<str>>(&self, assignments: &[S]) -> Result<RunId, Vec<ParameterProblem>> {
        let mut given = BTreeMap::new();
        let mut problems = Vec::new();
        for assignment in assignments {
            match self.read_assignment(assignment.as_ref()) {
                Ok((name, _)) if given.contains_key(&name) => problems.push(ParameterProblem::Twice { name }),
                Ok((name, value)) => drop(given.insert(name, value)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            self.complete(&Parameters(given))
        } else {
            Err(problems)
        }
    }

    /// Checks typed parameters and fills in the defaults: the run that is meant.
    pub fn complete(&self, given: &Parameters) -> Result<RunId, Vec<ParameterProblem>> {
        let mut problems = Vec::new();
        let mut values = BTreeMap::new();
        for (name, value) in &given.0 {
            match self.find_parameter(name) {
                None => problems.push(self.unknown(name)),
                Some(card) => match card.check(value) {
                    Err(problem) => problems.push(problem),
                    Ok(()) => {
                        if values.insert(card.name.clone(), canonical(value)).is_some() {
                            problems.push(ParameterProblem::Twice {
                                name: card.name.clone(),
                            });
                        }
                    }
                },
            }
        }
        for card in &self.parameters {
            match &card.default {
                _ if given.0.keys().any(|name| self.find_parameter(name) == Some(card)) => {}
                Some(default) => drop(values.insert(card.name.clone(), canonical(default))),
                None if card.optional => {}
                None => problems.push(ParameterProblem::Missing {
                    name: card.name.clone(),
                    range: card.range(),
                }),
            }
        }
        match problems.is_empty() {
            true => Ok(RunId {
                solver: self.name.clone(),
                parameters: Parameters(values),
            }),
            false => Err(problems),
        }
    }

    /// The parameters that differ from their default: what people need to see.
    pub fn differing(&self, parameters: &Parameters) -> Parameters {
        let is_default = |name: &str, value: &Value| {
            self.find_parameter(name)
                .and_then(|card| card.default.as_ref())
                .map(canonical)
                == Some(canonical(value))
        };
        let differing = parameters
            .0
            .iter()
            .filter(|(name, value)| !is_default(name, value));
        Parameters(
            differing
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }

    /// Reads one `name=value`: the parameter's own name and its value.
    pub fn read_assignment(&self, assignment: &str) -> Result<(String, Value), ParameterProblem> {
        let Some((name, text)) = assignment.split_once('=') else {
            let example = self
                .parameters
                .first()
                .map_or("name=1".to_owned(), |card| match &card.default {
                    Some(default) => format!("{}={default}", card.name),
                    None => format!("{}=...", card.name),
                });
            return Err(ParameterProblem::NotAnAssignment {
                text: assignment.to_owned(),
                example,
            });
        };
        let card = self
            .find_parameter(name.trim())
            .ok_or_else(|| self.unknown(name.trim()))?;
        Ok((card.name.clone(), card.parse(text)?))
    }

    fn unknown(&self, name: &str) -> ParameterProblem {
        let names: Vec<&str> = self.parameters.iter().map(|card| card.name.as_str()).collect();
        let remedy = match nearest(name, &names) {
            Some(near) => format!("did you mean {near}?"),
            None if names.is_empty() => "it takes none".to_owned(),
            None => format!("it takes {}", names.join(", ")),
        };
        ParameterProblem::Unknown {
            solver: self.name.clone(),
            name: name.to_owned(),
            remedy,
        }
    }
}

/// The candidate that a person may have meant, if any is near enough.
pub fn nearest<'a>(name: &str, candidates: &[&'a str]) -> Option<&'a str> {
    // A long text is nobody's typing error, and comparing is quadratic.
    if name.is_empty() || name.chars().count() > 64 {
        return None;
    }
    let wanted = name.to_lowercase();
    let distance = |candidate: &str| strsim::osa_distance(&wanted, &candidate.to_lowercase());
    let allowed = wanted.chars().count().div_ceil(3).min(3);
    let best = candidates
        .iter()
        .map(|candidate| (distance(candidate), *candidate))
        .min_by_key(|(d, _)| *d)?;
    (best.0 <= allowed && best.0 < wanted.chars().count()).then_some(best.1)
}

/// `0.01 L` -> (0.01, "L"); `None` when it does not begin with a number.
fn split_unit(text: &str) -> Option<(f64, &str)> {
    let ends = text.char_indices().map(|(at, _)| at).filter(|at| *at > 0);
    ends.rev().find_map(|at| {
        let (number, unit) = text.split_at(at);
        let number = number.trim_end();
        // `inf` and `nan` are words here: "nano" is no unit of NaN.
        let is_number = number.ends_with(|c: char| c.is_ascii_digit() || c == '.');
        let number = is_number.then(|| number.parse().ok()).flatten()?;
        Some((number, unit.trim()))
    })
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(x) if *x == 0.0 => Value::Number(0.0),
        Value::Number(_) | Value::Flag(_) | Value::Text(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> SolverCard {
        let real = |name: &str, min, max, unit: Option<&str>, default: Option<f64>| ParameterCard {
            name: name.to_owned(),
            kind: ParameterKind::Real { min, max },
            unit: unit.map(str::to_owned),
            default: default.map(Value::Number),
            optional: name == "t_s",
            help: String::new(),
            aliases: if name == "amp" {
                vec!["A".to_owned()]
            } else {
                Vec::new()
            },
        };
        let other = |name: &str, kind, default| ParameterCard {
            name: name.to_owned(),
            kind,
            unit: None,
            default: Some(default),
            optional: false,
            help: String::new(),
            aliases: Vec::new(),
        };
        let options = vec!["front_first".to_owned(), "tail_first".to_owned()];
        SolverCard {
            name: "airy".to_owned(),
            version: "1".to_owned(),
            help: String::new(),
            view: None,
            needs: Default::default(),
            parameters: vec![
                real("eps", Some(1.0), Some(25.0), None, Some(4.0)),
                real("h", Some(1e-5), Some(0.5), Some("L"), Some(0.01)),
                real("amp", None, None, None, Some(1.0)),
                real("t_s", Some(0.0), None, Some("L/v"), None),
                other(
                    "window",
                    ParameterKind::Integer {
                        min: Some(1),
                        max: None,
                    },
                    Value::Number(100.0),
                ),
                other(
                    "orientation",
                    ParameterKind::Choice { options },
                    Value::Text("front_first".to_owned()),
                ),
                other(
                    "layers",
                    ParameterKind::Text { max_length: 20 },
                    Value::Text(String::new()),
                ),
                other("log", ParameterKind::Flag, Value::Flag(false)),
            ],
        }
    }

    fn read(assignments: &[&str]) -> String {
        match card().read(assignments) {
            Ok(run) => card().differing(&run.parameters).to_json(),
            Err(problems) => problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n"),
        }
    }

    #[test]
    fn values_are_typed_and_defaults_filled_in() {
        let run = card()
            .read(&["h=0.02 L", "A=1.5", "window=1e3", "log=yes"])
            .unwrap();
        insta::assert_snapshot!(run.parameters.to_json(), @r#"{"amp":1.5,"eps":4,"h":0.02,"layers":"","log":true,"orientation":"front_first","window":1000}"#);
        assert_eq!(read(&["eps=4", "h=0.01", "t_s=-0"]), r#"{"t_s":0}"#);
    }

    #[test]
    fn every_problem_names_thing_reason_and_remedy() {
        let long = format!("eps={}", "9".repeat(500));
        let name = format!("{}=1", "n".repeat(300));
        let told: Vec<String> = [
            "epz=4",
            "zzz=1",
            "=1",
            "eps",
            "eps=",
            "eps=four",
            "eps=0,5",
            "eps=0.5",
            "eps=nan",
            "eps=1e999",
            "h=0.01s",
            "eps=4 m",
            "h=-inf",
            "window=1.5",
            "window=0",
            "window=1e300",
            "orientation=front",
            "log=maybe",
            "layers=123456789012345678901",
            "layers=a\u{7}b",
            "eps=\u{202e}4",
            "eps=🙂",
            "🙂=4",
            &name,
            &long,
        ]
        .iter()
        .map(|assignment| read(&[assignment]))
        .collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
airy has no parameter "epz"; did you mean eps?
airy has no parameter "zzz"; it takes eps, h, amp, t_s, window, orientation, layers, log
airy has no parameter ""; it takes eps, h, amp, t_s, window, orientation, layers, log
"eps" is no parameter; write name=value, e.g. eps=4
eps= is not a number; write eps=4
eps=four is not a number; write eps=4
eps=0,5 is not a number; write eps=4
eps=0.5 is out of range; it must be from 1 to 25
eps=nan is not a finite number; it must be from 1 to 25
eps=1e999 is not a finite number; it must be from 1 to 25
h=0.01: the unit "s" does not fit, h is measured in L; write h=0.01
eps=4: the unit "m" does not fit, eps is a pure number; write eps=4
h=-inf is not a finite number; it must be from 1e-5 to 0.5 L
window=1.5 is not a whole number; write e.g. window=2
window=0 is out of range; it must be a whole number 1 or more
window=1e300 is out of range; it must be a whole number 1 or more
orientation=front is none of its options; choose front_first or tail_first
log=maybe is neither true nor false; write log=true or log=false
layers has 21 characters; at most 20 are allowed, so shorten it
layers contains the control character \u{7}; leave it out
eps=\u{202e}4 is not a number; write eps=4
eps=🙂 is not a number; write eps=4
airy has no parameter "🙂"; it takes eps, h, amp, t_s, window, orientation, layers, log
airy has no parameter "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn…" (300 characters); it takes eps, h, amp, t_s, window, orientation, layers, log
eps=9999999999999999999999999999999999999999…" (500 characters) is not a number; write eps=4
"#);
        insta::assert_snapshot!(read(&["amp=1", "A=2"]), @"amp is given twice; leave one of them out");
        insta::assert_snapshot!(read(&["amp=x", "b=2"]), @r#"
amp=x is not a number; write amp=1
airy has no parameter "b"; it takes eps, h, amp, t_s, window, orientation, layers, log
"#);
    }

    proptest::proptest! {
        /// Nothing that a person can write is a panic, and every answer is one short line per problem.
        #[test]
        fn anything_may_be_written(texts in proptest::collection::vec("(eps|h|amp|A|t_s|window|orientation|layers|log|.{0,3})?=?.{0,20}", 0..4)) {
            if let Err(problems) = card().read(&texts) {
                for problem in problems {
                    let told = problem.to_string();
                    proptest::prop_assert!(told.lines().count() == 1 && told.chars().count() < 400, "{}", told);
                }
            }
        }

        /// What was read is read the same again: a run's name does not depend on who wrote it.
        #[test]
        fn a_complete_run_stays_as_it_is(eps in 1.0..25.0_f64, t_s in proptest::option::of(0.0..1e9_f64), log in proptest::bool::ANY) {
            let mut texts = vec![format!("eps={eps}"), format!("log={log}")];
            texts.extend(t_s.map(|t_s| format!("t_s={t_s} L/v")));
            let run = card().read(&texts).unwrap();
            proptest::prop_assert_eq!(card().complete(&run.parameters).unwrap(), run.clone());
            proptest::prop_assert_eq!(card().complete(&card().differing(&run.parameters)).unwrap(), run);
        }
    }
}
