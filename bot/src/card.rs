//! The confirmation card of /run: what would be started, with buttons that change it. Pure: a
//! card is a [`Draft`], shown by [`text`] and [`keyboard`] and changed by [`Draft::take`].

use kymo_runlog::catalogue::{ParameterCard, ParameterKind, SolverCard};
use kymo_runlog::{Parameters, ShortId, Topic, Value};
use serde::{Deserialize, Serialize};
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};

use crate::callback::{CardStep, Press};
use crate::words::{code, cut, foreign, number};

/// A run that somebody is about to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    pub solver: String,
    /// What the person gave; the rest has defaults.
    pub given: Parameters,
    /// Seconds to wait after each iteration, on purpose.
    #[serde(default)]
    pub pace: Option<f64>,
    /// Labels that its host must have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<String>,
    /// The parameter whose buttons are shown.
    #[serde(default)]
    pub open: Option<String>,
    /// Counts changes: a button of an earlier picture of the card is void.
    #[serde(default)]
    pub revision: u32,
}

/// How the run stands that the card would start.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// Nothing is known of it.
    New,
    /// It has results up to this iteration.
    HasRecords { iterations: u64 },
    /// It is being computed.
    Busy,
}

/// A value that a button offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    pub label: String,
    /// `None`: leave the parameter out.
    pub value: Option<Value>,
}

impl Draft {
    /// The value that would be used now.
    pub fn value<'a>(&'a self, parameter: &'a ParameterCard) -> Option<&'a Value> {
        self.given.0.get(&parameter.name).or(parameter.default.as_ref())
    }

    /// The card after the open parameter's proposal `index` was taken; `None` when there is no such.
    pub fn take(&self, card: &SolverCard, index: u8) -> Option<Self> {
        let parameter = self.open_parameter(card)?;
        let proposal = proposals(parameter, self.value(parameter))
            .into_iter()
            .nth(index.into())?;
        Some(self.with(parameter, proposal.value))
    }

    /// The card with a value, or without one.
    pub fn with(&self, parameter: &ParameterCard, value: Option<Value>) -> Self {
        let mut next = self.turned();
        match value.filter(|value| Some(value) != parameter.default.as_ref()) {
            Some(value) => next.given.0.insert(parameter.name.clone(), value),
            None => next.given.0.remove(&parameter.name),
        };
        next
    }

    /// The card with the parameter of this index opened, or all of them shown.
    pub fn opened(&self, card: &SolverCard, index: Option<u8>) -> Self {
        let open = index.and_then(|index| card.parameters.get(usize::from(index)));
        Self {
            open: open.map(|parameter| parameter.name.clone()),
            ..self.turned()
        }
    }

    /// The parameter whose buttons are shown.
    pub fn open_parameter<'a>(&self, card: &'a SolverCard) -> Option<&'a ParameterCard> {
        card.parameters
            .iter()
            .find(|parameter| Some(&parameter.name) == self.open.as_ref())
    }

    fn turned(&self) -> Self {
        Self {
            revision: self.revision.wrapping_add(1),
            ..self.clone()
        }
    }
}

/// Values near the current one, the default and the ends of the range; only what may be used.
pub fn proposals(parameter: &ParameterCard, current: Option<&Value>) -> Vec<Proposal> {
    let mut offers: Vec<(String, Option<Value>)> = Vec::new();
    let near = |x: f64, whole: bool| -> Vec<(String, Option<Value>)> {
        let steps = steps(x, whole);
        steps
            .into_iter()
            .map(|(sign, x)| (format!("{sign} {}", Value::Number(x)), Some(Value::Number(x))))
            .collect()
    };
    let end = |word: &str, x: Option<f64>| {
        x.map(|x| (format!("{word} {}", Value::Number(x)), Some(Value::Number(x))))
    };
    let from = match current {
        Some(Value::Number(x)) => Some(*x),
        Some(Value::Flag(_) | Value::Text(_)) | None => None,
    };
    match &parameter.kind {
        ParameterKind::Real { min, max } => {
            offers.extend(near(from.or(*min).unwrap_or(1.0), false));
            offers.extend(end("least", *min));
            offers.extend(end("most", *max));
        }
        ParameterKind::Integer { min, max } => {
            offers.extend(near(from.or(min.map(|min| min as f64)).unwrap_or(1.0), true));
            offers.extend(end("least", min.map(|min| min as f64)));
            offers.extend(end("most", max.map(|max| max as f64)));
        }
        ParameterKind::Choice { options } => {
            offers.extend(
                options
                    .iter()
                    .map(|option| (cut(option, 24), Some(Value::Text(option.clone())))),
            );
        }
        ParameterKind::Flag => {
            offers.extend([
                ("yes".to_owned(), Some(Value::Flag(true))),
                ("no".to_owned(), Some(Value::Flag(false))),
            ]);
        }
        ParameterKind::Text { .. } => {}
    }
    if let Some(default) = &parameter.default {
        offers.insert(
            0,
            (
                format!("default {}", cut(&shown(default), 24)),
                Some(default.clone()),
            ),
        );
    } else if parameter.optional {
        offers.insert(0, ("leave out".to_owned(), None));
    }
    let mut kept: Vec<Proposal> = Vec::new();
    for (label, value) in offers {
        let useful = value.as_ref() != current
            && kept.iter().all(|other| other.value != value)
            && value.as_ref().is_none_or(|value| parameter.check(value).is_ok());
        if useful && kept.len() < 24 {
            kept.push(Proposal { label, value });
        }
    }
    kept
}

