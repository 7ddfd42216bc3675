//! Updates for the bot: kept until confirmed by a higher offset, forgotten after a day.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::World;
use super::callback;
use crate::clock::Millis;

const DAY: Millis = 24 * 3600 * 1000;

/// Sent only when asked for by name.
const NOT_BY_DEFAULT: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// Every kind of update that the Bot API knows.
pub(crate) const KINDS: [&str; 24] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "managed_bot",
];

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Queue {
    next_id: i64,
    waiting: VecDeque<Update>,
    /// What the last `getUpdates` or `setWebhook` asked for; empty means the default.
    pub allowed: Vec<String>,
    /// Counts `getUpdates` calls: a newer one ends an older one.
    #[serde(skip)]
    pub poll: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Update {
    pub id: i64,
    at: Millis,
    kind: String,
    value: Value,
}

impl Default for Queue {
    fn default() -> Self {
        Self {
            next_id: 519_400_001,
            waiting: VecDeque::new(),
            allowed: Vec::new(),
            poll: 0,
        }
    }
}

impl Update {
    pub(crate) fn to_json(&self) -> Value {
        json!({ "update_id": self.id, (self.kind.as_str()): self.value })
    }

    fn lifetime(&self) -> Millis {
        if self.kind == "callback_query" {
            callback::REMEMBERED
        } else {
            DAY
        }
    }
}

impl Queue {
    fn wants(&self, kind: &str) -> bool {
        match self.allowed.is_empty() {
            true => !NOT_BY_DEFAULT.contains(&kind),
            false => self.allowed.iter().any(|k| k == kind),
        }
    }

    fn forget_old(&mut self, now: Millis) {
        self.waiting.retain(|u| now - u.at < u.lifetime());
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// A negative offset keeps only that many of the newest; otherwise all below the offset are confirmed.
    pub(crate) fn confirm(&mut self, offset: i64) {
        if offset < 0 {
            let keep = usize::try_from(-offset)
                .unwrap_or(usize::MAX)
                .min(self.waiting.len());
            self.waiting.drain(..self.waiting.len() - keep);
        } else {
            self.waiting.retain(|u| u.id >= offset);
        }
    }

    pub(crate) fn first(&self, limit: usize) -> Vec<Update> {
        self.waiting.iter().take(limit).cloned().collect()
    }
}

impl World {
    /// Queues an update, if the bot wants its kind.
    pub(crate) fn queue_update(&mut self, kind: &str, value: Value) {
        let at = self.now_ms();
        self.updates.forget_old(at);
        if self.updates.wants(kind) {
            let id = self.updates.next_id;
            self.updates.next_id += 1;
            self.updates.waiting.push_back(Update {
                id,
                at,
                kind: kind.into(),
                value,
            });
            // Whoever waits in `getUpdates` or delivers to the webhook listens to the news.
            self.news.nudge();
        }
    }

    pub(crate) fn pending_updates(&mut self, limit: usize) -> Vec<Update> {
        let now = self.now_ms();
        self.updates.forget_old(now);
        self.updates.first(limit)
    }
}
