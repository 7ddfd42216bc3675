//! A house under fire: bot and initiator are started again as soon as they are dead, and every process can be found.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use kymo_runlog::{CHAOS_VARIABLE, Log, LogConfig, ShortId, Topic, Window};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::plan::Role;
use crate::house::Child;
use crate::role::demo::stage::{Stage, lab};

const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// Solvers and watchdogs that live at most a second must not be given up, and not be waited for.
const CATALOGUE: &str = r#"
[[solver]]
name = "walk"
help = "An external solver under fire"
command = ["python3", "walk.py"]
directory = "."
replay = "state"
restart = "on-failure"
backoff = 0.2
limit = 20

[[solver.parameter]]
name = "iterations"
type = "integer"

[[solver.parameter]]
name = "pause"
type = "real"
default = 0.4
"#;

pub struct House {
    pub stage: Stage,
    pids: Arc<Mutex<HashMap<&'static str, u32>>>,
    keepers: JoinSet<anyhow::Result<()>>,
    stop: CancellationToken,
    folder: TempDir,
}

impl House {
    pub async fn open(log: Option<LogConfig>) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("kymo-chaos-").tempdir()?;
        let windows = folder.path().join("windows");
        std::fs::create_dir(&windows)?;
        std::fs::write(folder.path().join("walk.py"), include_str!("walk.py"))?;
        let toml = format!("[telegram]\nadmins = [{}]\n{CATALOGUE}", lab::GRACE);
        std::fs::write(folder.path().join("kymo.toml"), toml)?;
        let stop = CancellationToken::new();
        let anywhere = "127.0.0.1:0".parse().expect("a constant address");
        let mut stage = Stage::set(folder.path(), anywhere, log, stop.clone()).await?;
        stage.environment = stage
            .environment
            .set(CHAOS_VARIABLE, windows.display().to_string());
        let mut house = Self {
            stage,
            pids: Arc::default(),
            keepers: JoinSet::new(),
            stop,
            folder,
        };
        for name in ["bot", "initiator"] {
            let child = house.child(name)?;
            let (pids, stop) = (house.pids.clone(), house.stop.clone());
            house.keepers.spawn(keep(child, pids, stop));
        }
        Ok(house)
    }

    fn child(&self, name: &'static str) -> anyhow::Result<Child> {
        Ok(Child {
            name,
            program: std::env::current_exe().context("find this program's own file")?,
            arguments: vec![name.into()],
            environment: self.stage.environment.clone(),
            output: Some(self.path(&format!("{name}.log"))),
        })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn log(&self) -> &dyn Log {
        &*self.stage.log
    }

    pub fn arm(&self, window: Window) -> anyhow::Result<()> {
        Ok(window.arm(&self.path("windows"))?)
    }

    pub fn is_armed(&self, window: Window) -> bool {
        window.is_armed(&self.path("windows"))
    }

    /// `true`: nobody had come by.
    pub fn disarm(&self, window: Window) -> bool {
        window.disarm(&self.path("windows"))
    }

    /// The process that plays this role for the run just now.
    pub fn find(&self, role: Role, topic: &Topic) -> Option<i32> {
        let pid = match role {
            Role::Solver => self.lives(topic, "solver")?,
            Role::Watchdog => self.lives(topic, "watchdog")?,
            Role::Initiator => self.kept("initiator")?,
            Role::Bot => self.kept("bot")?,
            Role::GraphWorker => children(self.kept("bot")?).into_iter().next()?,
        };
        is_alive(pid).then_some(pid)
    }

    fn kept(&self, name: &str) -> Option<i32> {
        let pids = self.pids.lock().expect("nobody panics with it");
        pids.get(name).map(|pid| pid.cast_signed())
    }

    fn lives(&self, topic: &Topic, who: &str) -> Option<i32> {
        let short = ShortId::of(topic);
        let path = self.path("runs").join(short.as_str()).join("watchdog.json");
        let lives: Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        i32::try_from(lives[who]["pid"].as_i64()?).ok()
    }

    /// Ends everything; the folder stays for whoever wants to see why.
    pub async fn close(mut self, keep: bool) -> anyhow::Result<PathBuf> {
        self.stop.cancel();
        while self.keepers.join_next().await.is_some() {}
        kymo_solver::watchdog::stop_all(self.folder.path(), Duration::from_secs(10)).await;
        self.folder.disable_cleanup(keep);
        Ok(self.folder.path().to_owned())
    }
}

async fn keep(
    child: Child,
    pids: Arc<Mutex<HashMap<&'static str, u32>>>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        let mut process = child.spawn()?;
        if let Some(pid) = process.id() {
            pids.lock()
                .expect("nobody panics with it")
                .insert(child.name, pid);
        }
        tokio::select! {
            _ = process.wait() => {}
            () = stop.cancelled() => process.kill().await?,
        }
        pids.lock().expect("nobody panics with it").remove(child.name);
        tokio::time::sleep(AGAIN_AFTER).await;
    }
    Ok(())
}

pub fn signal(pid: i32, signal: Signal) -> bool {
    kill(Pid::from_raw(pid), signal).is_ok()
}

fn is_alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

fn children(parent: i32) -> Vec<i32> {
    let tasks = std::fs::read_dir(Path::new("/proc").join(parent.to_string()).join("task"));
    let lists = tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<i32>>()
        })
        .filter(|pid| is_alive(*pid))
        .collect()
}
