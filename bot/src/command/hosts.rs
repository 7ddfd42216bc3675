//! /hosts: which hosts there are, what room each has, and what runs there.

use std::time::Duration;

use chrono::{DateTime, Utc};
use kymo_runlog::host::{HostRecord, Memory};
use kymo_runlog::{Phase, claim};
use tokio::time::Instant;

use crate::ask::{Answer, Ask};
use crate::facts::Facts;
use crate::follow::State;
use crate::words::foreign;

/// A host that was not heard of for longer is left out.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// More hosts than this no phone shows at once.
const LISTED: usize = 30;

pub(super) fn answer(facts: &Facts, ask: &Ask) -> Answer {
    Answer::say(text(&facts.known.read(), ask.at, Instant::now()))
}

fn text(state: &State, at: DateTime<Utc>, now: Instant) -> String {
    let mut lines = Vec::new();
    let heard = state.pool.hosts(now).filter(|(_, silent)| *silent < REMEMBERED);
    for (heard, silent) in heard.take(LISTED) {
        let host = &heard.record;
        if !heard.is_there(silent) {
            lines.push(format!("⚠ {}", foreign(&heard.gone(silent), 160)));
            continue;
        }
        let labels = match host.labels.is_empty() {
            true => String::new(),
            false => format!(" ({})", foreign(&host.labels.join(", "), 120)),
        };
        lines.push(format!(
            "🖥 <b>{}</b>{labels}: {}",
            foreign(&host.host, 60),
            room(host)
        ));
        lines.extend(runs(state, host));
    }
    if lines.is_empty() {
        let seconds = claim::LENGTH.as_secs();
        return format!(
            "No host was heard of. Each speaks every few seconds, so wait {seconds} s or start one with <code>kymo initiator</code>."
        );
    }
    let queue = state.queue(at);
    let waiting = queue
        .iter()
        .filter(|(_, waiting)| waiting.place.is_some())
        .count();
    if waiting > 0 {
        let runs = if waiting == 1 {
            "1 run waits"
        } else {
            &format!("{waiting} runs wait")
        };
        lines.push(format!("⏳ {runs} for room; /runs tells which"));
    }
    lines.join("\n")
}

/// `1 of 2 runs, 3 of 16 cores and 4 GiB of 64 GiB taken`.
fn room(host: &HostRecord) -> String {
    let (has, taken) = (&host.capacity, &host.taken);
    let runs = match has.runs {
        Some(runs) => format!("{} of {runs} runs", taken.runs),
        None if taken.runs == 1 => "1 run".to_owned(),
        None => format!("{} runs", taken.runs),
    };
    let cores = format!("{} of {} cores", taken.cores, has.cores);
    let memory = match taken.memory {
        Memory(0) => format!("0 of {}", has.memory),
        memory => format!("{memory} of {}", has.memory),
    };
    format!("{runs}, {cores} and {memory} taken")
}

fn runs(state: &State, host: &HostRecord) -> Option<String> {
    let here = state.runs.listed().into_iter().filter(|run| {
        let computes = match &run.phase {
            Phase::Running | Phase::Silent { .. } | Phase::Stopping { .. } => true,
            Phase::Queued
            | Phase::Lost { .. }
            | Phase::Restarting { .. }
            | Phase::Finished
            | Phase::Stopped { .. }
            | Phase::Failed { .. }
            | Phase::Refused { .. } => false,
        };
        computes && run.host.as_deref() == Some(host.host.as_str())
    });
    let names: Vec<String> = here
        .map(|run| {
            let name = foreign(&state.solvers.name_run(&run.id), 60);
            format!("{name} (<code>{}</code>)", run.short)
        })
        .collect();
    let more = if names.len() > 5 { ", …" } else { "" };
    let shown: Vec<&str> = names.iter().take(5).map(String::as_str).collect();
    (!names.is_empty()).then(|| format!("   {}{more}", shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use kymo_runlog::event::RunEvent;
    use kymo_runlog::host::{Capacity, Taken};
    use uuid::Uuid;

    use super::*;
    use crate::follow::runs::tests::{event, run_id, second, start};
    use crate::follow::solvers::tests::solvers;

    fn host(name: &str, labels: &[&str], runs: Option<u32>) -> HostRecord {
        HostRecord {
            host: name.to_owned(),
            life: Uuid::nil(),
            at: second(0),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            capacity: Capacity {
                runs,
                cores: 16,
                memory: Memory(64 << 30),
            },
            taken: Taken {
                runs: 1,
                cores: 2,
                memory: Memory(4 << 30),
            },
            left: false,
        }
    }

    #[test]
    fn words() {
        let (mut state, now) = (State::default(), Instant::now());
        state.solvers = solvers();
        insta::assert_snapshot!(text(&state, second(9), now), @"No host was heard of. Each speaks every few seconds, so wait 10 s or start one with <code>kymo initiator</code>.");
        state.runs.event(
            &event(&run_id(9.0), 1, 0, RunEvent::Started { pid: 1 }),
            second(1),
        );
        state
            .runs
            .order(&start(&run_id(2.0)), second(2), kymo_runlog::Position(1));
        state.pool.hear(host("lab", &["gpu", "<b>"], Some(1)), now);
        state.pool.hear(host("hub", &[], None), now);
        let mut gone = host("old", &[], None);
        gone.left = true;
        state.pool.hear(gone, now);
        insta::assert_snapshot!(text(&state, second(9), now), @"
        🖥 <b>hub</b>: 1 run, 2 of 16 cores and 4 GiB of 64 GiB taken
        🖥 <b>lab</b> (gpu, &lt;b&gt;): 1 of 1 runs, 2 of 16 cores and 4 GiB of 64 GiB taken
           airy eps=9 (<code>ejs5rfpb</code>)
        ⚠ old left 0 s ago
        ⏳ 1 run waits for room; /runs tells which
        ");
    }
}
