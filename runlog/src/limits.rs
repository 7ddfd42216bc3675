//! What a record may at most hold, and the check that it holds together.

use crate::record::{Array, Axis, Points, Quantity, Record, RecordError};

/// Named values, and named axes, of one record.
pub const NAMES: usize = 1000;
/// Characters of a name or a unit.
pub const NAME_LENGTH: usize = 100;
/// Axes of one array.
pub const DIMENSIONS: usize = 8;
/// Numbers of one array, or of one listed axis, in all parts together.
pub const NUMBERS: usize = 20_000_000;
/// Points of one axis.
pub const POINTS: usize = 100_000_000;
/// The largest iteration number: beyond it a float in somebody's client is not exact.
pub const ITERATION: u64 = 1 << 53;

impl Record {
    /// Whether a whole record holds together: axes named exist, arrays have as many numbers as
    /// their axes ask for.
    pub fn validate(&self) -> Result<(), RecordError> {
        self.check_names()?;
        for (name, value) in &self.values {
            match value {
                Quantity::Scalar(_) => {}
                Quantity::Array(array) => self.check_shape(name, array)?,
            }
        }
        Ok(())
    }

    /// What holds for a part as well.
    pub(crate) fn check_names(&self) -> Result<(), RecordError> {
        if self.iteration == 0 || self.iteration > ITERATION {
            let found = self.iteration;
            return fail(format!(
                "iteration: it is {found}; iterations are counted from 1 to 2^53"
            ));
        }
        for (field, total) in [("total", self.total)] {
            if total.is_some_and(|total| total > ITERATION) {
                return fail(format!("{field}: it is larger than 2^53"));
            }
        }
        if self.pace.is_some_and(|pace| !(pace.is_finite() && pace >= 0.0)) {
            return fail("pace: it is no number of seconds, 0 or more".to_owned());
        }
        for (name, axis) in &self.axes {
            check_name("axes", name)?;
            check_axis(name, axis)?;
        }
        for (name, value) in &self.values {
            check_name("values", name)?;
            match value {
                Quantity::Scalar(_) => {}
                Quantity::Array(array) => check_array(name, array)?,
            }
        }
        Ok(())
    }

    fn check_shape(&self, name: &str, array: &Array) -> Result<(), RecordError> {
        let mut wanted: usize = 1;
        for axis in &array.axes {
            let Some(found) = self.axis(axis) else {
                return fail(format!(
                    "values.{name}: its axis {axis:?} is not among the record's axes"
                ));
            };
            wanted = wanted.saturating_mul(found.points.len());
        }
        if wanted != array.data.len() {
            let (axes, found) = (array.axes.join(" x "), array.data.len());
            return fail(format!(
                "values.{name}: it has {found} numbers, its axes {axes} ask for {wanted}"
            ));
        }
        Ok(())
    }
}

fn check_axis(name: &str, axis: &Axis) -> Result<(), RecordError> {
    check_unit("axes", name, axis.unit.as_deref())?;
    if axis.points.len() > POINTS {
        return fail(format!(
            "axes.{name}: {} points are more than {POINTS}",
            axis.points.len()
        ));
    }
    match &axis.points {
        Points::Listed { .. } => Ok(()),
        Points::Even { start, step, .. } if start.is_finite() && step.is_finite() => Ok(()),
        Points::Even { .. } => fail(format!("axes.{name}: start and step must be finite")),
    }
}

fn check_array(name: &str, array: &Array) -> Result<(), RecordError> {
    check_unit("values", name, array.unit.as_deref())?;
    if array.axes.is_empty() || array.axes.len() > DIMENSIONS {
        let found = array.axes.len();
        return fail(format!(
            "values.{name}: it has {found} axes; an array has 1 to {DIMENSIONS}"
        ));
    }
    let mut axes = array.axes.iter();
    while let Some(axis) = axes.next() {
        if axes.clone().any(|other| other == axis) {
            return fail(format!("values.{name}: it names the axis {} twice", shown(axis)));
        }
    }
    Ok(())
}

fn check_unit(field: &str, name: &str, unit: Option<&str>) -> Result<(), RecordError> {
    match unit {
        Some(unit) if unit.chars().count() > NAME_LENGTH || unit.chars().any(char::is_control) => fail(
            format!("{field}.{name}: its unit is too long or holds control characters"),
        ),
        Some(_) | None => Ok(()),
    }
}

fn check_name(field: &str, name: &str) -> Result<(), RecordError> {
    let reason = if name.is_empty() {
        "a name is empty".to_owned()
    } else if name.chars().count() > NAME_LENGTH {
        format!(
            "the name {:?}... is longer than {NAME_LENGTH} characters",
            shown(name)
        )
    } else if name.chars().any(char::is_control) {
        format!("the name {:?} holds control characters", shown(name))
    } else {
        return Ok(());
    };
    fail(format!("{field}: {reason}"))
}

fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

fn fail(reason: String) -> Result<(), RecordError> {
    Err(RecordError(reason))
}
