//! The same field by the sum over all earlier rows, O(Nt Nx^2): slow, and plain enough to believe.
//! What the marching scheme is measured against.

use kymo_runlog::Parameters;

use super::medium::Node;
use super::parameters::Setup;
use crate::SolverError;

/// The sum of E over the first `rows` rows.
pub fn naive_sum(parameters: &Parameters, rows: u64) -> Result<f64, SolverError> {
    Ok(rows_of(&Setup::new(parameters)?, rows).iter().flatten().sum())
}

/// Rows 0..rows.
pub(super) fn rows_of(setup: &Setup, rows: u64) -> Vec<Vec<f64>> {
    let (h, count) = (setup.h, setup.medium.node_count());
    let zeros = vec![0.0; count];
    let mut fields = vec![zeros.clone()];
    // The current of the polarisation alone, and with conduction.
    let mut polarisation_currents = zeros.clone();
    let mut currents = vec![zeros];
    for n in 1..rows as usize {
        let (nodes, before) = (setup.medium.at_row(n as i64), setup.medium.at_row(n as i64 - 1));
        let mut field = vec![0.0; count];
        let mut current = vec![0.0; count];
        for j in 0..count {
            let incident = setup.pulse.at((n as f64 - j as f64) * h);
            let old_field = fields[n - 1][j];
            let equation = Equation {
                node: &nodes[j],
                rest: incident - h / 2.0 * past_sum(&currents, j, n),
                old: polarisation(&before[j], old_field),
                old_current: polarisation_currents[j],
                h,
            };
            field[j] = equation.solve(old_field);
            polarisation_currents[j] = equation.polarisation_current(field[j]);
            current[j] = polarisation_currents[j] + nodes[j].sigma * field[j];
        }
        fields.push(field);
        currents.push(current);
    }
    fields
}

/// The sum over the other nodes at their retarded times. The coefficients of the end nodes hold the
/// weight 1/2 of the trapezoidal rule already.
fn past_sum(currents: &[Vec<f64>], j: usize, n: usize) -> f64 {
    let reached = (0..currents[0].len()).filter(|k| *k != j && j.abs_diff(*k) <= n);
    reached.map(|k| currents[n - j.abs_diff(k)][k]).sum()
}

fn polarisation(node: &Node, field: f64) -> f64 {
    node.chi * field + node.kerr * field * field * field
}

/// E + (h/2) Q(E) = rest at one node.
struct Equation<'a> {
    node: &'a Node,
    rest: f64,
    old: f64,
    old_current: f64,
    h: f64,
}

impl Equation<'_> {
    fn polarisation_current(&self, e: f64) -> f64 {
        2.0 * (polarisation(self.node, e) - self.old) / self.h - self.old_current
    }

    /// Newton's method from the field of the row before.
    fn solve(&self, start: f64) -> f64 {
        let mut e = start;
        for _ in 0..50 {
            let current = self.polarisation_current(e) + self.node.sigma * e;
            let slope = 1.0 + self.node.chi + 3.0 * self.node.kerr * e * e + self.h / 2.0 * self.node.sigma;
            let step = (e + self.h / 2.0 * current - self.rest) / slope;
            e -= step;
            if step.abs() <= 1e-16 * e.abs() {
                break;
            }
        }
        e
    }
}

#[cfg(test)]
mod tests {
    use crate::airy::Airy;
    use crate::{Solver, find_built_in};
    use kymo_runlog::Quantity;

    use super::*;

    /// The largest difference between the two, over all nodes of the first rows.
    fn difference(assignments: &str) -> f64 {
        let airy = find_built_in("airy").unwrap();
        let run = airy
            .card
            .read(&assignments.split_whitespace().collect::<Vec<_>>())
            .unwrap();
        let mut marched = Airy::start(&run.parameters).unwrap();
        let mut field = Vec::new();
        while let Some(record) = marched.next().unwrap() {
            let Some(Quantity::Array(array)) = record.value("E") else {
                panic!("no field")
            };
            field.extend_from_slice(&array.data);
        }
        let setup = Setup::new(&run.parameters).unwrap();
        let naive = rows_of(&setup, setup.last_row + 1).concat();
        assert_eq!(naive.len(), field.len());
        assert!(naive.iter().any(|e| e.abs() > 0.1));
        naive
            .iter()
            .zip(&field)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max)
    }

    #[test]
    fn marching_and_summing_give_the_same_field() {
        for physics in [
            "eps=4",
            "sigma=0.5",
            "kerr=0.5 amp=1.5",
            "eps=2.25 kerr=0.4 sigma=0.3 amp=1.5",
            "kerr=-0.5 amp=1.5",
            "layers=0.25:4:0.2:0,0.5:1,1:2.25:0:0.3 amp=1.2",
            "t_s=17 eps2=2 sigma2=0.4",
            "t_s=17 eps2=6 sigma=0.2 kerr=0.3",
            "layers=0.5:4,1:2:0.3:0.1 t_s=16.05 eps2=3",
        ] {
            let difference = difference(&format!("{physics} h=0.05 t_max=25"));
            assert!(difference < 2e-14, "{physics}: {difference:e}");
        }
    }
}
