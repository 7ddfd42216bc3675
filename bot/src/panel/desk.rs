//! Keeps each panel at its newest picture and caption. One task decides; what goes to Telegram
//! waits in tasks of its own.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use anyhow::Context;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use kymo_door::{PanelAnswer, PanelFacts};
use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::{ShortId, Topic};
use kymo_store::{ChatId, Destination, Panel, Pin, Store, StoreError, Theme};
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Attached, Keyboard, Order, Orders, RunState, Showing, caption, next_picture_in, pin};
use crate::outbox::{Class, Edited, Outbox, Picture, SendError, SentPicture};
use crate::telegram::TelegramError;

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
        under_way: JoinSet::new(),
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
    under_way: JoinSet<Done>,
}

/// The newest of a topic.
#[derive(Default)]
struct Known {
    facts: Option<PanelFacts>,
    state: RunState,
    fed_at: Option<Instant>,
    /// Kept only while a panel of the topic is being posted, so that it starts with the newest.
    png: Option<Bytes>,
    picture: Option<String>,
}

/// What a panel was last asked to show.
#[derive(Default)]
struct Shown {
    posting: bool,
    pinning: bool,
    picture: Option<String>,
    words: Option<u64>,
}

/// Something for Telegram that has ended.
struct Done {
    panel: Panel,
    picture: Option<String>,
    how: How,
}

enum How {
    Posted(Result<SentPicture, SendError>),
    Edited(Result<(Edited, Option<String>), SendError>),
    Pinned(Result<(), StoreError>),
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
            self.bring_up(panel, true);
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
        let theme = match panels.first() {
            Some(panel) => self
                .store
                .find_chat(panel.chat)
                .await?
                .map(|chat| chat.theme)
                .unwrap_or_default(),
            None => Theme::default(),
        };
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
        self.bring_up(&panel, false);
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
        self.store.put_panel_state(&topic, &text).await?;
        for panel in self.store.panels_of(&topic).await? {
            self.bring_up(&panel, false);
        }
        Ok(())
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

    /// Brings a panel to the newest picture and words, if it is not there already.
    fn bring_up(&mut self, panel: &Panel, fed: bool) {
        let key = (panel.topic.clone(), panel.chat);
        let Some(known) = self.topics.get(&panel.topic) else {
            return;
        };
        let Some(facts) = &known.facts else { return };
        let shown = self.shown.entry(key).or_insert_with(|| Shown {
            picture: panel.picture.clone(),
            ..Shown::default()
        });
        if shown.posting {
            return;
        }
        let card = self.cards.iter().find(|card| card.name == facts.solver);
        let words = words_hash(facts, &known.state, card);
        let picture = Picture {
            png: known.png.clone().unwrap_or_default(),
            caption: caption(facts, &known.state, card, Utc::now()),
            keyboard: Some((self.keyboard)(
                &ShortId::of(&panel.topic),
                panel.generation,
                &known.state,
            )),
        };
        let new_picture = known.png.is_some() && known.picture != shown.picture;
        let new_words = shown.words != Some(words);
        let outbox = self.outbox.clone();
        let panel = panel.clone();
        match panel.message {
            None => {
                let to = Destination {
                    chat: panel.chat,
                    thread: panel.thread,
                };
                let file_id = panel.file_id.clone();
                if known.png.is_none() && file_id.is_none() {
                    return;
                }
                shown.posting = true;
                shown.words = Some(words);
                let hash = if known.png.is_some() {
                    known.picture.clone()
                } else {
                    panel.picture.clone()
                };
                shown.picture = hash.clone();
                self.under_way.spawn(async move {
                    let posted = match file_id {
                        Some(file_id) if picture.png.is_empty() => {
                            outbox
                                .send_known_picture(
                                    Class::Panel,
                                    to,
                                    &file_id,
                                    &picture.caption,
                                    picture.keyboard,
                                )
                                .await
                        }
                        Some(_) | None => outbox.send_picture(Class::Panel, to, picture, true).await,
                    };
                    Done {
                        panel,
                        picture: hash,
                        how: How::Posted(posted),
                    }
                });
            }
            Some(message) if new_picture => {
                shown.picture = known.picture.clone();
                shown.words = Some(words);
                let hash = known.picture.clone();
                self.under_way.spawn(async move {
                    let edited = outbox
                        .edit_picture(Class::Panel, panel.chat, message, picture)
                        .await;
                    Done {
                        panel,
                        picture: hash,
                        how: How::Edited(edited),
                    }
                });
            }
            // The words alone are news when somebody fed them or the state changed.
            Some(message) if new_words && (fed || shown.words.is_some() || known.png.is_none()) => {
                shown.words = Some(words);
                self.under_way.spawn(async move {
                    let edited = outbox
                        .edit_caption(
                            Class::Panel,
                            panel.chat,
                            message,
                            &picture.caption,
                            picture.keyboard,
                        )
                        .await;
                    Done {
                        panel,
                        picture: None,
                        how: How::Edited(edited.map(|edited| (edited, None))),
                    }
                });
            }
            Some(_) if panel.pin == Pin::Wanted => self.pin(panel),
            Some(_) => {}
        }
    }

