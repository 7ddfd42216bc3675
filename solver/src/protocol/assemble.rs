//! From the JSON of one line to a record: the long and the short form, shapes inferred, and a clear
//! reason for whatever is neither.

use kymo_runlog::{Array, Axis, Points, Quantity, Record, shown, shown_number};

use super::raw::{Raw, shape_text, special};

/// What the keys of the long form may be; in the short form all others are values.
const KEYS: [&str; 7] = ["iteration", "total", "values", "axes", "state", "headers", "pace"];

/// Names of axes that a program did not name.
const INDICES: [&str; 4] = ["i", "j", "k", "l"];

const LIST_REMEDY: &str = "print numbers only (float(x), NaN where one is missing), equally many in each row";

/// More names than this are an array in disguise.
const MOST_VALUES: usize = 1000;

/// The pieces of a line before the record's number is known.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    pub iteration: Option<u64>,
    pub total: Option<u64>,
    pub axes: Vec<(String, Axis)>,
    pub values: Vec<(String, Quantity)>,
    pub headers: Vec<(String, String)>,
    pub pace: Option<f64>,
}

/// Puts the pieces together, or says why not.
pub(super) fn assemble(entries: Vec<(String, Raw)>) -> Result<Pieces, String> {
    let mut pieces = Pieces::default();
    let long = entries.iter().any(|(key, _)| key == "values");
    let mut values = Vec::new();
    for (key, raw) in entries {
        match key.as_str() {
            "iteration" => pieces.iteration = Some(whole("iteration", &raw)?),
            "total" => pieces.total = optional(raw, |raw| whole("total", raw))?,
            "pace" => pieces.pace = optional(raw, |raw| number("pace", raw))?,
            "axes" => pieces.axes = axes(raw)?,
            "headers" => pieces.headers = headers(raw)?,
            "values" => match raw {
                Raw::Map(entries) => values = entries,
                other => {
                    return Err(format!(
                        "\"values\" is {}; write {{\"values\":{{\"loss\":0.3}}}}",
                        other.kind()
                    ));
                }
            },
            _ if long => {
                return Err(format!(
                    "the key {} is none of {}; move it into \"values\"",
                    shown(&key),
                    KEYS.join(", ")
                ));
            }
            _ => values.push((key, raw)),
        }
    }
    if values.len() > MOST_VALUES {
        return Err(format!(
            "it holds {} values, and at most {MOST_VALUES} names are kept; print an array instead",
            values.len()
        ));
    }
    if values.is_empty() {
        return Err("it holds no values; write e.g. {\"loss\":0.3}".to_owned());
    }
    for (name, raw) in values {
        if pieces.values.iter().any(|(earlier, _)| *earlier == name) {
            return Err(format!("{} is given twice; leave one of them out", shown(&name)));
        }
        let quantity = quantity(&name, raw, &mut pieces.axes)?;
        pieces.values.push((name, quantity));
    }
    Ok(pieces)
}

impl Pieces {
    /// The record of this iteration.
    pub fn into_record(self, iteration: u64, state: Option<String>) -> Record {
        let Self {
            total,
            axes,
            values,
            pace,
            ..
        } = self;
        Record {
            iteration,
            total,
            axes,
            values,
            state,
            pace,
        }
    }
}

fn optional<T>(raw: Raw, read: impl Fn(&Raw) -> Result<T, String>) -> Result<Option<T>, String> {
    match raw {
        Raw::Null => Ok(None),
        raw => read(&raw).map(Some),
    }
}

fn number(key: &str, raw: &Raw) -> Result<f64, String> {
    match raw {
        Raw::Number(number) => Ok(*number),
        Raw::Text(text) if text.trim().parse::<f64>().is_ok() => Err(format!(
            "\"{key}\" is the text {}; print a number: int(x) or float(x)",
            shown(text)
        )),
        other => Err(format!("\"{key}\" is {}; it must be a number", other.kind())),
    }
}

fn whole(key: &str, raw: &Raw) -> Result<u64, String> {
    let number = number(key, raw)?;
    match number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number) {
        true => Ok(number as u64),
        false => Err(format!(
            "\"{key}\" is {}; it must be a whole number",
            shown_number(number)
        )),
    }
}

