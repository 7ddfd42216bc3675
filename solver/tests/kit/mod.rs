//! A house for lives: a data folder with an embedded log, an initiator and watchdogs as real processes (this very
//! test binary, started again in another role), and solvers written in shell or Python.

#![allow(dead_code)]

pub mod clock;
pub mod desk;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::event::{EventRecord, RunEvent};
use kymo_runlog::host::Capacity;
use kymo_runlog::order::{Order, OrderRecord, When};
use kymo_runlog::{
    Change, Log, LogConfig, Message, Parameters, Position, Record, Replay, RunId, Stored, Topic,
};
use kymo_solver::catalogue::{Catalogue, CommandLine, Entry, Feed, Program, Restart};
use kymo_solver::watchdog::Farewell;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::de::DeserializeOwned;
use tokio::signal::unix::SignalKind;
use tokio_util::sync::CancellationToken;

const ROLE: &str = "LIVES_ROLE";
const DATA: &str = "LIVES_DATA";
/// Plays another machine that shares the log: its data lie in a folder of their own.
const HOST: &str = "LIVES_HOST";
/// That machine's labels and capacity.
const MACHINE: &str = "LIVES_MACHINE";
/// How many seconds that machine's clock is ahead of the log's.
const AHEAD: &str = "LIVES_AHEAD";
const PATIENCE: Duration = Duration::from_secs(60);

/// Becomes the role that this process was started in, if it was. Every test binary calls it from a test named `role`.
pub fn play_role() {
    let (Ok(role), Ok(data)) = (std::env::var(ROLE), std::env::var(DATA)) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let data = PathBuf::from(data);
        let log = clock::ahead(open_log(&data).await, std::env::var(AHEAD).ok());
        let stop = CancellationToken::new();
        let farewell = Farewell::default();
        for (kind, name) in [
            (SignalKind::terminate(), Signal::SIGTERM),
            (SignalKind::interrupt(), Signal::SIGINT),
            (SignalKind::hangup(), Signal::SIGHUP),
        ] {
            let (stop, farewell) = (stop.clone(), farewell.clone());
            let mut signals = tokio::signal::unix::signal(kind).expect("signals");
            tokio::spawn(async move {
                signals.recv().await;
                farewell.tell(name);
                stop.cancel();
            });
        }
        let door = door_of(&data);
        let ended = match role.as_str() {
            "initiator" => {
                let entries: Vec<Entry> = read_json(&data.join("catalogue.json"));
                let machine = Machine::of_environment();
                let config = kymo_solver::initiator::InitiatorConfig {
                    host: std::env::var(HOST).unwrap_or_else(|_| "lab".to_owned()),
                    labels: machine.labels,
                    capacity: machine.capacity,
                    data: own_data(&data),
                    catalogue: with_built_ins(entries),
                    watchdog_command: command_of("watchdog", &data),
                };
                kymo_solver::initiator::run(config, log, door, stop).await
            }
            "watchdog" => {
                let job = PathBuf::from(std::env::args_os().next_back().expect("the job file"));
                let config = kymo_solver::watchdog::WatchdogConfig {
                    job,
                    solver_command: solver_command(&data),
                    data: own_data(&data),
                    farewell,
                    spool: false,
                };
                kymo_solver::watchdog::run(config, log, door, stop).await
            }
            "solver" => {
                let name = std::env::var("LIVES_SOLVER").expect("which solver");
                kymo_solver::standalone::speak(
                    &name,
                    &mut std::io::stdin().lock(),
                    &mut std::io::stdout().lock(),
                )
            }
            "terminal" => {
                let command: Vec<String> = read_json(&data.join("command.json"));
                let config = kymo_solver::terminal::TerminalConfig {
                    host: "lab".to_owned(),
                    data: data.clone(),
                    catalogue: Catalogue::built_in(),
                    solver_command: solver_command(&data),
                    farewell,
                };
                let command = match command.split_first().expect("a command") {
                    (first, rest) if first == "--" => kymo_solver::terminal::Command::Program {
                        name: Some("train".to_owned()),
                        command: rest.to_vec(),
                        fresh: false,
                    },
                    (solver, assignments) => kymo_solver::terminal::Command::Solver {
                        solver: solver.clone(),
                        assignments: assignments.to_vec(),
                        fresh: false,
                    },
                };
                let code = kymo_solver::terminal::run(config, command, log, door, stop).await;
                match code {
                    Ok(code) => std::process::exit(code.into()),
                    Err(error) => Err(error),
                }
            }
            other => panic!("no role {other}"),
        };
        if let Err(error) = ended {
            eprintln!("{error:#}");
            std::process::exit(1);
        }
    });
    std::process::exit(0);
}

