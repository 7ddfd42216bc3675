//! Chats whose wishes wait for a database that is locked or full: each is told so once, and that
//! nothing is lost. Saying it needs no disk.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kymo_store::{ChatId, Destination, StoreError};

use crate::outbox::{Class, Outbox, TextMessage};
use crate::words::escape;

/// Who was told.
#[derive(Default)]
pub struct Waiting(Mutex<HashSet<ChatId>>);

impl Waiting {
    /// Tells a chat, unless it knows.
    pub async fn tell(&self, outbox: &Outbox, to: Destination, trouble: &StoreError) {
        if !self.lock().insert(to.chat) {
            return;
        }
        let html = format!(
            "⏳ {}.\nWhat you asked for is not lost: it is done as soon as that is over.",
            escape(&trouble.to_string())
        );
        if let Err(error) = outbox.send_text(Class::Reply, TextMessage::new(to, html)).await {
            tracing::warn!(chat = %to.chat, %error, "a chat cannot be told that it waits");
        }
    }

    /// The chat is served again.
    pub fn is_over(&self, chat: ChatId) {
        self.lock().remove(&chat);
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<ChatId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
