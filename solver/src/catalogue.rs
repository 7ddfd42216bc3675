//! What this machine can run: the built-in solvers and the `[[solver]]` tables of kymo.toml.

mod command;
mod toml_table;

use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::{ParameterProblem, Parameters, RunId, nearest, shown};
use serde::{Deserialize, Serialize};

pub use command::{CommandError, CommandLine};
pub use toml_table::TomlError;
pub(crate) use toml_table::{LONGEST_NAME, check_name};

use crate::{built_in, find_built_in};

/// Silence that a built-in solver is allowed, in seconds; the slowest iteration takes a few.
const BUILT_IN_PATIENCE: f64 = 60.0;

/// All solvers of this machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Catalogue {
    entries: Vec<Entry>,
}

/// One solver and how it is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// How people meet it.
    pub card: SolverCard,
    /// What is started.
    pub program: Program,
    /// Seconds of silence allowed; `None`: any.
    pub patience: Option<f64>,
    /// Seconds between SIGTERM and SIGKILL.
    pub grace: f64,
    /// What happens after a failure.
    pub restart: Restart,
    /// What it gets of its past.
    pub replay: Feed,
    /// Whether it can go on in the middle. Otherwise every attempt begins at iteration 1.
    pub resumes: bool,
    /// Regular expressions that find records in ordinary output lines.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// How many iterations there will be, for programs that do not say so themselves.
    #[serde(default)]
    pub total: Option<Total>,
    /// Seconds between two steps that are kept; `None`: the usual.
    #[serde(default)]
    pub step_interval: Option<f64>,
    /// How much of its output is kept in `<topic>.log`; `None`: the run has no such topic.
    #[serde(default)]
    pub log_bytes: Option<u64>,
}

/// How many iterations a run will have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Total {
    /// Always the same.
    Number(u64),
    /// What this parameter says.
    Parameter(String),
}

/// What is started for a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// A solver of this program.
    BuiltIn,
    /// Any command.
    Command(CommandLine),
}

/// What happens after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restart {
    /// A person decides.
    Never,
    /// Again after `backoff` seconds, doubled each time up to `longest`, at most `limit` times in a row.
    OnFailure { limit: u32, backoff: f64, longest: f64 },
}

/// What a solver gets of its past when it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feed {
    /// Only the number of the last iteration.
    None,
    /// The last record's state.
    State,
    /// All records.
    Records,
    /// The last n records.
    Last(u64),
}

/// Why a run cannot be computed here.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CatalogueError {
    /// No such solver.
    #[error("there is no solver {}; {remedy}", shown(.name))]
    UnknownSolver { name: String, remedy: String },
    /// Its parameters do not fit its card.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Parameters(Vec<ParameterProblem>),
    /// The built-in solver itself finds that its parameters do not go together.
    #[error("{solver} cannot start: {reason}")]
    Refused { solver: String, reason: String },
    /// A run whose parameters are right but not written as this card would.
    #[error("{solver} now has other parameters than when this run was named; start a new run of it")]
    NotCanonical { solver: String },
}

impl Default for Restart {
    fn default() -> Self {
        Self::OnFailure {
            limit: 5,
            backoff: 1.0,
            longest: 60.0,
        }
    }
}

impl Entry {
    /// How many iterations this run will have, as far as the catalogue knows.
    pub fn total(&self, parameters: &Parameters) -> Option<u64> {
        match self.total.as_ref()? {
            Total::Number(total) => Some(*total),
            Total::Parameter(name) => {
                let total = parameters.0.get(name)?.as_number()?;
                (total >= 1.0).then_some(total as u64)
            }
        }
    }
}

impl Catalogue {
    /// The solvers that come with the program.
    pub fn built_in() -> Self {
        let entries = built_in().into_iter().map(|solver| Entry {
            card: solver.card,
            program: Program::BuiltIn,
            patience: Some(BUILT_IN_PATIENCE),
            grace: 5.0,
            restart: Restart::default(),
            replay: solver.feed,
            resumes: true,
            patterns: Vec::new(),
            total: None,
            step_interval: None,
            log_bytes: None,
        });
        Self {
            entries: entries.collect(),
        }
    }

    /// A catalogue of exactly these.
    pub fn of(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// Every solver, in the order of the catalogue.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The solver of this name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.card.name == name)
    }

    /// The solver of this name, or a sentence that helps.
    pub fn load(&self, name: &str) -> Result<&Entry, CatalogueError> {
        self.find(name).ok_or_else(|| {
            let names: Vec<&str> = self
                .entries
                .iter()
                .map(|entry| entry.card.name.as_str())
                .collect();
            let remedy = match nearest(name, &names) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("there are {}", names.join(", ")),
            };
            CatalogueError::UnknownSolver {
                name: name.to_owned(),
                remedy,
            }
        })
    }

    /// What is published for people.
    pub fn cards(&self) -> Vec<SolverCard> {
        self.entries.iter().map(|entry| entry.card.clone()).collect()
    }

    /// Whether this very run can be computed here. An order comes from a log and is never trusted.
    pub fn check(&self, run: &RunId) -> Result<&Entry, CatalogueError> {
        let entry = self.load(&run.solver)?;
        let complete = entry
            .card
            .complete(&run.parameters)
            .map_err(CatalogueError::Parameters)?;
        if complete != *run {
            return Err(CatalogueError::NotCanonical {
                solver: run.solver.clone(),
            });
        }
        // What the solver would refuse at its start need not be started again and again.
        if let (Program::BuiltIn, Some(solver)) = (&entry.program, find_built_in(&run.solver)) {
            solver
                .start(&run.parameters)
                .map_err(|error| CatalogueError::Refused {
                    solver: run.solver.clone(),
                    reason: error.to_string(),
                })?;
        }
        Ok(entry)
    }
}
