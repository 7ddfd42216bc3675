//! The incident pulse g(t) = A Ai(S) exp(a S), zero up to t = 0.

use std::array::from_fn;

use super::ai::{ai_far_left, ai_scaled};

/// A finite-energy Airy pulse that arrives at time `tc`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pulse {
    /// Amplitude A.
    pub amplitude: f64,
    /// Decay a of the pulse's tail.
    pub decay: f64,
    /// T, the unit of S.
    pub scale: f64,
    /// The time of S = 0.
    pub arrival: f64,
    /// Which end comes first.
    pub orientation: Orientation,
}

/// Which end of the pulse arrives first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orientation {
    /// S = (tc - t)/T: the steep front, then the oscillating tail.
    FrontFirst,
    /// S = (t - tc)/T.
    TailFirst,
}

impl Pulse {
    /// g(t).
    pub fn at(&self, t: f64) -> f64 {
        if t <= 0.0 {
            0.0
        } else {
            self.amplitude * self.shape(t)
        }
    }

    /// Ai(S) exp(a S), also before t = 0, where g is cut off.
    pub fn shape(&self, t: f64) -> f64 {
        let s = self.argument(t);
        let ai = ai_scaled(s);
        ai.factor * libm::exp(self.decay * s - ai.exponent)
    }

    /// S.
    fn argument(&self, t: f64) -> f64 {
        match self.orientation {
            Orientation::FrontFirst => (self.arrival - t) / self.scale,
            Orientation::TailFirst => (t - self.arrival) / self.scale,
        }
    }

    /// g at several times, the same numbers as one by one.
    fn at_each(&self, times: [f64; SIDE_BY_SIDE]) -> [f64; SIDE_BY_SIDE] {
        let s = times.map(|t| self.argument(t));
        match ai_far_left(s) {
            Some(ai) if times.iter().all(|t| *t > 0.0) => {
                from_fn(|i| self.amplitude * (ai[i] * libm::exp(self.decay * s[i])))
            }
            Some(_) | None => times.map(|t| self.at(t)),
        }
    }
}

/// How many values a processor computes side by side.
const SIDE_BY_SIDE: usize = 8;

/// The pulse row by row, computed some rows ahead: many values at once cost less than one after the other.
pub struct Rows {
    pulse: Pulse,
    h: f64,
    /// Which block of rows `ahead` holds.
    block: Option<u64>,
    ahead: [f64; SIDE_BY_SIDE],
}

impl Rows {
    pub fn new(pulse: Pulse, h: f64) -> Self {
        Self {
            pulse,
            h,
            block: None,
            ahead: [0.0; SIDE_BY_SIDE],
        }
    }

    /// g at t = row h.
    pub fn at(&mut self, row: u64) -> f64 {
        let (block, within) = (row / SIDE_BY_SIDE as u64, row % SIDE_BY_SIDE as u64);
        if self.block != Some(block) {
            let first = row - within;
            self.ahead = self
                .pulse
                .at_each(from_fn(|i| (first + i as u64) as f64 * self.h));
            self.block = Some(block);
        }
        self.ahead[within as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_ahead_are_the_rows_one_by_one() {
        for (orientation, arrival, scale) in [
            (Orientation::FrontFirst, 15.0, 1.0),
            (Orientation::TailFirst, 70.0, 0.7),
            (Orientation::FrontFirst, 0.0, 0.003),
        ] {
            let pulse = Pulse {
                amplitude: 1.5,
                decay: 0.05,
                scale,
                arrival,
                orientation,
            };
            let mut rows = Rows::new(pulse.clone(), 0.01);
            for row in (0..10_000).chain([3, 4, 9999]) {
                assert_eq!(
                    rows.at(row).to_bits(),
                    pulse.at(row as f64 * 0.01).to_bits(),
                    "row {row}"
                );
            }
        }
    }
}
