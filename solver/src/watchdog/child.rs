//! Starting the solver: never through a shell, in a process group of its own, dying with this watchdog.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use kymo_runlog::Parameters;
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getppid};

use super::keeper::Keeper;
use super::verdict::Exit;
use crate::catalogue::{Entry, Program};
use crate::folder::Job;
use crate::process::{Process, raw_wait_status, signal_group};

/// What is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    pub argv: Vec<OsString>,
    pub directory: Option<PathBuf>,
    pub environment: BTreeMap<String, String>,
}

impl Launch {
    /// `solver_command` is the prefix `kymo solver`, which makes a built-in solver a program of its own.
    pub fn of(entry: &Entry, parameters: &Parameters, solver_command: &[OsString]) -> anyhow::Result<Self> {
        match &entry.program {
            Program::BuiltIn => {
                let mut argv = solver_command.to_vec();
                argv.push("--protocol".into());
                argv.push(entry.card.name.clone().into());
                Ok(Self {
                    argv,
                    directory: None,
                    environment: BTreeMap::new(),
                })
            }
            Program::Command(command) => Ok(Self {
                argv: command
                    .argv(parameters)?
                    .into_iter()
                    .map(OsString::from)
                    .collect(),
                directory: command.directory.clone(),
                environment: command.environment(parameters)?.into_iter().collect(),
            }),
        }
    }
}

/// The running solver. It leads its process group; whoever drops it kills the group, and so does our own death.
pub struct Solver {
    child: Child,
    pub process: Process,
    keeper: Option<Keeper>,
    reaped: bool,
}

impl Solver {
    pub fn start(launch: &Launch, job: &Job) -> anyhow::Result<Self> {
        let (program, arguments) = launch
            .argv
            .split_first()
            .context("the catalogue's command is empty")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .stdin(input_of(job))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        // What is ours (the bot's token among it) is none of a solver's business.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("KYMO_") {
                command.env_remove(name);
            }
        }
        command
            .env("KYMO_RUN", job.topic.as_str())
            .env("KYMO_ATTEMPT", job.attempt.to_string());
        if std::env::var_os("PYTHONUNBUFFERED").is_none() {
            // Python fills a block before it writes to a pipe; a plain print should be seen at once.
            command.env("PYTHONUNBUFFERED", "1");
        }
        command.envs(&launch.environment);
        if let Some(directory) = &launch.directory {
            command.current_dir(directory);
        }
        die_with_parent(&mut command);
        let child = command.spawn().map_err(|error| CannotStart::new(launch, error))?;
        let pid = i32::try_from(child.id()).context("a pid fits into 31 bits")?;
        // Not reaped yet, so it is still there even if it has already ended.
        let process = Process::find(pid).context("the solver's start time cannot be read from /proc")?;
        let keeper = Keeper::of(pid).inspect_err(
            |error| tracing::warn!(%error, "should we be killed, what the solver starts lives on"),
        );
        Ok(Self {
            child,
            process,
            keeper: keeper.ok(),
            reaped: false,
        })
    }

    /// Input, output and error output, each once.
    pub fn take_pipes(&mut self) -> anyhow::Result<Pipes> {
        let input = self.child.stdin.take();
        let output = self
            .child
            .stdout
            .take()
            .context("the solver's output was taken")?;
        let errors = self
            .child
            .stderr
            .take()
            .context("the solver's error output was taken")?;
        Ok(Pipes {
            input: input.map(tokio::process::ChildStdin::from_std).transpose()?,
            output: tokio::process::ChildStdout::from_std(output)?,
            errors: tokio::process::ChildStderr::from_std(errors)?,
        })
    }

    /// Whether it has ended. It is not reaped yet, so its number still names its group and nobody else's.
    pub fn find_exit(&self) -> anyhow::Result<Option<Exit>> {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        match waitid(Id::Pid(Pid::from_raw(self.process.pid)), flags) {
            Ok(WaitStatus::Exited(_, code)) => Ok(Some(Exit::Code(code))),
            Ok(WaitStatus::Signaled(_, signal, _)) => Ok(Some(Exit::Signal(signal as i32))),
            Ok(
                WaitStatus::Stopped(..)
                | WaitStatus::Continued(_)
                | WaitStatus::StillAlive
                | WaitStatus::PtraceEvent(..)
                | WaitStatus::PtraceSyscall(_),
            ) => Ok(None),
            // A real-time signal has no name there; the kernel still knows its number.
            Err(Errno::EINVAL) => {
                let status = raw_wait_status(self.process.pid).context("read the solver's end from /proc")?;
                Ok(Some(Exit::Signal(status & 0x7f)))
            }
            Err(error) => Err(error).context("ask for the solver's end"),
        }
    }

    /// To the whole group.
    pub fn signal(&self, signal: Signal) {
        if self.reaped {
            return;
        }
        if let Err(error) = signal_group(self.process.pid, signal) {
            tracing::warn!(%error, %signal, pid = self.process.pid, "the solver's group cannot be signalled");
        }
    }

    /// Ends whatever the solver left behind, then lets its number go.
    pub fn reap(&mut self) {
        if self.reaped {
            return;
        }
        self.signal(Signal::SIGKILL);
        self.keeper = None;
        self.reaped = true;
        if let Err(error) = self.child.wait() {
            tracing::warn!(%error, pid = self.process.pid, "the solver cannot be reaped");
        }
    }
}

