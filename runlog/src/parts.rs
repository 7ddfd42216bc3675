//! Records too large for one message: cut into numbered parts, and put together again.
//!
//! A part is a record that holds some of the names. Where a name stands in several parts, its
//! numbers follow one another in part order; so does the state's text. All else is equal.

use crate::limits::NUMBERS;
use crate::record::{Array, Axis, Points, Quantity, Record, RecordError};

/// The longest text of an f64 and the comma behind it.
const NUMBER_BYTES: usize = 25;
/// Braces, quotes and field names around an entry, generously.
const ENTRY_BYTES: usize = 100;

/// Parts whose JSON stays below `limit` bytes. A limit too small for even one number is
/// exceeded rather than never reached.
pub(crate) fn split(record: &Record, limit: usize) -> Vec<Record> {
    let mut cutter = Cutter::new(record, limit);
    for (name, axis) in &record.axes {
        let overhead = text_bytes(name) + axis.unit.as_deref().map_or(0, text_bytes) + ENTRY_BYTES;
        let unit = axis.unit.clone();
        match &axis.points {
            Points::Even { .. } => {
                cutter.take(overhead);
                cutter.part.axes.push((name.clone(), axis.clone()));
            }
            Points::Listed { values } => cutter.numbers(values, overhead, |part, values| {
                let points = Points::Listed { values };
                part.axes.push((
                    name.clone(),
                    Axis {
                        unit: unit.clone(),
                        points,
                    },
                ));
            }),
        }
    }
    for (name, value) in &record.values {
        match value {
            Quantity::Scalar(_) => {
                cutter.take(text_bytes(name) + NUMBER_BYTES + 8);
                cutter.part.values.push((name.clone(), value.clone()));
            }
            Quantity::Array(array) => {
                let names: usize = array.axes.iter().map(|axis| text_bytes(axis) + 3).sum();
                let unit = array.unit.as_deref().map_or(0, text_bytes);
                cutter.numbers(
                    &array.data,
                    text_bytes(name) + names + unit + ENTRY_BYTES,
                    |part, data| {
                        let piece = Array {
                            axes: array.axes.clone(),
                            data,
                            unit: array.unit.clone(),
                        };
                        part.values.push((name.clone(), Quantity::Array(piece)));
                    },
                );
            }
        }
    }
    if let Some(state) = &record.state {
        cutter.state(state);
    }
    cutter.finish()
}

struct Cutter {
    limit: usize,
    /// What every part says: iteration, total, pace.
    common: Record,
    part: Record,
    size: usize,
    empty: bool,
    done: Vec<Record>,
}

impl Cutter {
    fn new(record: &Record, limit: usize) -> Self {
        let common = Record {
            iteration: record.iteration,
            total: record.total,
            pace: record.pace,
            ..Record::default()
        };
        Self {
            limit,
            part: common.clone(),
            common,
            size: ENTRY_BYTES,
            empty: true,
            done: Vec::new(),
        }
    }

    /// Makes room for an entry, in a new part if need be.
    fn take(&mut self, bytes: usize) {
        if self.size + bytes > self.limit && !self.empty {
            self.done
                .push(std::mem::replace(&mut self.part, self.common.clone()));
            self.size = ENTRY_BYTES;
        }
        self.size += bytes;
        self.empty = false;
    }

