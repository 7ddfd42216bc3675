//! A field over two axes, row by row, thinned when it grows beyond what a picture can show.

use kymo_runlog::Axis;
use kymo_runlog::view::{Sheet, coordinate, count};

use super::Abscissa;
use super::marks::Marks;

/// Cells that are kept: four megabytes times four, more than the pixels of ten pictures.
const MOST_CELLS: usize = 1 << 22;

/// The rows of a field as they came. `f32` is finer than any colour scale.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HeatMap {
    cells: Vec<f32>,
    width: usize,
    /// Rows that were put together into one.
    thinning: usize,
    /// Rows as the run made them.
    rows: usize,
    row_at: Abscissa,
    columns: Vec<f64>,
    bounds: Option<(f64, f64)>,
    not_finite: u64,
    last: Option<f64>,
    marks: Marks,
    epoch: u64,
}

impl HeatMap {
    /// Kept rows and their width.
    pub fn size(&self) -> (usize, usize) {
        (self.cells.len().checked_div(self.width).unwrap_or(0), self.width)
    }

    pub fn row(&self, row: usize) -> &[f32] {
        self.cells
            .get(row * self.width..(row + 1) * self.width)
            .unwrap_or_default()
    }

    /// Numbers that came, thinned or not.
    pub fn points(&self) -> u64 {
        self.rows as u64 * self.width as u64
    }

    /// First and last coordinate of the rows.
    pub fn row_range(&self) -> Option<(f64, f64)> {
        Some((self.row_at.get(0)?, self.row_at.last()?))
    }

    pub fn column_range(&self) -> Option<(f64, f64)> {
        Some((*self.columns.first()?, *self.columns.last()?))
    }

    pub fn bounds(&self) -> Option<(f64, f64)> {
        self.bounds
    }

    pub fn not_finite(&self) -> u64 {
        self.not_finite
    }

    /// The value in the middle of the newest row.
    pub fn last(&self) -> Option<f64> {
        self.last
    }

    pub fn rises(&self) -> bool {
        self.row_at.rises()
    }

    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Appends a record's rows. A sheet that does not begin beyond the last row replaces the map.
    pub fn push(&mut self, iteration: u64, sheet: &Sheet<'_>) {
        let (rows, width) = (count(sheet.rows.1), count(sheet.columns.1));
        let first = coordinate(sheet.rows.1, 0).unwrap_or(f64::NAN);
        let goes_on = self
            .row_at
            .get(self.rows.wrapping_sub(1))
            .is_some_and(|last| first > last);
        if !goes_on || self.columns != axis(sheet.columns.1) {
            *self = Self {
                epoch: self.epoch + 1,
                width,
                thinning: 1,
                columns: axis(sheet.columns.1),
                ..Self::default()
            };
        }
        self.marks.push(iteration, self.rows, rows);
        for row in 0..rows {
            self.row_at
                .push(coordinate(sheet.rows.1, row).unwrap_or(f64::NAN));
            let start = sheet.offset + row * sheet.row_stride;
            let value = |column: usize| sheet.data.get(start + column * sheet.column_stride).copied();
            let opens = self.rows.is_multiple_of(self.thinning);
            for column in 0..width {
                let value = value(column).unwrap_or(f64::NAN);
                self.note(value);
                let value = value as f32;
                match self.cells.len().checked_sub(width - column) {
                    Some(kept) if !opens => self.cells[kept] = stronger(self.cells[kept], value),
                    _ => self.cells.push(value),
                }
            }
            self.last = value(width / 2);
            self.rows += 1;
            self.thin();
        }
    }

    /// Forgets iterations `from` and later. A thinned row that reaches across the cut stays until it is filled again.
    pub fn forget(&mut self, from: u64) {
        let Some(rows) = self.marks.cut(from) else { return };
        self.cells
            .truncate(rows.div_ceil(self.thinning.max(1)) * self.width);
        self.row_at.truncate(rows);
        self.rows = rows;
        self.epoch += 1;
        (self.bounds, self.not_finite) = (None, 0);
        let cells = std::mem::take(&mut self.cells);
        cells.iter().for_each(|cell| self.note(f64::from(*cell)));
        let newest = cells.len().checked_sub(self.width - self.width / 2);
        self.last = newest.and_then(|i| cells.get(i)).map(|cell| f64::from(*cell));
        self.cells = cells;
    }

    fn note(&mut self, value: f64) {
        // Beyond f32 a colour has nothing to say.
        if !(value as f32).is_finite() {
            self.not_finite += 1;
            return;
        }
        self.bounds = match self.bounds {
            None => Some((value, value)),
            Some((min, max)) => Some((min.min(value), max.max(value))),
        };
    }

    fn thin(&mut self) {
        while self.cells.len() > MOST_CELLS && self.cells.len() > self.width {
            let (rows, width) = self.size();
            for row in 0..rows.div_ceil(2) {
                for column in 0..width {
                    let upper = self.cells[2 * row * width + column];
                    let lower = self
                        .cells
                        .get((2 * row + 1) * width + column)
                        .copied()
                        .unwrap_or(upper);
                    self.cells[row * width + column] = stronger(upper, lower);
                }
            }
            self.cells.truncate(rows.div_ceil(2) * width);
            self.cells.shrink_to(MOST_CELLS + width);
            self.thinning *= 2;
            self.epoch += 1;
        }
    }
}

/// Of two values in one cell the one that stands out is shown.
fn stronger(a: f32, b: f32) -> f32 {
    match (a.is_nan(), b.is_nan()) {
        (true, _) => b,
        (_, true) => a,
        (false, false) => {
            if b.abs() > a.abs() {
                b
            } else {
                a
            }
        }
    }
}

fn axis(axis: &Axis) -> Vec<f64> {
    (0..count(axis)).filter_map(|i| coordinate(axis, i)).collect()
}
