//! What happened, numbered, so that nobody has to ask again and again.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{ChatId, MessageId, UserId};

/// How much a reader may lag before it has to read the state anew.
const KEPT: usize = 10_000;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its number; the next one has `n + 1`.
    pub n: u64,
    /// What happened.
    pub kind: EventKind,
    /// The chat, if it happened in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatId>,
    /// The message, if it happened to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// The person, if it concerns one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<UserId>,
}

/// The kinds of news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A message was written.
    Message,
    /// A message changed.
    Edited,
    /// A message went away.
    Deleted,
    /// A message was pinned or unpinned.
    Pinned,
    /// A button press was answered (or forgotten).
    Toast,
    /// The bot called a method.
    Call,
    /// A chat or its members changed.
    Chat,
    /// A person appeared or changed.
    Person,
    /// The bot's menu or texts changed.
    Bot,
    /// The bot shows that it is busy.
    Action,
    /// The bot confirmed updates.
    Confirmed,
    /// The clock was moved.
    Clock,
}

#[derive(Debug)]
pub(crate) struct News {
    events: VecDeque<Event>,
    last: watch::Sender<u64>,
}

impl Default for News {
    fn default() -> Self {
        Self {
            events: VecDeque::new(),
            last: watch::Sender::new(0),
        }
    }
}

impl News {
    pub(crate) fn tell(
        &mut self,
        kind: EventKind,
        chat: Option<ChatId>,
        message: Option<MessageId>,
        person: Option<UserId>,
    ) {
        let n = *self.last.borrow() + 1;
        self.events.push_back(Event {
            n,
            kind,
            chat,
            message,
            person,
        });
        if self.events.len() > KEPT {
            self.events.pop_front();
        }
        self.last.send_replace(n);
    }

    /// Wakes everybody who waits without news of its own.
    pub(crate) fn nudge(&self) {
        self.last.send_modify(|_| ());
    }

    pub(crate) fn last(&self) -> u64 {
        *self.last.borrow()
    }

    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }

    /// Events after `n`; none when some of them are forgotten already.
    pub(crate) fn since(&self, n: u64) -> Option<Vec<Event>> {
        let first = self.events.front().map_or(self.last() + 1, |e| e.n);
        if n + 1 < first {
            return None;
        }
        Some(self.events.iter().filter(|e| e.n > n).cloned().collect())
    }
}
