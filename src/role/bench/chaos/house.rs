//! A house under fire: a bot and two hosts with an initiator each, started again as soon as they are dead; and every
//! process can be found.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use kymo_runlog::{CHAOS_VARIABLE, Log, LogConfig, Position, ShortId, Topic, Window};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::plan::Role;
use crate::config::env;
use crate::house::{Child, Environment};
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
        let toml = format!("[telegram]\nadmins = [{}]\n", lab::GRACE);
        let of_host = |host: &str| format!("[initiator]\nhost = {host:?}\n{CATALOGUE}");
        std::fs::write(folder.path().join("kymo.toml"), toml + &of_host("one"))?;
        let other = folder.path().join("other");
        std::fs::create_dir(&other)?;
        std::fs::write(other.join("kymo.toml"), of_host("other"))?;
        std::fs::copy(folder.path().join("walk.py"), other.join("walk.py"))?;
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
        let there = house.stage.environment.clone();
        let other = there
            .clone()
            .set(env::DATA, other.display().to_string())
            .set(env::CONFIG, other.join("kymo.toml").display().to_string());
        std::fs::copy(house.path("door.token"), house.path("other/door.token"))?;
        for (name, role, environment) in [
            ("bot", "bot", there.clone()),
            ("initiator", "initiator", there),
            ("other", "initiator", other),
        ] {
            let child = house.child(name, role, environment)?;
            let (pids, stop) = (house.pids.clone(), house.stop.clone());
            house.keepers.spawn(keep(child, pids, stop));
        }
        Ok(house)
    }

    fn child(&self, name: &'static str, role: &str, environment: Environment) -> anyhow::Result<Child> {
        Ok(Child {
            name,
            program: std::env::current_exe().context("find this program's own file")?,
            arguments: vec![role.into()],
            environment,
            output: Some(self.path(&format!("{name}.log"))),
        })
    }

    /// Waits until the bot's door is open and both hosts have published their catalogues.
    pub async fn until_ready(&self) -> anyhow::Result<()> {
        let door = self.stage.config.door()?;
        let catalogue = Topic::parse(kymo_runlog::catalogue::TOPIC)?;
        let mut hosts = HashSet::new();
        while hosts.len() < 2 || !door.is_open().await {
            tokio::time::sleep(AGAIN_AFTER).await;
            // The topic may not be there yet.
            let page = self.log().read(&catalogue, Position::START, 1 << 20).await;
            for stored in page.unwrap_or_default() {
                hosts.extend(stored.json::<Value>().ok().map(|said| said["host"].to_string()));
            }
        }
        Ok(())
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
            Role::Initiator => self.kept(match self.newest_life(topic)?.0 {
                Host::One => "initiator",
                Host::Other => "other",
            })?,
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
        i32::try_from(self.newest_life(topic)?.1[who]["pid"].as_i64()?).ok()
    }

    /// Where the run's newest attempt lives, and what is written there about it.
    fn newest_life(&self, topic: &Topic) -> Option<(Host, Value)> {
        let read = |host: Host| {
            let runs = self.path(match host {
                Host::One => "runs",
                Host::Other => "other/runs",
            });
            let short = ShortId::of(topic);
            let text = std::fs::read(runs.join(short.as_str()).join("watchdog.json")).ok()?;
            Some((host, serde_json::from_slice::<Value>(&text).ok()?))
        };
        let lives = [Host::One, Host::Other].into_iter().filter_map(read);
        lives.max_by_key(|(_, life)| life["attempt"].as_u64())
    }

    /// Ends everything; the folder stays for whoever wants to see why.
    pub async fn close(mut self, keep: bool) -> anyhow::Result<PathBuf> {
        self.stop.cancel();
        while self.keepers.join_next().await.is_some() {}
        for host in [self.path(""), self.path("other")] {
            kymo_solver::watchdog::stop_all(&host, Duration::from_secs(10)).await;
        }
        self.folder.disable_cleanup(keep);
        Ok(self.folder.path().to_owned())
    }
}

#[derive(Clone, Copy)]
enum Host {
    One,
    Other,
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

pub fn is_alive(pid: i32) -> bool {
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
