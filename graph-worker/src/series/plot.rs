//! What a view shows of the records so far.

use kymo_runlog::Record;
use kymo_runlog::view::{self, Cut, CutError, Found, Line, Place, View, What};

use super::marks::Marks;
use super::{Curve, HeatMap};
use crate::number;

/// What scalars are drawn over.
pub const ITERATION: &str = "iteration";

/// An axis as it is written beside its numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AxisName {
    pub name: String,
    pub unit: Option<String>,
}

/// The numbers of a view.
#[derive(Clone, Debug, PartialEq)]
pub enum Plot {
    Curves(Curves),
    Heat {
        value: String,
        label: String,
        rows: AxisName,
        columns: AxisName,
        map: HeatMap,
    },
}

/// Curves over one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    pub curves: Vec<Curve>,
    pub label: String,
    pub axis: AxisName,
    /// The axis goes on with every record. If not, each record brings the whole curve.
    pub grows: bool,
    cuts: Vec<Cut>,
    marks: Vec<Marks>,
    labels: Vec<String>,
}

impl Plot {
    pub fn new(what: &What) -> Self {
        match what {
            What::Curves(cuts) => Self::Curves(Curves {
                curves: cuts.iter().map(|cut| Curve::named(cut.to_string())).collect(),
                label: String::new(),
                axis: AxisName {
                    name: ITERATION.to_owned(),
                    unit: None,
                },
                grows: true,
                marks: vec![Marks::default(); cuts.len()],
                labels: vec![String::new(); cuts.len()],
                cuts: cuts.clone(),
            }),
            What::Heat(value) => Self::Heat {
                value: value.clone(),
                label: value.clone(),
                rows: AxisName::default(),
                columns: AxisName::default(),
                map: HeatMap::default(),
            },
        }
    }

    /// The view that a run is drawn with when nobody chose one.
    pub fn default_view(record: &Record) -> Option<View> {
        let cut = view::default_cut(record)?;
        Some(View {
            what: What::Curves(vec![cut]),
            ordinal: false,
        })
    }

    /// Takes a record in. `first`: it is the run's first, so what it lacks is a mistake of the view.
    pub fn push(&mut self, record: &Record, first: bool) -> Result<(), CutError> {
        match self {
            Self::Curves(curves) => curves.push(record, first),
            Self::Heat {
                value,
                label,
                rows,
                columns,
                map,
            } => {
                if let Some(sheet) = view::sheet(value, record, first)? {
                    *label = words(&sheet.place);
                    *rows = axis_name(sheet.rows.0, &sheet.rows.1.unit);
                    *columns = axis_name(sheet.columns.0, &sheet.columns.1.unit);
                    map.push(record.iteration, &sheet);
                }
                Ok(())
            }
        }
    }

    /// Forgets iterations `from` and later.
    pub fn forget(&mut self, from: u64) {
        match self {
            Self::Curves(curves) => curves.forget(from),
            Self::Heat { map, .. } => map.forget(from),
        }
    }

    /// Numbers drawn.
    pub fn points(&self) -> u64 {
        match self {
            Self::Curves(curves) => curves.curves.iter().map(|curve| curve.len() as u64).sum(),
            Self::Heat { map, .. } => map.points(),
        }
    }

    pub fn not_finite(&self) -> u64 {
        match self {
            Self::Curves(curves) => curves.curves.iter().map(Curve::not_finite).sum(),
            Self::Heat { map, .. } => map.not_finite(),
        }
    }

    /// The newest value of the (first) curve.
    pub fn last(&self) -> Option<f64> {
        match self {
            Self::Curves(curves) => curves.curves.first()?.ys().last(),
            Self::Heat { map, .. } => map.last(),
        }
    }

    pub fn label(&self) -> &str {
        match self {
            Self::Curves(curves) => &curves.label,
            Self::Heat { label, .. } => label,
        }
    }
}

impl Curves {
    fn push(&mut self, record: &Record, first: bool) -> Result<(), CutError> {
        // All or nothing: a record that one curve cannot read changes none.
        let found = self
            .cuts
            .iter()
            .map(|cut| view::cut(cut, record, first))
            .collect::<Result<Vec<_>, _>>()?;
        for (i, found) in found.into_iter().enumerate() {
            match found {
                Found::Nothing => {}
                Found::Number { value, place } => {
                    let curve = &mut self.curves[i];
                    self.marks[i].push(record.iteration, curve.len(), 1);
                    curve.push(record.iteration as f64, value);
                    self.labels[i] = words(&place);
                }
                Found::Line(line) => self.push_line(i, record.iteration, &line),
            }
        }
        self.label = self
            .labels
            .iter()
            .filter(|label| !label.is_empty())
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        Ok(())
    }

    fn push_line(&mut self, i: usize, iteration: u64, line: &Line<'_>) {
        let (curve, marks) = (&mut self.curves[i], &mut self.marks[i]);
        // A line that begins further on is the next window. Anything else is the same line, newer.
        let begins = line.first().unwrap_or(f64::NAN);
        let window = curve.xs().get(curve.len().wrapping_sub(marks.last_growth()));
        let goes_on = window.is_some_and(|window| begins > window);
        if !goes_on {
            self.grows = curve.is_empty();
            curve.truncate(0);
            marks.clear();
        }
        let before = curve.len();
        let edge = curve.xs().last().unwrap_or(f64::NEG_INFINITY);
        // Windows may share their edge; what was there first stays.
        for (x, y) in line.iter().filter(|(x, _)| !goes_on || *x > edge || x.is_nan()) {
            curve.push(x, y);
        }
        marks.push(iteration, before, curve.len() - before);
        self.axis = axis_name(line.axis, &line.points.unit);
        self.labels[i] = words(&line.place);
    }

    fn forget(&mut self, from: u64) {
        for (curve, marks) in self.curves.iter_mut().zip(&mut self.marks) {
            if let Some(len) = marks.cut(from) {
                curve.truncate(len);
            }
        }
    }
}

/// `E at x = 0.6 L`.
fn words(place: &Place<'_>) -> String {
    let mut words = place.value.to_owned();
    let mut word = " at ";
    for (name, at, unit) in &place.at {
        words.push_str(&format!("{word}{name} = {}", number::number(*at, 0.0)));
        if let Some(unit) = unit {
            words.push_str(&format!(" {unit}"));
        }
        word = ", ";
    }
    words
}

fn axis_name(name: &str, unit: &Option<String>) -> AxisName {
    AxisName {
        name: name.to_owned(),
        unit: unit.clone().filter(|unit| !unit.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_words() {
        let place = Place {
            value: "E",
            at: vec![("t", 1.0, Some("s")), ("x", 0.6, None)],
        };
        assert_eq!(words(&place), "E at t = 1 s, x = 0.6");
    }
}
