//! The `[[solver]]` tables of kymo.toml.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kymo_runlog::catalogue::{ParameterCard, ParameterKind, SolverCard};
use kymo_runlog::host::{Needs, check_label};
use kymo_runlog::view::View;
use kymo_runlog::{Value, shown};
use serde::Deserialize;

use super::{Catalogue, CommandLine, Entry, Feed, Program, Restart, Total};
use crate::protocol::LineParser;

/// Longest name of a solver: it begins the name of every topic of its runs.
pub(crate) const LONGEST_NAME: usize = 40;

/// How much of a run's output its `.log` topic keeps, and may be asked to keep.
const LOG_MEGABYTES: u64 = 8;
const MOST_LOG_MEGABYTES: u64 = 1024;

/// A broken kymo.toml.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TomlError {
    /// Not TOML, a field that does not exist, a value of the wrong type. The text shows the line.
    #[error("{0}")]
    Syntax(String),
    /// A table that is TOML but makes no sense.
    #[error("line {line}: solver {}: {reason}", shown(.solver))]
    Solver {
        line: usize,
        solver: String,
        reason: String,
    },
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    solver: Vec<toml::Spanned<Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    help: String,
    command: Vec<String>,
    #[serde(default)]
    directory: Option<PathBuf>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    patience: Option<f64>,
    #[serde(default)]
    grace: Option<f64>,
    #[serde(default)]
    restart: RestartWord,
    #[serde(default)]
    limit: Option<u32>,
    #[serde(default)]
    backoff: Option<f64>,
    #[serde(default)]
    replay: FeedWord,
    #[serde(default)]
    resumes: Option<bool>,
    #[serde(default, alias = "patterns")]
    pattern: OneOrMany,
    #[serde(default)]
    view: Option<String>,
    #[serde(default)]
    total: Option<Total>,
    #[serde(default)]
    cores: u32,
    #[serde(default)]
    memory: Option<String>,
    #[serde(default)]
    on: Vec<String>,
    #[serde(default, rename = "step-interval", alias = "step_interval")]
    step_interval: Option<f64>,
    #[serde(default, rename = "log-topic", alias = "log_topic")]
    log_topic: bool,
    #[serde(default, rename = "log-megabytes", alias = "log_megabytes")]
    log_megabytes: Option<u64>,
    #[serde(default, alias = "parameters")]
    parameter: Vec<ParameterTable>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RestartWord {
    #[default]
    Never,
    OnFailure,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FeedWord {
    #[default]
    None,
    State,
    Records,
}

#[derive(Default, Deserialize)]
#[serde(untagged, expecting = "expected one regular expression or a list of them")]
enum OneOrMany {
    #[default]
    None,
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterTable {
    name: String,
    #[serde(default, rename = "type")]
    kind: KindWord,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    min: Option<f64>,
    #[serde(default)]
    max: Option<f64>,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default, rename = "max-length", alias = "max_length")]
    max_length: Option<usize>,
    #[serde(default)]
    default: Option<Value>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    help: String,
    #[serde(default)]
    aliases: Vec<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum KindWord {
    #[default]
    Real,
    Integer,
    Choice,
    Text,
    Flag,
}

impl Catalogue {
    /// The built-in solvers and those of the file. Relative directories start at the file's `folder`.
    /// Other tables of the file are other people's business.
    pub fn from_toml(text: &str, folder: &Path) -> Result<Self, TomlError> {
        let file: File = toml::from_str(text).map_err(|error| TomlError::Syntax(error.to_string()))?;
        let mut catalogue = Self::built_in();
        for spanned in file.solver {
            let line = text[..spanned.span().start].matches('\n').count() + 1;
            let table = spanned.into_inner();
            let solver = table.name.clone();
            let entry = entry(table, folder).and_then(|entry| match catalogue.find(&solver) {
                Some(_) => Err("there is a solver of this name already; choose another name".to_owned()),
                None => Ok(entry),
            });
            catalogue
                .entries
                .push(entry.map_err(|reason| TomlError::Solver { line, solver, reason })?);
        }
        Ok(catalogue)
    }
}

fn entry(table: Table, folder: &Path) -> Result<Entry, String> {
    check_name(&table.name)?;
    if table.command.first().is_none_or(String::is_empty) {
        return Err(
            "command is empty; write the program and its arguments, e.g. [\"python3\", \"train.py\"]"
                .to_owned(),
        );
    }
    let parameters = table
        .parameter
        .into_iter()
        .map(parameter)
        .collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<&str> = Vec::new();
    for card in &parameters {
        for name in card.aliases.iter().chain([&card.name]) {
            if names.contains(&name.as_str()) {
                return Err(format!(
                    "the parameter {name} is declared twice; leave one of them out"
                ));
            }
            names.push(name);
        }
    }
    let command = CommandLine {
        argv: table.command,
        directory: table.directory.map(|directory| folder.join(directory)),
        environment: table.environment,
    };
    let own: Vec<&str> = parameters.iter().map(|card| card.name.as_str()).collect();
    command.check(&own).map_err(|error| error.to_string())?;
    let patterns = match table.pattern {
        OneOrMany::None => Vec::new(),
        OneOrMany::One(pattern) => vec![pattern],
        OneOrMany::Many(patterns) => patterns,
    };
    LineParser::new(0, &patterns).map_err(|error| error.to_string())?;
    if let Some(view) = &table.view {
        view.parse::<View>().map_err(|error| error.to_string())?;
    }
    if let Some(Total::Parameter(name)) = &table.total {
        check_total(name, &parameters)?;
    }
    let needs = needs(table.cores, table.memory.as_deref(), table.on)?;
    Ok(Entry {
        program: Program::Command(command),
        patience: seconds("patience", table.patience)?,
        grace: seconds("grace", table.grace)?.unwrap_or(10.0),
        restart: restart(table.restart, table.limit, seconds("backoff", table.backoff)?)?,
        replay: match table.replay {
            FeedWord::None => Feed::None,
            FeedWord::State => Feed::State,
            FeedWord::Records => Feed::Records,
        },
        // A program that was never changed knows nothing of resume_after.
        resumes: table.resumes.unwrap_or(patterns.is_empty()),
        patterns,
        total: table.total,
        step_interval: seconds("step-interval", table.step_interval)?,
        log_bytes: log_bytes(table.log_topic, table.log_megabytes)?,
        card: SolverCard {
            name: table.name,
            version: table.version.unwrap_or_else(|| "1".to_owned()),
            help: table.help,
            view: table.view,
            needs,
            parameters,
        },
    })
}

fn needs(cores: u32, memory: Option<&str>, on: Vec<String>) -> Result<Needs, String> {
    on.iter().try_for_each(|label| check_label(label))?;
    let memory = memory.map(str::parse).transpose()?.unwrap_or_default();
    Ok(Needs { cores, memory, on })
}

/// The names that a solver may have, whoever gives them.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match name.chars().all(fits) && (1..=LONGEST_NAME).contains(&name.len()) && !name.starts_with('-') {
        true => Ok(()),
        false => Err(format!(
            "a name is 1 to {LONGEST_NAME} letters a-z A-Z, digits or hyphens, and does not begin with a hyphen"
        )),
    }
}

