//! What a built-in run comes to when nothing disturbs it: the yardstick for every restart.

use anyhow::{Context, anyhow};
use chrono::DateTime;
use kymo_runlog::{Outcome, Position, Replay, RunId, RunWriter, Stored};

use crate::find_built_in;

/// Computes the whole run here and now, as its first attempt would, and returns the replayed digest.
pub fn undisturbed_digest(run: &RunId) -> anyhow::Result<String> {
    let solver = find_built_in(&run.solver).ok_or_else(|| {
        anyhow!(
            "{} is no built-in solver, so only a run of it can tell its digest",
            run.solver
        )
    })?;
    let writer = RunWriter::new(run.clone(), 1, solver.card.version.as_str());
    let mut replay = Replay::new(writer.topic().clone());
    let mut position = Position::START;
    let mut push = |message| {
        replay.push(&Stored {
            position,
            at: DateTime::UNIX_EPOCH,
            message,
        });
        position = position.next();
    };
    push(writer.marker(1, "nowhere"));
    let mut iterations = 0;
    let mut calculation = solver.start(&run.parameters)?;
    while let Some(record) = calculation.next()? {
        iterations = record.iteration;
        let messages = writer.record(&record, &[]);
        messages
            .with_context(|| format!("write iteration {iterations}"))?
            .into_iter()
            .for_each(&mut push);
    }
    push(writer.end(&Outcome {
        iterations,
        finished: true,
    }));
    Ok(replay.digest())
}
