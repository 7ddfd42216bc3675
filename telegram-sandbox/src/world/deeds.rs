//! What people do on their phones.

use serde_json::json;

use super::chat::{Chat, Kind, Topic};
use super::message::{Body, Service};
use super::news::EventKind;
use super::person::Person;
use super::posting::Draft;
use super::rights::Standing;
use super::{ChatId, MessageId, UserId, World};
use crate::text::{Formatted, detect};

/// Why a person cannot do that; the control API answers it with 409 or 404.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum DeedError {
    #[error("there is no person {0}: create one with POST /sandbox/people")]
    NoPerson(UserId),
    #[error("there is no chat {0}: create one with POST /sandbox/chats")]
    NoChat(ChatId),
    #[error("there is no message {1} in chat {0}")]
    NoMessage(ChatId, MessageId),
    #[error("person {0} is not in chat {1}: let them join first")]
    Outside(UserId, ChatId),
    #[error("person {0} blocked the bot: unblock it first")]
    Blocked(UserId),
    #[error("message {0} has no button {1}; it has {2}")]
    NoButton(MessageId, String, String),
    #[error("{0}")]
    Refused(String),
}

type Done<T> = Result<T, DeedError>;

impl World {
    pub(crate) fn add_person(&mut self, person: Person) -> UserId {
        let id = person.id;
        let mut private = Chat::new(id, Kind::Private, "");
        private.members.insert(id, Standing::Member);
        private.members.insert(self.bot.id, Standing::Member);
        self.people.insert(id, person);
        self.chats.insert(id, private);
        self.news.tell(EventKind::Person, None, None, Some(id));
        id
    }

    pub(crate) fn add_chat(&mut self, chat: Chat) -> ChatId {
        let id = chat.id;
        self.chats.insert(id, chat);
        self.news.tell(EventKind::Chat, Some(id), None, None);
        id
    }

    pub(crate) fn person(&self, id: UserId) -> Done<&Person> {
        self.people.get(&id).ok_or(DeedError::NoPerson(id))
    }

    /// The chat, if the person is in it.
    pub(crate) fn chat_of(&self, person: UserId, chat: ChatId) -> Done<&Chat> {
        self.person(person)?;
        let place = self.chats.get(&chat).ok_or(DeedError::NoChat(chat))?;
        if let Some(to) = place.migrated_to {
            return Err(DeedError::Refused(format!(
                "chat {chat} is a supergroup now: {to}"
            )));
        }
        if !place.has(person) {
            return Err(DeedError::Outside(person, chat));
        }
        Ok(place)
    }

    pub(crate) fn say(
        &mut self,
        person: UserId,
        chat: ChatId,
        text: &str,
        reply_to: Option<MessageId>,
        thread: Option<MessageId>,
    ) -> Done<MessageId> {
        let place = self.chat_of(person, chat)?;
        if let Some(replied) = reply_to
            && !place.messages.contains_key(&replied)
        {
            return Err(DeedError::NoMessage(chat, replied));
        }
        if let Some(topic) = thread
            && !place.topics.contains_key(&topic)
        {
            return Err(DeedError::Refused(format!(
                "there is no topic {topic} in chat {chat}"
            )));
        }
        if place.kind == Kind::Channel && !place.member(person).is_admin() {
            return Err(DeedError::Refused("only admins write in a channel".into()));
        }
        if place.kind == Kind::Private {
            self.open_private(person)?;
        }
        let words = detect::add_found(Formatted::plain(text.trim()));
        if words.text.is_empty() || words.len16() > 4096 {
            return Err(DeedError::Refused("a message has 1 to 4096 characters".into()));
        }
        let mut draft = Draft::new(chat, person, Body::Text { text: words });
        draft.reply_to = reply_to;
        draft.thread = thread;
        Ok(self.post(draft))
    }

    fn open_private(&mut self, person: UserId) -> Done<()> {
        let known = self.people.get_mut(&person).ok_or(DeedError::NoPerson(person))?;
        if known.blocked {
            return Err(DeedError::Blocked(person));
        }
        known.started = true;
        Ok(())
    }

