//! The common part of every role, once: tracing, runtime, signals, exit code.

use std::future::Future;
use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, Parser};
use kymo_solver::watchdog::Farewell;
use nix::sys::signal::Signal;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Role};
use crate::role;
use crate::say::say;

/// Parses the command line and carries out the role.
pub fn main() -> ExitCode {
    let Cli { common, role } = Cli::parse();
    match role {
        Role::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "kymo", &mut script);
            say!("{}", String::from_utf8_lossy(&script).trim_end());
            ExitCode::SUCCESS
        }
        Role::Solver(args) => finish("solver", role::solver::run(&common, args)),
        Role::Init(args) => finish("init", role::init::run(&common, args)),
        Role::Install(args) => finish("install", role::install::install(args)),
        Role::Uninstall(args) => start("uninstall", single(), |_| role::install::uninstall(args)),
        Role::Demo(args) => start("demo", single(), |stop| role::demo::run(common, args, stop)),
        Role::Up(args) => start("up", single(), |stop| role::up::run(common, args, stop)),
        Role::Doctor(args) => start("doctor", single(), |_| role::doctor::run(common, args)),
        Role::Run(args) => start_told("run", single(), |stop, farewell| {
            role::run::run(common, args, stop, farewell)
        }),
        Role::GraphWorker(args) => start("graph-worker", single(), |stop| {
            role::graph_worker::run(common, args, stop)
        }),
        Role::Topics(args) => start("topics", several(), |stop| role::topics::run(common, args, stop)),
        Role::Export(args) => start("export", several(), |stop| role::export::run(common, args, stop)),
        Role::Import(args) => start("import", several(), |stop| role::import::run(common, args, stop)),
        Role::Replay(args) => start("replay", single(), |_| role::replay::run(common, args)),
        Role::Log(args) => start("log", single(), |stop| role::log::run(common, args, stop)),
        Role::Bench(args) => start("bench", several(), |_| role::bench::run(args)),
        Role::Bot => start("bot", several(), |stop| role::bot::run(common, stop)),
        Role::Initiator => start("initiator", single(), |stop| role::initiator::run(common, stop)),
        Role::Watchdog(args) => start("watchdog", single(), |stop| {
            role::watchdog::run(common, args, stop)
        }),
        Role::Outpost => start("outpost", single(), role::outpost::run),
        Role::TelegramSandbox(args) => start("telegram-sandbox", several(), |stop| {
            role::sandbox::run(args, stop)
        }),
    }
}

/// Most roles wait far more than they work. Their main thread also outlives every child it
/// starts, which a parent-death signal needs.
fn single() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime needs only memory and an epoll descriptor")
}

fn several() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime needs only memory and an epoll descriptor")
}

/// Runs an async role until it ends, or SIGINT, SIGTERM or SIGHUP asks it to.
fn start<F, T>(name: &'static str, runtime: Runtime, role: impl FnOnce(CancellationToken) -> F) -> ExitCode
where
    F: Future<Output = anyhow::Result<T>>,
    T: Into<Exit>,
{
    start_told(name, runtime, |stop, _| role(stop))
}

/// The same for a role that must know which signal it was.
fn start_told<F, T>(
    name: &'static str,
    runtime: Runtime,
    role: impl FnOnce(CancellationToken, Farewell) -> F,
) -> ExitCode
where
    F: Future<Output = anyhow::Result<T>>,
    T: Into<Exit>,
{
    // The stderr of `kymo run` belongs to the program that it runs.
    tracing_to_stderr(if name == "run" { "warn" } else { "info" });
    let result = runtime.block_on(async {
        let (stop, farewell) = (CancellationToken::new(), Farewell::default());
        cancel_on_signal(stop.clone(), farewell.clone())?;
        role(stop, farewell).await
    });
    // A blocked read of stdin must not hold the process.
    runtime.shutdown_background();
    finish(name, result)
}

/// Listens from now on, so that no signal falls between the start and the role's first pause.
fn cancel_on_signal(stop: CancellationToken, farewell: Farewell) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    // A terminal that closes ends what was started in it, unless that was started with nohup.
    let hang_up = match is_ignored(Signal::SIGHUP) {
        true => None,
        false => Some(signal(SignalKind::hangup()).context("listen for SIGHUP")?),
    };
    let hung_up = async move {
        match hang_up {
            Some(mut hang_up) => hang_up.recv().await,
            None => std::future::pending().await,
        }
    };
    tokio::spawn(async move {
        farewell.tell(tokio::select! {
            _ = hung_up => Signal::SIGHUP,
            _ = interrupt.recv() => Signal::SIGINT,
            _ = terminate.recv() => Signal::SIGTERM,
        });
        stop.cancel();
    });
    Ok(())
}

/// Whether our parent chose that this signal shall not reach us.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal as i32 - 1)) != 0)
}

/// What a role leaves to the shell.
pub struct Exit(pub u8);

impl From<()> for Exit {
    fn from((): ()) -> Self {
        Self(0)
    }
}

fn finish<T: Into<Exit>>(name: &str, result: anyhow::Result<T>) -> ExitCode {
    match result {
        Ok(exit) => ExitCode::from(exit.into().0),
        Err(error) => {
            eprintln!("kymo {name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tracing_to_stderr(level: &str) {
    let filter = EnvFilter::try_from_env("KYMO_LOG_LEVEL")
        .unwrap_or_else(|_| EnvFilter::new(format!("{level},sqlx=warn,rdkafka=off")));
    let terminal = std::io::stderr().is_terminal();
    // A second subscriber exists only under test.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal)
        // Its complaint about a line that a full disk did not take would be a panic.
        .log_internal_errors(false)
        .try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_role_shows_examples() {
        let cli = Cli::command();
        let bare: Vec<_> = cli
            .get_subcommands()
            .filter(|c| {
                !c.get_after_help()
                    .is_some_and(|help| help.to_string().contains("kymo "))
            })
            .map(|c| c.get_name().to_owned())
            .collect();
        assert_eq!(bare, Vec::<String>::new());
    }
}
