//! One row after the other: the two-row scheme in increment form, which does not drift.

use super::medium::Medium;
use super::pulse::{self, Pulse};

/// Newton's method needs three steps at the defaults and nine at kerr A^2 = 900.
const NEWTON_STEPS: usize = 50;

/// The field at the two newest rows, and how to find the next one.
pub struct March {
    pulse: pulse::Rows,
    h: f64,
    stages: Vec<Stage>,
    /// The newest row's number n.
    row: u64,
    older: Vec<f64>,
    newest: Vec<f64>,
    next: Vec<f64>,
    right_hand_side: Vec<f64>,
    /// g at rows n-1 and n.
    incident: [f64; 2],
}

/// Why there is no next row.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum MarchError {
    /// The equation of a node has no solution that Newton's method finds.
    #[error(
        "Newton's method found no field at t={t}, x={x} within {NEWTON_STEPS} steps; use a smaller kerr, amp or h"
    )]
    NoSolution { t: f64, x: f64 },
    /// A negative kerr made the medium unstable.
    #[error(
        "eps + 3 kerr E^2 fell below 1 at t={t}, x={x} (E={field}), where no solution is stable; use a smaller amp, a larger eps or a kerr nearer to 0"
    )]
    Unstable { t: f64, x: f64, field: f64 },
}

/// What a step starts from. `ghosts` lie beyond the left and the right end.
struct Rows<'a> {
    older: &'a [f64],
    newest: &'a [f64],
    ghosts: [f64; 2],
}

/// The coefficients of one kind of step. Away from a switch all steps are of one kind.
struct Stage {
    /// The first row that this stage computes.
    from: u64,
    /// c = 1 + chi + h s/2 of the row that is computed.
    lead: Vec<f64>,
    /// 1 + chi - h s/2 of the older row.
    back: Vec<f64>,
    /// 2 (1 + chi) of the newest row - lead - back: zero unless the medium changes.
    drift: Option<Vec<f64>>,
    /// kap of all three rows; `None` while the step is linear.
    kerr: Option<Vec<f64>>,
    /// The largest E^2 allowed; `None` when anything is.
    bound: Option<Vec<f64>>,
    /// 1/lead and back/lead of the linear step.
    k1: Vec<f64>,
    k3: Vec<f64>,
}

impl March {
    /// Rows -1 and 0, which are zero.
    pub fn new(medium: &Medium, pulse: Pulse, h: f64) -> Self {
        let zeros = vec![0.0; medium.node_count()];
        Self::resume(medium, pulse, h, 0, zeros.clone(), zeros)
    }

    /// Goes on after row `row`, from that row and the one before it.
    pub fn resume(
        medium: &Medium,
        pulse: Pulse,
        h: f64,
        row: u64,
        older: Vec<f64>,
        newest: Vec<f64>,
    ) -> Self {
        let stages = stages(medium, h);
        let incident = [pulse.at((row as f64 - 1.0) * h), pulse.at(row as f64 * h)];
        let (next, right_hand_side) = (vec![0.0; newest.len()], vec![0.0; newest.len()]);
        Self {
            pulse: pulse::Rows::new(pulse, h),
            h,
            stages,
            row,
            older,
            newest,
            next,
            right_hand_side,
            incident,
        }
    }

    /// E at the nodes of the newest row.
    pub fn newest(&self) -> &[f64] {
        &self.newest
    }

    /// Computes the next row.
    #[cfg_attr(target_arch = "x86_64", allow(unsafe_code))]
    pub fn step(&mut self) -> Result<(), MarchError> {
        #[cfg(target_arch = "x86_64")]
        if std::is_x86_feature_detected!("avx2") {
            // SAFETY: this processor has just said that it has what `step_wide` is compiled for.
            return unsafe { self.step_wide() };
        }
        self.step_plain()
    }

    /// Four numbers at a time instead of two. The same operations in the same order, none of them fused: the same bits.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn step_wide(&mut self) -> Result<(), MarchError> {
        self.step_plain()
    }

    #[inline(always)]
    fn step_plain(&mut self) -> Result<(), MarchError> {
        let row = self.row + 1;
        let incident = self.pulse.at(row);
        let last = self.newest.len() - 1;
        // What lies beyond the ends: the outgoing waves of the row before, and the incoming pulse.
        let ghosts = [self.older[0] + incident - self.incident[0], self.older[last]];
        let stage = self
            .stages
            .iter()
            .rev()
            .find(|stage| stage.from <= row)
            .unwrap_or(&self.stages[0]);
        let rows = Rows {
            older: &self.older,
            newest: &self.newest,
            ghosts,
        };
        match &stage.kerr {
            None => stage.linear(&rows, &mut self.next),
            Some(kerr) => stage
                .nonlinear(kerr, &rows, &mut self.right_hand_side, &mut self.next)
                .map_err(|node| MarchError::NoSolution {
                    t: row as f64 * self.h,
                    x: node as f64 * self.h,
                })?,
        }
        if let Some(bound) = &stage.bound
            && let Some(node) = self.next.iter().zip(bound).position(|(e, bound)| e * e > *bound)
        {
            let (t, x) = (row as f64 * self.h, node as f64 * self.h);
            return Err(MarchError::Unstable {
                t,
                x,
                field: self.next[node],
            });
        }
        self.incident = [self.incident[1], incident];
        self.row = row;
        std::mem::swap(&mut self.older, &mut self.newest);
        std::mem::swap(&mut self.newest, &mut self.next);
        Ok(())
    }
}