fn seconds(field: &str, given: Option<f64>) -> Result<Option<f64>, String> {
    match given {
        Some(seconds) if !(seconds.is_finite() && seconds > 0.0) => {
            Err(format!("{field}={seconds} must be a number of seconds above 0"))
        }
        given => Ok(given),
    }
}

fn log_bytes(wanted: bool, megabytes: Option<u64>) -> Result<Option<u64>, String> {
    match (wanted, megabytes) {
        (false, None) => Ok(None),
        (false, Some(_)) => {
            Err("log-megabytes needs log-topic = true; add it or leave log-megabytes out".to_owned())
        }
        (true, Some(megabytes)) if !(1..=MOST_LOG_MEGABYTES).contains(&megabytes) => Err(format!(
            "log-megabytes={megabytes} must be from 1 to {MOST_LOG_MEGABYTES}"
        )),
        (true, megabytes) => Ok(Some(megabytes.unwrap_or(LOG_MEGABYTES) << 20)),
    }
}

fn restart(word: RestartWord, limit: Option<u32>, backoff: Option<f64>) -> Result<Restart, String> {
    match word {
        RestartWord::Never if limit.is_some() || backoff.is_some() => {
            Err("limit and backoff need restart = \"on-failure\"; add it or leave them out".to_owned())
        }
        RestartWord::Never => Ok(Restart::Never),
        RestartWord::OnFailure => {
            let backoff = backoff.unwrap_or(1.0);
            Ok(Restart::OnFailure {
                limit: limit.unwrap_or(5),
                backoff,
                longest: (backoff * 64.0).max(60.0),
            })
        }
    }
}

