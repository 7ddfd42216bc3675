//! Keeps each panel at its newest picture and caption. One task decides; what goes to Telegram
//! waits in tasks of its own.

mod outcome;
mod show;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use kymo_door::{PanelAnswer, PanelFacts};
use kymo_runlog::Topic;
use kymo_runlog::catalogue::SolverCard;
use kymo_store::{ChatId, Destination, Panel, Store, StoreError};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Attached, Keyboard, Order, Orders, RunState, Showing, next_picture_in, theme_of};
use crate::outbox::Outbox;
use crate::said::Said;
use outcome::Done;
use show::Shown;

/// A panel that was fed within this time shares its chat's budget.
const LATELY: Duration = Duration::from_secs(60);

/// Shows panels until `stop`.
pub async fn run(
    mut orders: Orders,
    store: Store,
    outbox: Outbox,
    keyboard: Keyboard,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut desk = Desk {
        store,
        outbox,
        keyboard,
        topics: HashMap::new(),
        shown: HashMap::new(),
        cards: Vec::new(),
        mute_since: None,
        under_way: JoinSet::new(),
        stop: stop.clone(),
        said: Said::default(),
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            order = orders.0.recv() => match order {
                Some(order) => desk.obey(order).await,
                None => return Ok(()),
            },
            Some(done) = desk.under_way.join_next() => desk.after(done.context("show a panel")?).await,
        }
    }
    // The outbox ends with us and says so to whatever still waits; what it sent is written down.
    while let Some(done) = desk.under_way.join_next().await {
        desk.after(done.context("show a panel")?).await;
    }
    Ok(())
}

struct Desk {
    store: Store,
    outbox: Outbox,
    keyboard: Keyboard,
    topics: HashMap<Topic, Known>,
    shown: HashMap<(Topic, ChatId), Shown>,
    cards: Vec<SolverCard>,
    /// Since when the log gives no answer.
    mute_since: Option<DateTime<Utc>>,
    under_way: JoinSet<Done>,
    stop: CancellationToken,
    said: Said,
}

/// The newest of a topic.
#[derive(Default)]
struct Known {
    facts: Option<PanelFacts>,
    state: RunState,
    fed_at: Option<Instant>,
    /// Pictures are large: kept only until every chat shows it.
    png: Option<Bytes>,
    /// Its hash.
    picture: Option<String>,
    /// Posts and edits that have not ended.
    under_way: usize,
}

impl Desk {
    async fn obey(&mut self, order: Order) {
        // Whoever asked may have stopped waiting for the answer.
        match order {
            Order::Show {
                topic,
                facts,
                png,
                answer,
            } => {
                let _ = answer.send(self.feed(topic, *facts, png).await);
            }
            Order::Attach {
                topic,
                to,
                anew,
                answer,
            } => {
                let _ = answer.send(self.attach(topic, to, anew).await);
            }
            Order::State { topic, state, answer } => {
                let _ = answer.send(self.set_state(topic, state).await);
            }
            Order::Catalogue(cards) => self.cards = cards,
            Order::LogMute(since) => self.say_log_is_mute(since).await,
        }
    }

    async fn feed(&mut self, topic: Topic, facts: PanelFacts, png: Bytes) -> Result<PanelAnswer, StoreError> {
        self.know(&topic).await?;
        let text = serde_json::to_string(&facts).expect("facts are plain data");
        let picture = hex::encode(&Sha256::digest(&png)[..16]);
        let known = self.topics.entry(topic.clone()).or_default();
        known.facts = Some(facts);
        known.fed_at = Some(Instant::now());
        known.png = Some(png);
        known.picture = Some(picture);
        let panels = self.store.panels_of(&topic).await?;
        for panel in &panels {
            self.bring_up(panel);
        }
        self.forget_picture(&topic);
        self.store.put_panel_facts(&topic, &text).await?;
        self.answer(&panels).await
    }

    async fn answer(&self, panels: &[Panel]) -> Result<PanelAnswer, StoreError> {
        let mut chats = Vec::with_capacity(panels.len());
        for panel in panels {
            let fed = |topic: &Topic| {
                self.topics
                    .get(topic)
                    .and_then(|known| known.fed_at)
                    .is_some_and(|at| at.elapsed() < LATELY)
            };
            let there = self.store.panels_in(panel.chat).await?;
            let panels = there.iter().filter(|other| fed(&other.topic)).count();
            chats.push(Showing {
                group: panel.chat.0 < 0,
                panels: u32::try_from(panels).unwrap_or(u32::MAX),
            });
        }
        let theme = theme_of(&self.store, panels).await?;
        Ok(PanelAnswer {
            next_in_ms: u64::try_from(next_picture_in(&chats).as_millis()).unwrap_or(u64::MAX),
            shown_in: u32::try_from(panels.len()).unwrap_or(u32::MAX),
            theme: theme.as_str().to_owned(),
        })
    }

    async fn attach(&mut self, topic: Topic, to: Destination, anew: bool) -> Result<Attached, StoreError> {
        self.know(&topic).await?;
        let panel = if anew {
            self.shown.remove(&(topic.clone(), to.chat));
            self.store.renew_panel(&topic, to).await?
        } else {
            self.store.want_panel(&topic, to).await?
        };
        // Any chat's copy of the picture will do.
        let known_picture = self
            .store
            .panels_of(&topic)
            .await?
            .into_iter()
            .find_map(|panel| panel.file_id);
        let panel = Panel {
            file_id: panel.file_id.clone().or(known_picture),
            ..panel
        };
        self.bring_up(&panel);
        let showing = panel.message.is_some() || panel.file_id.is_some();
        Ok(if showing {
            Attached::Showing
        } else {
            Attached::WithFirstPicture
        })
    }

    async fn set_state(&mut self, topic: Topic, state: RunState) -> Result<(), StoreError> {
        self.know(&topic).await?;
        let known = self.topics.entry(topic.clone()).or_default();
        if known.state == state {
            return Ok(());
        }
        let text = serde_json::to_string(&state).expect("a state is plain data");
        known.state = state;
        for panel in self.store.panels_of(&topic).await? {
            self.bring_up(&panel);
        }
        self.store.put_panel_state(&topic, &text).await
    }

    /// Every panel of a run that computes says so.
    async fn say_log_is_mute(&mut self, since: Option<DateTime<Utc>>) {
        self.mute_since = since;
        let busy = self.topics.iter().filter(|(_, known)| known.state.is_busy());
        let topics: Vec<Topic> = busy.map(|(topic, _)| topic.clone()).collect();
        for topic in topics {
            match self.store.panels_of(&topic).await {
                Ok(panels) => panels.iter().for_each(|panel| self.bring_up(panel)),
                Err(error) => tracing::warn!(%topic, "its panels cannot tell of the log: {error}"),
            }
        }
    }

    /// What an earlier life of the bot knew of the topic.
    async fn know(&mut self, topic: &Topic) -> Result<(), StoreError> {
        if !self.topics.contains_key(topic) {
            let kept = self.store.load_panel_topic(topic).await?;
            // Facts of another version are replaced with the next picture.
            let facts = kept
                .facts
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok());
            let state = kept
                .state
                .as_deref()
                .and_then(|text| serde_json::from_str(text).ok());
            let known = Known {
                facts,
                state: state.unwrap_or_default(),
                ..Known::default()
            };
            self.topics.insert(topic.clone(), known);
        }
        Ok(())
    }

    fn forget_picture(&mut self, topic: &Topic) {
        if let Some(known) = self.topics.get_mut(topic)
            && known.under_way == 0
        {
            known.png = None;
        }
    }
}
