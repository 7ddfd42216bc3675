//! Where values lie in the picture.

use crate::paint::raster::{Point, Rect};
use crate::scale::Range;
use crate::series::Curve;

/// From coordinates and values to pixels within `area`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mapping {
    pub x: Range,
    pub y: Range,
    pub area: Rect,
    /// Points are counted; their coordinates are not used.
    pub ordinal: bool,
}

/// One axis as a multiplication, in halves so that the widest range does not overflow.
#[derive(Clone, Copy)]
pub struct Along {
    origin: f64,
    low: f64,
    factor: f64,
}

impl Along {
    fn new(range: Range, from: f64, to: f64) -> Self {
        let low = range.low / 2.0;
        Self {
            origin: from,
            low,
            factor: (to - from) / (range.high / 2.0 - low),
        }
    }

    pub fn at(&self, v: f64) -> f32 {
        (self.origin + (v / 2.0 - self.low) * self.factor) as f32
    }
}

impl Mapping {
    pub fn across(&self) -> Along {
        Along::new(self.x, f64::from(self.area.left), f64::from(self.area.right))
    }

    pub fn up(&self) -> Along {
        Along::new(self.y, f64::from(self.area.bottom), f64::from(self.area.top))
    }

    /// Points of a curve from `index` on; `None` where there is no finite value.
    pub fn points<'a>(&self, curve: &'a Curve, index: usize) -> impl Iterator<Item = Option<Point>> + 'a {
        let (across, up, ordinal) = (self.across(), self.up(), self.ordinal);
        let xs = curve.xs().iter_from(index);
        xs.zip(curve.ys().iter_from(index))
            .enumerate()
            .map(move |(i, (x, y))| {
                let x = if ordinal { (index + i + 1) as f64 } else { x };
                y.is_finite().then(|| (across.at(x), up.at(y)))
            })
    }

    /// The first point of a curve at or right of a pixel column's left edge.
    pub fn index_at(&self, curve: &Curve, column: i32) -> usize {
        if column >= self.area.width() {
            return curve.len();
        }
        if column <= 0 {
            return 0;
        }
        let share = f64::from(column) / f64::from(self.area.width());
        let x = (self.x.low / 2.0 * (1.0 - share) + self.x.high / 2.0 * share) * 2.0;
        match self.ordinal {
            true => ((x - 1.0).ceil().max(0.0) as usize).min(curve.len()),
            false => curve.xs().index_at(x),
        }
    }

    /// The pixel column in which a point of a curve is drawn.
    pub fn column_of(&self, curve: &Curve, index: usize) -> i32 {
        let x = if self.ordinal {
            Some((index + 1) as f64)
        } else {
            curve.xs().get(index)
        };
        let column = x.map_or(0, |x| {
            (self.across().at(x) - self.area.left as f32).floor() as i32
        });
        column.clamp(0, (self.area.width() - 1).max(0))
    }
}