fn own_data(data: &Path) -> PathBuf {
    match std::env::var(HOST) {
        Ok(host) => data.join(host),
        Err(_) => data.to_owned(),
    }
}

/// The environment says which role, so `env` is the program and this binary its argument.
fn command_of(role: &str, data: &Path) -> Vec<OsString> {
    let me = std::env::current_exe().expect("this binary");
    let set = |name: &str, value: &std::ffi::OsStr| {
        let mut text = OsString::from(format!("{name}="));
        text.push(value);
        text
    };
    vec![
        "env".into(),
        set(ROLE, role.as_ref()),
        set(DATA, data.as_os_str()),
        me.into(),
        "--exact".into(),
        "role".into(),
        "--nocapture".into(),
        "--test-threads=1".into(),
    ]
}

/// The watchdog appends `--protocol NAME`, which this binary would not understand; a shell turns it into environment.
fn solver_command(data: &Path) -> Vec<OsString> {
    let me = std::env::current_exe().expect("this binary");
    let script = format!(
        "LIVES_SOLVER=\"$2\" exec env {ROLE}=solver {DATA}='{}' '{}' --exact role --nocapture --test-threads=1 -q",
        data.display(),
        me.display()
    );
    vec!["sh".into(), "-c".into(), script.into(), "sh".into()]
}

async fn open_log(data: &Path) -> Arc<dyn Log> {
    let config = match std::fs::read_to_string(data.join("log.address")) {
        Ok(address) => address.parse().expect("a log's address"),
        Err(_) => LogConfig::embedded(data),
    };
    kymo_runlog::open(&config).await.expect("the log opens")
}

fn door_of(data: &Path) -> Option<kymo_door::Door> {
    let url = std::fs::read_to_string(data.join("door.url")).ok()?;
    Some(kymo_door::Door::new(
        url.parse().expect("a url"),
        "secret".to_owned().into(),
    ))
}

fn with_built_ins(mut entries: Vec<Entry>) -> Catalogue {
    entries.extend(Catalogue::built_in().entries().iter().cloned());
    Catalogue::of(entries)
}

fn read_json<T: DeserializeOwned>(path: &Path) -> T {
    serde_json::from_slice(&std::fs::read(path).expect("the file")).expect("JSON")
}

/// What a machine has.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Machine {
    pub labels: Vec<String>,
    pub capacity: Capacity,
    pub clock_ahead: i64,
}

impl Machine {
    pub fn new() -> Self {
        Self {
            labels: Vec::new(),
            capacity: kymo_solver::initiator::machine::capacity(),
            clock_ahead: 0,
        }
    }

    pub fn label(mut self, label: &str) -> Self {
        self.labels.push(label.to_owned());
        self
    }

    pub fn runs(mut self, runs: u32) -> Self {
        self.capacity.runs = Some(runs);
        self
    }

    pub fn cores(mut self, cores: u32) -> Self {
        self.capacity.cores = cores;
        self
    }

    pub fn clock_ahead(mut self, seconds: i64) -> Self {
        self.clock_ahead = seconds;
        self
    }

    fn of_environment() -> Self {
        match std::env::var(MACHINE) {
            Ok(text) => serde_json::from_str(&text).expect("JSON"),
            Err(_) => Self::new(),
        }
    }
}

/// The house.
pub struct House {
    folder: tempfile::TempDir,
    pub log: Arc<dyn Log>,
    entries: Vec<Entry>,
    initiator: Option<Child>,
    others: BTreeMap<String, Child>,
}

impl House {
    pub async fn new() -> Self {
        Self::in_folder(tempfile::tempdir().expect("a folder")).await
    }

