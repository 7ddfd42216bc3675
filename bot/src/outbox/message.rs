//! What others hand to the outbox.

use bytes::Bytes;
use kymo_store::{Destination, MessageId};
use teloxide::types::InlineKeyboardMarkup;

use crate::telegram::TelegramError;

/// Who comes first. Answers to presses are free and do not wait at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    Alert,
    Reply,
    Panel,
}

/// A text to send. `html` is Telegram's HTML: escape what comes from outside with [`crate::html::escape`].
#[derive(Clone, Debug)]
pub struct TextMessage {
    pub to: Destination,
    pub html: String,
    pub keyboard: Option<InlineKeyboardMarkup>,
    pub reply_to: Option<MessageId>,
    /// Without a sound.
    pub silent: bool,
    /// The person's keyboard opens with a reply to this message.
    pub force_reply: bool,
}

impl TextMessage {
    pub fn new(to: Destination, html: impl Into<String>) -> Self {
        Self {
            to,
            html: html.into(),
            keyboard: None,
            reply_to: None,
            silent: false,
            force_reply: false,
        }
    }

    pub fn keyboard(self, keyboard: InlineKeyboardMarkup) -> Self {
        Self {
            keyboard: Some(keyboard),
            ..self
        }
    }

    pub fn reply_to(self, message: MessageId) -> Self {
        Self {
            reply_to: Some(message),
            ..self
        }
    }

    pub fn force_reply(self) -> Self {
        Self {
            force_reply: true,
            ..self
        }
    }

    pub fn silent(self) -> Self {
        Self { silent: true, ..self }
    }
}

/// A picture with a caption (HTML, at most 1024 characters after entities).
#[derive(Clone, Debug)]
pub struct Picture {
    pub png: Bytes,
    pub caption: String,
    pub keyboard: Option<InlineKeyboardMarkup>,
}

/// A file to send.
#[derive(Clone, Debug)]
pub struct Document {
    pub to: Destination,
    pub name: String,
    /// At most 50 MB.
    pub bytes: Bytes,
    pub caption: Option<String>,
    pub reply_to: Option<MessageId>,
}

/// What a person sees after pressing a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The button only stops spinning.
    Quiet,
    /// A line that fades, at most 200 characters (longer ones are cut).
    Toast(String),
    /// A box that must be closed, at most 200 characters (longer ones are cut).
    Box(String),
}

/// What became of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edited {
    Shown,
    /// The message showed it already.
    Unchanged,
    /// A newer edit of the same message took its place.
    Superseded,
}

/// A message with a picture, as Telegram took it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentPicture {
    pub message: MessageId,
    pub file_id: Option<String>,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Telegram(#[from] TelegramError),
    #[error("the bot is shutting down")]
    Closed,
}
