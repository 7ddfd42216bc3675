//! One message, whoever wrote it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::files::FileKey;
use super::markup::Keyboard;
use super::{ChatId, MessageId, UserId};
use crate::text::Formatted;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Message {
    pub id: MessageId,
    pub chat: ChatId,
    pub from: UserId,
    pub thread: Option<MessageId>,
    pub date: i64,
    pub edit_date: Option<i64>,
    pub body: Body,
    pub keyboard: Keyboard,
    pub reply_to: Option<MessageId>,
    pub forwarded: Option<Origin>,
    pub album: Option<String>,
    pub silent: bool,
    pub protected: bool,
    pub pinned: bool,
    /// People who deleted it on their side only.
    pub hidden_for: BTreeSet<UserId>,
}

/// Where a forwarded message was written first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Origin {
    pub user: UserId,
    pub date: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Body {
    Text {
        text: Formatted,
    },
    Media {
        media: Media,
        caption: Formatted,
        above: bool,
    },
    Service {
        service: Service,
    },
}

/// An attached file and how it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Media {
    pub kind: MediaKind,
    pub file: FileKey,
    pub spoiler: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MediaKind {
    Photo,
    Document,
    Animation,
}

impl MediaKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            MediaKind::Photo => "photo",
            MediaKind::Document => "document",
            MediaKind::Animation => "animation",
        }
    }
}

/// What Telegram writes into a chat by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Service {
    Pinned {
        message: MessageId,
    },
    Created,
    Joined {
        users: Vec<UserId>,
    },
    Left {
        user: UserId,
    },
    Titled {
        title: String,
    },
    MigratedTo {
        chat: ChatId,
    },
    MigratedFrom {
        chat: ChatId,
    },
    TopicCreated {
        name: String,
        icon_color: i64,
        icon_custom_emoji_id: Option<String>,
    },
    TopicEdited {
        name: Option<String>,
        icon_custom_emoji_id: Option<String>,
    },
    TopicClosed,
    TopicReopened,
}

impl Message {
    /// Text or caption, whichever it has.
    pub(crate) fn words(&self) -> Option<&Formatted> {
        match &self.body {
            Body::Text { text } => Some(text),
            Body::Media { caption, .. } => Some(caption),
            Body::Service { .. } => None,
        }
    }

    pub(crate) fn is_service(&self) -> bool {
        matches!(self.body, Body::Service { .. })
    }
}
