//! What a test or the page reads back: everything that people see on their phones.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::World;
use crate::world::callback::Toast;
use crate::world::chat::{Chat, Kind};
use crate::world::message::{Body, Message};

/// A snapshot of the whole sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// The number of the newest event in this state.
    pub n: u64,
    /// The sandbox's clock, milliseconds since the epoch.
    pub now: i64,
    /// The bot.
    pub bot: PersonState,
    /// Everybody else.
    pub people: Vec<PersonState>,
    /// All chats, private ones included.
    pub chats: Vec<ChatState>,
    /// What people saw after their presses, oldest first.
    pub toasts: Vec<ToastSeen>,
    /// Updates that the bot did not confirm yet.
    pub unconfirmed: usize,
}

/// A person, or the bot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonState {
    /// The user id.
    pub id: i64,
    /// The full name.
    pub name: String,
    /// Without `@`.
    pub username: Option<String>,
    /// Wrote to the bot at least once.
    pub started: bool,
    /// Blocked the bot.
    pub blocked: bool,
}

/// One chat with its messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatState {
    /// Positive for a private chat: then it is the person's id.
    pub id: i64,
    /// `private`, `group`, `supergroup` or `channel`.
    pub kind: String,
    /// Its name, or the person's.
    pub title: String,
    /// A supergroup with topics.
    pub forum: bool,
    /// The topics, with their ids.
    pub topics: Vec<TopicState>,
    /// User ids of those inside.
    pub members: Vec<i64>,
    /// User ids of the creator and the administrators.
    pub admins: Vec<i64>,
    /// The supergroup that this group became.
    pub migrated_to: Option<i64>,
    /// The bot shows that it is busy, such as `typing`.
    pub action: Option<String>,
    /// Oldest first.
    pub messages: Vec<MessageState>,
}

/// A forum topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopicState {
    /// The `message_thread_id`.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Nobody but admins writes in it.
    pub closed: bool,
}

/// One message as people see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MessageState {
    /// The message id.
    pub id: i64,
    /// The user id of its author.
    pub from: i64,
    /// Seconds since the epoch.
    pub date: i64,
    /// When it was edited last.
    pub edit_date: Option<i64>,
    /// Text or caption, plain.
    pub text: String,
    /// Its entities, as in the Bot API.
    pub entities: Vec<Value>,
    /// `text`, `photo`, `document`, `animation` or `service`.
    pub kind: String,
    /// The attached file.
    pub file: Option<FileState>,
    /// What a service message tells.
    pub service: Option<Value>,
    /// Rows of buttons.
    pub buttons: Vec<Vec<Button>>,
    /// The message it replies to.
    pub reply_to: Option<i64>,
    /// The forum topic.
    pub thread: Option<i64>,
    /// Messages with the same value are one album.
    pub album: Option<String>,
    /// The author of a forwarded message.
    pub forwarded_from: Option<i64>,
    /// It is pinned.
    pub pinned: bool,
    /// It was sent without a sound.
    pub silent: bool,
    /// People who deleted it on their side.
    pub hidden_for: Vec<i64>,
}

/// An attached file; its bytes are at `/sandbox/files/<sha256>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileState {
    /// The `file_id` that the bot got.
    pub file_id: String,
    /// Checksum of the bytes, in hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: usize,
    /// As the bot named it.
    pub name: Option<String>,
    /// Its type.
    pub mime: String,
    /// Pixels, for a photo.
    pub width: u32,
    /// Pixels, for a photo.
    pub height: u32,
    /// It is covered until tapped.
    pub spoiler: bool,
}

/// An inline button.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Button {
    /// Its label.
    pub text: String,
    /// What a press sends to the bot.
    pub data: Option<String>,
    /// Where it leads instead.
    pub url: Option<String>,
    /// `primary`, `success` or `danger`.
    pub style: Option<String>,
}

/// What a person saw after a press.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToastSeen {
    /// Its number.
    pub n: u64,
    /// The callback query.
    pub callback: String,
    /// Who pressed.
    pub person: i64,
    /// Where.
    pub chat: i64,
    /// Below which message.
    pub message: i64,
    /// Empty when only the spinner stopped.
    pub text: String,
    /// A window to be closed, not a passing toast.
    pub alert: bool,
    /// A link that was opened.
    pub url: Option<String>,
}

/// A call that the bot made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallSeen {
    /// Its number.
    pub n: u64,
    /// Milliseconds since the epoch, by the sandbox's clock.
    pub time: i64,
    /// The method, as the bot spelled it.
    pub method: String,
    /// The chat, if it named one by number.
    pub chat: Option<i64>,
    /// The message in the answer.
    pub message: Option<i64>,
    /// 200, or the error code.
    pub code: u16,
    /// Telegram's words.
    pub error: Option<String>,
    /// The bot never saw the answer.
    pub answer_lost: bool,
}

impl State {
    /// A chat by its id.
    pub fn chat(&self, id: i64) -> Option<&ChatState> {
        self.chats.iter().find(|c| c.id == id)
    }
}

impl ChatState {
    /// A message by its id.
    pub fn message(&self, id: i64) -> Option<&MessageState> {
        self.messages.iter().find(|m| m.id == id)
    }

