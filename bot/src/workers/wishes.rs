//! What people want of graph workers, kept in SQL, and the host that carries it out: always both
//! together, the wish first, so that a crash in between is made good at the next start.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use kymo_runlog::{Log, Topic};
use kymo_store::{Store, Wanted, Watch};

use super::{WorkerError, WorkerState, WorkerStatus, Workers};
use crate::follow::{Known, Runs};

/// SQL and host in step.
pub struct Wishes {
    pub store: Store,
    pub log: Arc<dyn Log>,
    pub host: Arc<dyn Workers>,
}

impl Wishes {
    /// Brings the host to what SQL says, after a start. A host that outlives the bot may hold a worker that was
    /// removed in the moment of a crash.
    pub async fn restore(&self) -> anyhow::Result<()> {
        let mut last_trouble = Ok(());
        for watch in self.store.watches().await? {
            if let Err(trouble) = self.fulfil(&watch.topic).await {
                // One that cannot be must not hold up the others.
                last_trouble = Err(trouble).with_context(|| watch.topic.to_string());
            }
        }
        for worker in self.host.status().await? {
            if self.store.find_watch(&worker.topic).await?.is_none() {
                self.fulfil(&worker.topic).await?;
            }
        }
        last_trouble
    }

    /// Brings one worker to what SQL says. A worker whose topic is not there yet waits for its run to start.
    pub async fn fulfil(&self, topic: &Topic) -> anyhow::Result<()> {
        let Some(watch) = self.store.find_watch(topic).await? else {
            return passing(self.host.remove(topic).await);
        };
        let there = self
            .host
            .status()
            .await?
            .into_iter()
            .find(|worker| worker.topic == *topic);
        if there.as_ref().is_some_and(|worker| worker.view != watch.view) {
            self.host.remove(topic).await?;
        }
        if there.is_none_or(|worker| worker.view != watch.view) {
            self.host.add(topic, watch.view.as_deref()).await?;
        }
        match watch.wanted {
            Wanted::Running if self.log.exists(topic).await? => passing(self.host.start(topic).await),
            Wanted::Running => Ok(()),
            Wanted::Stopped => passing(self.host.stop(topic).await),
        }
    }

    /// A worker that is known and does not run. `false`: there was one already, which stays as it is.
    pub async fn add(
        &self,
        topic: &Topic,
        view: Option<&str>,
        by: &str,
        wanted: Wanted,
    ) -> anyhow::Result<bool> {
        let watch = Watch {
            topic: topic.clone(),
            view: view.map(one_line),
            wanted,
            added_by: by.to_owned(),
            added_at: Utc::now(),
        };
        let added = self.store.add_watch(&watch).await?;
        self.fulfil(topic).await?;
        Ok(added)
    }

    /// Starts or stops a worker. `false`: there is none.
    pub async fn want(&self, topic: &Topic, wanted: Wanted) -> anyhow::Result<bool> {
        let known = self.store.set_watch_wanted(topic, wanted).await?;
        if known {
            self.fulfil(topic).await?;
        }
        Ok(known)
    }

    /// Changes what a worker draws. `false`: there is none.
    pub async fn look(&self, topic: &Topic, view: Option<&str>) -> anyhow::Result<bool> {
        let view = view.map(one_line);
        let known = self.store.set_watch_view(topic, view.as_deref()).await?;
        if known {
            self.fulfil(topic).await?;
        }
        Ok(known)
    }

    /// Ends and forgets a worker. `false`: there is none.
    pub async fn remove(&self, topic: &Topic) -> anyhow::Result<bool> {
        let known = self.store.remove_watch(topic).await?;
        self.fulfil(topic).await?;
        Ok(known)
    }
}

/// A view goes into command lines and environment files.
fn one_line(view: &str) -> String {
    let no_control = |letter: char| if letter.is_control() { ' ' } else { letter };
    view.chars().map(no_control).collect()
}

/// Shutting down is no failure of a wish: SQL keeps it. Neither is a worker that is away already.
fn passing(done: Result<(), WorkerError>) -> anyhow::Result<()> {
    match done {
        Ok(()) | Err(WorkerError::Closing | WorkerError::Unknown(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// How long the graph worker of a run that is over stays, so that the last picture is surely shown.
const LINGER: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// Brings back what was running, however long that takes.
pub async fn restore(wishes: &Wishes) {
    let mut pause = Duration::from_secs(1);
    while let Err(error) = wishes.restore().await {
        tracing::warn!(
            error = format!("{error:#}"),
            "cannot bring back the graph workers; trying again"
        );
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(60));
    }
}

/// Ends the graph workers of runs that were over long ago, again and again.
pub async fn tidy(wishes: &Wishes, known: &Known) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        let workers = match wishes.host.status().await {
            Ok(workers) => workers,
            Err(error) => {
                tracing::warn!(%error, "cannot look for idle graph workers");
                continue;
            }
        };
        let idle = idle(&workers, &known.read().runs, Utc::now());
        for topic in idle {
            if let Err(error) = wishes.want(&topic, Wanted::Stopped).await {
                tracing::warn!(%topic, error = format!("{error:#}"), "cannot stop an idle graph worker");
            }
        }
    }
}

/// The running workers whose runs are over and that have had time to show it.
fn idle(workers: &[WorkerStatus], runs: &Runs, now: DateTime<Utc>) -> Vec<Topic> {
    let is_idle = |worker: &&WorkerStatus| match &worker.state {
        WorkerState::Running { since, .. } => runs
            .find(&worker.topic)
            .is_some_and(|run| !run.phase.is_busy() && now - run.at > LINGER && now - *since > LINGER),
        WorkerState::Stopped | WorkerState::Waiting { .. } | WorkerState::Failed { .. } => false,
    };
    workers
        .iter()
        .filter(is_idle)
        .map(|worker| worker.topic.clone())
        .collect()
}
