//! `lorenz`: Lorenz's 1963 system by the classical Runge-Kutta method. Within 34 units of time one wrong
//! last bit grows to the size of the attractor, so a restart that is not exact shows.

use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::{Parameters, Quantity, Record, shown_number};

use crate::card::{Checked, real, whole};
use crate::{Solver, SolverError};

/// How people meet `lorenz`.
pub fn card() -> SolverCard {
    SolverCard {
        name: "lorenz".to_owned(),
        version: "1".to_owned(),
        help: "Lorenz's strange attractor: x, y and z over time, by Runge-Kutta".to_owned(),
        view: Some("z".to_owned()),
        needs: Default::default(),
        parameters: vec![
            real("sigma", 10.0, None, None, "Prandtl number"),
            real("rho", 28.0, None, None, "Rayleigh number over its critical value"),
            real("beta", 8.0 / 3.0, None, None, "shape of the cell"),
            real("x0", 1.0, None, None, "x at the beginning"),
            real("y0", 1.0, None, None, "y at the beginning"),
            real("z0", 1.0, None, None, "z at the beginning"),
            real("dt", 0.01, Some(1e-9), Some(1.0), "step in time"),
            whole("steps", 5, 1, 1_000_000_000, "Runge-Kutta steps per iteration"),
            whole("iterations", 1000, 1, 1_000_000_000, "how many iterations"),
        ],
    }
}

/// The calculation.
pub struct Lorenz {
    system: System,
    point: Point,
    dt: f64,
    steps: u64,
    iterations: u64,
    done: u64,
}

type Point = [f64; 3];

struct System {
    sigma: f64,
    rho: f64,
    beta: f64,
}

impl System {
    fn slope(&self, [x, y, z]: Point) -> Point {
        [
            self.sigma * (y - x),
            x * (self.rho - z) - y,
            x * y - self.beta * z,
        ]
    }

    fn step(&self, point: Point, dt: f64) -> Point {
        let along = |slope: Point, dt: f64| std::array::from_fn(|i| point[i] + dt * slope[i]);
        let k1 = self.slope(point);
        let k2 = self.slope(along(k1, dt / 2.0));
        let k3 = self.slope(along(k2, dt / 2.0));
        let k4 = self.slope(along(k3, dt));
        std::array::from_fn(|i| point[i] + dt / 6.0 * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]))
    }
}

impl Lorenz {
    /// Begins at (x0, y0, z0).
    pub fn start(parameters: &Parameters) -> Result<Self, SolverError> {
        let given = Checked(parameters);
        let (sigma, rho, beta) = (given.number("sigma"), given.number("rho"), given.number("beta"));
        Ok(Self {
            system: System { sigma, rho, beta },
            point: ["x0", "y0", "z0"].map(|name| given.number(name)),
            dt: given.number("dt"),
            steps: given.count("steps"),
            iterations: given.count("iterations"),
            done: 0,
        })
    }
}

impl Solver for Lorenz {
    fn total(&self) -> Option<u64> {
        Some(self.iterations)
    }

    fn restore(&mut self, past: &[Record]) -> Result<(), SolverError> {
        let Some(newest) = past.last() else { return Ok(()) };
        let coordinate = |name: &str| match newest.value(name) {
            Some(Quantity::Scalar(value)) if value.is_finite() => Some(*value),
            Some(Quantity::Scalar(_) | Quantity::Array(_)) | None => None,
        };
        match (coordinate("x"), coordinate("y"), coordinate("z")) {
            (Some(x), Some(y), Some(z)) if newest.iteration <= self.iterations => {
                self.point = [x, y, z];
                self.done = newest.iteration;
                Ok(())
            }
            _ => Err(SolverError::Past {
                iteration: newest.iteration,
                reason: format!(
                    "it needs finite numbers x, y and z and at most {} iterations",
                    self.iterations
                ),
            }),
        }
    }

    fn next(&mut self) -> Result<Option<Record>, SolverError> {
        if self.done >= self.iterations {
            return Ok(None);
        }
        let iteration = self.done + 1;
        let mut point = self.point;
        for _ in 0..self.steps {
            point = self.system.step(point, self.dt);
        }
        if !point.iter().all(|coordinate| coordinate.is_finite()) {
            let reason = format!(
                "the point ran away to infinity with dt={}; use a smaller dt",
                shown_number(self.dt)
            );
            return Err(SolverError::Failed { iteration, reason });
        }
        (self.point, self.done) = (point, iteration);
        let time = (iteration * self.steps) as f64 * self.dt;
        let [x, y, z] = point;
        let values = [("t", time), ("x", x), ("y", y), ("z", z)];
        Ok(Some(Record {
            iteration,
            total: Some(self.iterations),
            values: values
                .map(|(name, value)| (name.to_owned(), Quantity::Scalar(value)))
                .into(),
            ..Record::default()
        }))
    }
}