    fn pin(&mut self, panel: Panel) {
        let shown = self.shown.entry((panel.topic.clone(), panel.chat)).or_default();
        if shown.pinning {
            return;
        }
        shown.pinning = true;
        let (store, outbox) = (self.store.clone(), self.outbox.clone());
        self.under_way.spawn(async move {
            let pinned = pin::pin(&store, &outbox, &panel).await;
            Done {
                panel,
                picture: None,
                how: How::Pinned(pinned),
            }
        });
    }

    async fn after(&mut self, done: Done) {
        let Done { panel, picture, how } = done;
        let (topic, chat) = (panel.topic.clone(), panel.chat);
        let result = match how {
            How::Posted(posted) => self.after_posting(panel, picture, posted).await,
            How::Edited(edited) => self.after_editing(panel, picture, edited).await,
            How::Pinned(pinned) => {
                if let Some(shown) = self.shown.get_mut(&(topic.clone(), chat)) {
                    shown.pinning = false;
                }
                pinned
            }
        };
        if let Err(error) = result {
            tracing::error!("the panel of {topic} in chat {chat} is not kept: {error}");
        }
        self.forget_picture(&topic);
    }

    async fn after_posting(
        &mut self,
        panel: Panel,
        picture: Option<String>,
        posted: Result<SentPicture, SendError>,
    ) -> Result<(), StoreError> {
        let key = (panel.topic.clone(), panel.chat);
        if let Some(shown) = self.shown.get_mut(&key) {
            shown.posting = false;
        }
        match posted {
            Ok(sent) => {
                let current = self
                    .store
                    .panel_posted(&panel, sent.message, sent.file_id.as_deref(), picture.as_deref())
                    .await?;
                if !current {
                    // Somebody asked for a newer one meanwhile, or for none.
                    self.remove_copy(&panel, sent);
                } else {
                    self.pin(Panel {
                        message: Some(sent.message),
                        ..panel.clone()
                    });
                }
            }
            Err(error) => {
                self.shown.remove(&key);
                self.refused(&panel, error).await?;
            }
        }
        // What came while it was being posted.
        if let Some(panel) = self.store.find_panel(&panel.topic, panel.chat).await? {
            let asked_again = panel.message.is_none();
            if !asked_again || self.shown.contains_key(&key) {
                self.bring_up(&panel, true);
            }
        }
        Ok(())
    }

