//! Numbers in the log's JSON: f64 exactly, and one spelling for what JSON cannot say:
//! the texts `"NaN"`, `"Infinity"` and `"-Infinity"`.

use std::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One number as the log writes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(pub f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        if self.0.is_finite() {
            s.serialize_f64(self.0)
        } else {
            s.serialize_str(spelling(self.0))
        }
    }
}

fn spelling(x: f64) -> &'static str {
    if x.is_nan() {
        "NaN"
    } else if x > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// The number that a text of the log means.
pub(crate) fn of_spelling(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(NumberVisitor).map(Self)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = f64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
    }

    fn visit_f64<E: de::Error>(self, x: f64) -> Result<f64, E> {
        Ok(x)
    }

    fn visit_i64<E: de::Error>(self, x: i64) -> Result<f64, E> {
        Ok(x as f64)
    }

    fn visit_u64<E: de::Error>(self, x: u64) -> Result<f64, E> {
        Ok(x as f64)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<f64, E> {
        of_spelling(text).ok_or_else(|| not_a_number(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<f64, A::Error> {
        Err(de::Error::custom(
            "a list stands where a number should; numbers are written flat, the last axis fastest",
        ))
    }
}

/// A whole number, 0 or more; also written as `12.0` or `1e+05`, as R does.
pub(crate) struct Whole(pub u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(WholeVisitor).map(Self)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number, 0 or more")
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<u64, E> {
        Ok(n)
    }

    fn visit_f64<E: de::Error>(self, x: f64) -> Result<u64, E> {
        let whole = x.fract() == 0.0 && (0.0..=u64::MAX as f64).contains(&x);
        if whole {
            Ok(x as u64)
        } else {
            Err(E::invalid_value(de::Unexpected::Float(x), &self))
        }
    }
}

/// Numbers in quotes are what numpy scalars become by `json.dumps(..., default=str)`.
pub(crate) fn not_a_number<E: de::Error>(text: &str) -> E {
    let shown: String = text.chars().take(40).collect();
    let hint = if text.trim().parse::<f64>().is_ok() {
        "; write it without quotes, e.g. float(x) in Python"
    } else {
        ""
    };
    E::custom(format!("{shown:?} is a text, not a number{hint}"))
}

/// A flat row of numbers.
pub(crate) mod many {
    use super::*;

    pub fn serialize<S: Serializer>(numbers: &[f64], s: S) -> Result<S::Ok, S::Error> {
        let mut seq = s.serialize_seq(Some(numbers.len()))?;
        for x in numbers {
            seq.serialize_element(&Number(*x))?;
        }
        seq.end()
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<f64>, D::Error> {
        d.deserialize_seq(ManyVisitor)
    }

    struct ManyVisitor;

    impl<'de> Visitor<'de> for ManyVisitor {
        type Value = Vec<f64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a flat list of numbers")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<f64>, A::Error> {
            let mut numbers = Vec::new();
            while let Some(Number(x)) = seq.next_element()? {
                numbers.push(x);
            }
            Ok(numbers)
        }
    }

    /// For use where a type is asked for.
    pub struct Flat(pub Vec<f64>);

    impl<'de> Deserialize<'de> for Flat {
        fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
            deserialize(d).map(Flat)
        }
    }
}
