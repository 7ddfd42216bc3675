//! One role as a real process that a story can kill.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use super::World;

/// The program under test.
pub const KYMO: &str = env!("CARGO_BIN_EXE_kymo");

pub struct Process {
    name: &'static str,
    child: Child,
}

impl Process {
    pub fn start(world: &World, name: &'static str, arguments: &[&str]) -> Self {
        let messages = std::fs::File::options()
            .create(true)
            .append(true)
            .open(world.path(&format!("{name}.log")))
            .expect("open the role's message file");
        let child = Command::new(KYMO)
            .arg(name)
            .args(arguments)
            .envs(world.stage.environment.variables())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(messages)
            .kill_on_drop(true)
            .spawn()
            .expect("start a role");
        Self { name, child }
    }

    pub fn pid(&self) -> i32 {
        self.child.id().expect("still running").cast_signed()
    }

    /// kill -9, and wait until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("kill a child of ours");
    }

    /// SIGTERM, and exit code 0 within ten seconds.
    pub async fn end_cleanly(mut self) {
        let pid = self.pid();
        super::until("a role that listens to signals", || async {
            catches(pid, Signal::SIGTERM).then_some(())
        })
        .await;
        kill(Pid::from_raw(self.pid()), Signal::SIGTERM).expect("ask a child of ours to end");
        let ended = tokio::time::timeout(Duration::from_secs(10), self.child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("the {} does not end on SIGTERM", self.name));
        assert!(
            status.expect("wait for a child").success(),
            "the {} ended badly",
            self.name
        );
    }
}

/// Whether the process has a handler for this signal.
pub fn catches(pid: i32, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let caught = caught
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    caught & (1 << (signal as u32 - 1)) != 0
}

pub fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// kill -9 by number.
pub fn kill_9(pid: i32) {
    kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a living process of ours");
}

pub fn kill_watchdogs(data: &Path) {
    for run in std::fs::read_dir(data.join("runs"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let Ok(bytes) = std::fs::read(run.path().join("watchdog.json")) else {
            continue;
        };
        let Ok(lives) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
            continue;
        };
        for who in ["watchdog", "solver"] {
            if let Some(pid) = lives[who]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
            }
        }
    }
}

/// The living children of a process.
pub fn children(parent: i32) -> Vec<i32> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    let numbers = lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
    numbers
        .filter_map(|pid| pid.parse().ok())
        .filter(|pid| is_alive(*pid))
        .collect()
}

/// Processes that must be gone after a story.
pub struct Gone(Vec<i32>);

impl Gone {
    pub fn of(pids: &[i32]) -> Self {
        Self(pids.to_vec())
    }

    pub fn check(&self) {
        let left: Vec<_> = self.0.iter().filter(|pid| is_alive(**pid)).collect();
        assert!(left.is_empty(), "still there: {left:?}");
    }
}
