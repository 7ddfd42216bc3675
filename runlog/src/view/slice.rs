//! Cutting a record: which numbers of a field a view means.

use super::{At, Cut, Fix};
use crate::{Array, Axis, Points, Quantity, Record};

/// Why a view does not fit a record.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum CutError {
    #[error("the run's first record (iteration {0}) has no values, so there is nothing to draw")]
    NoValues(u64),
    #[error("the run has no value {0:?}; it has {1}")]
    UnknownValue(String, String),
    #[error("{0} has no axis {1:?}; it has {2}")]
    UnknownAxis(String, String, String),
    #[error("{axis} = {at} lies outside of {value}: its axis {axis} goes from {low} to {high}")]
    Outside {
        value: String,
        axis: String,
        at: f64,
        low: f64,
        high: f64,
    },
    #[error("a heat map needs a field over two axes, and {0} {1}; draw it as a curve")]
    NotAField(String, String),
    #[error("{0} of iteration {1} is not as described: {2}")]
    Malformed(String, u64, String),
}

/// What a cut found in a record.
#[derive(Debug, PartialEq)]
pub enum Found<'a> {
    /// Nothing yet: the record lacks the value, or the run has not come to the coordinate.
    Nothing,
    Number {
        value: f64,
        place: Place<'a>,
    },
    Line(Line<'a>),
}

/// A value and the nodes at which its axes are fixed: name, coordinate, unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Place<'a> {
    pub value: &'a str,
    pub at: Vec<(&'a str, f64, Option<&'a str>)>,
}

/// Numbers along one axis.
#[derive(Debug, PartialEq)]
pub struct Line<'a> {
    pub axis: &'a str,
    pub points: &'a Axis,
    pub place: Place<'a>,
    data: &'a [f64],
    offset: usize,
    stride: usize,
    count: usize,
}

impl Line<'_> {
    pub fn first(&self) -> Option<f64> {
        coordinate(self.points, 0)
    }

    pub fn iter(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        (0..self.count).map(|i| {
            let x = coordinate(self.points, i).unwrap_or(f64::NAN);
            (
                x,
                self.data
                    .get(self.offset + i * self.stride)
                    .copied()
                    .unwrap_or(f64::NAN),
            )
        })
    }
}

/// Two axes of a field, the rest fixed in the middle.
#[derive(Debug, PartialEq)]
pub struct Sheet<'a> {
    pub rows: (&'a str, &'a Axis),
    pub columns: (&'a str, &'a Axis),
    pub place: Place<'a>,
    pub data: &'a [f64],
    pub row_stride: usize,
    pub column_stride: usize,
    pub offset: usize,
}

pub fn count(axis: &Axis) -> usize {
    match &axis.points {
        Points::Listed { values } => values.len(),
        Points::Even { count, .. } => *count,
    }
}

pub fn coordinate(axis: &Axis, index: usize) -> Option<f64> {
    match &axis.points {
        Points::Listed { values } => values.get(index).copied(),
        Points::Even { start, step, count } => (index < *count).then(|| start + step * index as f64),
    }
}

/// The first value of a record, as a view.
pub fn default_cut(record: &Record) -> Option<Cut> {
    record.values.first().map(|(value, _)| Cut {
        value: value.clone(),
        fixed: Vec::new(),
    })
}

/// Everything that a record holds, for an error: `E (over t, x), energy`.
fn what_there_is(record: &Record) -> String {
    let name = |(name, quantity): &(String, Quantity)| match quantity {
        Quantity::Scalar(_) => name.clone(),
        Quantity::Array(array) => format!("{name} (over {})", array.axes.join(", ")),
    };
    match record.values.iter().map(name).collect::<Vec<_>>() {
        names if names.is_empty() => "no values at all".to_owned(),
        names => names.join(", "),
    }
}

struct Field<'a> {
    name: &'a str,
    array: &'a Array,
    axes: Vec<(&'a str, &'a Axis)>,
    strides: Vec<usize>,
}

impl<'a> Field<'a> {
    fn new(name: &'a str, array: &'a Array, record: &'a Record) -> Result<Self, CutError> {
        let malformed = |reason: String| CutError::Malformed(name.to_owned(), record.iteration, reason);
        let mut axes = Vec::new();
        for wanted in &array.axes {
            let axis = record.axes.iter().find(|(axis, _)| axis == wanted);
            let (axis, points) =
                axis.ok_or_else(|| malformed(format!("its axis {wanted:?} is not described")))?;
            axes.push((axis.as_str(), points));
        }
        let mut strides = vec![1; axes.len()];
        let mut size = 1_usize;
        for (i, (_, axis)) in axes.iter().enumerate().rev() {
            strides[i] = size;
            size = size.saturating_mul(count(axis));
        }
        if size != array.data.len() || axes.is_empty() {
            return Err(malformed(format!(
                "{} numbers where its axes make {size}",
                array.data.len()
            )));
        }
        Ok(Self {
            name,
            array,
            axes,
            strides,
        })
    }
}

fn find<'a>(value: &str, record: &'a Record) -> Option<(&'a str, &'a Quantity)> {
    record
        .values
        .iter()
        .find(|(name, _)| name == value)
        .map(|(name, quantity)| (name.as_str(), quantity))
}

