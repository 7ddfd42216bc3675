//! `monte-carlo`: pi and the price of a call option, estimated in batches. Its results do not tell where
//! the generator stands, so each record carries that as its state.

mod tally;

use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::{Parameters, Quantity, Record};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

pub use tally::Tally;

use crate::card::{Checked, real, whole, with_unit};
use crate::{Solver, SolverError};

/// How people meet `monte-carlo`.
pub fn card() -> SolverCard {
    let money = |name, default: f64, help| real(name, default, Some(1e-6), Some(1e6), help);
    SolverCard {
        name: "monte-carlo".to_owned(),
        version: "1".to_owned(),
        help: "pi and the price of a European call option, estimated from random samples".to_owned(),
        view: Some("pi".to_owned()),
        needs: Default::default(),
        parameters: vec![
            whole(
                "seed",
                1,
                0,
                1 << 53,
                "which random numbers; the same seed gives the same bits",
            ),
            whole(
                "samples",
                10_000,
                1,
                1_000_000_000,
                "samples per batch; one batch is one iteration",
            ),
            whole("batches", 100, 1, 1_000_000, "how many batches"),
            money("spot", 100.0, "price of the share today"),
            money("strike", 100.0, "price at which the option lets you buy it"),
            real("rate", 0.05, Some(-1.0), Some(1.0), "interest rate per year"),
            real(
                "volatility",
                0.2,
                Some(0.0),
                Some(2.0),
                "of the share, per square root of a year",
            ),
            with_unit(
                "years",
                real(
                    "maturity",
                    1.0,
                    Some(1e-6),
                    Some(10.0),
                    "until the option may be used",
                ),
            ),
        ],
    }
}

/// The calculation.
pub struct MonteCarlo {
    option: CallOption,
    samples: u64,
    batches: u64,
    seed: u64,
    state: State,
}

/// What the next batch needs and the results do not tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    batches: u64,
    generator: ChaCha8Rng,
    tally: Tally,
}

/// A European call under Black and Scholes.
#[derive(Clone, Debug)]
struct CallOption {
    spot: f64,
    strike: f64,
    rate: f64,
    volatility: f64,
    maturity: f64,
}

impl CallOption {
    /// What the option is worth today if the share goes the way of this standard normal number.
    fn payoff(&self, normal: f64) -> f64 {
        let drift = (self.rate - self.volatility * self.volatility / 2.0) * self.maturity;
        let share = self.spot * libm::exp(drift + self.volatility * self.maturity.sqrt() * normal);
        libm::exp(-self.rate * self.maturity) * (share - self.strike).max(0.0)
    }
}

impl MonteCarlo {
    /// Begins with the seed's first number.
    pub fn start(parameters: &Parameters) -> Result<Self, SolverError> {
        let given = Checked(parameters);
        let seed = given.count("seed");
        let generator = ChaCha8Rng::seed_from_u64(seed);
        Ok(Self {
            option: CallOption {
                spot: given.number("spot"),
                strike: given.number("strike"),
                rate: given.number("rate"),
                volatility: given.number("volatility"),
                maturity: given.number("maturity"),
            },
            samples: given.count("samples"),
            batches: given.count("batches"),
            seed,
            state: State {
                batches: 0,
                generator,
                tally: Tally::default(),
            },
        })
    }

    /// One batch, whichever it is: its random numbers depend on the seed and its own number only.
    pub fn batch(&self, number: u64) -> Tally {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(number);
        self.draw(&mut generator)
    }

    fn draw(&self, generator: &mut ChaCha8Rng) -> Tally {
        let mut tally = Tally::default();
        for _ in 0..self.samples {
            let (x, y): (f64, f64) = (generator.random(), generator.random());
            // Box and Muller; 1 - x is never zero.
            let normal = (-2.0 * libm::log(1.0 - x)).sqrt() * libm::cos(std::f64::consts::TAU * y);
            tally.add(x * x + y * y <= 1.0, self.option.payoff(normal));
        }
        tally
    }

    fn record(&self) -> Record {
        let tally = &self.state.tally;
        let (pi, price) = (tally.pi(), tally.price());
        let values = [
            ("pi", pi.mean),
            ("pi_error", pi.standard_error),
            ("price", price.mean),
            ("price_error", price.standard_error),
            ("samples", tally.samples() as f64),
        ];
        Record {
            iteration: self.state.batches,
            total: Some(self.batches),
            values: values
                .map(|(name, value)| (name.to_owned(), Quantity::Scalar(value)))
                .into(),
            state: Some(serde_json::to_string(&self.state).expect("numbers and texts are always JSON")),
            ..Record::default()
        }
    }
}

impl Solver for MonteCarlo {
    fn total(&self) -> Option<u64> {
        Some(self.batches)
    }

    fn restore(&mut self, past: &[Record]) -> Result<(), SolverError> {
        let Some(newest) = past.last() else { return Ok(()) };
        let iteration = newest.iteration;
        let unfit = |reason: String| SolverError::Past { iteration, reason };
        let state = newest
            .state
            .as_deref()
            .ok_or_else(|| unfit("its record holds no state".to_owned()))?;
        let state: State =
            serde_json::from_str(state).map_err(|error| unfit(format!("its state: {error}")))?;
        let fits = state.batches == iteration
            && iteration <= self.batches
            && state.tally.samples() == iteration * self.samples
            && state.generator.get_seed() == self.state.generator.get_seed();
        if !fits {
            return Err(unfit("its state belongs to other parameters".to_owned()));
        }
        self.state = state;
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Record>, SolverError> {
        if self.state.batches >= self.batches {
            return Ok(None);
        }
        let mut generator = self.state.generator.clone();
        let batch = self.draw(&mut generator);
        self.state.tally.merge(&batch);
        self.state.batches += 1;
        // Each batch has a stream of its own, so batches may be computed in any order and anywhere.
        generator.set_stream(self.state.batches);
        generator.set_word_pos(0);
        self.state.generator = generator;
        Ok(Some(self.record()))
    }
}
