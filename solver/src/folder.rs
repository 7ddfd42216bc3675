//! A run's folder on this machine, `<data>/runs/<short id>/`: the job, who lives, what was printed.
//! What is wanted stands in the log; these files only say what happens here.

use std::path::{Path, PathBuf};

use anyhow::Context;
use kymo_runlog::{Position, RunId, ShortId, Topic};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalogue::Entry;
use crate::process::Process;
use crate::restart::Row;

/// All that a watchdog needs to know: `job.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub run: RunId,
    pub topic: Topic,
    pub attempt: u32,
    pub host: String,
    /// Whose order it is.
    pub by: String,
    /// Who holds the claim on this attempt.
    pub holder: Uuid,
    /// Where the winning claim stands in `kymo.claims`.
    pub claimed_at: Position,
    /// From here on `kymo.orders` may hold orders that end this attempt.
    pub orders_from: Position,
    /// Forget the earlier results first.
    #[serde(default)]
    pub fresh: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pace: Option<f64>,
    /// Attempts before this one that failed in a row.
    #[serde(default)]
    pub failures: u32,
    /// How far the furthest of them got; only beyond it this attempt has got anywhere.
    #[serde(default)]
    pub furthest: u64,
    /// The alert that this attempt should resolve, if the last one failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// The alert that this attempt should resolve, if the last one's watchdog died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub death: Option<String>,
    /// Whether the solver reads a job line; an arbitrary command under `kymo run -- ...` does not.
    #[serde(default = "yes")]
    pub speaks_protocol: bool,
    /// The solver as the catalogue knew it when the order came.
    pub entry: Entry,
}

impl Job {
    /// The row of failures that this attempt goes on with.
    pub fn row(&self) -> Row {
        Row {
            failures: self.failures,
            furthest: self.furthest,
            incident: self.incident.clone(),
        }
    }

    pub fn set_row(&mut self, row: Row) {
        self.failures = row.failures;
        self.furthest = row.furthest;
        self.incident = row.incident;
    }
}

fn yes() -> bool {
    true
}

/// Who lives: `watchdog.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lives {
    pub watchdog: Process,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solver: Option<Process>,
    pub topic: Topic,
    pub attempt: u32,
    /// Start times are counted from boot, so they mean something within one boot only.
    pub boot: String,
}

impl Lives {
    /// Whether the watchdog runs.
    pub fn watchdog_lives(&self) -> bool {
        self.boot == boot_id() && self.watchdog.is_alive()
    }

    /// The solver's group leader, if its number still means something.
    pub fn left_over_solver(&self) -> Option<Process> {
        if self.boot == boot_id() { self.solver } else { None }
    }
}

/// Which boot of this machine this is.
pub fn boot_id() -> String {
    let read = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    read.map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// The paths of one run.
#[derive(Clone, Debug)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    pub fn of(data: &Path, topic: &Topic) -> Self {
        Self(data.join("runs").join(ShortId::of(topic).as_str()))
    }

    /// The folders of all runs that this machine has seen.
    pub fn all(data: &Path) -> Vec<Self> {
        let Ok(entries) = std::fs::read_dir(data.join("runs")) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| Some(Self(entry.ok()?.path())))
            .collect()
    }

    pub fn create(&self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.0).with_context(|| {
            format!(
                "cannot make the folder {}; check who owns it and the free space",
                self.0.display()
            )
        })
    }

    pub fn job(&self) -> PathBuf {
        self.0.join("job.json")
    }

    pub fn lives(&self) -> PathBuf {
        self.0.join("watchdog.json")
    }

    pub fn lock(&self) -> PathBuf {
        self.0.join("watchdog.lock")
    }

    /// What the solver printed.
    pub fn output(&self) -> PathBuf {
        self.0.join("output.log")
    }

    /// What the watchdog itself says.
    pub fn watchdog_log(&self) -> PathBuf {
        self.0.join("watchdog.log")
    }

    /// `None` when no watchdog ever lived here, or the file is damaged: then nobody can be known by it.
    pub fn find_lives(&self) -> Option<Lives> {
        load(&self.lives()).ok()
    }

    pub fn find_job(&self) -> Option<Job> {
        load(&self.job()).ok()
    }
}

/// Reads a JSON file.
pub fn load<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is damaged", path.display()))
}

/// Replaces a JSON file in one step, so that a reader sees the old one or the new one, never half of it.
pub fn save<T: Serialize>(path: &Path, value: &T) -> anyhow::Result<()> {
    let text = serde_json::to_vec_pretty(value).context("write JSON")?;
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = write_durably(&draft, &text).and_then(|()| std::fs::rename(&draft, path));
    if written.is_err() {
        // A half-written draft only takes space.
        let _ = std::fs::remove_file(&draft);
    }
    written.with_context(|| {
        format!(
            "cannot write {}; check the free space and who owns the folder",
            path.display()
        )
    })
}

fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