    /// Presses a button. A link comes back as such; everything else becomes a callback query.
    pub(crate) fn press(
        &mut self,
        person: UserId,
        chat: ChatId,
        message: MessageId,
        label: Option<&str>,
        data: Option<&str>,
    ) -> Done<Pressed> {
        let place = self.chat_of(person, chat)?;
        let shown = place
            .messages
            .get(&message)
            .ok_or(DeedError::NoMessage(chat, message))?;
        let mut buttons = shown.keyboard.iter().flatten();
        let found = buttons.find(|b| match (label, data) {
            (Some(label), _) => b.text == label,
            (None, data) => data.is_some() && b.callback_data.as_deref() == data,
        });
        let Some(button) = found.cloned() else {
            let wanted = label.or(data).unwrap_or_default().to_owned();
            let labels: Vec<&str> = shown.keyboard.iter().flatten().map(|b| b.text.as_str()).collect();
            return Err(DeedError::NoButton(message, wanted, format!("{labels:?}")));
        };
        let link = button
            .url
            .or(button.web_app.map(|w| w.url))
            .or(button.copy_text.map(|c| c.text));
        let Some(data) = button.callback_data else {
            return Ok(Pressed::Link(link.unwrap_or_default()));
        };
        let id = self.open_callback(person, chat, message);
        let query = json!({
            "id": id,
            "from": self.user_json(person),
            "message": self.message_json(chat, message),
            "chat_instance": format!("{}", 7_000_000_000_i64 + chat.abs()),
            "data": data,
        });
        self.queue_update("callback_query", query);
        Ok(Pressed::Callback(id))
    }

    pub(crate) fn delete(
        &mut self,
        person: UserId,
        chat: ChatId,
        message: MessageId,
        only_for_me: bool,
    ) -> Done<()> {
        let place = self.chat_of(person, chat)?;
        let admin = place.kind == Kind::Private || place.member(person).rights().can_delete_messages;
        let known = place
            .messages
            .get(&message)
            .ok_or(DeedError::NoMessage(chat, message))?;
        if only_for_me {
            if place.kind == Kind::Supergroup || place.kind == Kind::Channel {
                return Err(DeedError::Refused(
                    "in supergroups and channels messages go for everybody".into(),
                ));
            }
            if let Some(known) = self
                .chats
                .get_mut(&chat)
                .and_then(|c| c.messages.get_mut(&message))
            {
                known.hidden_for.insert(person);
            }
            self.news
                .tell(EventKind::Deleted, Some(chat), Some(message), Some(person));
            return Ok(());
        }
        if !admin && known.from != person {
            return Err(DeedError::Refused(format!(
                "person {person} may not delete others' messages there"
            )));
        }
        self.remove_message(chat, message);
        Ok(())
    }

    pub(crate) fn set_pinned(
        &mut self,
        person: UserId,
        chat: ChatId,
        message: MessageId,
        pinned: bool,
    ) -> Done<()> {
        let place = self.chat_of(person, chat)?;
        let may = match place.kind {
            Kind::Private => true,
            Kind::Group | Kind::Supergroup => {
                place.members_may_pin || place.member(person).rights().can_pin_messages
            }
            Kind::Channel => place.member(person).rights().can_edit_messages,
        };
        if !may {
            return Err(DeedError::Refused(format!("person {person} may not pin there")));
        }
        if !place.messages.contains_key(&message) {
            return Err(DeedError::NoMessage(chat, message));
        }
        match pinned {
            true => self.pin(chat, message, person, false),
            false => {
                self.unpin(chat, message);
            }
        }
        Ok(())
    }

    pub(crate) fn join(&mut self, person: UserId, chat: ChatId) -> Done<()> {
        self.person(person)?;
        let place = self.chats.get(&chat).ok_or(DeedError::NoChat(chat))?;
        if place.kind == Kind::Private {
            return Err(DeedError::Refused("nobody joins a private chat".into()));
        }
        if !place.has(person) {
            self.set_member(chat, person, Standing::Member, person)?;
        }
        Ok(())
    }

    pub(crate) fn leave(&mut self, chat: ChatId, user: UserId, by: UserId) {
        // The caller found the chat; leaving twice changes nothing.
        let _ = self.set_member(chat, user, Standing::Left, by);
    }

    /// Changes what a user is in a chat; the bot hears of itself always, of others in service messages.
    pub(crate) fn set_member(
        &mut self,
        chat: ChatId,
        user: UserId,
        member: Standing,
        by: UserId,
    ) -> Done<()> {
        let place = self.chats.get(&chat).ok_or(DeedError::NoChat(chat))?;
        if place.kind == Kind::Private {
            return Err(DeedError::Refused(
                "members of a private chat do not change".into(),
            ));
        }
        let old = place.member(user);
        if old == member {
            return Ok(());
        }
        let speaks = place.kind != Kind::Channel;
        let was = old.inside();
        if let Some(place) = self.chats.get_mut(&chat) {
            place.members.insert(user, member.clone());
        }
        self.tell_membership(chat, user, &old, &member, by);
        if speaks && was != member.inside() {
            let service = match member.inside() {
                true => Service::Joined { users: vec![user] },
                false => Service::Left { user },
            };
            self.post(Draft::service(chat, by, service));
        }
        self.news.tell(EventKind::Chat, Some(chat), None, Some(user));
        Ok(())
    }