    async fn after_editing(
        &mut self,
        panel: Panel,
        picture: Option<String>,
        edited: Result<(Edited, Option<String>), SendError>,
    ) -> Result<(), StoreError> {
        let key = (panel.topic.clone(), panel.chat);
        match edited {
            Ok((Edited::Superseded, _)) => Ok(()),
            Ok((Edited::Shown | Edited::Unchanged, file_id)) => {
                if let (Some(message), true) = (panel.message, picture.is_some() || file_id.is_some()) {
                    self.store
                        .panel_posted(&panel, message, file_id.as_deref(), picture.as_deref())
                        .await?;
                }
                if panel.pin == Pin::Wanted {
                    self.pin(panel);
                }
                Ok(())
            }
            Err(SendError::Telegram(TelegramError::MessageGone)) => {
                let current = self.store.find_panel(&panel.topic, panel.chat).await?;
                // Several edits may find out at once; the first posts it anew.
                if current.is_some_and(|current| current.generation == panel.generation) {
                    tracing::info!(
                        "the panel of {} in chat {} is gone and is posted anew",
                        panel.topic,
                        panel.chat
                    );
                    self.shown.remove(&key);
                    let to = Destination {
                        chat: panel.chat,
                        thread: panel.thread,
                    };
                    let panel = self.store.renew_panel(&panel.topic, to).await?;
                    self.bring_up(&panel, true);
                }
                Ok(())
            }
            Err(error) => {
                self.shown.remove(&key);
                self.refused(&panel, error).await
            }
        }
    }

    async fn refused(&mut self, panel: &Panel, error: SendError) -> Result<(), StoreError> {
        match error {
            SendError::Telegram(TelegramError::Moved(_)) => {
                // SQL knows the new chat by now, and that the panel is to be posted there.
                for panel in self.store.panels_of(&panel.topic).await? {
                    if panel.message.is_none() {
                        self.bring_up(&panel, true);
                    }
                }
            }
            SendError::Telegram(TelegramError::PlaceGone(_)) if panel.thread.is_some() => {
                let to = Destination {
                    chat: panel.chat,
                    thread: None,
                };
                let panel = self.store.renew_panel(&panel.topic, to).await?;
                self.bring_up(&panel, true);
            }
            SendError::Telegram(error @ (TelegramError::Lost(_) | TelegramError::Away(_))) => {
                // At worst an unpinned copy stays; the outbox waits before it tries again.
                tracing::warn!(
                    "the panel of {} in chat {} is tried again: {error}",
                    panel.topic,
                    panel.chat
                );
                if let Some(panel) = self.store.find_panel(&panel.topic, panel.chat).await? {
                    self.bring_up(&panel, true);
                }
            }
            SendError::Telegram(error) => {
                tracing::warn!(
                    "the panel of {} in chat {} waits: {error}",
                    panel.topic,
                    panel.chat
                );
                if error.loses_chat() {
                    self.store.lose_chat(panel.chat, &error.to_string()).await?;
                }
            }
            SendError::Closed => {}
        }
        Ok(())
    }

    fn remove_copy(&mut self, panel: &Panel, sent: SentPicture) {
        let (outbox, chat) = (self.outbox.clone(), panel.chat);
        let panel = panel.clone();
        self.under_way.spawn(async move {
            if let Err(error) = outbox.delete(chat, sent.message).await {
                tracing::warn!(
                    "a second copy of the panel of {} stays in chat {chat}: {error}",
                    panel.topic
                );
            }
            Done {
                panel,
                picture: None,
                how: How::Pinned(Ok(())),
            }
        });
    }

    /// Pictures are large: kept only while a panel is being posted and may need a newer one.
    fn forget_picture(&mut self, topic: &Topic) {
        let posting = self
            .shown
            .iter()
            .any(|((other, _), shown)| other == topic && shown.posting);
        if !posting && let Some(known) = self.topics.get_mut(topic) {
            known.png = None;
        }
    }
}

/// What a caption says, but for the clock.
fn words_hash(facts: &PanelFacts, state: &RunState, card: Option<&SolverCard>) -> u64 {
    let mut hasher = DefaultHasher::new();
    caption(facts, state, card, DateTime::UNIX_EPOCH).hash(&mut hasher);
    hasher.finish()
}
