//! A run in one line, as lists and confirmations show it.

use chrono::{DateTime, Utc};

use crate::follow::{Run, State};
use crate::words::{duration, foreign};
use kymo_runlog::Phase;
use kymo_runlog::order::When;

/// `airy eps=9 (ab12cd34)` in HTML.
pub fn name(state: &State, run: &Run) -> String {
    format!(
        "<b>{}</b> (<code>{}</code>)",
        foreign(&state.solvers.name_run(&run.id), 120),
        run.short
    )
}

/// The same without markup, for buttons and toasts.
pub fn plain_name(state: &State, run: &Run, limit: usize) -> String {
    crate::words::cut(&state.solvers.name_run(&run.id), limit)
}

/// One sign for a phase.
pub fn sign(phase: &Phase) -> &'static str {
    match phase {
        Phase::Queued => "⏳",
        Phase::Running => "▶",
        Phase::Stopping { .. } => "⏸",
        Phase::Silent { .. } => "🔇",
        Phase::Lost { .. } => "❓",
        Phase::Restarting { .. } => "🔁",
        Phase::Finished => "✅",
        Phase::Stopped { .. } => "⏹",
        Phase::Failed { .. } => "❌",
        Phase::Refused { .. } => "🚫",
    }
}

/// How a run is, in words, as HTML: its phase, or why it waits for a host.
pub fn how(state: &State, run: &Run, now: DateTime<Utc>) -> String {
    match state
        .waiting(&run.topic, now)
        .filter(|waiting| waiting.place.is_some())
    {
        Some(waiting) => foreign(&waiting.words(), 400),
        None => phase(&run.phase, now),
    }
}

/// A phase in words, as HTML.
pub fn phase(phase: &Phase, now: DateTime<Utc>) -> String {
    match phase {
        Phase::Queued => "waiting for a host to start it".to_owned(),
        Phase::Running => "running".to_owned(),
        Phase::Stopping {
            when: When::AfterIteration,
        } => "stopping after this iteration".to_owned(),
        Phase::Stopping { when: When::Now } => "stopping".to_owned(),
        Phase::Silent { seconds } => format!(
            "running, but silent for {} s",
            crate::words::number(seconds.round())
        ),
        Phase::Lost { since } => format!(
            "lost: nothing was heard of it for {}; Start goes on from the log",
            duration(now - *since)
        ),
        Phase::Restarting { reason, again_at } => {
            format!(
                "failed ({}), starts again in {}",
                foreign(reason, 200),
                duration(*again_at - now)
            )
        }
        Phase::Finished => "finished".to_owned(),
        Phase::Stopped { by } if by.is_empty() => "stopped".to_owned(),
        Phase::Stopped { by } => format!("stopped by {}", foreign(by, 80)),
        Phase::Failed { reason } => format!("failed: {}", foreign(reason, 300)),
        Phase::Refused { reason } => format!("not started: {}", foreign(reason, 600)),
    }
}

/// What a button of a forgotten run answers.
pub const GONE: &str = "This run is not in the log any more. /runs lists what is.";