/// One step down and up in the first digit, half and double.
fn steps(x: f64, whole: bool) -> Vec<(&'static str, f64)> {
    let unit = if x == 0.0 {
        1.0
    } else {
        10f64.powi(x.abs().log10().floor() as i32)
    };
    let first_digit_is_one = (x.abs() / unit).floor() == 1.0;
    // Below 1 the next first digit is a smaller unit's: 0.1 goes down to 0.09, not to 0.
    let down = if first_digit_is_one && x.abs() == unit {
        unit / 10.0
    } else {
        unit
    };
    let (below, above) = if x < 0.0 { (unit, down) } else { (down, unit) };
    let near = [
        ("−", x - below),
        ("+", x + above),
        ("½", x / 2.0),
        ("2×", x * 2.0),
    ];
    let clean = |x: f64| {
        if whole {
            x.round()
        } else {
            format!("{x:.12e}").parse().unwrap_or(x)
        }
    };
    let moved = near.map(|(sign, near)| (sign, clean(near)));
    moved.into_iter().filter(|(_, near)| *near != x).collect()
}

/// A value as the card shows it: an empty text would look like a missing one.
fn shown(value: &Value) -> String {
    match value {
        Value::Text(text) if text.is_empty() => "empty".to_owned(),
        value => value.to_string(),
    }
}

/// More are told by the watchdog's alert.
const MOST_WARNINGS: usize = 2;

/// The card's words. `warnings` are of the log: what the run's topic would lose, and what to do about it.
pub fn text(
    draft: &Draft,
    card: &SolverCard,
    run: Option<&Topic>,
    standing: &Standing,
    warnings: &[String],
) -> String {
    if let Some(parameter) = draft.open_parameter(card) {
        let now = draft
            .value(parameter)
            .map_or("not given".to_owned(), |value| code(&shown(value)));
        return format!(
            "<b>{}</b>: {}\n{}\nNow: {now}",
            foreign(&parameter.name, 60),
            foreign(&parameter.help, 500),
            foreign(&kind(parameter), 400),
        );
    }
    let mut lines = vec![format!(
        "<b>Start {}?</b> {}",
        foreign(&card.name, 60),
        foreign(&card.help, 300)
    )];
    // Telegram takes 4096 characters. A warning names the topic twice, and its remedy must not be cut off.
    let room = if warnings.is_empty() { 3400 } else { 2000 };
    for parameter in &card.parameters {
        let name = foreign(&parameter.name, 40);
        let unit = parameter
            .unit
            .as_deref()
            .map(|unit| format!(" {}", foreign(unit, 20)))
            .unwrap_or_default();
        let line = match (draft.given.0.get(&parameter.name), &parameter.default) {
            (Some(value), Some(default)) => {
                format!(
                    "{name} = {}{unit} (default {})",
                    code(&shown(value)),
                    foreign(&shown(default), 40)
                )
            }
            (Some(value), None) => format!("{name} = {}{unit}", code(&shown(value))),
            (None, Some(default)) => format!("{name} = {}{unit}", foreign(&shown(default), 40)),
            (None, None) if parameter.optional => format!("{name}: not given"),
            (None, None) => format!("❗ {name}: needs a value"),
        };
        // What is left out can still be opened by its button.
        if lines.iter().map(|line| line.chars().count() + 1).sum::<usize>() + line.chars().count() > room {
            lines.push("…".to_owned());
            break;
        }
        lines.push(line);
    }
    if !draft.on.is_empty() {
        lines.push(format!(
            "Only on hosts with {}",
            foreign(&draft.on.join(" and "), 200)
        ));
    }
    if let Some(pace) = draft.pace {
        lines.push(format!(
            "Slowed down on purpose: {} s after each iteration",
            number(pace)
        ));
    }
    lines.push(match standing {
        Standing::New => "A new run.".to_owned(),
        Standing::HasRecords { iterations: 0 } => "It was begun before, without results yet.".to_owned(),
        Standing::HasRecords { iterations } => {
            format!("It has results up to iteration {iterations}: Resume goes on there, Start afresh forgets them.")
        }
        Standing::Busy => "It is being computed already.".to_owned(),
    });
    lines.extend(
        warnings
            .iter()
            .take(MOST_WARNINGS)
            .map(|warning| format!("⚠️ {}", foreign(warning, 700))),
    );
    if let Some(topic) = run {
        lines.push(format!("Short id <code>{}</code>", ShortId::of(topic)));
    }
    lines.join("\n")
}

