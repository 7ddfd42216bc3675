//! What one iteration says: self-describing JSON (docs/records.md).

use serde::{Deserialize, Serialize};

use crate::Parameters;

/// One iteration's result, or one numbered part of it.
///
/// `{"iteration":12,"total":101,"axes":{"t":{"start":11,"step":0.01,"count":100,"unit":"L/v"},
///   "x":{"values":[0,0.5,1]}},"values":{"E":{"axes":["t","x"],"data":[...]},"energy":0.3},"state":"..."}`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counted from 1.
    pub iteration: u64,
    /// How many iterations the run will have, if known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub total: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty", default, with = "named")]
    pub axes: Vec<(String, Axis)>,
    #[serde(with = "named")]
    pub values: Vec<(String, Quantity)>,
    /// Opaque to everybody but the solver: what it needs to go on after this iteration.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<String>,
    /// Seconds that the solver was slowed down on purpose after each iteration.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pace: Option<f64>,
}

/// An axis of an array: its coordinates, one by one or evenly spaced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unit: Option<String>,
    #[serde(flatten)]
    pub points: Points,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Points {
    Listed { values: Vec<f64> },
    Even { start: f64, step: f64, count: usize },
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

/// Maps with named entries in a kept order.
pub(crate) mod named {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<T: Serialize, S: Serializer>(entries: &[(String, T)], s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(entries.iter().map(|(name, value)| (name, value)))
    }

    pub fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(_d: D) -> Result<Vec<(String, T)>, D::Error> {
        unimplemented!("runlog helper")
    }
}

impl Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, _s: S) -> Result<S::Ok, S::Error> {
        unimplemented!("runlog helper")
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(_d: D) -> Result<Self, D::Error> {
        unimplemented!("runlog helper")
    }
}
