//! This machine's watchdogs: starting them, finding them again after our own death, noticing theirs.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use async_trait::async_trait;
use kymo_door::Alert;
use kymo_runlog::Topic;
use kymo_runlog::host::{Capacity, Taken};
use nix::sys::signal::SigSet;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::crew::{Crew, Gone};
use crate::folder::{self, Job, RunFolder};
use crate::process::{Process, kill_left_over_group};

/// How often adopted watchdogs are looked at.
const POLL: Duration = Duration::from_millis(250);

/// The living watchdogs, each with its job.
pub struct Here {
    data: PathBuf,
    command: Vec<OsString>,
    capacity: Capacity,
    members: BTreeMap<Topic, Member>,
    /// What died while nobody looked, until it is asked for.
    found_dead: Vec<Gone>,
    deaths: Signal,
}

struct Member {
    job: Job,
    process: Process,
    /// `None`: an earlier initiator started it.
    child: Option<Child>,
}

impl Here {
    /// Finds living watchdogs again. `command`: argv prefix of `kymo watchdog`; the job file is appended.
    pub fn find(data: &Path, command: Vec<OsString>, capacity: Capacity) -> anyhow::Result<Self> {
        let mut crew = Self {
            data: data.to_owned(),
            command,
            capacity,
            members: BTreeMap::new(),
            found_dead: Vec::new(),
            deaths: signal(SignalKind::child()).context("listen for SIGCHLD")?,
        };
        for folder in RunFolder::all(data) {
            let Some(job) = folder.find_job() else {
                continue;
            };
            match folder
                .find_lives()
                .filter(|lives| lives.attempt == job.attempt && lives.watchdog_lives())
            {
                Some(lives) => {
                    tracing::info!(topic = %job.topic, pid = lives.watchdog.pid, "found a living watchdog again");
                    let member = Member {
                        process: lives.watchdog,
                        child: None,
                        job,
                    };
                    crew.members.insert(member.job.topic.clone(), member);
                }
                None => {
                    let gone = crew.gone(job, None);
                    crew.found_dead.push(gone);
                }
            }
        }
        Ok(crew)
    }

    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.members.values().map(|member| &member.job)
    }

    fn gone(&self, job: Job, how: Option<String>) -> Gone {
        Gone {
            last_words: self.last_words(&job),
            job,
            how,
        }
    }

    fn last_words(&self, job: &Job) -> Option<String> {
        let text = std::fs::read(RunFolder::of(&self.data, &job.topic).watchdog_log()).ok()?;
        let tail = &text[text.len().saturating_sub(2000)..];
        let text = String::from_utf8_lossy(tail);
        text.lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .map(|line| line.chars().take(300).collect())
    }
}

#[async_trait]
impl Crew for Here {
    fn is_open(&self) -> bool {
        true
    }

    fn has(&self, topic: &Topic) -> bool {
        self.members.contains_key(topic)
    }

    /// A session of its own, so that it survives us and no terminal signals it.
    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn taken(&self) -> Taken {
        let mut taken = Taken::default();
        for member in self.members.values() {
            taken.add(&member.job.entry.card.needs);
        }
        taken
    }

    fn start(&mut self, job: Job) -> anyhow::Result<()> {
        let folder = RunFolder::of(&self.data, &job.topic);
        folder.create()?;
        folder::save(&folder.job(), &job)?;
        keep_small(&folder.watchdog_log());
        let (program, arguments) = self
            .command
            .split_first()
            .context("the watchdog's command is empty")?;
        let said = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.watchdog_log());
        let said = said.with_context(|| format!("open {}", folder.watchdog_log().display()))?;
        let mut command = Command::new(program);
        command.args(arguments).arg(folder.job());
        command
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said);
        leave_our_session(&mut command);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start the watchdog {program:?}"))?;
        let pid = i32::try_from(child.id()).context("a pid fits into 31 bits")?;
        let process = Process::find(pid).context("the watchdog's start time cannot be read from /proc")?;
        let topic = job.topic.clone();
        self.members.insert(
            topic,
            Member {
                job,
                process,
                child: Some(child),
            },
        );
        Ok(())
    }

    fn take_gone(&mut self) -> Vec<Gone> {
        let mut gone = std::mem::take(&mut self.found_dead);
        let mut dead: Vec<Topic> = Vec::new();
        for (topic, member) in &mut self.members {
            if !member.lives() {
                dead.push(topic.clone());
            }
        }
        for topic in dead {
            if let Some(mut member) = self.members.remove(&topic) {
                let how = member
                    .child
                    .as_mut()
                    .and_then(|child| child.wait().ok())
                    .map(|status| status.to_string());
                gone.push(self.gone(member.job, how));
            }
        }
        gone
    }

    fn take_alerts(&mut self) -> Vec<Alert> {
        Vec::new()
    }

    async fn news(&mut self) {
        // Nobody tells us when somebody else's child dies.
        let must_poll = self.members.values().any(|member| member.child.is_none());
        tokio::select! {
            _ = self.deaths.recv() => {}
            () = tokio::time::sleep(POLL), if must_poll => {}
        }
    }

    async fn clean_up_after(&self, job: &Job) {
        if let Some(solver) = RunFolder::of(&self.data, &job.topic)
            .find_lives()
            .filter(|lives| lives.attempt == job.attempt)
            .and_then(|lives| lives.left_over_solver())
        {
            let killed = kill_left_over_group(solver).await;
            if killed > 0 {
                tracing::warn!(topic = %job.topic, killed, "killed what a dead watchdog's solver left behind");
            }
        }
    }
}

impl Member {
    fn lives(&mut self) -> bool {
        match &mut self.child {
            // Reaping it is what makes a zombie go.
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => self.process.is_alive(),
        }
    }
}

/// A watchdog says little, but a run may have many.
fn keep_small(path: &Path) {
    if std::fs::metadata(path).is_ok_and(|file| file.len() > 1 << 20) {
        // The newest word is not worth failing for.
        let _ = std::fs::rename(path, path.with_extension("log.1"));
    }
}

fn leave_our_session(command: &mut Command) {
    let prepare = || {
        nix::unistd::setsid()?;
        SigSet::empty().thread_set_mask()?;
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe system calls are made, nothing is allocated.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(prepare);
    }
}