/// The card's buttons.
pub fn keyboard(
    id: i64,
    draft: &Draft,
    card: &SolverCard,
    ready: bool,
    standing: &Standing,
) -> InlineKeyboardMarkup {
    let button = |label: String, step: CardStep| -> InlineKeyboardButton {
        Press::Card {
            card: id,
            revision: draft.revision,
            step,
        }
        .button(label)
    };
    if let Some(parameter) = draft.open_parameter(card) {
        let offers = proposals(parameter, draft.value(parameter));
        let offers = offers
            .into_iter()
            .zip(0u8..)
            .map(|(offer, index)| button(offer.label, CardStep::Take(index)));
        let mut rows = rows(offers, 2);
        rows.push(vec![
            button("✏ Type a value".to_owned(), CardStep::Type),
            button("‹ Back".to_owned(), CardStep::Back),
        ]);
        return InlineKeyboardMarkup::new(rows);
    }
    // 100 buttons are Telegram's limit; a solver with more parameters takes the rest as text.
    let parameters = card.parameters.iter().zip(0u8..90).map(|(parameter, index)| {
        let value = draft
            .value(parameter)
            .map_or("–".to_owned(), |value| cut(&shown(value), 16));
        button(
            format!("{} {value}", cut(&parameter.name, 20)),
            CardStep::Open(index),
        )
    });
    let mut rows = rows(parameters, 3);
    let cancel = button("✖ Cancel".to_owned(), CardStep::Cancel);
    rows.push(match standing {
        Standing::Busy => vec![cancel],
        _ if !ready => vec![cancel],
        Standing::New => vec![button("▶ Start".to_owned(), CardStep::Start), cancel],
        Standing::HasRecords { .. } => vec![
            button("▶ Resume".to_owned(), CardStep::Start),
            button("⟲ Start afresh".to_owned(), CardStep::Afresh),
            cancel,
        ],
    });
    InlineKeyboardMarkup::new(rows)
}

/// A parameter's type, range and unit in words: `a number, 1 … 25, in L`.
pub fn kind(parameter: &ParameterCard) -> String {
    let range = |min: Option<String>, max: Option<String>| match (min, max) {
        (Some(min), Some(max)) => format!(", {min} … {max}"),
        (Some(min), None) => format!(", at least {min}"),
        (None, Some(max)) => format!(", at most {max}"),
        (None, None) => String::new(),
    };
    let mut words = match &parameter.kind {
        ParameterKind::Real { min, max } => {
            let text = |x: &f64| Value::Number(*x).to_string();
            format!(
                "a number{}",
                range(min.as_ref().map(text), max.as_ref().map(text))
            )
        }
        ParameterKind::Integer { min, max } => {
            let text = |x: &i64| x.to_string();
            format!(
                "a whole number{}",
                range(min.as_ref().map(text), max.as_ref().map(text))
            )
        }
        ParameterKind::Choice { options } => format!("one of {}", cut(&options.join(", "), 200)),
        ParameterKind::Text { max_length } => format!("a text of at most {max_length} characters"),
        ParameterKind::Flag => "yes or no".to_owned(),
    };
    if let Some(unit) = &parameter.unit {
        words.push_str(&format!(", in {}", cut(unit, 20)));
    }
    words
}

