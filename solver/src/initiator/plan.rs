//! What this machine should do about a run, worked out from what is known. No IO here.

use std::time::Duration;

use chrono::{DateTime, Utc};
use kymo_runlog::RunFacts;
use kymo_runlog::event::RunEvent;

/// What this machine can say about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// The catalogue has the solver and takes the parameters.
    Fit,
    /// Another machine's catalogue has the solver.
    Elsewhere,
    /// Nobody can run this, and why.
    Unfit { reason: String },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// Look again then.
    Wait(DateTime<Utc>),
    Claim {
        attempt: u32,
    },
    Refuse {
        reason: String,
    },
    /// The stop order came when nobody was there to obey it: the run stands still already.
    NoteStop {
        by: String,
    },
}

/// Decides. `watched`: a watchdog of this machine has the run. `not_before`: watchdogs of this run died here lately.
pub fn step(
    facts: &RunFacts,
    host: &str,
    watched: bool,
    fitness: impl FnOnce() -> Fitness,
    not_before: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Step {
    if !facts.wanted || watched {
        return Step::Nothing;
    }
    if let Some(lease) = facts.lease.as_ref().filter(|lease| lease.holds_at(now)) {
        return Step::Wait(lease.ends);
    }
    if let Some(stop) = &facts.stop {
        // The machine that ran it last speaks, so that it is said once.
        let ours = facts.lease.as_ref().is_none_or(|lease| lease.host == host);
        return if ours {
            Step::NoteStop { by: stop.by.clone() }
        } else {
            Step::Nothing
        };
    }
    match fitness() {
        Fitness::Elsewhere => return Step::Nothing,
        Fitness::Unfit { reason } => return Step::Refuse { reason },
        Fitness::Fit => {}
    }
    match restart_time(facts).max(not_before) {
        Some(at) if now < at => Step::Wait(at),
        Some(_) | None => Step::Claim {
            attempt: facts.attempt() + 1,
        },
    }
}

/// When the restart policy wants the next attempt. An order that came after the failure does not wait.
fn restart_time(facts: &RunFacts) -> Option<DateTime<Utc>> {
    let event = facts
        .event
        .as_ref()
        .filter(|event| event.attempt == facts.attempt())?;
    let ordered_later = facts
        .start
        .as_ref()
        .zip(facts.event_at)
        .is_some_and(|(start, at)| start.at > at);
    match &event.event {
        RunEvent::Failed { again_at, .. } if !ordered_later => *again_at,
        RunEvent::Failed { .. }
        | RunEvent::Started { .. }
        | RunEvent::Resumed { .. }
        | RunEvent::Finished
        | RunEvent::Stopped { .. }
        | RunEvent::Silent { .. }
        | RunEvent::Heard
        | RunEvent::Refused { .. } => None,
    }
}

/// How long to wait after the `deaths`-th death of a run's watchdog in a row. The first is an accident.
pub fn pause_after_death(deaths: u32) -> Duration {
    match deaths {
        0 | 1 => Duration::ZERO,
        deaths => Duration::from_secs(1 << (deaths - 2).min(6)),
    }
}