    fn tell_membership(&mut self, chat: ChatId, user: UserId, old: &Standing, new: &Standing, by: UserId) {
        let Some(place) = self.chats.get(&chat) else {
            return;
        };
        let update = json!({
            "chat": self.chat_json(place),
            "from": self.user_json(by),
            "date": self.now(),
            "old_chat_member": old.to_json(self.user_json(user), place.place()),
            "new_chat_member": new.to_json(self.user_json(user), place.place()),
        });
        if user == self.bot.id {
            self.queue_update("my_chat_member", update);
        } else if place.member(self.bot.id).is_admin() {
            self.queue_update("chat_member", update);
        }
    }

    pub(crate) fn set_blocked(&mut self, person: UserId, blocked: bool) -> Done<()> {
        let known = self.people.get_mut(&person).ok_or(DeedError::NoPerson(person))?;
        if known.blocked == blocked {
            return Ok(());
        }
        known.blocked = blocked;
        let (old, new) = match blocked {
            true => (Standing::Member, Standing::Kicked),
            false => (Standing::Kicked, Standing::Member),
        };
        self.tell_membership(person, self.bot.id, &old, &new, person);
        self.news
            .tell(EventKind::Person, Some(person), None, Some(person));
        Ok(())
    }

    /// Upgrades a group: a new id, new message ids, and the old chat only points to the new one.
    pub(crate) fn migrate(&mut self, chat: ChatId) -> Done<ChatId> {
        let old = self.chats.get(&chat).ok_or(DeedError::NoChat(chat))?;
        if old.kind != Kind::Group || old.migrated_to.is_some() {
            return Err(DeedError::Refused(format!("chat {chat} is not a basic group")));
        }
        let id = -1_000_000_000_000 - chat.abs();
        let mut new = Chat::new(id, Kind::Supergroup, &old.title);
        new.members = old.members.clone();
        new.members_may_pin = old.members_may_pin;
        new.migrated_from = Some(chat);
        let creator = old
            .members
            .iter()
            .find(|(_, m)| **m == Standing::Creator)
            .map(|(id, _)| *id);
        let by = creator
            .or(old.members.keys().next().copied())
            .unwrap_or(self.bot.id);
        self.add_chat(new);
        self.post(Draft::service(chat, by, Service::MigratedTo { chat: id }));
        if let Some(old) = self.chats.get_mut(&chat) {
            old.migrated_to = Some(id);
        }
        self.post(Draft::service(id, by, Service::MigratedFrom { chat }));
        self.news.tell(EventKind::Chat, Some(chat), None, None);
        Ok(id)
    }

    /// Opens a forum topic; its id is that of the service message.
    pub(crate) fn open_topic(&mut self, chat: ChatId, by: UserId, topic: Topic) -> MessageId {
        let service = Service::TopicCreated {
            name: topic.name.clone(),
            icon_color: topic.icon_color,
            icon_custom_emoji_id: topic.icon_custom_emoji_id.clone(),
        };
        let next = self.chats.get(&chat).map_or(1, |c| c.last_message + 1);
        let mut draft = Draft::service(chat, by, service);
        draft.thread = Some(next);
        let id = self.post(draft);
        if let Some(place) = self.chats.get_mut(&chat) {
            place.topics.insert(id, topic);
        }
        self.news.tell(EventKind::Chat, Some(chat), None, None);
        id
    }

    /// The bot shows that it is busy, for five seconds.
    pub(crate) fn show_action(&mut self, chat: ChatId, action: String) {
        let until = self.now_ms() + 5_000;
        if let Some(place) = self.chats.get_mut(&chat) {
            place.actions = vec![(action, until)];
        }
        self.news.tell(EventKind::Action, Some(chat), None, None);
    }

    pub(crate) fn mark_read(&mut self, person: UserId, chat: ChatId) -> Done<()> {
        let newest = self
            .chat_of(person, chat)?
            .messages
            .keys()
            .next_back()
            .copied()
            .unwrap_or(0);
        if let Some(known) = self.people.get_mut(&person)
            && known.read.insert(chat, newest) != Some(newest)
        {
            self.news.tell(EventKind::Person, Some(chat), None, Some(person));
        }
        Ok(())
    }
}

/// What came of a press.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Pressed {
    Callback(String),
    Link(String),
}