    /// The newest message that is not a service message.
    pub fn last(&self) -> Option<&MessageState> {
        self.messages.iter().rev().find(|m| m.service.is_none())
    }

    /// The newest message with this text in it.
    pub fn find(&self, text: &str) -> Option<&MessageState> {
        self.messages.iter().rev().find(|m| m.text.contains(text))
    }

    /// The pinned messages, the newest first.
    pub fn pinned(&self) -> impl Iterator<Item = &MessageState> {
        self.messages.iter().rev().filter(|m| m.pinned)
    }
}

impl MessageState {
    /// All labels, row by row.
    pub fn labels(&self) -> Vec<&str> {
        self.buttons.iter().flatten().map(|b| b.text.as_str()).collect()
    }

    /// A button by its label.
    pub fn button(&self, label: &str) -> Option<&Button> {
        self.buttons.iter().flatten().find(|b| b.text == label)
    }
}

pub(crate) fn whole(world: &World) -> State {
    State {
        n: world.news.last(),
        now: world.now_ms(),
        bot: bot(world),
        people: people(world),
        chats: world.chats.values().map(|c| chat(world, c, true)).collect(),
        toasts: world.callbacks.toasts.iter().map(toast).collect(),
        unconfirmed: world.updates.len(),
    }
}

pub(crate) fn bot(world: &World) -> PersonState {
    PersonState {
        id: world.bot.id,
        name: world.bot.name.clone(),
        username: Some(world.bot.username.clone()),
        started: true,
        blocked: false,
    }
}

pub(crate) fn people(world: &World) -> Vec<PersonState> {
    let person = |p: &crate::world::person::Person| PersonState {
        id: p.id,
        name: p.full_name(),
        username: p.username.clone(),
        started: p.started,
        blocked: p.blocked,
    };
    world.people.values().map(person).collect()
}

pub(crate) fn chat(world: &World, chat: &Chat, with_messages: bool) -> ChatState {
    let now = world.now_ms();
    let inside = || chat.members.iter().filter(|(_, m)| m.inside());
    let messages = chat.messages.values().filter(|_| with_messages);
    ChatState {
        id: chat.id,
        kind: chat.kind_text().into(),
        title: world.chat_name(chat),
        forum: chat.forum,
        topics: chat
            .topics
            .iter()
            .map(|(id, t)| TopicState {
                id: *id,
                name: t.name.clone(),
                closed: t.closed,
            })
            .collect(),
        members: inside().map(|(id, _)| *id).collect(),
        admins: match chat.kind {
            Kind::Private => Vec::new(),
            Kind::Group | Kind::Supergroup | Kind::Channel => inside()
                .filter(|(_, m)| m.is_admin())
                .map(|(id, _)| *id)
                .collect(),
        },
        migrated_to: chat.migrated_to,
        action: chat
            .actions
            .iter()
            .find(|(_, until)| *until > now)
            .map(|(action, _)| action.clone()),
        messages: messages.map(|m| message(world, m)).collect(),
    }
}

pub(crate) fn message(world: &World, message: &Message) -> MessageState {
    let (kind, service, media) = match &message.body {
        Body::Text { .. } => ("text", None, None),
        Body::Media { media, .. } => (media.kind.name(), None, Some(media)),
        Body::Service { service } => ("service", serde_json::to_value(service).ok(), None),
    };
    let words = message.words().cloned().unwrap_or_default();
    MessageState {
        id: message.id,
        from: message.from,
        date: message.date,
        edit_date: message.edit_date,
        entities: words
            .entities
            .iter()
            .filter_map(|e| serde_json::to_value(e).ok())
            .collect(),
        text: words.text,
        kind: kind.into(),
        file: media.and_then(|m| {
            let file = world.files.get(m.file)?;
            Some(FileState {
                file_id: file.file_id(),
                sha256: file.sha256.clone(),
                size: file.size,
                name: file.name.clone(),
                mime: file.mime.clone(),
                width: file.width,
                height: file.height,
                spoiler: m.spoiler,
            })
        }),
        service,
        buttons: message
            .keyboard
            .iter()
            .map(|row| row.iter().map(button).collect())
            .collect(),
        reply_to: message.reply_to,
        thread: message.thread,
        album: message.album.clone(),
        forwarded_from: message.forwarded.as_ref().map(|o| o.user),
        pinned: message.pinned,
        silent: message.silent,
        hidden_for: message.hidden_for.iter().copied().collect(),
    }
}

fn button(button: &crate::world::markup::Button) -> Button {
    let link = button
        .url
        .clone()
        .or_else(|| button.web_app.as_ref().map(|w| w.url.clone()));
    Button {
        text: button.text.clone(),
        data: button.callback_data.clone(),
        url: link,
        style: button.style.clone(),
    }
}

pub(crate) fn toast(toast: &Toast) -> ToastSeen {
    let Toast {
        n,
        callback,
        person,
        chat,
        message,
        text,
        alert,
        url,
    } = toast.clone();
    ToastSeen {
        n,
        callback,
        person,
        chat,
        message,
        text,
        alert,
        url,
    }
}