fn check_total(name: &str, parameters: &[ParameterCard]) -> Result<(), String> {
    let card = parameters.iter().find(|card| card.name == name);
    match card.map(|card| &card.kind) {
        Some(ParameterKind::Integer { .. }) => Ok(()),
        Some(_) | None => Err(format!(
            "total = {} must be a number or the name of an integer parameter",
            shown(name)
        )),
    }
}

fn parameter(table: ParameterTable) -> Result<ParameterCard, String> {
    let name = table.name;
    let bad = |reason: &str| format!("parameter {}: {reason}", shown(&name));
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let is_name = |name: &String| (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(fits);
    if !is_name(&name) || !table.aliases.iter().all(is_name) {
        return Err(bad("its names must be 1 to 40 letters a-z A-Z, digits, _ or -"));
    }
    if name == "pace" || table.aliases.iter().any(|alias| alias == "pace") {
        return Err(bad(
            "pace slows any solver down and is no parameter; choose another name",
        ));
    }
    if name == "on" || table.aliases.iter().any(|alias| alias == "on") {
        return Err(bad(
            "on says which hosts may run a solver and is no parameter; choose another name",
        ));
    }
    let whole = |bound: Option<f64>, field: &str| match bound {
        Some(bound) if bound.fract() != 0.0 => Err(bad(&format!("{field} must be a whole number"))),
        bound => Ok(bound.map(|bound| bound as i64)),
    };
    let kind = match table.kind {
        KindWord::Real => ParameterKind::Real {
            min: table.min,
            max: table.max,
        },
        KindWord::Integer => ParameterKind::Integer {
            min: whole(table.min, "min")?,
            max: whole(table.max, "max")?,
        },
        KindWord::Choice if table.options.is_empty() => {
            return Err(bad(
                "a choice needs options, e.g. options = [\"fast\", \"exact\"]",
            ));
        }
        KindWord::Choice => ParameterKind::Choice {
            options: table.options.clone(),
        },
        KindWord::Text => ParameterKind::Text {
            max_length: table.max_length.unwrap_or(200),
        },
        KindWord::Flag => ParameterKind::Flag,
    };
    let is_number = matches!(table.kind, KindWord::Real | KindWord::Integer);
    if !is_number && (table.min.is_some() || table.max.is_some() || table.unit.is_some()) {
        return Err(bad(
            "only numbers have min, max and unit; leave them out or change its type",
        ));
    }
    if !matches!(table.kind, KindWord::Choice) && !table.options.is_empty() {
        return Err(bad("only a choice has options; write type = \"choice\""));
    }
    if let (Some(min), Some(max)) = (table.min, table.max)
        && min > max
    {
        return Err(bad(&format!("min={min} is above max={max}; swap them")));
    }
    let card = ParameterCard {
        name: name.clone(),
        kind,
        unit: table.unit,
        default: table.default,
        optional: table.optional,
        help: table.help,
        aliases: table.aliases,
    };
    match card.default.as_ref().map(|default| card.check(default)) {
        Some(Err(problem)) => Err(bad(&format!("its default does not fit: {problem}"))),
        Some(Ok(())) | None => Ok(card),
    }
}
