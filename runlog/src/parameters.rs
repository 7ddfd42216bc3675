//! A run's parameters: canonical order, canonical numbers, so that equal parameters are equal bytes.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One value. Integers and reals that are equal numbers are the same text.
#[derive(Clone, Debug)]
pub enum Value {
    Flag(bool),
    Number(f64),
    Text(String),
}

impl Value {
    /// A value written without quotes: `true` and `false` are flags, what reads as a finite
    /// number is one, everything else is text.
    pub fn of_text(text: &str) -> Self {
        match text {
            "true" => Self::Flag(true),
            "false" => Self::Flag(false),
            _ => match text.parse::<f64>() {
                // Rust also reads "inf", "nan" and "infinity"; those stay text.
                Ok(x)
                    if x.is_finite()
                        && text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) =>
                {
                    Self::Number(x)
                }
                Ok(_) | Err(_) => Self::Text(text.to_owned()),
            },
        }
    }

    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(x) => Some(*x),
            Self::Flag(_) | Self::Text(_) => None,
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Flag(_) | Self::Number(_) => None,
        }
    }

    pub fn as_flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Number(_) | Self::Text(_) => None,
        }
    }
}

/// Values are equal when their canonical texts and kinds are: -0 is 0.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Flag(a), Self::Flag(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b || (a.is_nan() && b.is_nan()),
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Flag(_) | Self::Number(_) | Self::Text(_), _) => false,
        }
    }
}

impl From<f64> for Value {
    fn from(x: f64) -> Self {
        Self::Number(x)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(b) => write!(f, "{b}"),
            Self::Number(x) => f.write_str(&canonical(*x)),
            Self::Text(s) => f.write_str(s),
        }
    }
}

/// The one spelling of a number: the shortest that reads back to the same f64, without exponent
/// between 1e-5 and 1e16.
pub fn canonical(x: f64) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    // Adding 0 turns -0 into 0.
    let x = x + 0.0;
    let size = x.abs();
    if size == 0.0 || (1e-5..1e16).contains(&size) {
        format!("{x}")
    } else {
        format!("{x:e}")
    }
}

/// Whole numbers up to here are written without a fraction in JSON; every f64 there is exact.
const WHOLE: f64 = 9_007_199_254_740_992.0;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => s.serialize_bool(*flag),
            Self::Number(x) if !x.is_finite() => s.serialize_str(&canonical(*x)),
            Self::Number(x) if x.fract() == 0.0 && x.abs() < WHOLE => s.serialize_i64(*x as i64),
            Self::Number(x) => s.serialize_f64(*x),
            Self::Text(text) => s.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a text, true or false")
    }

    fn visit_bool<E: de::Error>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Flag(flag))
    }

    fn visit_i64<E: de::Error>(self, whole: i64) -> Result<Value, E> {
        let x = whole as f64;
        if x as i128 == i128::from(whole) {
            Ok(Value::Number(x))
        } else {
            Err(too_exact(whole))
        }
    }

    fn visit_u64<E: de::Error>(self, whole: u64) -> Result<Value, E> {
        let x = whole as f64;
        if x as i128 == i128::from(whole) {
            Ok(Value::Number(x))
        } else {
            Err(too_exact(whole))
        }
    }

    fn visit_f64<E: de::Error>(self, x: f64) -> Result<Value, E> {
        Ok(Value::Number(x))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }
}

fn too_exact<E: de::Error>(whole: impl fmt::Display) -> E {
    E::custom(format!(
        "{whole} does not fit a 64-bit float exactly; write it in quotes, as a text"
    ))
}

/// Name -> value in canonical (alphabetical) order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Parameters(pub BTreeMap<String, Value>);

impl Parameters {
    /// Canonical JSON: what the header `kymo-parameters` carries.
    pub fn to_json(&self) -> String {
        serde_json::to_string(&self.0).expect("a map of plain values is always JSON")
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }
}

impl<K: Into<String>, V: Into<Value>> FromIterator<(K, V)> for Parameters {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self(
            entries
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}
