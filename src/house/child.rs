//! A role as a child process: started again when it dies, ended with its parent.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Environment;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A child that lived this long is well again: the next pause is the first one.
const WELL: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(10);

/// How to start one role.
#[derive(Clone)]
pub struct Child {
    pub name: &'static str,
    pub program: PathBuf,
    pub arguments: Vec<OsString>,
    pub environment: Environment,
    /// Where its messages go; the parent's stderr when `None`.
    pub output: Option<PathBuf>,
}

impl Child {
    pub fn spawn(&self) -> anyhow::Result<tokio::process::Child> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .envs(self.environment.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // Ctrl-C in the terminal is for the parent, who ends its children in order.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(path) = &self.output {
            let file = std::fs::File::options()
                .create(true)
                .append(true)
                .open(path)
                .with_context(|| format!("open {} for the {}", path.display(), self.name))?;
            command.stderr(file);
        }
        die_with_parent(&mut command);
        command
            .spawn()
            .with_context(|| format!("start the {} ({})", self.name, self.program.display()))
    }
}

/// Keeps one child alive until `stop`, then ends it: asks first, kills after a grace time.
pub async fn supervise(child: Child, stop: CancellationToken) -> anyhow::Result<()> {
    let mut pause = FIRST_PAUSE;
    while !stop.is_cancelled() {
        let born = Instant::now();
        let mut process = child.spawn()?;
        let status = match stop.run_until_cancelled(process.wait()).await {
            None => return end(&child, process).await,
            Some(status) => status.with_context(|| format!("wait for the {}", child.name))?,
        };
        if born.elapsed() >= WELL {
            pause = FIRST_PAUSE;
        }
        let messages = child
            .output
            .as_deref()
            .map(|path| path.display().to_string())
            .unwrap_or_default();
        tracing::warn!(role = child.name, %status, again_in = ?pause, messages, "ended by itself");
        stop.run_until_cancelled(sleep(pause)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    Ok(())
}

async fn end(child: &Child, mut process: tokio::process::Child) -> anyhow::Result<()> {
    if let Some(pid) = process.id() {
        // It may have ended in this very moment.
        let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM);
    }
    let ended: Option<ExitStatus> = timeout(GRACE, process.wait()).await.ok().and_then(Result::ok);
    if ended.is_none() {
        tracing::warn!(role = child.name, "did not end when asked; killed");
        process
            .kill()
            .await
            .with_context(|| format!("kill the {}", child.name))?;
    }
    Ok(())
}

/// The child gets SIGTERM when this process dies in whatever way.
#[allow(unsafe_code)]
fn die_with_parent(command: &mut Command) {
    // SAFETY: prctl is async-signal-safe and touches nothing that is shared with the parent.
    unsafe {
        command.pre_exec(|| Ok(nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?));
    }
}
