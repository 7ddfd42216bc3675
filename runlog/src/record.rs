//! What one iteration says: self-describing JSON (docs/records.md).

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

use crate::Parameters;
use crate::named;
use crate::number::{Number, Whole, many, not_a_number, of_spelling};

/// One iteration's result, or one numbered part of it.
///
/// `{"iteration":12,"total":101,"axes":{"t":{"start":11,"step":0.01,"count":100,"unit":"L/v"},
///   "x":{"values":[0,0.5,1]}},"values":{"E":{"axes":["t","x"],"data":[...]},"energy":0.3},"state":"..."}`
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct Record {
    /// Counted from 1.
    pub iteration: u64,
    /// How many iterations the run will have, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty", with = "named::axes")]
    pub axes: Vec<(String, Axis)>,
    #[serde(with = "named::values")]
    pub values: Vec<(String, Quantity)>,
    /// Opaque to everybody but the solver: what it needs to go on after this iteration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Seconds that the solver was slowed down on purpose after each iteration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pace: Option<f64>,
}

/// An axis of an array: its coordinates, one by one or evenly spaced.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub unit: Option<String>,
    pub points: Points,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Points {
    Listed { values: Vec<f64> },
    Even { start: f64, step: f64, count: usize },
}

impl Points {
    pub fn len(&self) -> usize {
        match self {
            Self::Listed { values } => values.len(),
            Self::Even { count, .. } => *count,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The coordinate of node `i`.
    pub fn at(&self, i: usize) -> Option<f64> {
        match self {
            Self::Listed { values } => values.get(i).copied(),
            Self::Even { start, step, count } => (i < *count).then(|| start + step * i as f64),
        }
    }

    /// The node nearest to a coordinate, and its own coordinate.
    pub fn nearest(&self, wanted: f64) -> Option<(usize, f64)> {
        match self {
            Self::Listed { values } => (0..values.len())
                .map(|i| (i, values[i]))
                .filter(|(_, x)| !x.is_nan())
                .min_by(|a, b| (a.1 - wanted).abs().total_cmp(&(b.1 - wanted).abs())),
            Self::Even { start, step, count } => {
                let last = count.checked_sub(1)?;
                // A float that is too large, too small or NaN saturates in `as`.
                let guess = if *step == 0.0 {
                    0
                } else {
                    ((wanted - start) / step).round() as usize
                };
                let i = guess.min(last);
                self.at(i).map(|x| (i, x))
            }
        }
    }
}

/// A named value: a scalar or an array over named axes.
#[derive(Clone, Debug, PartialEq)]
pub enum Quantity {
    Scalar(f64),
    Array(Array),
}

/// Row-major: the last axis runs fastest. `data.len()` is the product of the axes' counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    pub axes: Vec<String>,
    pub data: Vec<f64>,
    pub unit: Option<String>,
}

/// The first message of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Marker {
    /// 1, 2, ...
    pub attempt: u32,
    /// The first iteration that this attempt computes; what earlier attempts wrote at it and later is void.
    pub from: u64,
    pub solver: String,
    pub version: String,
    pub parameters: Parameters,
    pub host: String,
}

/// How an attempt ended, when its solver ended by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The last iteration; 0 when there was none.
    pub iterations: u64,
    pub finished: bool,
}

/// Lines of the solver that were meant as records and are none. Never part of the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Complaint {
    /// How many so far in this attempt.
    pub rejected: u64,
    /// What was wrong with the newest.
    pub reason: String,
}

impl Record {
    /// Reads a record or a part of one; the error names the field and the reason.
    /// [`Record::validate`] is for whole records, this is for both.
    pub fn parse(json: &[u8]) -> Result<Self, RecordError> {
        let record: Self = serde_json::from_slice(json).map_err(|e| RecordError(e.to_string()))?;
        record.check_names()?;
        Ok(record)
    }

    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record's keys are texts, so it is always JSON")
    }

    pub fn axis(&self, name: &str) -> Option<&Axis> {
        self.axes.iter().find(|(n, _)| n == name).map(|(_, axis)| axis)
    }

    pub fn value(&self, name: &str) -> Option<&Quantity> {
        self.values
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value)
    }
}

/// What is wrong with a record: the field and the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RecordError(pub String);

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Scalar(x) => Number(*x).serialize(s),
            Self::Array(array) => array.serialize(s),
        }
    }
}

impl Serialize for Array {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        if let Some(unit) = &self.unit {
            map.serialize_entry("unit", unit)?;
        }
        map.serialize_entry("axes", &self.axes)?;
        map.serialize_entry("data", &ManyRef(&self.data))?;
        map.end()
    }
}

