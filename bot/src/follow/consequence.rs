//! What follows from an event: a graph worker, panels, the panel's state and a notice. Doing it
//! twice changes nothing, since an event may be delivered twice.

use std::sync::Arc;

use chrono::Utc;
use kymo_runlog::event::{EventRecord, RunEvent};
use kymo_runlog::{Phase, Topic};
use kymo_store::{Destination, Store, Wanted, Watch};

use super::lost::Lost;
use super::notice::notice;
use super::{Known, Waiting};
use crate::act::said_start;
use crate::alert::Alerts;
use crate::panel::{Panels, RunState};
use crate::workers::Wishes;

/// Where runs are shown.
#[derive(Clone)]
pub struct Showroom {
    pub store: Store,
    pub panels: Panels,
    pub alerts: Alerts,
    pub wishes: Arc<Wishes>,
    pub lost: Arc<Lost>,
}

impl Showroom {
    /// Carries out what follows from an event that is news. What goes on by itself is told where its incident is.
    pub async fn happened(&self, known: &Known, event: &EventRecord, by_itself: bool) -> anyhow::Result<()> {
        match &event.event {
            RunEvent::Started { .. } | RunEvent::Resumed { .. } => self.draw(known, event).await?,
            RunEvent::Finished
            | RunEvent::Stopped { .. }
            | RunEvent::Failed { .. }
            | RunEvent::Silent { .. }
            | RunEvent::Heard
            | RunEvent::Refused { .. } => {}
        }
        self.show_phase(known, &event.topic).await?;
        if by_itself {
            return Ok(());
        }
        self.tell(known, event).await
    }

    /// Captions leave out what is a solver's default, so they follow the catalogue.
    pub async fn publish(&self, known: &Known) -> anyhow::Result<()> {
        let cards = {
            let state = known.read();
            state
                .solvers
                .names()
                .into_iter()
                .filter_map(|name| state.solvers.find(name))
                .cloned()
                .collect()
        };
        Ok(self.panels.set_catalogue(cards).await?)
    }

    /// After a start: every panel's words are what the log told meanwhile.
    pub async fn show_all(&self, known: &Known) -> anyhow::Result<()> {
        let topics: Vec<Topic> = known
            .read()
            .runs
            .listed()
            .into_iter()
            .map(|run| run.topic.clone())
            .collect();
        for topic in topics {
            if !self.panels.chats_of(&topic).await?.is_empty() {
                self.show_phase(known, &topic).await?;
            }
        }
        Ok(())
    }

    /// The panel's words follow the run's phase.
    pub async fn show_phase(&self, known: &Known, topic: &Topic) -> anyhow::Result<()> {
        let (state, news) = {
            let state = known.read();
            let Some(run) = state.runs.find(topic) else {
                return Ok(());
            };
            let name = state.solvers.name_run(&run.id);
            let now = Utc::now();
            let shown = panel_state(&run.phase, state.waiting(topic, now));
            (shown, self.lost.news(run, &name, now))
        };
        self.panels.set_state(topic, state).await?;
        if let Some(alert) = news {
            self.alerts.raise(&alert).await?;
        }
        Ok(())
    }

    /// A run that computes has a graph worker, and a panel where it was asked for. A run that no
    /// chat ordered, from a terminal or a schedule, is shown where alerts go.
    async fn draw(&self, known: &Known, event: &EventRecord) -> anyhow::Result<()> {
        if self.panels.chats_of(&event.topic).await?.is_empty() {
            for to in self.store.subscribed().await? {
                self.panels.attach(&event.topic, to).await?;
            }
        }
        let view = known
            .read()
            .solvers
            .find(&event.run.solver)
            .and_then(|card| card.view.clone());
        let watch = Watch {
            topic: event.topic.clone(),
            view,
            wanted: Wanted::Running,
            added_by: format!("started on {}", event.host),
            added_at: Utc::now(),
        };
        if !self.store.add_watch(&watch).await? {
            // A person's stop of the worker was about the run's earlier life.
            self.store.set_watch_wanted(&event.topic, Wanted::Running).await?;
        }
        self.wishes.fulfil(&event.topic).await
    }

    async fn tell(&self, known: &Known, event: &EventRecord) -> anyhow::Result<()> {
        let (name, lasted) = {
            let state = known.read();
            let started = state.runs.find(&event.topic).and_then(|run| run.started_at);
            (
                state.solvers.name_run(&event.run),
                started.map(|started| event.at - started),
            )
        };
        let Some(words) = notice(event, &name, lasted) else {
            return Ok(());
        };
        let mut to: Vec<Destination> = self.store.subscribed().await?;
        if let RunEvent::Started { .. } | RunEvent::Resumed { .. } = &event.event {
            // Whoever ordered it there has read that it starts.
            let name = said_start(&event.topic);
            if let Some(chat) = self
                .store
                .find_value(&name)
                .await?
                .filter(|chat| !chat.is_empty())
            {
                to.retain(|other| other.chat.to_string() != chat);
                self.store.put_value(&name, "").await?;
            }
        }
        if let RunEvent::Refused { .. } = &event.event {
            // Whoever ordered it looks there.
            for chat in self.panels.chats_of(&event.topic).await? {
                if to.iter().all(|other| other.chat != chat.chat) {
                    to.push(chat);
                }
            }
        }
        for to in to {
            self.alerts
                .notice(&format!("event:{}:{}", event.id, to.chat), to, &words)
                .await?;
        }
        Ok(())
    }
}

/// A run's phase as its panel shows it.
fn panel_state(phase: &Phase, waiting: Option<Waiting>) -> RunState {
    if let Some(waiting) = waiting.filter(|waiting| waiting.place.is_some()) {
        let why = Some(waiting.words());
        return RunState::Queued { why };
    }
    match phase {
        Phase::Queued => RunState::Queued { why: None },
        Phase::Running | Phase::Stopping { .. } => RunState::Running,
        Phase::Silent { seconds } => RunState::Silent { seconds: *seconds },
        Phase::Lost { since } => RunState::Lost { since: *since },
        Phase::Restarting { reason, again_at } => RunState::Crashed {
            reason: reason.clone(),
            again_at: Some(*again_at),
        },
        Phase::Finished => RunState::Finished,
        Phase::Stopped { by } => RunState::Stopped { by: by.clone() },
        Phase::Failed { reason } => RunState::Crashed {
            reason: reason.clone(),
            again_at: None,
        },
        Phase::Refused { reason } => RunState::Refused {
            reason: reason.clone(),
        },
    }
}
