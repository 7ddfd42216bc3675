//! One curve: values over coordinates, with what a drawing asks again and again.

use super::{Abscissa, Column};

/// A growing curve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    pub name: String,
    xs: Abscissa,
    ys: Column,
    bounds: Option<(f64, f64)>,
    not_finite: u64,
    epoch: u64,
}

impl Curve {
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    pub fn len(&self) -> usize {
        self.ys.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn xs(&self) -> &Abscissa {
        &self.xs
    }

    pub fn ys(&self) -> &Column {
        &self.ys
    }

    /// The smallest and the largest finite value.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        self.bounds
    }

    /// NaN and infinities.
    pub fn not_finite(&self) -> u64 {
        self.not_finite
    }

    /// Changes whenever points that were there have changed; while it stays, the curve only grew.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    pub fn push(&mut self, x: f64, y: f64) {
        let rose = self.xs.rises();
        self.xs.push(x);
        self.ys.push(y);
        self.note(y);
        // From now on the points are counted: all of them stand elsewhere.
        if rose != self.xs.rises() {
            self.epoch += 1;
        }
    }

    pub fn truncate(&mut self, len: usize) {
        if len >= self.len() {
            return;
        }
        self.xs.truncate(len);
        self.ys.truncate(len);
        self.epoch += 1;
        (self.bounds, self.not_finite) = (None, 0);
        let ys = std::mem::take(&mut self.ys);
        ys.iter_from(0).for_each(|y| self.note(y));
        self.ys = ys;
    }

    fn note(&mut self, y: f64) {
        if !y.is_finite() {
            self.not_finite += 1;
            return;
        }
        self.bounds = match self.bounds {
            None => Some((y, y)),
            Some((min, max)) => Some((min.min(y), max.max(y))),
        };
    }
}