    /// On the cluster of `KYMO_TEST_KAFKA`, without what other tests wanted there.
    pub async fn on_kafka() -> Self {
        let brokers = std::env::var("KYMO_TEST_KAFKA").expect("set KYMO_TEST_KAFKA to a cluster's brokers");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("log.address"), format!("kafka:{brokers}")).expect("write");
        let house = Self::in_folder(folder).await;
        for topic in house.log.list().await.expect("list") {
            house.log.delete(&topic).await.expect("delete");
        }
        house
    }

    pub async fn in_folder(folder: tempfile::TempDir) -> Self {
        let log = open_log(folder.path()).await;
        Self {
            folder,
            log,
            entries: Vec::new(),
            initiator: None,
            others: BTreeMap::new(),
        }
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Puts a shell script into the catalogue.
    pub fn teach(&mut self, name: &str, script: &str, change: impl FnOnce(&mut Entry)) -> RunId {
        self.teach_command(name, &["sh", "-c", script], change)
    }

    pub fn teach_command(&mut self, name: &str, argv: &[&str], change: impl FnOnce(&mut Entry)) -> RunId {
        let mut entry = entry(name, argv);
        change(&mut entry);
        self.entries.push(entry);
        RunId {
            solver: name.to_owned(),
            parameters: Parameters::default(),
        }
    }

    /// Machines that start from now on know only what is taught from now on.
    pub fn forget_catalogue(&mut self) {
        self.entries.clear();
    }

    /// Waits until so many machines have published their catalogue.
    pub async fn wait_for_hosts(&self, count: usize) {
        let published = || async {
            let catalogues = self.messages(&kymo_runlog::catalogue::topic()).await;
            (catalogues.len() >= count).then_some(())
        };
        assert!(
            self.wait_for(published).await.is_some(),
            "{}",
            self.what_was_said()
        );
    }

    /// The built-in solver of this name, otherwise than the catalogue has it.
    pub fn change_built_in(&mut self, name: &str, change: impl FnOnce(&mut Entry)) {
        let mut entry = Catalogue::built_in().load(name).expect("built in").clone();
        change(&mut entry);
        self.entries.push(entry);
    }

    pub fn start_initiator(&mut self) {
        self.initiator = Some(self.spawn_initiator(None));
    }

    /// Another machine with the same log and the same catalogue.
    pub fn start_other_machine(&mut self, host: &str) {
        self.start_machine(host, &Machine::new());
    }

    /// The same, of this kind.
    pub fn start_machine(&mut self, host: &str, machine: &Machine) {
        let other = self.spawn_initiator(Some((host, machine)));
        self.others.insert(host.to_owned(), other);
    }

    /// Power off: its initiator, watchdogs and solvers die at once.
    pub fn kill_machine(&mut self, host: &str) {
        let mut initiator = self.others.remove(host).expect("a machine");
        initiator.kill().expect("kill -9");
        initiator.wait().expect("reap");
        self.signal_runs(host, Signal::SIGKILL);
    }

    /// Its initiator alone dies.
    pub fn kill_initiator_of(&mut self, host: &str) {
        let mut initiator = self.others.remove(host).expect("a machine");
        initiator.kill().expect("kill -9");
        initiator.wait().expect("reap");
    }

    /// Everything on it stands still, or goes on.
    pub fn signal_machine(&self, host: &str, signal: Signal) {
        let initiator = self.others.get(host).expect("a machine");
        let pid = Pid::from_raw(i32::try_from(initiator.id()).expect("a pid"));
        kill(pid, signal).expect("signal");
        self.signal_runs(host, signal);
    }

    fn signal_runs(&self, host: &str, signal: Signal) {
        for pid in watchdogs_and_solvers(&self.data().join(host)) {
            // A solver dies with its watchdog.
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }

    fn spawn_initiator(&self, machine: Option<(&str, &Machine)>) -> Child {
        let text = serde_json::to_vec(&self.entries).expect("JSON");
        std::fs::write(self.data().join("catalogue.json"), text).expect("write");
        let words = command_of("initiator", self.data());
        let said = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.data().join("initiator.log"));
        let said = said.expect("initiator.log");
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .stdin(Stdio::null())
            .stdout(said.try_clone().expect("a handle"))
            .stderr(said);
        command.env("KYMO_TELEGRAM_TOKEN", "1:geheim");
        if let Some((host, machine)) = machine {
            std::fs::create_dir_all(self.data().join(host)).expect("a folder");
            command.env(HOST, host);
            command.env(MACHINE, serde_json::to_string(machine).expect("JSON"));
            command.env(AHEAD, machine.clock_ahead.to_string());
        }
        command.spawn().expect("the initiator starts")
    }

    /// Runs the terminal role to its end.
    pub fn terminal(&self, command: &[&str]) -> Child {
        std::fs::write(
            self.data().join("command.json"),
            serde_json::to_vec(command).expect("JSON"),
        )
        .expect("write");
        let words = command_of("terminal", self.data());
        let mut terminal = Command::new(&words[0]);
        terminal
            .args(&words[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        terminal.spawn().expect("the terminal starts")
    }

    pub fn kill_initiator(&mut self) {
        let mut child = self.initiator.take().expect("an initiator");
        child.kill().expect("kill -9");
        child.wait().expect("reap");
    }

    pub async fn order(&self, order: Order) {
        let record = OrderRecord {
            id: uuid::Uuid::new_v4(),
            at: Utc::now(),
            by: "Ada".to_owned(),
            order,
        };
        let topic = kymo_runlog::order::topic();
        self.log.create(&topic).await.expect("create");
        self.log
            .append(&topic, vec![Message::json("test", &record)])
            .await
            .expect("append");
    }

    pub async fn start(&self, run: &RunId) {
        self.start_on(run, &[]).await;
    }

    pub async fn start_on(&self, run: &RunId, labels: &[&str]) {
        self.start_paced(run, labels, None).await;
    }

    pub async fn start_paced(&self, run: &RunId, labels: &[&str], pace: Option<f64>) {
        self.order(Order::Start {
            run: run.clone(),
            topic: run.topic(),
            fresh: false,
            pace,
            on: labels.iter().map(|&label| label.to_owned()).collect(),
        })
        .await;
    }

    pub async fn stop(&self, run: &RunId, when: When) {
        self.order(Order::Stop {
            topic: run.topic(),
            when,
        })
        .await;
    }

    pub async fn messages(&self, topic: &Topic) -> Vec<Stored> {
        let mut all = Vec::new();
        let mut from = Position::START;
        while let Ok(chunk) = self.log.read(topic, from, 1 << 24).await
            && let Some(last) = chunk.last()
        {
            from = last.position.next();
            all.extend(chunk);
        }
        all
    }

    pub async fn events(&self, run: &RunId) -> Vec<EventRecord> {
        let stored = self.messages(&kymo_runlog::event::topic()).await;
        let events = stored
            .iter()
            .map(|stored| stored.json::<EventRecord>().expect("an event"));
        events.filter(|event| event.topic == run.topic()).collect()
    }

    /// Waits for an event of the run; the whole story so far is in the panic when it does not come.
    pub async fn wait_for_event(&self, run: &RunId, wanted: impl Fn(&EventRecord) -> bool) -> EventRecord {
        let found = self
            .wait_for(|| async { self.events(run).await.into_iter().find(|event| wanted(event)) })
            .await;
        match found {
            Some(event) => event,
            None => panic!(
                "the event did not come: {:#?}\n{}",
                self.events(run).await,
                self.what_was_said()
            ),
        }
    }

    /// Looks again and again until there is something.
    pub async fn wait_for<T, F: Future<Output = Option<T>>>(&self, look: impl Fn() -> F) -> Option<T> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            if let Some(found) = look().await {
                return Some(found);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        None
    }

    pub async fn wait_until_finished(&self, run: &RunId) -> EventRecord {
        self.wait_for_event(run, |event| event.event == RunEvent::Finished)
            .await
    }

    pub async fn wait_for_iteration(&self, run: &RunId, iteration: u64) {
        let reached = || async { (self.replay(run).await.iterations >= iteration).then_some(()) };
        if self.wait_for(reached).await.is_none() {
            panic!("iteration {iteration} did not come\n{}", self.what_was_said());
        }
    }

    pub async fn replay(&self, run: &RunId) -> Replayed {
        let mut replay = Replay::new(run.topic());
        let mut replayed = Replayed::default();
        for stored in self.messages(&run.topic()).await {
            for change in replay.push(&stored) {
                match change {
                    Change::Attempt(marker) => replayed.markers.push((marker.attempt, marker.from)),
                    Change::Forgotten { from } => replayed.records.retain(|record| record.iteration < from),
                    Change::Iteration { record, .. } => replayed.records.push(*record),
                    Change::Rejected(report) => replayed.reports.push(report.reason),
                    Change::Complaint(complaint) => {
                        replayed.complaints.push((complaint.rejected, complaint.reason))
                    }
                    Change::Ended(_) => replayed.ended = true,
                }
            }
        }
        replayed.iterations = replay.iterations();
        replayed.digest = replay.digest();
        replayed
    }

    /// What the run's solver printed, and our remarks in between.
    pub fn output(&self, run: &RunId) -> String {
        let bytes = std::fs::read(self.run_folder(run).join("output.log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn run_folder(&self, run: &RunId) -> PathBuf {
        self.data()
            .join("runs")
            .join(kymo_runlog::ShortId::of(&run.topic()).as_str())
    }

    /// Pids out of watchdog.json: the watchdog's and the solver's.
    pub fn pids(&self, run: &RunId) -> Option<(i32, Option<i32>)> {
        let text = std::fs::read(self.run_folder(run).join("watchdog.json")).ok()?;
        let json: serde_json::Value = serde_json::from_slice(&text).ok()?;
        let pid = |who: &str| json[who]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
        Some((pid("watchdog")?, pid("solver")))
    }

    pub fn what_was_said(&self) -> String {
        let mut said = std::fs::read_to_string(self.data().join("initiator.log")).unwrap_or_default();
        for folder in self.run_folders() {
            for file in ["watchdog.log", "output.log"] {
                let text = std::fs::read(folder.join(file)).unwrap_or_default();
                said.push_str(&String::from_utf8_lossy(&text[text.len().saturating_sub(4000)..]));
            }
        }
        said
    }

    /// Of all machines.
    fn run_folders(&self) -> Vec<PathBuf> {
        let machines = self.others.keys().map(|host| self.data().join(host));
        let mut folders = folders_in(self.data());
        folders.extend(machines.flat_map(|data| folders_in(&data)));
        folders
    }
}

fn folders_in(data: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data.join("runs"))
        .into_iter()
        .flatten()
        .flatten();
    entries.map(|entry| entry.path()).collect()
}

/// Those that `watchdog.json` names.
fn watchdogs_and_solvers(data: &Path) -> Vec<i32> {
    let mut pids = Vec::new();
    for folder in folders_in(data) {
        let text = std::fs::read(folder.join("watchdog.json")).unwrap_or_default();
        let json: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
        for who in ["watchdog", "solver"] {
            let pid = json[who]["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok());
            pids.extend(pid.filter(|pid| !is_gone(*pid)));
        }
    }
    pids
}

impl Drop for House {
    fn drop(&mut self) {
        let machines: Vec<PathBuf> = self.others.keys().map(|host| self.data().join(host)).collect();
        for mut child in std::mem::take(&mut self.others)
            .into_values()
            .chain(self.initiator.take())
        {
            // A test that failed leaves nobody behind.
            let _ = child.kill();
            let _ = child.wait();
        }
        for data in machines.iter().map(PathBuf::as_path).chain([self.data()]) {
            for pid in watchdogs_and_solvers(data) {
                // The number may be somebody else's by now.
                let line = std::fs::read_to_string(format!("/proc/{pid}/cmdline"));
                if line.is_ok_and(|line| line.contains("role")) {
                    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                }
            }
        }
    }
}

/// Whether nobody runs under this pid; a zombie that its new parent has not reaped yet runs no more.
pub fn is_gone(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

/// What a run's topic holds.
#[derive(Debug, Default)]
pub struct Replayed {
    pub iterations: u64,
    pub digest: String,
    pub markers: Vec<(u32, u64)>,
    pub records: Vec<Record>,
    pub reports: Vec<String>,
    pub complaints: Vec<(u64, String)>,
    pub ended: bool,
}

fn entry(name: &str, argv: &[&str]) -> Entry {
    Entry {
        card: SolverCard {
            name: name.to_owned(),
            version: "1".to_owned(),
            help: String::new(),
            view: None,
            needs: Default::default(),
            parameters: Vec::new(),
        },
        program: Program::Command(CommandLine {
            // Nothing in it is a placeholder.
            argv: argv
                .iter()
                .map(|word| word.replace('{', "{{").replace('}', "}}"))
                .collect(),
            directory: None,
            environment: BTreeMap::new(),
        }),
        patience: None,
        grace: 5.0,
        restart: Restart::Never,
        replay: Feed::None,
        patterns: Vec::new(),
        resumes: true,
        total: None,
        step_interval: None,
        log_bytes: None,
    }
}
