//! Ending all watchdogs of a data folder, for `kymo up` and `kymo demo` when they end themselves.

use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::Instant;

use crate::folder::{Lives, RunFolder};
use crate::process::kill_left_over_group;

/// SIGTERM to every living watchdog, SIGKILL to those that are still there after `grace`. The runs stay wanted.
/// Returns how many watchdogs lived.
pub async fn stop_all(data: &Path, grace: Duration) -> usize {
    // A run at somebody's terminal has no job of an initiator; it is that person's to end.
    let is_ours = |folder: &RunFolder| {
        let lives = folder.find_lives()?;
        let job = folder.find_job()?;
        (job.attempt == lives.attempt && lives.watchdog_lives()).then_some(lives)
    };
    let lives: Vec<Lives> = RunFolder::all(data).iter().filter_map(is_ours).collect();
    for life in &lives {
        signal(life, Signal::SIGTERM);
    }
    let deadline = Instant::now() + grace;
    while lives.iter().any(Lives::watchdog_lives) && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for life in lives.iter().filter(|life| life.watchdog_lives()) {
        signal(life, Signal::SIGKILL);
        if let Some(solver) = life.left_over_solver() {
            kill_left_over_group(solver).await;
        }
    }
    lives.len()
}

fn signal(life: &Lives, signal: Signal) {
    if let Err(error) = life.watchdog.signal(signal) {
        tracing::warn!(%error, topic = %life.topic, pid = life.watchdog.pid, "a watchdog cannot be signalled");
    }
}