impl Drop for Solver {
    fn drop(&mut self) {
        self.reap();
    }
}

/// The solver's pipes.
pub struct Pipes {
    /// `None`: the solver does not read a job line.
    pub input: Option<tokio::process::ChildStdin>,
    pub output: tokio::process::ChildStdout,
    pub errors: tokio::process::ChildStderr,
}

/// A program that knows nothing of us gets our own input, unless that is a terminal: it is not in the foreground there.
fn input_of(job: &Job) -> Stdio {
    if job.speaks_protocol {
        Stdio::piped()
    } else if std::io::stdin().is_terminal() {
        Stdio::null()
    } else {
        Stdio::inherit()
    }
}

/// The child gets SIGKILL when the thread that starts it ends; and fresh signal dispositions, so that Ctrl-C works.
fn die_with_parent(command: &mut Command) {
    let parent = Pid::this();
    let prepare = move || {
        prctl::set_pdeathsig(Signal::SIGKILL)?;
        // The parent may have died before the line above.
        if getppid() != parent {
            return Err(std::io::Error::from_raw_os_error(Errno::ESRCH as i32));
        }
        SigSet::empty().thread_set_mask()?;
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe system calls are made, nothing is allocated.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(prepare);
    }
}

/// Why a command cannot be started, as far as the kernel tells.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {error}")]
pub struct CannotStart {
    what: String,
    /// What a shell would answer: 127 for a command that is not there, 126 for one that cannot be executed.
    pub code: u8,
    error: std::io::Error,
}

impl CannotStart {
    fn new(launch: &Launch, error: std::io::Error) -> Self {
        let program = launch.argv.first().map(PathBuf::from).unwrap_or_default();
        let shown = format!("{program:?}");
        let whole = match &launch.directory {
            Some(directory) => directory.join(&program),
            None => program.clone(),
        };
        // A plain word is looked for in PATH.
        let is_path = program.components().count() > 1;
        let (code, what) = match (&launch.directory, error.kind()) {
            (Some(directory), _) if !directory.is_dir() => (
                126,
                format!(
                    "the working directory {} of {shown} does not exist; make it, or change directory in kymo.toml",
                    directory.display()
                ),
            ),
            (_, ErrorKind::NotFound) if is_path && whole.exists() => (
                126,
                format!(
                    "the interpreter that the first line of {shown} names is not there; install it or correct the line"
                ),
            ),
            (_, ErrorKind::NotFound) => (
                127,
                format!("there is no {shown}; check its spelling and that it is installed"),
            ),
            (_, ErrorKind::PermissionDenied) if whole.is_dir() => {
                (126, format!("{shown} is a folder; name the program in it"))
            }
            (_, ErrorKind::PermissionDenied) => (
                126,
                format!(
                    "{shown} may not be executed; allow it with chmod +x, or start it with its interpreter"
                ),
            ),
            _ => (126, format!("{shown} cannot be executed")),
        };
        Self { what, code, error }
    }
}
