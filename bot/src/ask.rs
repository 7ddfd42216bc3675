//! What an admitted person asks for, and what is to be done about it. Commands turn an [`Ask`]
//! into an [`Answer`]; act.rs carries the answer out.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use kymo_runlog::Topic;
use kymo_runlog::order::{Order, OrderRecord};
use kymo_store::{ChatId, Destination, MessageId, PersonId, Role, Theme, ThreadId};
use teloxide::types::InlineKeyboardMarkup;

use crate::access::Person;
use crate::callback::WorkerStep;

/// Who asks, where and when. The sender is a member, checked for this very update.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Telegram's number of the update: what is ordered because of it is ordered once.
    pub update: u32,
    pub at: DateTime<Utc>,
    pub person: Person,
    pub role: Role,
    pub place: Place,
    /// What the command replies to.
    pub replied_to: Option<RepliedTo>,
}

impl Ask {
    /// The id of what is ordered because of this update: handled again after a crash, it is the same.
    pub fn order_id(&self, bot: u64) -> uuid::Uuid {
        use sha2::{Digest, Sha256};
        let hash = Sha256::digest(format!("{bot}:{}", self.update));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// An order by this person.
    pub fn order(&self, bot: u64, order: Order) -> OrderRecord {
        OrderRecord {
            id: self.order_id(bot),
            at: self.at,
            by: self.person.signature(),
            order,
        }
    }
}

/// Where an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub chat: ChatId,
    pub thread: Option<ThreadId>,
    pub private: bool,
    /// The message that is answered or whose button was pressed.
    pub message: Option<MessageId>,
}

impl Place {
    /// The chat, and the topic in it.
    pub fn destination(&self) -> Destination {
        Destination {
            chat: self.chat,
            thread: self.thread,
        }
    }
}

/// The message that a command replies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepliedTo {
    pub message: MessageId,
    /// Who wrote it: a person, never a bot.
    pub author: Option<Person>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A short word over the button that was pressed; at most one per press, before everything else.
    Toast {
        text: String,
        alert: bool,
    },
    /// A message where the person asked.
    Say {
        html: String,
        keyboard: Option<InlineKeyboardMarkup>,
    },
    /// A message that asks for a reply with a parameter's value.
    Prompt {
        html: String,
        draft: Prompt,
    },
    /// The message whose button was pressed gets a new text.
    Edit {
        message: MessageId,
        html: String,
        keyboard: Option<InlineKeyboardMarkup>,
    },
    /// A file.
    Document {
        name: String,
        bytes: Bytes,
        caption: String,
    },
    /// Into the log, for the initiators.
    Order(OrderRecord),
    /// The chat shall have the panel; the run gets its graph worker when it starts.
    Show {
        topic: Topic,
        /// The chat is told of the start by this answer, so its notice can be left out there.
        said: bool,
    },
    /// As [`Act::Show`] for a topic that is there, with the view if one is given.
    Watch {
        topic: Topic,
        view: Option<String>,
    },
    /// The chat shall have the panel no more.
    Unwatch {
        topic: Topic,
    },
    /// The panel is posted anew here.
    Repost {
        topic: Topic,
    },
    /// A graph worker is added, started, stopped or removed.
    Worker {
        topic: Topic,
        view: Option<String>,
        step: WorkerStep,
    },
    /// A confirmation card's new state.
    KeepDraft(kymo_store::Draft),
    /// A card or a question is done with.
    DropDraft {
        id: String,
    },
    /// Alerts come here from now on, or no more.
    Alerts {
        on: bool,
    },
    Theme(Theme),
    /// Somebody's rights changed: their menu follows.
    Menu {
        person: PersonId,
    },
}

/// A question that waits for a reply.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Prompt {
    /// The card's id.
    pub card: i64,
    /// The message that shows the card.
    pub card_message: Option<MessageId>,
    /// The parameter whose value is asked for.
    pub parameter: String,
}

/// What is done about an ask, and the audit's words for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub acts: Vec<Act>,
    pub outcome: String,
}

impl Answer {
    /// A message and nothing else.
    pub fn say(html: impl Into<String>) -> Self {
        Self {
            acts: vec![Act::Say {
                html: html.into(),
                keyboard: None,
            }],
            outcome: "answered".to_owned(),
        }
    }

    /// A message with buttons.
    pub fn ask(html: impl Into<String>, keyboard: InlineKeyboardMarkup) -> Self {
        let keyboard = (!keyboard.inline_keyboard.is_empty()).then_some(keyboard);
        Self {
            acts: vec![Act::Say {
                html: html.into(),
                keyboard,
            }],
            outcome: "answered".to_owned(),
        }
    }

    /// A toast and nothing else.
    pub fn toast(text: impl Into<String>) -> Self {
        let text = crate::words::cut(&text.into(), 200);
        Self {
            outcome: text.clone(),
            acts: vec![Act::Toast { text, alert: false }],
        }
    }

    /// A refusal: the audit keeps the reason.
    pub fn refuse(html: impl Into<String>) -> Self {
        let html = html.into();
        let outcome = format!("refused: {}", crate::words::plain(&html));
        Self {
            acts: vec![Act::Say { html, keyboard: None }],
            outcome,
        }
    }

    /// One more thing to do.
    pub fn and(mut self, act: Act) -> Self {
        self.acts.push(act);
        self
    }

    /// Says it only once this is done.
    pub fn after(mut self, act: Act) -> Self {
        self.acts.insert(0, act);
        self
    }

    /// The audit's words.
    pub fn outcome(mut self, outcome: impl Into<String>) -> Self {
        self.outcome = outcome.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_that_is_handled_again_orders_the_same_thing() {
        let ask = |update| Ask {
            update,
            at: Utc::now(),
            person: Person {
                id: PersonId(1),
                name: "Ada".to_owned(),
                username: None,
            },
            role: Role::Operator,
            place: Place {
                chat: ChatId(1),
                thread: None,
                private: true,
                message: None,
            },
            replied_to: None,
        };
        assert_eq!(ask(5).order_id(7), ask(5).order_id(7));
        assert_ne!(ask(5).order_id(7), ask(6).order_id(7));
        assert_ne!(ask(5).order_id(7), ask(5).order_id(8));
    }
}
