//! Graph workers as child processes of the bot: `<worker_command> --topic T [--view V]`.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::Utc;
use kymo_runlog::Topic;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::backoff::Backoff;
use super::spawner::Spawner;
use super::{WorkerError, WorkerState, WorkerStatus, Workers};

/// How long a worker may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// Hosts graph workers as children. They die with this process, however it ends.
pub struct ChildWorkers {
    shared: Arc<Shared>,
}

struct Shared {
    command: Vec<OsString>,
    spawner: Spawner,
    workers: Mutex<Workshop>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

type Turn = tokio::sync::Mutex<()>;

#[derive(Default)]
struct Workshop {
    workers: HashMap<Topic, Worker>,
    added: u64,
    /// Held while a topic's process lives: a worker that is started again waits for the last one's end.
    turns: HashMap<Topic, Arc<Turn>>,
}

struct Worker {
    number: u64,
    view: Option<String>,
    state: WorkerState,
    restarts: u32,
    /// Stops the supervising task; `None` while none runs.
    supervised: Option<(CancellationToken, u64)>,
    lives: u64,
}

impl ChildWorkers {
    /// `command` is the argv prefix of a worker. Every worker ends when `stop` is cancelled.
    pub fn new(command: Vec<OsString>, stop: CancellationToken) -> std::io::Result<Self> {
        let shared = Shared {
            command,
            spawner: Spawner::new()?,
            workers: Mutex::default(),
            tasks: TaskTracker::new(),
            stop,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    fn unsupervise(&self, topic: &Topic) -> Result<(), WorkerError> {
        let mut workshop = self.shared.lock();
        let worker = workshop
            .workers
            .get_mut(topic)
            .ok_or_else(|| WorkerError::Unknown(topic.clone()))?;
        if let Some((stop, _)) = worker.supervised.take() {
            stop.cancel();
        }
        worker.state = WorkerState::Stopped;
        Ok(())
    }
}

#[async_trait]
impl Workers for ChildWorkers {
    async fn add(&self, topic: &Topic, view: Option<&str>) -> Result<(), WorkerError> {
        let mut workshop = self.shared.lock();
        if workshop.workers.contains_key(topic) {
            return Err(WorkerError::Known(topic.clone()));
        }
        workshop.added += 1;
        let worker = Worker {
            number: workshop.added,
            view: view.map(str::to_owned),
            state: WorkerState::Stopped,
            restarts: 0,
            supervised: None,
            lives: 0,
        };
        workshop.workers.insert(topic.clone(), worker);
        Ok(())
    }

    async fn start(&self, topic: &Topic) -> Result<(), WorkerError> {
        if self.shared.stop.is_cancelled() {
            return Err(WorkerError::Closing);
        }
        let mut workshop = self.shared.lock();
        let turn = workshop.turns.entry(topic.clone()).or_default().clone();
        let worker = workshop
            .workers
            .get_mut(topic)
            .ok_or_else(|| WorkerError::Unknown(topic.clone()))?;
        if worker.supervised.is_some() {
            return Ok(());
        }
        worker.lives += 1;
        let stop = self.shared.stop.child_token();
        worker.supervised = Some((stop.clone(), worker.lives));
        let life = Life {
            shared: self.shared.clone(),
            topic: topic.clone(),
            number: worker.lives,
            stop,
        };
        self.shared.tasks.spawn(life.supervise(worker.view.clone(), turn));
        Ok(())
    }

    async fn stop(&self, topic: &Topic) -> Result<(), WorkerError> {
        self.unsupervise(topic)
    }

    async fn remove(&self, topic: &Topic) -> Result<(), WorkerError> {
        self.unsupervise(topic)?;
        self.shared.lock().workers.remove(topic);
        Ok(())
    }

    async fn status(&self) -> Result<Vec<WorkerStatus>, WorkerError> {
        let workshop = self.shared.lock();
        let mut workers: Vec<_> = workshop.workers.iter().collect();
        workers.sort_by_key(|(_, worker)| worker.number);
        let status = |(topic, worker): (&Topic, &Worker)| WorkerStatus {
            topic: topic.clone(),
            view: worker.view.clone(),
            state: worker.state.clone(),
            restarts: worker.restarts,
            said: None,
        };
        Ok(workers.into_iter().map(status).collect())
    }

    async fn ended(&self) {
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Workshop> {
        // Nothing is done under this lock that could leave it half done.
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One stretch of a worker between start and stop: as many child processes as it takes.
struct Life {
    shared: Arc<Shared>,
    topic: Topic,
    number: u64,
    stop: CancellationToken,
}

impl Life {
    async fn supervise(self, view: Option<String>, turn: Arc<Turn>) {
        let _turn = turn.lock().await;
        let mut backoff = Backoff::default();
        while !self.stop.is_cancelled() {
            let begun = Instant::now();
            let reason = match self.live_once(view.as_deref()).await {
                Ended::Asked => return,
                Ended::ByItself(reason) => reason,
            };
            let pause = backoff.after(begun.elapsed());
            tracing::warn!(topic = %self.topic, %reason, again_in_ms = pause.as_millis() as u64, "a graph worker ended");
            let again_at = Utc::now() + pause;
            self.tell(|worker| {
                worker.state = WorkerState::Waiting { reason, again_at };
                worker.restarts += 1;
            });
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn live_once(&self, view: Option<&str>) -> Ended {
        let Some((program, prefix)) = self.shared.command.split_first() else {
            return Ended::ByItself("no worker command is configured".to_owned());
        };
        let mut command = Command::new(program);
        // glibc keeps freed pages otherwise, 1 to 3 MB in each worker.
        command.env("MALLOC_ARENA_MAX", "1");
        command.env("MALLOC_TRIM_THRESHOLD_", "131072");
        command.env("MALLOC_MMAP_THRESHOLD_", "131072");
        command.args(prefix).arg("--topic").arg(self.topic.as_str());
        if let Some(view) = view {
            command.arg("--view").arg(view);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = match self.shared.spawner.spawn(command).await {
            Ok(child) => child,
            Err(error) => {
                return Ended::ByItself(format!("{} cannot be started: {error}", program.display()));
            }
        };
        let stderr = child.stderr.take();
        let pid = child.id().unwrap_or_default();
        self.tell(|worker| {
            worker.state = WorkerState::Running {
                pid,
                since: Utc::now(),
            }
        });
        let last_words = async {
            match stderr {
                Some(stderr) => pass_on(stderr).await,
                None => None,
            }
        };
        tokio::select! {
            () = self.stop.cancelled() => {
                end(&mut child).await;
                Ended::Asked
            }
            // Standard error ends when the process does, so its last line is known before its exit code.
            (words, status) = async { (last_words.await, child.wait().await) } => {
                let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                Ended::ByItself(words.map_or(status.clone(), |words| format!("{status}: {words}")))
            }
        }
    }

    /// Changes the worker's state unless a later life owns it by now.
    fn tell(&self, change: impl FnOnce(&mut Worker)) {
        let mut workshop = self.shared.lock();
        let owned = workshop.workers.get_mut(&self.topic);
        if let Some(worker) =
            owned.filter(|worker| worker.supervised.as_ref().is_some_and(|s| s.1 == self.number))
        {
            change(worker);
        }
    }
}

enum Ended {
    Asked,
    ByItself(String),
}

/// Asks the child to end, and insists.
async fn end(child: &mut Child) {
    if let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok()) {
        // Failing means that it is gone already.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM);
    }
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

/// Copies the worker's log to ours and keeps its last line.
async fn pass_on(stderr: ChildStderr) -> Option<String> {
    let mut lines = BufReader::new(stderr).split(b'\n');
    let mut last = None;
    while let Ok(Some(line)) = lines.next_segment().await {
        let line = String::from_utf8_lossy(&line).into_owned();
        // A full disk costs lines, never the worker's keeper.
        let _ = writeln!(std::io::stderr(), "{line}");
        if !line.trim().is_empty() {
            last = Some(crate::words::cut(line.trim(), 300));
        }
    }
    last
}
