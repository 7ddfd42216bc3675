//! `heat`: how heat spreads over a square plate whose rim is kept cold, by the explicit scheme (FTCS). One iteration is
//! thousands of sweeps over the plate, so it offers steps: a restart loses seconds, not the iteration.

use std::f64::consts::PI;

use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::{Array, Axis, Parameters, Points, Quantity, Record};
use serde::{Deserialize, Serialize};

use crate::card::{Checked, choice, real, whole, with_unit};
use crate::{Offer, Solver, SolverError};

/// Between two looks at the clock.
const SWEEPS_BETWEEN_OFFERS: u64 = 16;

/// How people meet `heat`.
pub fn card() -> SolverCard {
    SolverCard {
        name: "heat".to_owned(),
        version: "1".to_owned(),
        help:
            "Heat spreads over a square plate with a cold rim: the temperature u(y, x) by finite differences"
                .to_owned(),
        view: Some("heat:u".to_owned()),
        needs: Default::default(),
        parameters: vec![
            whole("n", 400, 2, 800, "cells along each side"),
            with_unit(
                "m",
                real("side", 1.0, Some(1e-6), Some(1e6), "length of each side"),
            ),
            with_unit(
                "m^2/s",
                real(
                    "a",
                    1.11e-4,
                    Some(1e-12),
                    Some(1e12),
                    "thermal diffusivity; 1.11e-4 is copper's",
                ),
            ),
            real(
                "r",
                0.25,
                Some(1e-6),
                Some(0.25),
                "time step in units of (side/n)^2/a; beyond 0.25 the scheme is not stable",
            ),
            choice(
                "start",
                &["spot", "sines"],
                "a hot spot, or sin(k pi x/side) sin(l pi y/side)",
            ),
            with_unit(
                "K",
                real(
                    "hot",
                    100.0,
                    None,
                    None,
                    "the highest temperature at the beginning",
                ),
            ),
            whole("k", 1, 1, 100, "half waves along x of the start sines"),
            whole("l", 1, 1, 100, "half waves along y of the start sines"),
            whole("sweeps", 5000, 1, 1_000_000_000, "time steps per iteration"),
            whole("iterations", 40, 1, 1_000_000, "how many iterations"),
        ],
    }
}

/// The calculation.
pub struct Heat {
    plate: Plate,
    /// The plate after the last sweep.
    next: Vec<f64>,
    sweeps: u64,
    iterations: u64,
    done: u64,
    /// Sweeps of the iteration under way.
    swept: u64,
}

/// The temperatures, row by row, the cold rim included.
struct Plate {
    n: usize,
    side: f64,
    r: f64,
    time_step: f64,
    u: Vec<f64>,
}

/// What stands in a step.
#[derive(Serialize, Deserialize)]
struct Standing<'a> {
    swept: u64,
    u: std::borrow::Cow<'a, [f64]>,
}

impl Heat {
    /// Begins with the hot spot or the sines.
    pub fn start(parameters: &Parameters) -> Result<Self, SolverError> {
        let given = Checked(parameters);
        let n = given.count("n") as usize;
        let (side, a, r) = (given.number("side"), given.number("a"), given.number("r"));
        let cell = side / n as f64;
        let hot = given.number("hot");
        let (k, l) = (given.number("k"), given.number("l"));
        // From the `libm` crate, so that another machine gives the same bits.
        let wave = |half_waves: f64, i: usize| libm::sin(half_waves * PI * i as f64 / n as f64);
        let bell = |centre: f64, i: usize| {
            let off = (i as f64 / n as f64 - centre) / 0.12;
            libm::exp(-off * off / 2.0)
        };
        let is_spot = given.find_text("start") == Some("spot");
        let mut u = vec![0.0; (n + 1) * (n + 1)];
        for (y, x) in (1..n).flat_map(|y| (1..n).map(move |x| (y, x))) {
            u[y * (n + 1) + x] = hot
                * match is_spot {
                    true => bell(0.6, y) * bell(0.35, x),
                    false => wave(l, y) * wave(k, x),
                };
        }
        Ok(Self {
            next: u.clone(),
            plate: Plate {
                n,
                side,
                r,
                time_step: r * cell * cell / a,
                u,
            },
            sweeps: given.count("sweeps"),
            iterations: given.count("iterations"),
            done: 0,
            swept: 0,
        })
    }