fn headers(raw: Raw) -> Result<Vec<(String, String)>, String> {
    let Raw::Map(entries) = raw else {
        return Err(format!(
            "\"headers\" is {}; write {{\"headers\":{{\"name\":\"text\"}}}}",
            raw.kind()
        ));
    };
    let one = |(name, raw): (String, Raw)| match raw {
        _ if name.starts_with("kymo-") => Err(format!(
            "the header {} belongs to kymo; use another name",
            shown(&name)
        )),
        Raw::Text(text) => Ok((name, text)),
        Raw::Number(number) => Ok((name, shown_number(number))),
        Raw::Flag(flag) => Ok((name, flag.to_string())),
        other => Err(format!(
            "the header {} is {}; it must be a text",
            shown(&name),
            other.kind()
        )),
    };
    entries.into_iter().map(one).collect()
}

fn axes(raw: Raw) -> Result<Vec<(String, Axis)>, String> {
    match raw {
        Raw::Map(entries) => entries
            .into_iter()
            .map(|(name, raw)| axis(&name, raw).map(|axis| (name, axis)))
            .collect(),
        Raw::Null => Ok(Vec::new()),
        other => Err(format!(
            "\"axes\" is {}; write {{\"axes\":{{\"x\":[0,0.5,1]}}}}",
            other.kind()
        )),
    }
}

fn axis(name: &str, raw: Raw) -> Result<Axis, String> {
    let help = "write [0,0.5,1] or {\"start\":0,\"step\":0.5,\"count\":3,\"unit\":\"m\"}";
    let unfit = |what: String| format!("the axis {} {what}; {help}", shown(name));
    let listed = |raw: Raw| match raw {
        Raw::Array { shape, data } if shape.len() == 1 => Ok(Points::Listed { values: data }),
        other => Err(unfit(format!("is {}", other.kind()))),
    };
    let Raw::Map(entries) = raw else {
        return Ok(Axis {
            unit: None,
            points: listed(raw)?,
        });
    };
    let (mut unit, mut values, mut start, mut step, mut count) = (None, None, None, None, None);
    for (key, raw) in entries {
        match (key.as_str(), raw) {
            (_, Raw::Null) => {}
            ("unit", Raw::Text(text)) => unit = Some(text),
            ("values", raw) => values = Some(listed(raw)?),
            ("start", raw) => start = Some(number("start", &raw)?),
            ("step", raw) => step = Some(number("step", &raw)?),
            ("count", raw) => count = Some(whole("count", &raw)? as usize),
            (_, other) => return Err(unfit(format!("holds {} as {}", other.kind(), shown(&key)))),
        }
    }
    let points = match (values, start, step, count) {
        (Some(listed), None, None, None) => listed,
        (None, Some(start), Some(step), Some(count)) => Points::Even { start, step, count },
        _ => {
            return Err(unfit(
                "holds neither values nor all of start, step and count".to_owned(),
            ));
        }
    };
    Ok(Axis { unit, points })
}

fn quantity(name: &str, raw: Raw, axes: &mut Vec<(String, Axis)>) -> Result<Quantity, String> {
    let value = shown(name);
    match raw {
        Raw::Number(number) => Ok(Quantity::Scalar(number)),
        Raw::Text(text) => match special(&text) {
            Some(number) => Ok(Quantity::Scalar(number)),
            None if text.trim().parse::<f64>().is_ok() => Err(format!(
                "{value} is the text {}, not a number; print float(x) instead of str(x)",
                shown(&text)
            )),
            None => Err(format!(
                "{value} is the text {}, not a number; print float(x), or x.tolist() for an array",
                shown(&text)
            )),
        },
        Raw::Array { shape, data } => {
            let names = infer_axes(name, &shape, axes)?;
            Ok(Quantity::Array(Array {
                axes: names,
                data,
                unit: None,
            }))
        }
        Raw::Map(entries) => array(name, entries, axes),
        Raw::Null => Err(format!("{value} is null; write NaN for a number that is missing")),
        Raw::Flag(flag) => Err(format!("{value} is the boolean {flag}; write 1 or 0")),
        Raw::Texts(texts) => Err(format!(
            "{value} holds the text {}; print numbers: [float(x) for x in values], or values.tolist()",
            shown(texts.first().map_or("", |text| text))
        )),
        Raw::BadList(why) => Err(format!("{value} {why}; {LIST_REMEDY}")),
    }
}

