//! A chat: who is in it and what was written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::message::Message;
use super::rights::{Place, Standing};
use super::{ChatId, MessageId, UserId, World};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Private,
    Group,
    Supergroup,
    Channel,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Chat {
    pub id: ChatId,
    pub kind: Kind,
    /// Empty for a private chat, whose name is the person's.
    pub title: String,
    pub username: Option<String>,
    pub description: String,
    pub forum: bool,
    pub topics: BTreeMap<MessageId, Topic>,
    pub members: BTreeMap<UserId, Standing>,
    pub members_may_pin: bool,
    pub messages: BTreeMap<MessageId, Message>,
    /// Supergroups and channels count their messages themselves.
    pub last_message: MessageId,
    pub migrated_to: Option<ChatId>,
    pub migrated_from: Option<ChatId>,
    pub actions: Vec<(String, i64)>,
}

/// A forum topic; its id is the id of the service message that opened it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Topic {
    pub name: String,
    pub icon_color: i64,
    pub icon_custom_emoji_id: Option<String>,
    pub closed: bool,
}

impl Chat {
    pub(crate) fn new(id: ChatId, kind: Kind, title: &str) -> Self {
        Self {
            id,
            kind,
            title: title.into(),
            username: None,
            description: String::new(),
            forum: false,
            topics: BTreeMap::new(),
            members: BTreeMap::new(),
            members_may_pin: true,
            messages: BTreeMap::new(),
            last_message: 0,
            migrated_to: None,
            migrated_from: None,
            actions: Vec::new(),
        }
    }

    pub(crate) fn is_group(&self) -> bool {
        matches!(self.kind, Kind::Group | Kind::Supergroup)
    }

    pub(crate) fn place(&self) -> Place {
        match self.kind {
            Kind::Channel => Place::Channel,
            Kind::Private | Kind::Group | Kind::Supergroup => Place::Group,
        }
    }

    pub(crate) fn member(&self, user: UserId) -> Standing {
        self.members.get(&user).cloned().unwrap_or(Standing::Left)
    }

    pub(crate) fn has(&self, user: UserId) -> bool {
        self.member(user).inside()
    }

    pub(crate) fn kind_text(&self) -> &'static str {
        match self.kind {
            Kind::Private => "private",
            Kind::Group => "group",
            Kind::Supergroup => "supergroup",
            Kind::Channel => "channel",
        }
    }

    /// What `getChat` calls pinned: the newest by sending date, however many are pinned.
    pub(crate) fn newest_pinned(&self) -> Option<&Message> {
        self.messages.values().rev().find(|m| m.pinned)
    }
}

impl World {
    /// The `Chat` object that messages carry.
    pub(crate) fn chat_json(&self, chat: &Chat) -> Value {
        let mut value = json!({ "id": chat.id, "type": chat.kind_text() });
        match self.people.get(&chat.id).filter(|_| chat.kind == Kind::Private) {
            Some(person) => {
                for field in ["first_name", "last_name", "username"] {
                    if let Some(text) = person.user().get(field) {
                        value[field] = text.clone();
                    }
                }
            }
            None => {
                value["title"] = chat.title.as_str().into();
                if let Some(username) = &chat.username {
                    value["username"] = username.as_str().into();
                }
                if chat.forum {
                    value["is_forum"] = true.into();
                }
            }
        }
        value
    }

    pub(crate) fn chat_name(&self, chat: &Chat) -> String {
        match self.people.get(&chat.id) {
            Some(person) if chat.kind == Kind::Private => person.full_name(),
            _ => chat.title.clone(),
        }
    }

    /// The `User` object of a person or of the bot.
    pub(crate) fn user_json(&self, user: UserId) -> Value {
        match self.people.get(&user) {
            Some(person) => person.user(),
            None => self.bot.user(),
        }
    }

    /// The id that the next message of a chat gets.
    pub(crate) fn next_message_id(&mut self, chat: ChatId) -> MessageId {
        match self.chats.get_mut(&chat) {
            Some(own) if matches!(own.kind, Kind::Supergroup | Kind::Channel) => {
                own.last_message += 1;
                own.last_message
            }
            _ => {
                self.mailbox += 1;
                self.mailbox
            }
        }
    }
}
