//! `kymo run`: a solver of the catalogue, or any command, under a watchdog in this very process, with panel and
//! alerts like every run. It needs no initiator; nobody else starts the run again.

mod progress;

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::Utc;
use kymo_door::Door;
use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::claim::{self, Lease};
use kymo_runlog::{Log, Parameters, RunId, Topic, shown};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::catalogue::{Catalogue, CommandLine, Entry, Feed, LONGEST_NAME, Program, Restart, check_name};
use crate::events::{self, patiently};
use crate::folder::Job;
use crate::initiator::ledger::{Ledger, Source};
use crate::standalone::split_pace;
use crate::watchdog::{Audience, Ended, Exit, Farewell, Verdict, WatchdogConfig, exit_code, watch_over};

/// Seconds between being asked to end and SIGKILL for a command that we know nothing of.
const GRACE: f64 = 10.0;

/// What `kymo run` needs to know of its house.
#[derive(Clone, Debug)]
pub struct TerminalConfig {
    pub host: String,
    pub data: PathBuf,
    pub catalogue: Catalogue,
    /// Argv prefix that makes a built-in solver a program: `kymo solver`.
    pub solver_command: Vec<OsString>,
    /// What the terminal sent us, once we shall end: the program gets the same.
    pub farewell: Farewell,
}

/// What shall run.
#[derive(Clone, Debug)]
pub enum Command {
    /// A solver of the catalogue with its parameters.
    Solver {
        solver: String,
        assignments: Vec<String>,
        fresh: bool,
    },
    /// Any command; its name is the run's.
    Program {
        name: Option<String>,
        command: Vec<String>,
        fresh: bool,
    },
}

/// Runs it to its end and returns the exit code that a shell would.
pub async fn run(
    config: TerminalConfig,
    command: Command,
    log: Arc<dyn Log>,
    door: Option<Door>,
    stop: CancellationToken,
) -> anyhow::Result<u8> {
    let wanted = Wanted::of(&command, &config.catalogue)?;
    let mut ledger = Ledger::default();
    for source in Source::ALL {
        let topic = source.topic();
        patiently(|| log.create(&topic))
            .await
            .with_context(|| format!("create {topic}"))?;
    }
    let watchdog = WatchdogConfig {
        job: PathBuf::new(),
        data: config.data.clone(),
        solver_command: config.solver_command.clone(),
        farewell: config.farewell.clone(),
        spool: false,
    };
    let mut job = wanted.job(&config.host, &*log).await?;
    loop {
        job.attempt = claim_next(&mut job, &mut ledger, &*log).await?;
        let audience = wanted.audience();
        let ended = watch_over(
            job.clone(),
            &watchdog,
            log.clone(),
            door.clone(),
            stop.clone(),
            audience,
        )
        .await?;
        wanted.tell_end(&ended);
        let Some(pause) = ended.again_in else {
            return Ok(code_of(&ended, &config.farewell));
        };
        if stop
            .run_until_cancelled(tokio::time::sleep(pause))
            .await
            .is_none()
        {
            return Ok(code_of(&ended, &config.farewell));
        }
        job.set_row(ended.row);
        job.fresh = false;
    }
}

/// The run that is meant.
struct Wanted {
    run: RunId,
    entry: Entry,
    fresh: bool,
    pace: Option<f64>,
    /// The program's own output is the terminal's.
    passes: bool,
}

impl Wanted {
    fn of(command: &Command, catalogue: &Catalogue) -> anyhow::Result<Self> {
        match command {
            Command::Solver {
                solver,
                assignments,
                fresh,
            } => {
                let entry = catalogue.load(solver)?.clone();
                let (pace, assignments) = split_pace(assignments)?;
                let run = entry.card.read(&assignments).map_err(|problems| {
                    anyhow::anyhow!(
                        problems
                            .iter()
                            .map(ToString::to_string)
                            .collect::<Vec<_>>()
                            .join("\n")
                    )
                })?;
                Ok(Self {
                    run,
                    entry,
                    fresh: *fresh,
                    pace,
                    passes: false,
                })
            }
            Command::Program { name, command, fresh } => {
                let program = command
                    .first()
                    .context("there is no command; write kymo run --name train -- python train.py")?;
                let name = name_of(name.as_deref(), program, catalogue)?;
                let run = RunId {
                    solver: name.clone(),
                    parameters: Parameters::default(),
                };
                Ok(Self {
                    run,
                    entry: entry_of(name, command),
                    fresh: *fresh,
                    pace: None,
                    passes: true,
                })
            }
        }
    }

