//! What is to be sent so that a panel shows the newest.

use std::hash::{DefaultHasher, Hash, Hasher};

use chrono::{DateTime, Utc};
use kymo_door::PanelFacts;
use kymo_runlog::ShortId;
use kymo_runlog::catalogue::SolverCard;
use kymo_store::{Destination, Panel, Pin};

use super::Desk;
use super::outcome::{Done, How};
use crate::outbox::{Class, Picture};
use crate::panel::{RunState, caption, pin};
use crate::written::written;

/// What a panel was last asked to show.
#[derive(Default)]
pub(super) struct Shown {
    /// The generation that is being posted.
    pub posting: Option<i64>,
    pub pinning: bool,
    pub picture: Option<String>,
    /// The picture that Telegram is known to have.
    pub taken: Option<String>,
    pub words: Option<u64>,
}

impl Desk {
    /// Brings a panel to the newest picture and words, if it is not there already.
    pub(super) fn bring_up(&mut self, panel: &Panel) {
        let key = (panel.topic.clone(), panel.chat);
        let Some(known) = self.topics.get_mut(&panel.topic) else {
            return;
        };
        let Some(facts) = &known.facts else { return };
        let shown = self.shown.entry(key).or_insert_with(|| Shown {
            picture: panel.picture.clone(),
            taken: panel.picture.clone(),
            ..Shown::default()
        });
        if shown.posting == Some(panel.generation) {
            return;
        }
        let card = self.cards.iter().find(|card| card.name == facts.solver);
        let words = words_hash(facts, &known.state, card, self.mute_since);
        let caption = caption(facts, &known.state, card, self.mute_since, Utc::now());
        let run = ShortId::of(&panel.topic);
        let keyboard = Some((self.keyboard)(&run, panel.generation, &known.state));
        let outbox = self.outbox.clone();
        let news = shown.words != Some(words) || known.png.is_some() && known.picture != shown.picture;
        // As long as Telegram does not have the picture for certain, it goes with the words.
        let png = known.png.clone().filter(|_| known.picture != shown.taken);
        match (panel.message, png) {
            (None, png) => {
                let picture = if png.is_some() {
                    known.picture.clone()
                } else {
                    panel.picture.clone()
                };
                let to = Destination {
                    chat: panel.chat,
                    thread: panel.thread,
                };
                let file_id = panel.file_id.clone();
                if png.is_none() && file_id.is_none() {
                    return;
                }
                *shown = Shown {
                    posting: Some(panel.generation),
                    picture: picture.clone(),
                    words: Some(words),
                    ..Shown::default()
                };
                known.under_way += 1;
                let panel = panel.clone();
                let (store, stop) = (self.store.clone(), self.stop.clone());
                self.under_way.spawn(async move {
                    let posted = match (png, file_id) {
                        (None, Some(file_id)) => {
                            outbox
                                .send_known_picture(Class::Panel, to, &file_id, &caption, keyboard)
                                .await
                        }
                        (png, _) => {
                            let picture = Picture {
                                png: png.unwrap_or_default(),
                                caption,
                                keyboard,
                            };
                            outbox.send_picture(Class::Panel, to, picture, true).await
                        }
                    };
                    let posted = match posted {
                        // Until its message is known, another post would be a second copy.
                        Ok(sent) => {
                            let (file_id, hash) = (sent.file_id.as_deref(), picture.as_deref());
                            let write = || store.panel_posted(&panel, sent.message, file_id, hash);
                            Ok((
                                sent.message,
                                written("the message of a panel", &stop, write).await,
                            ))
                        }
                        Err(error) => Err(error),
                    };
                    Done {
                        panel,
                        picture,
                        how: How::Posted(posted),
                    }
                });
            }
            (Some(message), Some(png)) if news => {
                shown.picture = known.picture.clone();
                shown.words = Some(words);
                known.under_way += 1;
                let (panel, picture) = (panel.clone(), known.picture.clone());
                self.under_way.spawn(async move {
                    let new = Picture {
                        png,
                        caption,
                        keyboard,
                    };
                    let edited = outbox.edit_picture(Class::Panel, panel.chat, message, new).await;
                    Done {
                        panel,
                        picture,
                        how: How::Edited(edited),
                    }
                });
            }
            (Some(message), None) if news => {
                shown.words = Some(words);
                known.under_way += 1;
                let panel = panel.clone();
                self.under_way.spawn(async move {
                    let edited = outbox
                        .edit_caption(Class::Panel, panel.chat, message, &caption, keyboard)
                        .await;
                    let how = How::Edited(edited.map(|edited| (edited, None)));
                    Done {
                        panel,
                        picture: None,
                        how,
                    }
                });
            }
            (Some(_), _) if panel.pin == Pin::Wanted => self.pin(panel.clone()),
            (Some(_), _) => {}
        }
    }

    pub(super) fn pin(&mut self, panel: Panel) {
        let shown = self.shown.entry((panel.topic.clone(), panel.chat)).or_default();
        if shown.pinning {
            return;
        }
        shown.pinning = true;
        let (store, outbox, stop) = (self.store.clone(), self.outbox.clone(), self.stop.clone());
        self.under_way.spawn(async move {
            let pinned = pin::pin(&store, &outbox, &panel, &stop).await;
            Done {
                panel,
                picture: None,
                how: How::Pinned(pinned),
            }
        });
    }
}

/// What a caption says, but for the clock.
fn words_hash(
    facts: &PanelFacts,
    state: &RunState,
    card: Option<&SolverCard>,
    mute_since: Option<DateTime<Utc>>,
) -> u64 {
    let mut hasher = DefaultHasher::new();
    caption(facts, state, card, mute_since, DateTime::UNIX_EPOCH).hash(&mut hasher);
    hasher.finish()
}
