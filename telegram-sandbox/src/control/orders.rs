//! What can be ordered through the control API.

use serde::{Deserialize, Serialize};

/// A person to create.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPerson {
    /// Chosen by the sandbox when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// What the person is called.
    pub first_name: String,
    /// The family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Without `@`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Such as `de`; chooses the command menu.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language_code: Option<String>,
}

/// A group, supergroup or channel to create.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewChat {
    /// Negative; chosen by the sandbox when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// `group` (default), `supergroup` or `channel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its name.
    pub title: String,
    /// A supergroup with topics.
    #[serde(default)]
    pub forum: bool,
    /// People inside; the first is the creator.
    #[serde(default)]
    pub members: Vec<i64>,
    /// What the bot is there: `administrator` (all rights), `pinner` (may pin only), `member` (default) or `left`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bot: Option<String>,
}

/// Something that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// 429 with `retry_after` seconds.
    TooMany {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// A 5xx answer.
    Server {
        /// 500, 502, 503 or 504.
        code: u16,
    },
    /// Any other refusal, in Telegram's words.
    Refuse {
        /// Such as 400 or 403.
        code: u16,
        /// Such as `Bad Request: chat not found`.
        description: String,
    },
    /// The call is carried out later.
    Delay {
        /// Milliseconds of real time.
        ms: u64,
    },
    /// The connection breaks before anything is done.
    Reset,
    /// The call is carried out, then the connection breaks.
    LostAnswer,
}

/// Which calls a fault hits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultOrder {
    /// One method, or all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// One chat, or all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<i64>,
    /// How many calls.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them.
    pub fault: Fault,
}

fn once() -> u32 {
    1
}

impl FaultOrder {
    /// A fault for the next call of any method.
    pub fn next(fault: Fault) -> Self {
        Self {
            method: None,
            chat: None,
            times: 1,
            fault,
        }
    }

    /// Only calls of this method.
    pub fn of(mut self, method: &str) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only calls about this chat.
    pub fn in_chat(mut self, chat: i64) -> Self {
        self.chat = Some(chat);
        self
    }

    /// The next `times` calls.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
}

/// A person writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Say {
    pub person: i64,
    pub chat: i64,
    pub text: String,
    pub reply_to: Option<i64>,
    pub thread: Option<i64>,
}

/// A person follows `t.me/<bot>?start=payload`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Start {
    pub person: i64,
    pub payload: Option<String>,
}

/// A person presses a button, found by its label or by its data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PressButton {
    pub person: i64,
    pub chat: i64,
    pub message: i64,
    pub label: Option<String>,
    pub data: Option<String>,
}

/// A person does something with a message.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Touch {
    pub person: i64,
    pub chat: i64,
    pub message: i64,
    #[serde(default)]
    pub only_for_me: bool,
}

/// A person comes or goes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Move {
    pub person: i64,
    pub chat: i64,
}

/// A person blocks or unblocks the bot.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Block {
    pub person: i64,
    pub blocked: bool,
}

/// What a user (a person, or the bot) is in a chat from now on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetMember {
    pub chat: i64,
    /// The bot when absent.
    pub user: Option<i64>,
    /// `creator`, `administrator`, `pinner`, `member`, `left` or `kicked`.
    pub status: String,
}

/// A group becomes a supergroup.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Migrate {
    pub chat: i64,
}

/// A person opens a forum topic.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTopic {
    pub person: i64,
    pub chat: i64,
    pub name: String,
}

/// The clock is moved forward.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advance {
    pub seconds: f64,
}

/// BotFather switches privacy mode.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Privacy {
    pub on: bool,
}
