//! Sums that do not depend on the order of their terms: everything is counted in whole numbers.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Payoffs are counted in units of 2^-40, far below their statistical error.
const UNITS: f64 = (1_u64 << 40) as f64;

/// Squares are counted in units of 2^-10: they only make the error bar.
const SQUARE_UNITS: f64 = 1024.0;

/// What was counted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    samples: u64,
    inside: u64,
    #[serde(with = "text")]
    payoff: u128,
    #[serde(with = "text")]
    payoff_square: u128,
}

/// An estimate with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate itself.
    pub mean: f64,
    /// How far off it may easily be.
    pub standard_error: f64,
}

impl Tally {
    /// Counts one sample.
    pub(super) fn add(&mut self, inside: bool, payoff: f64) {
        self.samples += 1;
        self.inside += u64::from(inside);
        // A float that is too large saturates in `as`, and so do the sums.
        self.payoff = self.payoff.saturating_add((payoff * UNITS) as u128);
        self.payoff_square = self
            .payoff_square
            .saturating_add((payoff * payoff * SQUARE_UNITS) as u128);
    }

    /// Adds what somebody else counted.
    pub fn merge(&mut self, other: &Self) {
        self.samples += other.samples;
        self.inside += other.inside;
        self.payoff = self.payoff.saturating_add(other.payoff);
        self.payoff_square = self.payoff_square.saturating_add(other.payoff_square);
    }

    /// How many samples were counted.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// pi from the part of the points that fell inside the circle.
    pub fn pi(&self) -> Estimate {
        let part = self.inside as f64 / self.samples as f64;
        Estimate {
            mean: 4.0 * part,
            standard_error: 4.0 * (part * (1.0 - part) / self.samples as f64).sqrt(),
        }
    }

    /// The option's price.
    pub fn price(&self) -> Estimate {
        let samples = self.samples as f64;
        let mean = self.payoff as f64 / UNITS / samples;
        let variance = (self.payoff_square as f64 / SQUARE_UNITS / samples - mean * mean).max(0.0);
        Estimate {
            mean,
            standard_error: (variance / samples).sqrt(),
        }
    }
}

/// Not every JSON reader keeps 128 bits of a number, so they are written as text.
mod text {
    use super::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(number: &u128, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<u128, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}