/// A step sees three rows, so a switch at row n_s makes three steps of their own.
fn stages(medium: &Medium, h: f64) -> Vec<Stage> {
    let first = [Stage::computing(medium, h, 1)];
    let around = medium
        .switch_row()
        .into_iter()
        .flat_map(|row| row.max(1)..=row + 3);
    first
        .into_iter()
        .chain(around.map(|row| Stage::computing(medium, h, row)))
        .collect()
}

impl Stage {
    fn computing(medium: &Medium, h: f64, row: u64) -> Self {
        let row_i = row as i64;
        let (next, newest, older) = (
            medium.at_row(row_i),
            medium.at_row(row_i - 1),
            medium.at_row(row_i - 2),
        );
        let lead: Vec<f64> = next
            .iter()
            .map(|node| 1.0 + node.chi + h * node.sigma / 2.0)
            .collect();
        let back: Vec<f64> = older
            .iter()
            .map(|node| 1.0 + node.chi - h * node.sigma / 2.0)
            .collect();
        let changes = next != newest || newest != older;
        let drift = changes.then(|| {
            let middle = newest.iter().map(|node| 2.0 * (1.0 + node.chi));
            middle
                .zip(lead.iter().zip(&back))
                .map(|(middle, (lead, back))| middle - lead - back)
                .collect()
        });
        let kerr = next.iter().any(|node| node.kerr != 0.0);
        let bounded = next.iter().any(|node| node.bound.is_finite());
        Self {
            from: row,
            drift,
            kerr: kerr.then(|| next.iter().map(|node| node.kerr).collect()),
            bound: bounded.then(|| next.iter().map(|node| node.bound).collect()),
            k1: lead.iter().map(|lead| 1.0 / lead).collect(),
            k3: back
                .iter()
                .zip(&lead)
                .map(|(back, lead)| back * (1.0 / lead))
                .collect(),
            lead,
            back,
        }
    }

    #[inline(always)]
    fn linear(&self, rows: &Rows, next: &mut [f64]) {
        let Rows {
            older,
            newest,
            ghosts: [left, right],
        } = *rows;
        let last = newest.len() - 1;
        let end = |j: usize, neighbours: f64| {
            let (difference, laplacian) = (newest[j] - older[j], neighbours - 2.0 * newest[j]);
            newest[j] + (self.k3[j] * difference + self.k1[j] * laplacian)
        };
        next[0] = end(0, left + newest[1]);
        next[last] = end(last, newest[last - 1] + right);
        // Slices of one length let the compiler drop the bounds checks and vectorise.
        let inner = last - 1;
        let (west, here, east) = (&newest[..inner], &newest[1..=inner], &newest[2..2 + inner]);
        let (before, k1, k3) = (&older[1..=inner], &self.k1[1..=inner], &self.k3[1..=inner]);
        let next_here = &mut next[1..=inner];
        for j in 0..inner {
            let (difference, laplacian) = (here[j] - before[j], (west[j] + east[j]) - 2.0 * here[j]);
            next_here[j] = here[j] + (k3[j] * difference + k1[j] * laplacian);
        }
        if let Some(drift) = &self.drift {
            for j in 0..=last {
                next[j] += self.k1[j] * (drift[j] * newest[j]);
            }
        }
    }

