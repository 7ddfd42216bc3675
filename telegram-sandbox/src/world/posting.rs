//! Messages come, change, are pinned and go; everybody who should know is told.

use std::collections::BTreeSet;

use super::chat::Kind;
use super::markup::Keyboard;
use super::message::{Body, Message, Origin, Service};
use super::news::EventKind;
use super::{ChatId, MessageId, UserId, World};
use crate::text::Formatted;

/// A message before it has an id and a date.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub chat: ChatId,
    pub from: UserId,
    pub body: Body,
    pub thread: Option<MessageId>,
    pub reply_to: Option<MessageId>,
    pub keyboard: Keyboard,
    pub forwarded: Option<Origin>,
    pub album: Option<String>,
    pub silent: bool,
    pub protected: bool,
}

impl Draft {
    pub(crate) fn new(chat: ChatId, from: UserId, body: Body) -> Self {
        Self {
            chat,
            from,
            body,
            thread: None,
            reply_to: None,
            keyboard: Keyboard::new(),
            forwarded: None,
            album: None,
            silent: false,
            protected: false,
        }
    }

    pub(crate) fn service(chat: ChatId, from: UserId, service: Service) -> Self {
        Self::new(chat, from, Body::Service { service })
    }
}

impl World {
    /// Writes a message into its chat and, if the bot may see it, into its updates.
    pub(crate) fn post(&mut self, draft: Draft) -> MessageId {
        let id = self.next_message_id(draft.chat);
        let date = self.now();
        let (chat, from) = (draft.chat, draft.from);
        let message = Message {
            id,
            chat,
            from,
            thread: draft.thread,
            date,
            edit_date: None,
            body: draft.body,
            keyboard: draft.keyboard,
            reply_to: draft.reply_to,
            forwarded: draft.forwarded,
            album: draft.album,
            silent: draft.silent,
            protected: draft.protected,
            pinned: false,
            hidden_for: BTreeSet::new(),
        };
        if let Some(place) = self.chats.get_mut(&chat) {
            place.messages.insert(id, message);
        }
        if let Some(person) = self.people.get_mut(&from) {
            person.read.insert(chat, id);
        }
        self.news.tell(EventKind::Message, Some(chat), Some(id), None);
        if self.bot_sees(chat, id) {
            let kind = match self.chats.get(&chat).map(|c| c.kind) {
                Some(Kind::Channel) => "channel_post",
                Some(Kind::Private | Kind::Group | Kind::Supergroup) | None => "message",
            };
            if let Some(value) = self.message_json(chat, id) {
                self.queue_update(kind, value);
            }
        }
        id
    }

    /// Whether privacy mode lets the bot see a message.
    fn bot_sees(&self, chat: ChatId, id: MessageId) -> bool {
        let Some(place) = self.chats.get(&chat) else {
            return false;
        };
        let Some(message) = place.messages.get(&id) else {
            return false;
        };
        let bot = self.bot.id;
        if message.from == bot {
            // Of its own messages a bot hears only of pins and the like.
            return match &message.body {
                Body::Service { service } => match service {
                    Service::Pinned { .. }
                    | Service::Titled { .. }
                    | Service::Left { .. }
                    | Service::TopicCreated { .. }
                    | Service::TopicEdited { .. }
                    | Service::TopicClosed
                    | Service::TopicReopened => true,
                    Service::Created
                    | Service::Joined { .. }
                    | Service::MigratedTo { .. }
                    | Service::MigratedFrom { .. } => false,
                },
                Body::Text { .. } | Body::Media { .. } => false,
            };
        }
        if !place.has(bot) {
            return matches!(&message.body, Body::Service { service: Service::Left { user } } if *user == bot);
        }
        match place.kind {
            Kind::Private | Kind::Channel => return true,
            Kind::Group | Kind::Supergroup => {}
        }
        if !self.bot.privacy_mode || place.member(bot).is_admin() || message.is_service() {
            return true;
        }
        let replied = message
            .reply_to
            .and_then(|r| place.messages.get(&r))
            .is_some_and(|r| r.from == bot);
        replied || message.words().is_some_and(|words| self.speaks_to_bot(words))
    }

    /// A command without a name or with ours, or a mention.
    fn speaks_to_bot(&self, words: &Formatted) -> bool {
        let ours = format!("@{}", self.bot.username.to_lowercase());
        let units: Vec<u16> = words.text.encode_utf16().collect();
        words.entities.iter().any(|e| {
            let said = String::from_utf16_lossy(&units[e.offset..e.end().min(units.len())]).to_lowercase();
            match e.kind.as_str() {
                "bot_command" => said.find('@').is_none_or(|at| said[at..] == ours),
                "mention" => said == ours,
                _ => false,
            }
        })
    }

    /// Removes a message for everybody; false when there was none.
    pub(crate) fn remove_message(&mut self, chat: ChatId, id: MessageId) -> bool {
        let gone = self
            .chats
            .get_mut(&chat)
            .and_then(|c| c.messages.remove(&id))
            .is_some();
        if gone {
            self.media_edits.remove(&(chat, id));
            self.news.tell(EventKind::Deleted, Some(chat), Some(id), None);
        }
        gone
    }

    /// Pins a message and says so in the chat; nothing happens when it is pinned already.
    pub(crate) fn pin(&mut self, chat: ChatId, id: MessageId, by: UserId, silent: bool) {
        let Some(message) = self.chats.get_mut(&chat).and_then(|c| c.messages.get_mut(&id)) else {
            return;
        };
        if message.pinned {
            return;
        }
        message.pinned = true;
        let thread = message.thread;
        self.news.tell(EventKind::Pinned, Some(chat), Some(id), None);
        let mut note = Draft::service(chat, by, Service::Pinned { message: id });
        note.silent = silent;
        note.thread = thread;
        self.post(note);
    }

    /// Unpins one message; Telegram tells no bot about it.
    pub(crate) fn unpin(&mut self, chat: ChatId, id: MessageId) -> bool {
        let Some(message) = self.chats.get_mut(&chat).and_then(|c| c.messages.get_mut(&id)) else {
            return false;
        };
        let was = std::mem::replace(&mut message.pinned, false);
        if was {
            self.news.tell(EventKind::Pinned, Some(chat), Some(id), None);
        }
        was
    }

    pub(crate) fn unpin_all(&mut self, chat: ChatId, thread: Option<MessageId>) {
        let pinned: Vec<MessageId> = self
            .chats
            .get(&chat)
            .map(|c| c.messages.values())
            .into_iter()
            .flatten()
            .filter(|m| m.pinned && (thread.is_none() || m.thread == thread))
            .map(|m| m.id)
            .collect();
        for id in pinned {
            self.unpin(chat, id);
        }
    }

    /// Stamps a change and tells of it.
    pub(crate) fn touched(&mut self, chat: ChatId, id: MessageId) {
        let now = self.now();
        if let Some(message) = self.chats.get_mut(&chat).and_then(|c| c.messages.get_mut(&id)) {
            message.edit_date = Some(now);
        }
        self.news.tell(EventKind::Edited, Some(chat), Some(id), None);
    }
}
