//! The watchdog: one process per run. It is the solver's parent, feeds it its past, publishes its records, and
//! notices start, end, crash and silence. What is wanted is the initiator's business; pictures and people are others'.

mod attempt;
mod child;
mod copy;
mod guard;
pub mod herald;
mod keep;
mod keeper;
mod lines;
mod listen;
mod memory;
mod orders;
mod output;
mod past;
mod publisher;
mod silence;
mod steps;
mod stop;
mod stop_all;
pub mod tell;
mod verdict;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, bail};
use kymo_door::Door;
use kymo_runlog::Log;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::Signal;
use tokio_util::sync::CancellationToken;

pub use attempt::Ended;
pub use listen::Audience;
pub use stop_all::stop_all;
pub use verdict::{Exit, Verdict, exit_code};

use crate::folder::{self, Job, Lives, RunFolder};
use crate::process::{Process, kill_left_over_group};
use crate::spool::Courier;

/// What a watchdog is started with.
#[derive(Clone, Debug)]
pub struct WatchdogConfig {
    pub job: PathBuf,
    pub data: PathBuf,
    /// Argv prefix that makes a built-in solver a program: `kymo solver`.
    pub solver_command: Vec<OsString>,
    /// How a solver is asked to end when `stop` is cancelled.
    pub farewell: Farewell,
    /// An outpost carries the alerts: they are left in the spool.
    pub spool: bool,
}

/// The signal that a solver is asked to end with: SIGTERM, or in a terminal what the terminal sent us, known only then.
#[derive(Clone, Debug, Default)]
pub struct Farewell(Arc<OnceLock<Signal>>);

impl Farewell {
    /// The first signal counts.
    pub fn tell(&self, signal: Signal) {
        let _ = self.0.set(signal);
    }

    pub fn signal(&self) -> Signal {
        self.0.get().copied().unwrap_or(Signal::SIGTERM)
    }
}

/// Runs one attempt to its end. Call it on a thread that lives as long as the process: the solver dies with it.
pub async fn run(
    config: WatchdogConfig,
    log: Arc<dyn Log>,
    door: Option<Door>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let job: Job = folder::load(&config.job)?;
    let ended = watch_over(job, &config, log, door, stop, Audience::Nobody).await?;
    tracing::info!(verdict = ?ended.verdict, iteration = ended.iteration, "the attempt has ended");
    Ok(())
}

/// The same for a job in hand, with somebody listening.
pub async fn watch_over(
    job: Job,
    config: &WatchdogConfig,
    log: Arc<dyn Log>,
    door: Option<Door>,
    stop: CancellationToken,
    audience: Audience,
) -> anyhow::Result<Ended> {
    let folder = RunFolder::of(&config.data, &job.topic);
    folder.create()?;
    let _lock = be_the_only_one(&folder)?;
    if let Some(lives) = folder.find_lives()
        && let Some(solver) = lives.left_over_solver()
    {
        let killed = kill_left_over_group(solver).await;
        if killed > 0 {
            tracing::warn!(
                killed,
                group = solver.pid,
                "killed what an earlier attempt's solver left behind"
            );
        }
    }
    let mut lives = Lives {
        watchdog: Process::current()?,
        solver: None,
        topic: job.topic.clone(),
        attempt: job.attempt,
        boot: folder::boot_id(),
    };
    folder::save(&folder.lives(), &lives)?;
    let courier = match config.spool {
        true => Courier::leave(&config.data),
        false => Courier::start(&config.data, door),
    };
    let attempt = attempt::Attempt {
        job: &job,
        config,
        log,
        folder: &folder,
        courier: &courier,
        audience,
        stop,
    };
    let ended = attempt.run(&mut lives).await;
    courier.finish(std::time::Duration::from_secs(2)).await;
    ended
}

/// The kernel gives the lock back whenever and however this process ends.
fn be_the_only_one(folder: &RunFolder) -> anyhow::Result<Flock<std::fs::File>> {
    let path = folder.lock();
    let file = std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(lock),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => {
            bail!(
                "another watchdog of this run is alive (it holds {}); there is one per run",
                path.display()
            )
        }
        Err((_, error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}