/// What `cut` means in this record. `first`: no earlier record had the value, so its absence is an error.
pub fn cut<'a>(cut: &Cut, record: &'a Record, first: bool) -> Result<Found<'a>, CutError> {
    let Some((name, quantity)) = find(&cut.value, record) else {
        return match first {
            true => Err(CutError::UnknownValue(cut.value.clone(), what_there_is(record))),
            false => Ok(Found::Nothing),
        };
    };
    let array = match quantity {
        Quantity::Array(array) => array,
        Quantity::Scalar(value) => {
            return match cut.fixed.first() {
                None => Ok(Found::Number {
                    value: *value,
                    place: Place {
                        value: name,
                        at: Vec::new(),
                    },
                }),
                Some(fix) => {
                    let axis = fix.axis.clone().unwrap_or_else(|| "last".to_owned());
                    Err(CutError::UnknownAxis(
                        name.to_owned(),
                        axis,
                        "none: it is a scalar".to_owned(),
                    ))
                }
            };
        }
    };
    let field = Field::new(name, array, record)?;
    // Without numbers, an axis may claim any length.
    if array.data.is_empty() {
        return Ok(Found::Nothing);
    }
    let mut nodes: Vec<Option<usize>> = vec![None; field.axes.len()];
    for fix in &cut.fixed {
        let axis = position(&field, fix)?;
        match node(&field, axis, fix)? {
            Some(index) => nodes[axis] = Some(index),
            None => return Ok(Found::Nothing),
        }
    }
    // One axis is drawn along: the first that is free. What else is free is cut in the middle.
    let free = nodes.iter().position(Option::is_none);
    for (axis, node) in nodes.iter_mut().enumerate() {
        if node.is_none() && Some(axis) != free {
            match count(field.axes[axis].1) {
                0 => return Ok(Found::Nothing),
                n => *node = Some(n / 2),
            }
        }
    }
    let offset = nodes
        .iter()
        .zip(&field.strides)
        .map(|(node, stride)| node.unwrap_or(0) * stride)
        .sum();
    let place = place(&field, &nodes);
    Ok(match free {
        None => match field.array.data.get(offset) {
            Some(value) => Found::Number { value: *value, place },
            None => Found::Nothing,
        },
        Some(axis) => Found::Line(Line {
            axis: field.axes[axis].0,
            points: field.axes[axis].1,
            place,
            data: &field.array.data,
            offset,
            stride: field.strides[axis],
            count: count(field.axes[axis].1),
        }),
    })
}

/// The sheet that a heat map of `value` shows.
pub fn sheet<'a>(value: &str, record: &'a Record, first: bool) -> Result<Option<Sheet<'a>>, CutError> {
    let (name, array) = match find(value, record) {
        None if first => return Err(CutError::UnknownValue(value.to_owned(), what_there_is(record))),
        None => return Ok(None),
        Some((name, Quantity::Scalar(_))) => {
            return Err(CutError::NotAField(name.to_owned(), "is a scalar".to_owned()));
        }
        Some((name, Quantity::Array(array))) => (name, array),
    };
    let field = Field::new(name, array, record)?;
    let [rows, columns, ..] = field.axes[..] else {
        return Err(CutError::NotAField(
            name.to_owned(),
            format!("has only the axis {}", array.axes.join(", ")),
        ));
    };
    let mut nodes = vec![None, None];
    nodes.extend(field.axes[2..].iter().map(|(_, axis)| Some(count(axis) / 2)));
    let offset = nodes
        .iter()
        .zip(&field.strides)
        .map(|(node, stride)| node.unwrap_or(0) * stride)
        .sum();
    Ok((!array.data.is_empty()).then(|| Sheet {
        rows,
        columns,
        place: place(&field, &nodes),
        data: &array.data,
        row_stride: field.strides[0],
        column_stride: field.strides[1],
        offset,
    }))
}

fn position(field: &Field<'_>, fix: &Fix) -> Result<usize, CutError> {
    match &fix.axis {
        None => Ok(0),
        Some(wanted) => field
            .axes
            .iter()
            .position(|(axis, _)| axis == wanted)
            .ok_or_else(|| {
                CutError::UnknownAxis(field.name.to_owned(), wanted.clone(), field.array.axes.join(", "))
            }),
    }
}

