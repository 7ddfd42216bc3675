//! The incident pulse g(t) = A Ai(S) exp(a S), zero up to t = 0.

use super::ai::ai_scaled;

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
        let s = match self.orientation {
            Orientation::FrontFirst => (self.arrival - t) / self.scale,
            Orientation::TailFirst => (t - self.arrival) / self.scale,
        };
        let ai = ai_scaled(s);
        ai.factor * libm::exp(self.decay * s - ai.exponent)
    }
}
