//! `airy`: an Airy pulse in a plane-layered medium, one window of rows per iteration.
//! The two newest rows are all it needs to go on, so its own records are its restart.

mod ai;
mod march;
mod medium;
mod naive;
mod parameters;
mod pulse;

use kymo_runlog::{Array, Axis, Parameters, Points, Quantity, Record};

pub use ai::ai;
pub use march::MarchError;
pub use naive::naive_sum;
pub use parameters::card;

use crate::{Solver, SolverError};
use march::March;
use parameters::Setup;

/// The calculation.
pub struct Airy {
    setup: Setup,
    march: March,
    /// Iterations that are done.
    done: u64,
}

impl Airy {
    /// Begins with the row t = 0.
    pub fn start(parameters: &Parameters) -> Result<Self, SolverError> {
        let setup = Setup::new(parameters)?;
        let march = March::new(&setup.medium, setup.pulse.clone(), setup.h);
        Ok(Self {
            setup,
            march,
            done: 0,
        })
    }

    /// The first and the last row of an iteration, counted from 1.
    fn rows_of(&self, iteration: u64) -> (u64, u64) {
        let first = (iteration - 1) * self.setup.window;
        (first, (first + self.setup.window - 1).min(self.setup.last_row))
    }

    fn iterations(&self) -> u64 {
        self.setup.last_row / self.setup.window + 1
    }

    /// The rows of a record that must be iteration `iteration` of this very run.
    fn rows_in<'a>(&self, record: &'a Record, iteration: u64) -> Result<&'a [f64], String> {
        let (first, last) = self.rows_of(iteration);
        let expected = (last - first + 1) as usize * self.setup.medium.node_count();
        let field = record
            .values
            .iter()
            .find(|(name, _)| name == "E")
            .map(|(_, quantity)| quantity);
        let start = record
            .axes
            .iter()
            .find(|(name, _)| name == "t")
            .map(|(_, axis)| &axis.points);
        match (field, start) {
            _ if record.iteration != iteration => Err(format!(
                "the log gave iteration {} where {iteration} belongs",
                record.iteration
            )),
            (Some(Quantity::Array(array)), Some(Points::Even { start, .. }))
                if array.data.len() == expected && *start == first as f64 * self.setup.h =>
            {
                match array.data.iter().all(|e| e.is_finite()) {
                    true => Ok(&array.data),
                    false => Err(format!(
                        "iteration {iteration} holds a value that is no finite number"
                    )),
                }
            }
            _ => Err(format!(
                "iteration {iteration} in the log has another shape than these parameters make"
            )),
        }
    }

    fn try_restore(&mut self, past: &[Record]) -> Result<(), String> {
        let Some(newest) = past.last() else { return Ok(()) };
        let iteration = newest.iteration;
        if iteration == 0 || iteration > self.iterations() {
            return Err(format!("this run has {} iterations", self.iterations()));
        }
        let width = self.setup.medium.node_count();
        let mut rows = self.rows_in(newest, iteration)?.to_vec();
        let last_row = self.rows_of(iteration).1;
        if rows.len() == width && last_row > 0 {
            let earlier = past.len().checked_sub(2).and_then(|at| past.get(at));
            let earlier = earlier.ok_or("with window=1 it needs the last two iterations")?;
            rows.splice(0..0, self.rows_in(earlier, iteration - 1)?.iter().copied());
        }
        let newest = rows.split_off(rows.len() - width);
        // Before row 0 there is nothing.
        let older = if rows.is_empty() {
            vec![0.0; width]
        } else {
            rows.split_off(rows.len() - width)
        };
        let Setup { medium, pulse, h, .. } = &self.setup;
        self.march = March::resume(medium, pulse.clone(), *h, last_row, older, newest);
        self.done = iteration;
        Ok(())
    }
}

impl Solver for Airy {
    fn total(&self) -> Option<u64> {
        Some(self.iterations())
    }

    fn restore(&mut self, past: &[Record]) -> Result<(), SolverError> {
        let iteration = past.last().map_or(0, |record| record.iteration);
        self.try_restore(past)
            .map_err(|reason| SolverError::Past { iteration, reason })
    }

    fn next(&mut self) -> Result<Option<Record>, SolverError> {
        let iteration = self.done + 1;
        if iteration > self.iterations() {
            return Ok(None);
        }
        let failed = |reason| SolverError::Failed { iteration, reason };
        let (first, last) = self.rows_of(iteration);
        let mut data = Vec::with_capacity((last - first + 1) as usize * self.setup.medium.node_count());
        for row in first..=last {
            if row > 0 {
                self.march.step().map_err(|error| failed(error.to_string()))?;
            }
            data.extend_from_slice(self.march.newest());
        }
        if data.iter().any(|e| !e.is_finite()) {
            return Err(failed(
                "the field is too large for a number; use a smaller amp".to_owned(),
            ));
        }
        self.done = iteration;
        Ok(Some(self.record(iteration, first, data)))
    }
}

impl Airy {
    fn record(&self, iteration: u64, first_row: u64, data: Vec<f64>) -> Record {
        let nodes = self.setup.medium.node_count();
        let h = self.setup.h;
        let axis = |unit: &str, start, count| Axis {
            unit: Some(unit.to_owned()),
            points: Points::Even {
                start,
                step: h,
                count,
            },
        };
        let time = axis("L/v", first_row as f64 * h, data.len() / nodes);
        let field = Array {
            axes: vec!["t".to_owned(), "x".to_owned()],
            data,
            unit: None,
        };
        Record {
            iteration,
            total: Some(self.iterations()),
            axes: vec![("t".to_owned(), time), ("x".to_owned(), axis("L", 0.0, nodes))],
            values: vec![("E".to_owned(), Quantity::Array(field))],
            state: None,
            pace: None,
        }
    }

    /// Computes every row and returns the sum of E over the whole mesh: the calculation without its output.
    pub fn sum(mut self) -> Result<f64, MarchError> {
        // Eight running sums: a single one would wait for itself at every value.
        let mut sums = [0.0; 8];
        for _ in 0..self.setup.last_row {
            self.march.step()?;
            let (eights, rest) = self.march.newest().as_chunks::<8>();
            for eight in eights {
                sums.iter_mut().zip(eight).for_each(|(sum, e)| *sum += e);
            }
            sums.iter_mut().zip(rest).for_each(|(sum, e)| *sum += e);
        }
        Ok(sums.iter().sum())
    }
}