fn rows<T>(buttons: impl Iterator<Item = T>, width: usize) -> Vec<Vec<T>> {
    let mut rows: Vec<Vec<T>> = Vec::new();
    for button in buttons {
        match rows.last_mut() {
            Some(row) if row.len() < width => row.push(button),
            Some(_) | None => rows.push(vec![button]),
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::follow::solvers::tests::airy;

    fn draft(given: &[(&str, Value)]) -> Draft {
        let given = given.iter().map(|(name, value)| (*name, value.clone()));
        Draft {
            solver: "airy".to_owned(),
            given: given.collect(),
            pace: None,
            on: Vec::new(),
            open: None,
            revision: 0,
        }
    }

    fn labels(name: &str, value: Option<Value>) -> String {
        let card = airy();
        let parameter = card.find_parameter(name).expect("a parameter");
        let current = value.as_ref().or(parameter.default.as_ref());
        let labels = proposals(parameter, current)
            .into_iter()
            .map(|proposal| proposal.label);
        labels.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn what_buttons_offer() {
        insta::assert_snapshot!(labels("eps", None), @"− 3 | + 5 | ½ 2 | 2× 8 | least 1 | most 25");
        insta::assert_snapshot!(labels("eps", Some(Value::Number(25.0))), @"default 4 | − 15 | ½ 12.5 | least 1");
        insta::assert_snapshot!(labels("h", None), @"− 0.009 | + 0.02 | ½ 0.005 | least 0.00001 | most 0.5");
        insta::assert_snapshot!(labels("h", Some(Value::Number(0.03))), @"default 0.01 | − 0.02 | + 0.04 | ½ 0.015 | 2× 0.06 | least 0.00001 | most 0.5");
        insta::assert_snapshot!(labels("window", Some(Value::Number(1.0))), @"default 100 | + 2");
        insta::assert_snapshot!(labels("orientation", None), @"tail_first");
        insta::assert_snapshot!(labels("t_s", None), @"+ 1 | least 0");
        insta::assert_snapshot!(labels("t_s", Some(Value::Number(10.0))), @"leave out | − 9 | + 20 | ½ 5 | least 0");
        insta::assert_snapshot!(labels("note", Some(Value::Text("x".to_owned()))), @"default empty");
    }

    #[test]
    fn a_card_says_what_would_start() {
        let (card, given) = (
            airy(),
            draft(&[
                ("eps", Value::Number(9.0)),
                ("note", Value::Text("<b>".repeat(100))),
            ]),
        );
        let run = card.complete(&given.given).expect("a good run");
        let words = text(
            &given,
            &card,
            Some(&run.topic()),
            &Standing::HasRecords { iterations: 12 },
            &[],
        );
        insta::assert_snapshot!(words, @"
        <b>Start airy?</b> an Airy pulse enters a layer
        eps = <code>9</code> (default 4)
        h = 0.01 L
        window = 100
        orientation = front_first
        t_s: not given
        note = <code>&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;b&gt;&lt;…</code> (default empty)
        It has results up to iteration 12: Resume goes on there, Start afresh forgets them.
        Short id <code>5xme04z9</code>
        ");
    }

    #[test]
    fn a_value_that_is_the_default_is_not_kept() {
        let card = airy();
        let eps = card.find_parameter("eps").expect("eps");
        let changed = draft(&[]).with(eps, Some(Value::Number(9.0)));
        assert_eq!(changed.given.get("eps"), Some(&Value::Number(9.0)));
        let back = changed.with(eps, Some(Value::Number(4.0)));
        assert_eq!((back.given, back.revision), (Parameters::default(), 2));
    }

    proptest! {
        #[test]
        fn every_button_offers_a_value_that_may_be_used(eps in 1.0f64..25.0, h in 1e-5f64..0.5, window in 1u32..100_000) {
            let card = airy();
            for (name, value) in [("eps", eps), ("h", h), ("window", window.into())] {
                let parameter = card.find_parameter(name).expect("a parameter");
                let draft = draft(&[(name, Value::Number(value))]).opened(&card, card.parameters.iter().position(|p| p.name == name).map(|i| i as u8));
                for (proposal, index) in proposals(parameter, draft.value(parameter)).iter().zip(0u8..) {
                    let taken = draft.take(&card, index).expect("an offer");
                    prop_assert!(card.complete(&taken.given).is_ok(), "{name} {value} -> {proposal:?}");
                }
            }
        }

        #[test]
        fn a_card_fits_a_message_whatever_the_solver_is_called(name in "\\PC{0,300}", help in "\\PC{0,3000}", n in 0usize..120) {
            let mut card = airy();
            let one = ParameterCard { name: name.clone(), help: help.clone(), ..card.parameters[0].clone() };
            card.name = name;
            card.help = help;
            card.parameters = vec![one; n];
            let given = draft(&[]);
            let warnings = vec!["w".repeat(2000); 5];
            let words = text(&given, &card, None, &Standing::New, &warnings);
            prop_assert!(words.chars().count() <= 4096, "{}", words.chars().count());
            let buttons = keyboard(i64::MAX, &given, &card, true, &Standing::New);
            prop_assert!(buttons.inline_keyboard.iter().flatten().count() <= 100);
        }
    }
}
