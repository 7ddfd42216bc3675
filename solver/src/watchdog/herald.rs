//! Events on their way into `kymo.events`: in order, waiting while the log is away.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use kymo_runlog::Log;
use kymo_runlog::event::{EventRecord, RunEvent};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::events;
use crate::folder::Job;

/// Announces what happens to one attempt.
pub struct Herald {
    job: Job,
    events: mpsc::UnboundedSender<EventRecord>,
    task: JoinHandle<()>,
}

impl Herald {
    pub fn start(log: Arc<dyn Log>, job: Job) -> Self {
        let (events, inbox) = mpsc::unbounded_channel();
        Self {
            job,
            events,
            task: tokio::spawn(announce(log, inbox)),
        }
    }

    /// Returns at once.
    pub fn announce(&self, iteration: u64, event: RunEvent) {
        // The task ends only with this sender.
        let _ = self.events.send(event_of(&self.job, iteration, event));
    }

    /// Waits until the log has them all; somebody who is told to stop waits only a little.
    pub async fn finish(self, stop: &CancellationToken) {
        drop(self.events);
        let mut task = self.task;
        if stop.run_until_cancelled(&mut task).await.is_none()
            && tokio::time::timeout(Duration::from_secs(2), &mut task)
                .await
                .is_err()
        {
            tracing::warn!(topic = %self.job.topic, "the log is away, the newest events are not in it");
            task.abort();
        }
    }
}

pub fn event_of(job: &Job, iteration: u64, event: RunEvent) -> EventRecord {
    EventRecord {
        id: uuid::Uuid::now_v7(),
        at: Utc::now(),
        topic: job.topic.clone(),
        run: job.run.clone(),
        attempt: job.attempt,
        host: job.host.clone(),
        iteration,
        event,
    }
}

async fn announce(log: Arc<dyn Log>, mut inbox: mpsc::UnboundedReceiver<EventRecord>) {
    while let Some(event) = inbox.recv().await {
        if let Err(error) = events::tell(&*log, &event).await {
            tracing::error!(%error, topic = %event.topic, "an event cannot be written");
        }
    }
}
