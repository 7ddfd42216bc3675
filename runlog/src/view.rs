//! Views: what of a run people want to look at, as they write it, and which numbers of a record that is.
//! How it is drawn is the graph worker's business.

mod grammar;
mod slice;

pub use grammar::{At, Cut, Fix, MOST_CURVES, View, ViewSyntax, What};
pub use slice::{CutError, Found, Line, Place, Sheet, coordinate, count, cut, default_cut, sheet};

use crate::Record;

impl View {
    /// Whether a run whose first record this is can be drawn so.
    pub fn check(&self, record: &Record) -> Result<(), CutError> {
        match &self.what {
            What::Curves(cuts) => cuts.iter().try_for_each(|it| cut(it, record, true).map(drop)),
            What::Heat(value) => sheet(value, record, true).map(drop),
        }
    }
}
