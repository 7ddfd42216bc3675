//! What a built-in problem is to everybody else: a card, a beginning, and one record per iteration.

use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::{Parameters, Record};

use crate::catalogue::Feed;
use crate::{airy, heat, lorenz, monte_carlo};

/// A calculation that goes on iteration by iteration. The same parameters and the same past always
/// give the same bits.
pub trait Solver: Send {
    /// How many iterations there will be, if that is known.
    fn total(&self) -> Option<u64>;

    /// Goes on after the last of `past`, which holds at least as many records as the solver's [`Feed`] says.
    fn restore(&mut self, past: &[Record]) -> Result<(), SolverError>;

    /// Computes the next iteration; `None` when all are done.
    fn next(&mut self) -> Result<Option<Record>, SolverError>;

    /// The same; a solver with long iterations offers its steps on the way.
    fn next_in_steps(&mut self, _offer: &mut Offer<'_>) -> Result<Option<Record>, SolverError> {
        self.next()
    }

    /// After [`Solver::restore`]: goes on inside the next iteration, from what was offered there. Says in words where that is; after
    /// an error the iteration begins anew.
    fn restore_step(&mut self, _step: &str) -> Result<String, String> {
        Err("this solver offers no steps".to_owned())
    }
}

/// Is offered how a solver stands, and asks for it when it is time: to tell it may cost more than a moment.
pub type Offer<'a> = dyn FnMut(&dyn Fn() -> String) + 'a;

/// Why a solver cannot begin or go on.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum SolverError {
    /// The parameters are fine one by one but not together.
    #[error("{0}")]
    Refused(String),
    /// What the log holds does not fit the parameters.
    #[error("cannot go on after iteration {iteration}: {reason}; start the run afresh")]
    Past { iteration: u64, reason: String },
    /// The calculation itself failed.
    #[error("iteration {iteration} failed: {reason}")]
    Failed { iteration: u64, reason: String },
}

/// A solver that comes with the program.
pub struct BuiltIn {
    /// How people meet it.
    pub card: SolverCard,
    /// What it needs of its past to go on.
    pub feed: Feed,
    start: fn(&Parameters) -> Result<Box<dyn Solver>, SolverError>,
}

impl BuiltIn {
    /// Begins at iteration 1. The parameters are complete and checked ([`SolverCard::complete`]).
    pub fn start(&self, parameters: &Parameters) -> Result<Box<dyn Solver>, SolverError> {
        (self.start)(parameters)
    }
}

/// Every solver that comes with the program.
pub fn built_in() -> Vec<BuiltIn> {
    vec![
        BuiltIn {
            card: airy::card(),
            // A window of one row needs the row before it, too.
            feed: Feed::Last(2),
            start: |parameters| Ok(Box::new(airy::Airy::start(parameters)?)),
        },
        BuiltIn {
            card: heat::card(),
            feed: Feed::Last(1),
            start: |parameters| Ok(Box::new(heat::Heat::start(parameters)?)),
        },
        BuiltIn {
            card: lorenz::card(),
            feed: Feed::Last(1),
            start: |parameters| Ok(Box::new(lorenz::Lorenz::start(parameters)?)),
        },
        BuiltIn {
            card: monte_carlo::card(),
            feed: Feed::Last(1),
            start: |parameters| Ok(Box::new(monte_carlo::MonteCarlo::start(parameters)?)),
        },
    ]
}

/// The built-in solver of this name.
pub fn find_built_in(name: &str) -> Option<BuiltIn> {
    built_in().into_iter().find(|solver| solver.card.name == name)
}