    /// Solves the cubic equation of each node. Fails with the node that has no solution.
    #[inline(always)]
    fn nonlinear(
        &self,
        kerr: &[f64],
        rows: &Rows,
        right_hand_side: &mut [f64],
        next: &mut [f64],
    ) -> Result<(), usize> {
        self.fill_right_hand_side(kerr, rows, right_hand_side);
        let count = rows.newest.len();
        let (lead, kerr, newest) = (&self.lead[..count], &kerr[..count], &rows.newest[..count]);
        let (right_hand_side, next) = (&right_hand_side[..count], &mut next[..count]);
        // Counted rather than remembered as a flag, which would keep the compiler from vectorising.
        let mut unsettled = 0_u64;
        for j in 0..count {
            let node = Cubic::new(lead[j], kerr[j], newest[j], right_hand_side[j]);
            let (e, is_settled) = node.common_steps();
            unsettled += u64::from(!is_settled);
            next[j] = newest[j] + e;
        }
        if unsettled > 0 {
            for j in 0..count {
                let node = Cubic::new(lead[j], kerr[j], newest[j], right_hand_side[j]);
                next[j] = newest[j] + node.solve().ok_or(j)?;
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn fill_right_hand_side(&self, kerr: &[f64], rows: &Rows, out: &mut [f64]) {
        let Rows {
            older,
            newest,
            ghosts: [left, right],
        } = *rows;
        let last = newest.len() - 1;
        let at = |west: f64, here: f64, east: f64, before: f64, back: f64, kerr: f64| {
            let (difference, laplacian) = (here - before, (west + east) - 2.0 * here);
            let cubic = kerr * (here * here + here * before + before * before);
            laplacian + difference * (back + cubic)
        };
        out[0] = at(left, newest[0], newest[1], older[0], self.back[0], kerr[0]);
        out[last] = at(
            newest[last - 1],
            newest[last],
            right,
            older[last],
            self.back[last],
            kerr[last],
        );
        let inner = last - 1;
        let (west, here, east) = (&newest[..inner], &newest[1..=inner], &newest[2..2 + inner]);
        let (before, back, kerr) = (&older[1..=inner], &self.back[1..=inner], &kerr[1..=inner]);
        let out_here = &mut out[1..=inner];
        for j in 0..inner {
            out_here[j] = at(west[j], here[j], east[j], before[j], back[j], kerr[j]);
        }
        if let Some(drift) = &self.drift {
            for j in 0..=last {
                out[j] += drift[j] * newest[j];
            }
        }
    }
}

/// The equation of one node, (c + 3 kap E^2) e + 3 kap E e^2 + kap e^3 = rho, divided by its first
/// coefficient: e + square e^2 + cube e^3 = first.
#[derive(Clone, Copy)]
struct Cubic {
    square: f64,
    cube: f64,
    first: f64,
    field: f64,
}

impl Cubic {
    #[inline(always)]
    fn new(lead: f64, kerr: f64, field: f64, rho: f64) -> Self {
        let square = 3.0 * kerr * field;
        let inverse = 1.0 / (lead + square * field);
        Self {
            square: square * inverse,
            cube: kerr * inverse,
            first: rho * inverse,
            field,
        }
    }

    #[inline(always)]
    fn residual(&self, e: f64) -> f64 {
        ((self.cube * e + self.square) * e) * e + (e - self.first)
    }

    /// Half of the second derivative.
    #[inline(always)]
    fn curvature(&self, e: f64) -> f64 {
        3.0 * self.cube * e + self.square
    }

    #[inline(always)]
    fn slope(&self, e: f64) -> f64 {
        (self.curvature(e) + self.square) * e + 1.0
    }

    /// `digits` of what the increment is added to. Ahead of the pulse the field is so small that digits
    /// run out before a relative bound does.
    #[inline(always)]
    fn negligible(&self, digits: f64, e: f64) -> f64 {
        digits * (e.abs() + self.field.abs()) + f64::MIN_POSITIVE
    }

    /// What settles every node of a smooth field: the inverse series up to the third order, and one
    /// step of Newton's, whose error is the square of its correction times curvature/slope.
    #[inline(always)]
    fn common_steps(&self) -> (f64, bool) {
        let Self {
            square, cube, first, ..
        } = *self;
        let guess = first + first * (first * ((2.0 * square * square - cube) * first - square));
        let slope = self.slope(guess);
        let correction = self.residual(guess) / slope;
        let e = guess - correction;
        let error = correction * correction * self.curvature(guess).abs();
        // Far below rounding: this error has one sign, so it would add up from row to row.
        (e, error <= self.negligible(1e-17, e) * slope.abs())
    }

    /// Newton's method to the end.
    fn solve(&self) -> Option<f64> {
        if let (e, true) = self.common_steps() {
            return Some(e);
        }
        let mut e = self.first;
        for _ in 0..NEWTON_STEPS {
            let correction = self.residual(e) / self.slope(e);
            e -= correction;
            if correction.abs() <= self.negligible(1e-15, e) {
                return Some(e);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::medium::Layer;
    use super::super::pulse::Orientation;
    use super::*;

    /// Every bit of every row, and the error that may end them.
    fn rows(
        kerr: f64,
        step: impl Fn(&mut March) -> Result<(), MarchError>,
    ) -> (Vec<u64>, Result<(), MarchError>) {
        let layer = |eps| Layer {
            eps,
            sigma: 0.2,
            kerr,
        };
        let medium = Medium::new(&[layer(4.0); 50], Some((1000, &[layer(3.0); 50])));
        let pulse = Pulse {
            amplitude: 1.5,
            decay: 0.05,
            scale: 1.0,
            arrival: 15.0,
            orientation: Orientation::FrontFirst,
        };
        let mut march = March::new(&medium, pulse, 0.02);
        let mut bits = Vec::new();
        for _ in 0..2000 {
            if let Err(trouble) = step(&mut march) {
                return (bits, Err(trouble));
            }
            bits.extend(march.newest().iter().map(|e| e.to_bits()));
        }
        (bits, Ok(()))
    }

    #[test]
    fn every_processor_gives_the_same_bits() {
        for kerr in [0.0, 0.5, -0.05, -0.5] {
            assert!(
                rows(kerr, March::step) == rows(kerr, March::step_plain),
                "kerr={kerr}"
            );
        }
    }
}