    fn sweep(&mut self) {
        let Plate { n, r, ref u, .. } = self.plate;
        let width = n + 1;
        for y in 1..n {
            let above = &u[(y - 1) * width..y * width];
            let here = &u[y * width..(y + 1) * width];
            let below = &u[(y + 1) * width..(y + 2) * width];
            let next = &mut self.next[y * width..(y + 1) * width];
            for x in 1..n {
                let around = (here[x - 1] + here[x + 1]) + (above[x] + below[x]);
                next[x] = here[x] + r * (around - 4.0 * here[x]);
            }
        }
        std::mem::swap(&mut self.plate.u, &mut self.next);
    }

    fn standing(&self) -> String {
        let standing = Standing {
            swept: self.swept,
            u: self.plate.u.as_slice().into(),
        };
        serde_json::to_string(&standing).expect("numbers are always JSON")
    }
}

impl Plate {
    fn record(&self, iteration: u64, total: u64, sweeps: u64) -> Record {
        let axis = |name: &str| {
            let points = Points::Even {
                start: 0.0,
                step: self.side / self.n as f64,
                count: self.n + 1,
            };
            let unit = Some("m".to_owned());
            (name.to_owned(), Axis { unit, points })
        };
        let field = Array {
            axes: vec!["y".to_owned(), "x".to_owned()],
            data: self.u.clone(),
            unit: Some("K".to_owned()),
        };
        let time = (iteration * sweeps) as f64 * self.time_step;
        let warmest = self.u.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Record {
            iteration,
            total: Some(total),
            axes: vec![axis("y"), axis("x")],
            values: vec![
                ("u".to_owned(), Quantity::Array(field)),
                ("t".to_owned(), Quantity::Scalar(time)),
                ("warmest".to_owned(), Quantity::Scalar(warmest)),
            ],
            ..Record::default()
        }
    }

    /// Takes a whole plate, if it is one: of this size, finite, with a cold rim.
    fn take(&mut self, u: Vec<f64>) -> Result<(), String> {
        let width = self.n + 1;
        let is_rim = |i: usize| [i % width, i / width].iter().any(|at| [0, self.n].contains(at));
        if u.len() != width * width {
            return Err(format!(
                "it has {} temperatures; the plate has {}",
                u.len(),
                width * width
            ));
        }
        if !u.iter().all(|u| u.is_finite()) || u.iter().enumerate().any(|(i, u)| is_rim(i) && *u != 0.0) {
            return Err("a temperature is not finite, or its rim is not cold".to_owned());
        }
        self.u = u;
        Ok(())
    }
}

impl Solver for Heat {
    fn total(&self) -> Option<u64> {
        Some(self.iterations)
    }

    fn restore(&mut self, past: &[Record]) -> Result<(), SolverError> {
        let Some(newest) = past.last() else { return Ok(()) };
        let iteration = newest.iteration;
        let unfit = |reason: String| SolverError::Past { iteration, reason };
        let Some(Quantity::Array(field)) = newest.value("u") else {
            return Err(unfit("its record holds no field u".to_owned()));
        };
        if iteration > self.iterations {
            return Err(unfit(format!("there are {} iterations only", self.iterations)));
        }
        self.plate.take(field.data.clone()).map_err(unfit)?;
        (self.done, self.swept) = (iteration, 0);
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Record>, SolverError> {
        self.next_in_steps(&mut |_| {})
    }

    fn next_in_steps(&mut self, offer: &mut Offer<'_>) -> Result<Option<Record>, SolverError> {
        if self.done >= self.iterations {
            return Ok(None);
        }
        while self.swept < self.sweeps {
            self.sweep();
            self.swept += 1;
            if self.swept.is_multiple_of(SWEEPS_BETWEEN_OFFERS) && self.swept < self.sweeps {
                offer(&|| self.standing());
            }
        }
        (self.done, self.swept) = (self.done + 1, 0);
        Ok(Some(self.plate.record(self.done, self.iterations, self.sweeps)))
    }

    fn restore_step(&mut self, step: &str) -> Result<String, String> {
        let standing: Standing<'_> = serde_json::from_str(step).map_err(|error| error.to_string())?;
        if self.done >= self.iterations || standing.swept >= self.sweeps {
            return Err(format!("{} sweeps are not inside an iteration", standing.swept));
        }
        self.plate.take(standing.u.into_owned())?;
        self.swept = standing.swept;
        Ok(format!("after sweep {} of {}", self.swept, self.sweeps))
    }
}
