//! What Telegram's answers mean for a panel.

use kymo_store::{Destination, MessageId, Panel, Pin, StoreError};

use super::Desk;
use crate::outbox::{Edited, SendError};
use crate::telegram::TelegramError;

/// Something for Telegram that has ended.
pub(super) struct Done {
    pub panel: Panel,
    /// The hash of the picture that went with it.
    pub picture: Option<String>,
    pub how: How,
}

pub(super) enum How {
    /// The message, and whether it is the panel's now.
    Posted(Result<(MessageId, Result<bool, StoreError>), SendError>),
    Edited(Result<(Edited, Option<String>), SendError>),
    Pinned(Result<(), StoreError>),
}

impl Desk {
    pub(super) async fn after(&mut self, done: Done) {
        let Done { panel, picture, how } = done;
        let (topic, chat) = (panel.topic.clone(), panel.chat);
        if let (How::Posted(_) | How::Edited(_), Some(known)) = (&how, self.topics.get_mut(&topic)) {
            known.under_way -= 1;
        }
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
            let text = format!("the panel of {topic} in chat {chat} is not kept: {error}");
            if self.said.is_news(&text) {
                tracing::error!("{text}");
            }
        }
        self.forget_picture(&topic);
    }

    async fn after_posting(
        &mut self,
        panel: Panel,
        picture: Option<String>,
        posted: Result<(MessageId, Result<bool, StoreError>), SendError>,
    ) -> Result<(), StoreError> {
        let key = (panel.topic.clone(), panel.chat);
        // A newer generation may be on its way already.
        if let Some(shown) = self
            .shown
            .get_mut(&key)
            .filter(|shown| shown.posting == Some(panel.generation))
        {
            shown.posting = None;
            if posted.is_ok() {
                shown.taken = picture.clone();
            }
        }
        match posted {
            Ok((message, Ok(true))) => self.pin(Panel {
                message: Some(message),
                ..panel.clone()
            }),
            // Somebody asked for a newer one meanwhile, or for none.
            Ok((message, Ok(false))) => self.remove_copy(&panel, message),
            Ok((_, Err(error))) => return Err(error),
            Err(error) => {
                self.forget_generation(&panel);
                self.refused(&panel, error).await?;
            }
        }
        // What came while it was being posted.
        if let Some(panel) = self.store.find_panel(&panel.topic, panel.chat).await? {
            let asked_again = panel.message.is_none();
            if !asked_again || self.shown.contains_key(&key) {
                self.bring_up(&panel);
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
                if let (Some(message), Some(picture)) = (panel.message, picture) {
                    if let Some(shown) = self.shown.get_mut(&key) {
                        shown.taken = Some(picture.clone());
                    }
                    self.store
                        .panel_posted(&panel, message, file_id.as_deref(), Some(&picture))
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
                    self.bring_up(&panel);
                }
                Ok(())
            }
            Err(error) => {
                self.forget_generation(&panel);
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
                        self.bring_up(&panel);
                    }
                }
            }
            SendError::Telegram(TelegramError::PlaceGone(_)) if panel.thread.is_some() => {
                let to = Destination {
                    chat: panel.chat,
                    thread: None,
                };
                let panel = self.store.renew_panel(&panel.topic, to).await?;
                self.bring_up(&panel);
            }
            SendError::Telegram(error @ (TelegramError::Lost(_) | TelegramError::Away(_))) => {
                // At worst an unpinned copy stays; the outbox waits before it tries again.
                tracing::warn!(
                    "the panel of {} in chat {} is tried again: {error}",
                    panel.topic,
                    panel.chat
                );
                if let Some(panel) = self.store.find_panel(&panel.topic, panel.chat).await? {
                    self.bring_up(&panel);
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

    fn remove_copy(&mut self, panel: &Panel, message: MessageId) {
        let (outbox, chat) = (self.outbox.clone(), panel.chat);
        let panel = panel.clone();
        self.under_way.spawn(async move {
            if let Err(error) = outbox.delete(chat, message).await {
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

    /// What was asked of this generation does not count; a newer one is left alone.
    fn forget_generation(&mut self, panel: &Panel) {
        let key = (panel.topic.clone(), panel.chat);
        let newer = |posting: i64| posting > panel.generation;
        if !self
            .shown
            .get(&key)
            .and_then(|shown| shown.posting)
            .is_some_and(newer)
        {
            self.shown.remove(&key);
        }
    }
}
