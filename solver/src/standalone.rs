//! A built-in solver on its own: for a terminal (`kymo solver airy h=0.02`), and as the child of a
//! watchdog that speaks the same protocol as any other program.

use std::io::{self, BufRead, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use kymo_runlog::{ParameterProblem, Parameters, nearest, shown};

use crate::protocol::{JobLine, step_line};
use crate::{BuiltIn, Solver, built_in, find_built_in};

/// The longest pause between two iterations, in seconds.
pub const LONGEST_PACE: f64 = 3600.0;

/// Between two steps that are printed. The watchdog keeps fewer of them.
const STEP_EVERY: Duration = Duration::from_millis(500);

/// Prints the cards of all built-in solvers.
pub fn list(out: &mut dyn Write) -> anyhow::Result<()> {
    let mut text = String::new();
    for solver in built_in() {
        text += &format!("{}  {}\n", solver.card.name, solver.card.help);
        for card in &solver.card.parameters {
            let default = card
                .default
                .as_ref()
                .map(|value| format!("={value}"))
                .unwrap_or_default();
            let unit = card
                .unit
                .as_ref()
                .map(|unit| format!(" {unit}"))
                .unwrap_or_default();
            text += &format!(
                "  {}{default}{unit}  {}; {}\n",
                card.name,
                card.help,
                card.range()
            );
        }
        text.push('\n');
    }
    text += "pace=SECONDS slows any of them down after each iteration\n";
    quietly(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Runs a built-in solver from its first iteration and prints its records, one line of JSON each; its steps, too, if
/// they are wanted.
pub fn print(name: &str, assignments: &[String], steps: bool, out: &mut dyn Write) -> anyhow::Result<()> {
    let solver = load(name)?;
    let (pace, assignments) = split_pace(assignments)?;
    let run = solver
        .card
        .read(&assignments)
        .map_err(|problems| told(&problems))?;
    let step_every = steps.then_some(STEP_EVERY);
    quietly(publish(
        &mut *solver.start(&run.parameters)?,
        pace,
        step_every,
        out,
    )?)
}

/// Speaks the protocol: a job line comes in, records go out.
pub fn speak(name: &str, input: &mut dyn BufRead, out: &mut dyn Write) -> anyhow::Result<()> {
    let solver = load(name)?;
    let mut line = String::new();
    input
        .read_line(&mut line)
        .context("read the job line from standard input")?;
    let job = JobLine::parse(&line)?;
    let parameters = complete(&solver, &job.parameters)?;
    let mut calculation = solver.start(&parameters)?;
    let past = job.records.unwrap_or_default();
    let known = past.last().map_or(0, |record| record.iteration);
    if known != job.resume_after {
        bail!(
            "the job says resume_after={} but its last record is iteration {known}",
            job.resume_after
        );
    }
    calculation.restore(&past)?;
    if let Some(step) = &job.step {
        let iteration = known + 1;
        match calculation.restore_step(step) {
            Ok(place) => eprintln!("going on inside iteration {iteration}, {place}"),
            Err(reason) => {
                eprintln!("the step of iteration {iteration} cannot be used, it begins anew: {reason}")
            }
        }
    }
    quietly(publish(&mut *calculation, job.pace, Some(STEP_EVERY), out)?)
}

/// Takes `pace=SECONDS` out of the assignments: it is how a run is computed, not which run it is.
pub fn split_pace(assignments: &[String]) -> anyhow::Result<(Option<f64>, Vec<String>)> {
    let is_pace = |assignment: &&String| assignment.split('=').next().map(str::trim) == Some("pace");
    let (paces, others): (Vec<&String>, Vec<&String>) = assignments.iter().partition(is_pace);
    let pace = match paces[..] {
        [] => None,
        [one] => Some(parse_pace(one.split_once('=').map_or("", |(_, value)| value))?),
        _ => bail!("pace is given twice; leave one of them out"),
    };
    Ok((pace, others.into_iter().cloned().collect()))
}

/// Reads a pace in seconds.
pub fn parse_pace(text: &str) -> anyhow::Result<f64> {
    let number = text.trim().trim_end_matches('s').trim_end();
    match number.parse::<f64>() {
        Ok(pace) if (0.0..=LONGEST_PACE).contains(&pace) => Ok(pace),
        Ok(_) | Err(_) => Err(anyhow!(
            "pace={} is no pause; it must be from 0 to 3600 s, e.g. pace=0.5",
            shown(text).trim_matches('"')
        )),
    }
}

fn load(name: &str) -> anyhow::Result<BuiltIn> {
    find_built_in(name).ok_or_else(|| {
        let names: Vec<String> = built_in().into_iter().map(|solver| solver.card.name).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let remedy = match nearest(name, &names) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are {}", names.join(", ")),
        };
        anyhow!("there is no built-in solver {}; {remedy}", shown(name))
    })
}

fn complete(solver: &BuiltIn, parameters: &Parameters) -> anyhow::Result<Parameters> {
    Ok(solver
        .card
        .complete(parameters)
        .map_err(|problems| told(&problems))?
        .parameters)
}

fn told(problems: &[ParameterProblem]) -> anyhow::Error {
    anyhow!(
        problems
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    )
}

/// The inner result is how writing went; a solver's own failure is the outer one.
fn publish(
    solver: &mut dyn Solver,
    pace: Option<f64>,
    step_every: Option<Duration>,
    out: &mut dyn Write,
) -> anyhow::Result<io::Result<()>> {
    let pause = pace.map(Duration::from_secs_f64).unwrap_or_default();
    let mut written = Ok(());
    loop {
        let mut last = Instant::now();
        let mut offer = |tell: &dyn Fn() -> String| {
            if written.is_ok() && step_every.is_some_and(|every| last.elapsed() >= every) {
                written = write_line(out, step_line(&tell()).into_bytes());
                last = Instant::now();
            }
        };
        let Some(mut record) = solver.next_in_steps(&mut offer)? else {
            return Ok(written);
        };
        record.pace = pace.filter(|pace| *pace > 0.0);
        written = written.and_then(|()| write_line(out, record.to_json()));
        if written.is_err() {
            return Ok(written);
        }
        // The child of a watchdog ends by signal, so a plain sleep does not delay a stop.
        thread::sleep(pause);
    }
}

fn write_line(out: &mut dyn Write, mut line: Vec<u8>) -> io::Result<()> {
    line.push(b'\n');
    out.write_all(&line).and_then(|()| out.flush())
}

/// A reader who had enough (`| head`) is no error.
fn quietly(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("write the records"),
        Ok(()) | Err(_) => Ok(()),
    }
}