    async fn job(&self, host: &str, log: &dyn Log) -> anyhow::Result<Job> {
        let orders = kymo_runlog::order::topic();
        Ok(Job {
            run: self.run.clone(),
            topic: self.run.topic(),
            attempt: 0,
            host: host.to_owned(),
            by: format!(
                "the terminal of {}",
                std::env::var("USER").unwrap_or_else(|_| host.to_owned())
            ),
            holder: Uuid::new_v4(),
            claimed_at: Default::default(),
            orders_from: patiently(|| log.end(&orders)).await?,
            fresh: self.fresh,
            pace: self.pace,
            failures: 0,
            furthest: 0,
            incident: None,
            death: None,
            speaks_protocol: !self.passes,
            entry: self.entry.clone(),
        })
    }

    fn audience(&self) -> Audience {
        if self.passes {
            Audience::Passing
        } else {
            progress::audience(&self.run.solver)
        }
    }

    fn tell_end(&self, ended: &Ended) {
        let words = match &ended.verdict {
            // A program under us should look as if it ran alone.
            Verdict::Finished | Verdict::Stopped { .. } if self.passes => return,
            Verdict::Finished => format!("finished after iteration {}", ended.iteration),
            Verdict::Stopped { by } => format!("stopped by {by} after iteration {}", ended.iteration),
            Verdict::Failed { reason } => match ended.again_in {
                Some(pause) => format!("failed: {reason}; again in {:.0} s", pause.as_secs_f64()),
                None => format!("failed: {reason}"),
            },
            // It is claimed anew at once.
            Verdict::LeftWanted if ended.again_in.is_some() => return,
            Verdict::LeftWanted | Verdict::Lost => {
                "ended: another host has the run, or it is started afresh".to_owned()
            }
        };
        // Nobody may read it, or its disk may be full: neither ends the run.
        let mut terminal = std::io::stderr();
        let _ = writeln!(terminal, "{}: {words}", self.run.solver);
        // A program that passes its output through has said this already.
        for line in ended.last_lines.iter().filter(|_| !self.passes) {
            let _ = writeln!(terminal, "  {line}");
        }
    }
}

/// The run's name, as a person gave it or after the program's.
fn name_of(given: Option<&str>, program: &str, catalogue: &Catalogue) -> anyhow::Result<String> {
    if let Some(name) = given
        && let Err(rule) = check_name(name)
    {
        bail!("--name {}: {rule}; e.g. --name {}", shown(name), name_after(name));
    }
    let name = given.map_or_else(|| name_after(program), str::to_owned);
    if catalogue.find(&name).is_some() {
        bail!(
            "the catalogue has a solver {name}, and these would be its runs; choose another name with --name, \
             e.g. --name my-{name}"
        );
    }
    Ok(name)
}

/// The name of a program that nobody named: its file's, with hyphens for what a name cannot hold.
fn name_after(program: &str) -> String {
    let file = program.rsplit('/').next().unwrap_or(program);
    let words: Vec<&str> = file
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut name = words.join("-");
    // All ASCII by now.
    name.truncate(LONGEST_NAME);
    match name.trim_end_matches('-') {
        "" => "command".to_owned(),
        name => name.to_owned(),
    }
}

/// A catalogue entry for a command that nobody catalogued.
fn entry_of(name: String, command: &[String]) -> Entry {
    Entry {
        card: SolverCard {
            name,
            version: "0".to_owned(),
            help: command.join(" "),
            view: None,
            needs: Default::default(),
            parameters: Vec::new(),
        },
        program: Program::Command(CommandLine {
            // Nothing in it is a placeholder.
            argv: command
                .iter()
                .map(|word| word.replace('{', "{{").replace('}', "}}"))
                .collect(),
            ..CommandLine::default()
        }),
        patience: None,
        grace: GRACE,
        restart: Restart::Never,
        replay: Feed::None,
        resumes: false,
        patterns: Vec::new(),
        total: None,
        step_interval: None,
        log_bytes: None,
    }
}