/// `{"axes":["t","x"],"data":[...],"unit":"V/m"}`, the data flat or nested.
fn array(
    name: &str,
    entries: Vec<(String, Raw)>,
    axes: &mut Vec<(String, Axis)>,
) -> Result<Quantity, String> {
    let value = shown(name);
    let (mut names, mut shaped, mut unit) = (None, None, None);
    for (key, raw) in entries {
        match (key.as_str(), raw) {
            ("axes", Raw::Texts(texts)) => names = Some(texts),
            ("data", Raw::Array { shape, data }) => shaped = Some((shape, data)),
            ("unit", Raw::Text(text)) => unit = Some(text),
            ("unit", Raw::Null) => {}
            ("data", Raw::BadList(why)) => {
                return Err(format!("{value} {why}; {LIST_REMEDY}"));
            }
            (key, other) => {
                return Err(format!(
                    "{value} holds {} as {}; an array is {{\"axes\":[\"x\"],\"data\":[1,2],\"unit\":\"m\"}}",
                    other.kind(),
                    shown(key)
                ));
            }
        }
    }
    let Some((shape, data)) = shaped else {
        return Err(format!(
            "{value} is an object without \"data\"; write its numbers as \"data\":[...]"
        ));
    };
    let axes = match names {
        Some(names) => {
            declare(name, &names, &shape, data.len(), axes)?;
            names
        }
        None => infer_axes(name, &shape, axes)?,
    };
    Ok(Quantity::Array(Array { axes, data, unit }))
}

/// Checks named axes against the data; an axis that the line does not describe counts 0, 1, 2, ...
fn declare(
    name: &str,
    names: &[String],
    shape: &[usize],
    length: usize,
    axes: &mut Vec<(String, Axis)>,
) -> Result<(), String> {
    let count_of = |axes: &[(String, Axis)], wanted: &str| {
        axes.iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, axis)| axis.points.len())
    };
    if shape.len() == names.len() {
        for (axis, count) in names.iter().zip(shape) {
            if count_of(axes, axis).is_none() {
                axes.push((axis.clone(), index(*count)));
            }
        }
    }
    let mut counts = Vec::new();
    for axis in names {
        counts.push(count_of(axes, axis).ok_or_else(|| {
            format!(
                "{} lies over the axis {}, which the line does not describe in \"axes\"",
                shown(name),
                shown(axis)
            )
        })?);
    }
    let product = counts
        .iter()
        .try_fold(1_usize, |product, count| product.checked_mul(*count));
    match product == Some(length) && (shape.len() == 1 || shape == counts) {
        true => Ok(()),
        false => Err(format!(
            "{} has {} numbers, but its axes {} count {}",
            shown(name),
            shape_text(shape),
            names.join(", "),
            shape_text(&counts)
        )),
    }
}

/// The axes of an array that names none: the line's own axes if they fit, plain indices otherwise.
fn infer_axes(name: &str, shape: &[usize], axes: &mut Vec<(String, Axis)>) -> Result<Vec<String>, String> {
    if shape.len() > INDICES.len() {
        return Err(format!(
            "{} has {} dimensions; at most {} can be kept",
            shown(name),
            shape.len(),
            INDICES.len()
        ));
    }
    let described: Vec<(String, usize)> = axes
        .iter()
        .filter(|(name, _)| !is_index(name))
        .map(|(name, axis)| (name.clone(), axis.points.len()))
        .collect();
    if described
        .iter()
        .map(|(_, count)| *count)
        .eq(shape.iter().copied())
    {
        return Ok(described.into_iter().map(|(name, _)| name).collect());
    }
    if let [count] = shape {
        let mut fitting = described.iter().filter(|(_, own)| own == count);
        if let (Some((fits, _)), None) = (fitting.next(), fitting.next()) {
            return Ok(vec![fits.clone()]);
        }
    }
    if !described.is_empty() {
        return Err(format!(
            "{} has {} numbers, which does not fit the axes {}; name its axes: {{\"axes\":[...],\"data\":[...]}}",
            shown(name),
            shape_text(shape),
            described
                .iter()
                .map(|(name, count)| format!("{name} ({count})"))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    Ok(shape
        .iter()
        .zip(INDICES)
        .map(|(count, letter)| index_axis(name, letter, *count, axes))
        .collect())
}

/// An index axis is shared by arrays of equal length; another length gets an axis of its own.
fn index_axis(name: &str, letter: &str, count: usize, axes: &mut Vec<(String, Axis)>) -> String {
    for candidate in [letter.to_owned(), format!("{name}.{letter}")] {
        match axes.iter().find(|(own, _)| *own == candidate) {
            Some((_, axis)) if axis.points.len() == count => return candidate,
            Some(_) => {}
            None => {
                axes.push((candidate.clone(), index(count)));
                return candidate;
            }
        }
    }
    format!("{name}.{letter}")
}

fn is_index(name: &str) -> bool {
    INDICES
        .iter()
        .any(|letter| name == *letter || name.ends_with(&format!(".{letter}")))
}

fn index(count: usize) -> Axis {
    Axis {
        unit: None,
        points: Points::Even {
            start: 0.0,
            step: 1.0,
            count,
        },
    }
}