/// The node nearest to what is asked for.
fn node(field: &Field<'_>, axis: usize, fix: &Fix) -> Result<Option<usize>, CutError> {
    let (name, points) = field.axes[axis];
    let n = count(points);
    let Some(last) = n.checked_sub(1) else {
        return Ok(None);
    };
    let at = match fix.at {
        At::First => return Ok(Some(0)),
        At::Last => return Ok(Some(last)),
        At::Coordinate(at) => at,
    };
    let distance = |i: usize| coordinate(points, i).map_or(f64::INFINITY, |x| (x - at).abs());
    let nearest = match &points.points {
        Points::Even { start, step, .. } => (((at - start) / step).round().clamp(0.0, last as f64)) as usize,
        Points::Listed { .. } => (0..n)
            .min_by(|a, b| distance(*a).total_cmp(&distance(*b)))
            .unwrap_or(0),
    };
    let (a, b) = (
        coordinate(points, 0).unwrap_or(at),
        coordinate(points, last).unwrap_or(at),
    );
    let (low, high) = (a.min(b), a.max(b));
    // Half a step beyond the edges still is nearest to the edge, and the next window goes on there.
    let slack = if last > 0 {
        (high - low) / last as f64 * 0.5
    } else {
        high.abs().max(1.0) * 1e-9
    };
    if at >= low - slack && at <= high + slack {
        return Ok(Some(nearest));
    }
    // The slowest axis of a field usually is what advances from record to record: what lies ahead is waited for.
    // A window that went past it is no mistake either.
    if axis == 0 && field.axes.len() > 1 {
        return Ok(None);
    }
    Err(CutError::Outside {
        value: field.name.to_owned(),
        axis: name.to_owned(),
        at,
        low,
        high,
    })
}

fn place<'a>(field: &Field<'a>, nodes: &[Option<usize>]) -> Place<'a> {
    let at = |((name, axis), node): (&(&'a str, &'a Axis), &Option<usize>)| {
        Some((*name, coordinate(axis, (*node)?)?, axis.unit.as_deref()))
    };
    Place {
        value: field.name,
        at: field.axes.iter().zip(nodes).filter_map(at).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{View, What};

    fn words(place: &Place<'_>) -> String {
        let at =
            |(axis, x, unit): &(&str, f64, Option<&str>)| format!(" {axis}={x}{}", unit.unwrap_or_default());
        place.value.to_owned() + &place.at.iter().map(at).collect::<String>()
    }

    pub fn even(start: f64, step: f64, count: usize, unit: Option<&str>) -> Axis {
        Axis {
            unit: unit.map(str::to_owned),
            points: Points::Even { start, step, count },
        }
    }

    fn record() -> Record {
        let data = (0..4 * 3).map(f64::from).collect();
        Record {
            iteration: 1,
            total: None,
            axes: vec![
                ("t".to_owned(), even(0.0, 0.5, 4, Some("s"))),
                (
                    "x".to_owned(),
                    Axis {
                        unit: None,
                        points: Points::Listed {
                            values: vec![0.0, 0.6, 1.0],
                        },
                    },
                ),
            ],
            values: vec![
                (
                    "E".to_owned(),
                    Quantity::Array(Array {
                        axes: vec!["t".to_owned(), "x".to_owned()],
                        data,
                        unit: None,
                    }),
                ),
                ("energy".to_owned(), Quantity::Scalar(0.25)),
            ],
            state: None,
            pace: None,
        }
    }

    fn the_cut(text: &str) -> Cut {
        match text.parse::<View>().expect("a view").what {
            What::Curves(mut cuts) => cuts.remove(0),
            What::Heat(_) => unreachable!("the tests of cuts name curves"),
        }
    }

    fn shown(text: &str) -> String {
        match cut(&the_cut(text), &record(), true) {
            Ok(Found::Nothing) => "nothing".to_owned(),
            Ok(Found::Number { value, place }) => format!("{}: {value}", words(&place)),
            Ok(Found::Line(line)) => {
                let values: Vec<_> = line.iter().map(|(x, y)| format!("{x}:{y}")).collect();
                format!("{} over {}: {}", words(&line.place), line.axis, values.join(" "))
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn cuts_find_their_numbers() {
        for (text, found) in [
            ("E[x=0.6]", "E x=0.6 over t: 0:1 0.5:4 1:7 1.5:10"),
            ("E[x=0.65]", "E x=0.6 over t: 0:1 0.5:4 1:7 1.5:10"),
            ("E", "E x=0.6 over t: 0:1 0.5:4 1:7 1.5:10"),
            ("E[last]", "E t=1.5s over x: 0:9 0.6:10 1:11"),
            ("E[t=first]", "E t=0s over x: 0:0 0.6:1 1:2"),
            ("E[x=last,t=1]", "E t=1s x=1: 8"),
            ("E[t=7]", "nothing"),
            ("energy", "energy: 0.25"),
            ("e", "the run has no value \"e\"; it has E (over t, x), energy"),
            ("E[y=1]", "E has no axis \"y\"; it has t, x"),
            (
                "energy[x=1]",
                "energy has no axis \"x\"; it has none: it is a scalar",
            ),
            ("E[x=7]", "x = 7 lies outside of E: its axis x goes from 0 to 1"),
        ] {
            assert_eq!(shown(text), found, "{text}");
        }
    }

    #[test]
    fn a_record_that_lies_about_itself_is_refused() {
        let mut lying = record();
        lying.axes[0].1 = even(0.0, 0.5, usize::MAX, None);
        let error = cut(&the_cut("E"), &lying, true).expect_err("12 numbers");
        assert!(
            error
                .to_string()
                .starts_with("E of iteration 1 is not as described: 12 numbers"),
            "{error}"
        );
        lying.axes.clear();
        assert!(
            sheet("E", &lying, true)
                .expect_err("no axes")
                .to_string()
                .contains("\"t\" is not described")
        );
    }
}
