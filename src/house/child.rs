//! A role as a child process: started again when it dies, ended with its parent.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
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
/// A role's messages take at most twice this: the file itself, and the one before it.
const MESSAGES: u64 = 8 << 20;
/// How often that is looked after.
const TIDY: Duration = Duration::from_secs(60);

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
            keep_small(path, MESSAGES);
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
        let status = loop {
            tokio::select! {
                status = process.wait() => break status.with_context(|| format!("wait for the {}", child.name))?,
                () = stop.cancelled() => return end(&child, process).await,
                () = sleep(TIDY) => child.output.iter().for_each(|path| keep_small(path, MESSAGES)),
            }
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

/// Moves messages aside and empties their file, which the role goes on to append to.
fn keep_small(path: &Path, most: u64) {
    if std::fs::metadata(path).is_ok_and(|file| file.len() > most) {
        let mut before = path.as_os_str().to_owned();
        before.push(".1");
        // Old messages are not worth failing for, and a full disk gets its space back.
        let _ = std::fs::copy(path, &before);
        let emptied = std::fs::File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_len(0));
        if let Err(error) = emptied {
            tracing::warn!(%error, path = %path.display(), "a file of messages grows and cannot be emptied");
        }
    }
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

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn messages_are_bounded_while_their_writer_lives() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bot.log");
        let mut role = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&path)
            .expect("its messages");
        for round in 0..100 {
            writeln!(role, "message {round}").expect("written");
            keep_small(&path, 100);
            assert!(std::fs::metadata(&path).expect("there").len() <= 100);
        }
        let kept = |path: &Path| std::fs::read_to_string(path).expect("text");
        let newest = kept(&folder.path().join("bot.log.1")) + &kept(&path);
        assert!(newest.ends_with("message 98\nmessage 99\n"), "{newest}");
        assert!(!newest.contains('\0'), "the writer goes on where the file begins");
    }
}