    fn numbers(&mut self, numbers: &[f64], overhead: usize, mut put: impl FnMut(&mut Record, Vec<f64>)) {
        let mut rest = numbers;
        loop {
            self.take(overhead + NUMBER_BYTES);
            let more = self.limit.saturating_sub(self.size) / NUMBER_BYTES;
            let (now, later) = rest.split_at(rest.len().min(1 + more));
            self.size += now.len().saturating_sub(1) * NUMBER_BYTES;
            put(&mut self.part, now.to_vec());
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    }

    fn state(&mut self, state: &str) {
        let mut rest = state;
        loop {
            self.take(ENTRY_BYTES);
            let room = self.limit.saturating_sub(self.size).max(8);
            let mut used = 0;
            let end = rest.char_indices().find(|(_, c)| {
                used += char_bytes(*c);
                used > room
            });
            let (now, later) = rest.split_at(end.map_or(rest.len(), |(at, _)| at));
            self.size += text_bytes(now);
            self.part.state = Some(now.to_owned());
            rest = later;
            if rest.is_empty() {
                return;
            }
        }
    }

    fn finish(mut self) -> Vec<Record> {
        self.done.push(self.part);
        self.done
    }
}

fn text_bytes(text: &str) -> usize {
    text.chars().map(char_bytes).sum()
}

/// What a character takes in JSON.
fn char_bytes(c: char) -> usize {
    match c {
        '"' | '\\' => 2,
        c if c.is_control() => 6,
        c => c.len_utf8(),
    }
}

/// Adds the next part to what came before it.
pub(crate) fn merge(whole: &mut Record, part: Record) -> Result<(), RecordError> {
    equal("iteration", &whole.iteration, &part.iteration)?;
    equal("total", &whole.total, &part.total)?;
    equal("pace", &whole.pace, &part.pace)?;
    for (name, axis) in part.axes {
        match whole.axes.iter_mut().find(|(n, _)| *n == name) {
            None => whole.axes.push((name, axis)),
            Some((_, before)) => merge_axis(&name, before, axis)?,
        }
    }
    for (name, value) in part.values {
        match whole.values.iter_mut().find(|(n, _)| *n == name) {
            None => whole.values.push((name, value)),
            Some((_, before)) => merge_value(&name, before, value)?,
        }
    }
    if let Some(state) = part.state {
        whole.state.get_or_insert_default().push_str(&state);
    }
    Ok(())
}

fn merge_axis(name: &str, before: &mut Axis, axis: Axis) -> Result<(), RecordError> {
    equal(&format!("axes.{name}: the unit"), &before.unit, &axis.unit)?;
    match (&mut before.points, axis.points) {
        (Points::Listed { values }, Points::Listed { values: more }) => append(name, values, more),
        (Points::Even { .. }, Points::Listed { .. }) | (Points::Listed { .. }, Points::Even { .. }) => {
            differ(&format!("axes.{name}: the kind"))
        }
        (before @ Points::Even { .. }, even @ Points::Even { .. }) => {
            equal(&format!("axes.{name}"), before, &even)
        }
    }
}

fn merge_value(name: &str, before: &mut Quantity, value: Quantity) -> Result<(), RecordError> {
    match (before, value) {
        (Quantity::Scalar(x), Quantity::Scalar(y)) => {
            equal(&format!("values.{name}"), &x.to_bits(), &y.to_bits())
        }
        (Quantity::Array(array), Quantity::Array(more)) => {
            equal(&format!("values.{name}: the axes"), &array.axes, &more.axes)?;
            equal(&format!("values.{name}: the unit"), &array.unit, &more.unit)?;
            append(name, &mut array.data, more.data)
        }
        (Quantity::Scalar(_), Quantity::Array(_)) | (Quantity::Array(_), Quantity::Scalar(_)) => {
            differ(&format!("values.{name}: the kind"))
        }
    }
}

fn append(name: &str, numbers: &mut Vec<f64>, more: Vec<f64>) -> Result<(), RecordError> {
    if numbers.len() + more.len() > NUMBERS {
        return Err(RecordError(format!("{name}: it has more than {NUMBERS} numbers")));
    }
    numbers.extend(more);
    Ok(())
}

fn equal<T: PartialEq>(field: &str, a: &T, b: &T) -> Result<(), RecordError> {
    if a == b { Ok(()) } else { differ(field) }
}

fn differ(field: &str) -> Result<(), RecordError> {
    Err(RecordError(format!("{field} differs from the part before")))
}
