//! Graph workers as units of systemd: `kymo-graph-worker@<short id>.service`, instances of the template that
//! `kymo install` puts there. They outlive the bot, and systemd starts them again; we add, ask, and tell what it says.

mod bus;
mod note;

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use kymo_runlog::{ShortId, Topic};

use self::bus::{Manager, Properties};
use self::note::{Note, Notes};
use super::{WorkerError, WorkerState, WorkerStatus, Workers};

pub use bus::Bus;

/// Longer than the unit's own TimeoutStopSec.
const STOPPED_WITHIN: Duration = Duration::from_secs(15);

/// Hosts graph workers as systemd units.
pub struct SystemdWorkers {
    bus: Bus,
    notes: Notes,
}

impl SystemdWorkers {
    /// `data` is the data folder that the units know, too.
    pub fn new(bus: Bus, data: &Path) -> Self {
        let folder = data.join("workers");
        Self {
            bus,
            notes: Notes { folder },
        }
    }

    fn must_know(&self, topic: &Topic) -> Result<(), WorkerError> {
        if self.notes.has(topic) {
            Ok(())
        } else {
            Err(WorkerError::Unknown(topic.clone()))
        }
    }
}

fn unit(topic: &Topic) -> String {
    format!("kymo-graph-worker@{}.service", ShortId::of(topic))
}

#[async_trait]
impl Workers for SystemdWorkers {
    async fn add(&self, topic: &Topic, view: Option<&str>) -> Result<(), WorkerError> {
        if self.notes.has(topic) {
            return Err(WorkerError::Known(topic.clone()));
        }
        let unit = unit(topic);
        let manager = Manager::of(self.bus).await?;
        if manager.describe(&unit).await?.text("LoadState") != "loaded" {
            return Err(WorkerError::NoUnit { unit });
        }
        self.notes.write(&Note {
            topic: topic.clone(),
            view: view.map(str::to_owned),
        })?;
        // The topic becomes the unit's description.
        let told = manager.reload(&unit).await;
        if told.is_err() {
            self.notes.remove(topic)?;
        }
        told
    }

    async fn start(&self, topic: &Topic) -> Result<(), WorkerError> {
        self.must_know(topic)?;
        Manager::of(self.bus).await?.start(&unit(topic)).await
    }

    async fn stop(&self, topic: &Topic) -> Result<(), WorkerError> {
        self.must_know(topic)?;
        Manager::of(self.bus).await?.stop(&unit(topic)).await
    }

    async fn remove(&self, topic: &Topic) -> Result<(), WorkerError> {
        self.must_know(topic)?;
        let unit = unit(topic);
        let manager = Manager::of(self.bus).await?;
        manager.stop(&unit).await?;
        let ended = async {
            while !is_over(&manager.describe(&unit).await?) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        let late = |_| WorkerError::Refused {
            unit: unit.clone(),
            reason: format!("it did not end within {STOPPED_WITHIN:?}"),
        };
        tokio::time::timeout(STOPPED_WITHIN, ended)
            .await
            .map_err(late)??;
        self.notes.remove(topic)?;
        manager.forget_failure(&unit).await?;
        manager.reload(&unit).await
    }

    async fn status(&self) -> Result<Vec<WorkerStatus>, WorkerError> {
        let notes = self.notes.all()?;
        let manager = Manager::of(self.bus).await?;
        let loaded = manager.describe_loaded("kymo-graph-worker@*.service").await?;
        let status = |note: Note| {
            let says = loaded.get(&unit(&note.topic));
            WorkerStatus {
                state: says.map_or(WorkerState::Stopped, state),
                restarts: says.map_or(0, |says| says.number("NRestarts") as u32),
                said: Some(says.map_or_else(|| "inactive (dead)".to_owned(), words)),
                topic: note.topic,
                view: note.view,
            }
        };
        Ok(notes.into_iter().map(status).collect())
    }
}

fn is_over(says: &Properties) -> bool {
    matches!(says.text("ActiveState"), "inactive" | "failed")
}

/// systemd's own words, as `systemctl status` has them.
fn words(says: &Properties) -> String {
    let state = format!("{} ({})", says.text("ActiveState"), says.text("SubState"));
    match says.text("Result") {
        "success" | "" => state,
        result => format!("{state}, Result: {result}"),
    }
}

fn state(says: &Properties) -> WorkerState {
    let result = || says.text("Result").to_owned();
    match (says.text("ActiveState"), says.text("SubState")) {
        ("inactive", _) => WorkerState::Stopped,
        ("failed", _) => WorkerState::Failed { reason: result() },
        (_, "auto-restart") => WorkerState::Waiting {
            reason: result(),
            again_at: time(says.number("InactiveEnterTimestamp") + says.number("RestartUSec")),
        },
        _ => WorkerState::Running {
            pid: says.number("MainPID") as u32,
            since: time(says.number("StateChangeTimestamp")),
        },
    }
}

/// Microseconds since 1970; what no clock shows is now.
fn time(microseconds: u64) -> DateTime<Utc> {
    let time = i64::try_from(microseconds).ok();
    time.and_then(DateTime::from_timestamp_micros)
        .unwrap_or_else(Utc::now)
}