impl Serialize for Axis {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        if let Some(unit) = &self.unit {
            map.serialize_entry("unit", unit)?;
        }
        match &self.points {
            Points::Listed { values } => map.serialize_entry("values", &ManyRef(values))?,
            Points::Even { start, step, count } => {
                map.serialize_entry("start", &Number(*start))?;
                map.serialize_entry("step", &Number(*step))?;
                map.serialize_entry("count", count)?;
            }
        }
        map.end()
    }
}

struct ManyRef<'a>(&'a [f64]);

impl Serialize for ManyRef<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        many::serialize(self.0, s)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(RecordVisitor)
    }
}

/// By hand, so that each error names its field.
struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record: {\"iteration\":1,\"values\":{...}}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut iteration = None;
        let mut record = Record::default();
        while let Some(field) = map.next_key::<String>()? {
            let told = |e: A::Error| de::Error::custom(format!("{field}: {e}"));
            match field.as_str() {
                "iteration" => iteration = Some(map.next_value::<Whole>().map_err(told)?.0),
                "total" => {
                    record.total = map
                        .next_value::<Option<Whole>>()
                        .map_err(told)?
                        .map(|total| total.0)
                }
                // These name themselves.
                "axes" => record.axes = map.next_value::<named::Axes<Axis>>()?.0,
                "values" => record.values = map.next_value::<named::Values<Quantity>>()?.0,
                "state" => record.state = map.next_value().map_err(told)?,
                "pace" => record.pace = map.next_value().map_err(told)?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        record.iteration = iteration.ok_or_else(|| de::Error::missing_field("iteration"))?;
        Ok(record)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(QuantityVisitor)
    }
}

struct QuantityVisitor;

impl<'de> Visitor<'de> for QuantityVisitor {
    type Value = Quantity;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"Infinity\", \"-Infinity\" or {\"axes\":[...],\"data\":[...]}")
    }

    fn visit_f64<E: de::Error>(self, x: f64) -> Result<Quantity, E> {
        Ok(Quantity::Scalar(x))
    }

    fn visit_i64<E: de::Error>(self, x: i64) -> Result<Quantity, E> {
        Ok(Quantity::Scalar(x as f64))
    }

    fn visit_u64<E: de::Error>(self, x: u64) -> Result<Quantity, E> {
        Ok(Quantity::Scalar(x as f64))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
        of_spelling(text)
            .map(Quantity::Scalar)
            .ok_or_else(|| not_a_number(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Quantity, A::Error> {
        let (mut axes, mut data, mut unit) = (None, None, None);
        while let Some(field) = map.next_key::<String>()? {
            match field.as_str() {
                "axes" => axes = Some(map.next_value::<Vec<String>>()?),
                "data" => data = Some(map.next_value::<many::Flat>()?.0),
                "unit" => unit = map.next_value::<Option<String>>()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(Quantity::Array(Array {
            axes: axes.ok_or_else(|| de::Error::missing_field("axes"))?,
            data: data.ok_or_else(|| de::Error::missing_field("data"))?,
            unit,
        }))
    }
}

impl<'de> Deserialize<'de> for Axis {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_map(AxisVisitor)
    }
}

struct AxisVisitor;

impl<'de> Visitor<'de> for AxisVisitor {
    type Value = Axis;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an axis: {\"values\":[...]} or {\"start\":0,\"step\":0.1,\"count\":10}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Axis, A::Error> {
        let (mut values, mut start, mut step, mut count, mut unit) = (None, None, None, None, None);
        while let Some(field) = map.next_key::<String>()? {
            match field.as_str() {
                "values" => values = Some(map.next_value::<many::Flat>()?.0),
                "start" => start = Some(map.next_value::<Number>()?.0),
                "step" => step = Some(map.next_value::<Number>()?.0),
                "count" => count = Some(map.next_value::<Whole>()?.0),
                "unit" => unit = map.next_value::<Option<String>>()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let points = match (values, start, step, count) {
            (Some(values), None, None, None) => Points::Listed { values },
            (None, Some(start), Some(step), Some(count)) => {
                let count = usize::try_from(count).map_err(|_| de::Error::custom("count is too large"))?;
                Points::Even { start, step, count }
            }
            (Some(_), ..) => {
                return Err(de::Error::custom(
                    "an axis has either values, or start, step and count",
                ));
            }
            (None, ..) => {
                return Err(de::Error::custom(
                    "an axis needs values, or start, step and count",
                ));
            }
        };
        Ok(Axis { unit, points })
    }
}