/// Wins the run's next attempt, or says who has the run.
async fn claim_next(job: &mut Job, ledger: &mut Ledger, log: &dyn Log) -> anyhow::Result<u32> {
    ledger.catch_up(log).await?;
    let holding = |ledger: &Ledger| {
        let lease = ledger.book.lease(&job.topic);
        lease.filter(|lease| !lease.released).cloned()
    };
    let lapsed = holding(ledger);
    if let Some(lease) = &lapsed {
        eprintln!("{}: waiting whether {} still has it", job.run.solver, lease.host);
        let deadline = Instant::now() + claim::LENGTH;
        while Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(200)).await;
            ledger.catch_up(log).await?;
            match holding(ledger) {
                Some(now) if now.heard == lease.heard => {}
                Some(now) => bail!("{}", somebody_has_it(&job.topic, &now)),
                None => break,
            }
        }
    }
    let lapsed = holding(ledger);
    let claimed = ledger.book.lease(&job.topic).map_or(0, |lease| lease.attempt);
    let attempt = ledger
        .book
        .find(&job.topic)
        .map_or(0, |facts| facts.attempt())
        .max(claimed)
        + 1;
    let holder = Uuid::new_v4();
    let mut ours = claim::claim(&job.topic, attempt, &job.host, holder, Utc::now(), false);
    if let Some(lease) = &lapsed {
        ours = claim::take_over(lease, ours);
    }
    let claimed_at = events::append_json(log, &claim::topic(), &job.topic, &ours).await?;
    ledger.catch_up(log).await?;
    match ledger.book.lease(&job.topic) {
        Some(lease) if lease.holder == holder => {}
        Some(lease) => bail!("{}", somebody_has_it(&job.topic, lease)),
        None => bail!(
            "the claim on {} is not in the log although the log took it",
            job.topic
        ),
    }
    (job.holder, job.claimed_at) = (holder, claimed_at);
    Ok(attempt)
}

fn somebody_has_it(topic: &Topic, lease: &Lease) -> String {
    format!(
        "{topic} runs already: {} has attempt {}; stop it there, or give this run another name or other parameters",
        lease.host, lease.attempt
    )
}

fn code_of(ended: &Ended, farewell: &Farewell) -> u8 {
    match (&ended.verdict, ended.exit) {
        (Verdict::Finished, _) => 0,
        // A solver that ends politely when it is told to has still not finished.
        (
            Verdict::Stopped { .. } | Verdict::Failed { .. } | Verdict::LeftWanted | Verdict::Lost,
            Some(exit),
        ) => exit_code(exit),
        // We were told to end before there was a solver.
        (Verdict::Stopped { .. } | Verdict::Failed { .. } | Verdict::LeftWanted | Verdict::Lost, None) => {
            exit_code(Exit::Signal(farewell.signal() as i32))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn a_command_is_run_as_it_was_written() {
        let command = Command::Program {
            name: None,
            command: texts(&["/bin/awk", "{print $1}"]),
            fresh: false,
        };
        let wanted = Wanted::of(&command, &Catalogue::default()).expect("good");
        assert_eq!(wanted.run.solver, "awk");
        let Program::Command(line) = wanted.entry.program else {
            panic!("a command")
        };
        assert_eq!(
            line.argv(&Parameters::default()).expect("no placeholder"),
            texts(&["/bin/awk", "{print $1}"])
        );
    }

    #[test]
    fn a_command_without_a_name_is_called_after_its_file() {
        for (program, name) in [
            ("/usr/bin/python3.12", "python3-12"),
            ("./train_v2.sh", "train-v2-sh"),
            ("true", "true"),
            ("🙂", "command"),
            ("run model.sh", "run-model-sh"),
            (&"long-".repeat(20), "long-long-long-long-long-long-long-long"),
        ] {
            let name_of_it = name_after(program);
            assert_eq!(name_of_it, name);
            check_name(&name_of_it).expect("it keeps the rule");
        }
    }

    #[test]
    fn a_name_that_breaks_the_rule_or_is_taken_is_refused_with_a_better_one() {
        let refused = |name| {
            let refused = name_of(name, "/opt/airy", &Catalogue::built_in());
            refused.expect_err("no name").to_string()
        };
        insta::assert_snapshot!(refused(Some("a b")), @r#"--name "a b": a name is 1 to 40 letters a-z A-Z, digits or hyphens, and does not begin with a hyphen; e.g. --name a-b"#);
        insta::assert_snapshot!(refused(Some("")), @r#"--name "": a name is 1 to 40 letters a-z A-Z, digits or hyphens, and does not begin with a hyphen; e.g. --name command"#);
        insta::assert_snapshot!(refused(Some("🙂")), @r#"--name "🙂": a name is 1 to 40 letters a-z A-Z, digits or hyphens, and does not begin with a hyphen; e.g. --name command"#);
        insta::assert_snapshot!(refused(Some("airy")), @"the catalogue has a solver airy, and these would be its runs; choose another name with --name, e.g. --name my-airy");
        assert_eq!(
            refused(None),
            refused(Some("airy")),
            "however it came by that name"
        );
        let name = name_of(Some("train-2"), "python3", &Catalogue::built_in());
        assert_eq!(name.expect("a name"), "train-2");
    }

    #[test]
    fn no_command_is_an_error_with_an_example() {
        let command = Command::Program {
            name: None,
            command: vec![],
            fresh: false,
        };
        let error = Wanted::of(&command, &Catalogue::default())
            .err()
            .expect("an error")
            .to_string();
        assert!(
            error.contains("kymo run --name train -- python train.py"),
            "{error}"
        );
    }
}
