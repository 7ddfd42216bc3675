//! The flood budget: what a chat, a group and the whole bot may send before Telegram says 429.

use std::collections::{BTreeMap, VecDeque};

use super::ChatId;
use crate::clock::Millis;
use crate::config::FloodRules;

const SECOND: Millis = 1_000;
const MINUTE: Millis = 60_000;

/// What was spent lately. Times come in with each call, so the clock can be moved.
#[derive(Debug, Default)]
pub(crate) struct Flood {
    rules: FloodRules,
    chats: BTreeMap<ChatId, Bucket>,
    overall: VecDeque<Millis>,
}

#[derive(Debug, Default)]
struct Bucket {
    /// When the tolerance is whole again; each message moves it one second further.
    busy_until: Millis,
    minute: VecDeque<Millis>,
    /// A flooded chat stays closed until then, whatever the windows say.
    closed_until: Millis,
}

impl Flood {
    pub(crate) fn new(rules: FloodRules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Takes `count` messages off the budget, or says after how many seconds to try again.
    pub(crate) fn spend(&mut self, chat: ChatId, group: bool, count: u32, now: Millis) -> Result<(), u64> {
        let rules = self.rules;
        let bucket = self.chats.entry(chat).or_default();
        if now < bucket.closed_until {
            return Err(seconds(bucket.closed_until - now));
        }
        forget_before(&mut bucket.minute, now - MINUTE);
        forget_before(&mut self.overall, now - SECOND);
        let count_ms = Millis::from(count) * SECOND;
        let burst = Millis::from(rules.chat_burst).saturating_mul(SECOND);
        let full = bucket.busy_until.max(now) + count_ms - now;
        // An album longer than the tolerance must still be possible in a quiet chat.
        if full > burst.max(count_ms) {
            return Err(bucket.close(now, full - burst.max(count_ms)));
        }
        if group && let Some(wait) = wait(&bucket.minute, rules.group_per_minute, count, now, MINUTE) {
            return Err(bucket.close(now, wait));
        }
        if let Some(wait) = wait(&self.overall, rules.overall_per_second, count, now, SECOND) {
            return Err(seconds(wait));
        }
        bucket.busy_until = now + full;
        for _ in 0..count {
            bucket.minute.push_back(now);
            self.overall.push_back(now);
        }
        Ok(())
    }
}

impl Bucket {
    fn close(&mut self, now: Millis, wait: Millis) -> u64 {
        let after = seconds(wait);
        self.closed_until = now + after as Millis * SECOND;
        after
    }
}

/// How long until `count` more fit into the window; none when they fit now.
fn wait(window: &VecDeque<Millis>, limit: u32, count: u32, now: Millis, length: Millis) -> Option<Millis> {
    let over = (window.len() + count as usize)
        .checked_sub(limit as usize)
        .filter(|&o| o > 0)?;
    let freed_by = window.get(over.min(window.len()).checked_sub(1)?)?;
    Some(freed_by + length - now)
}

fn forget_before(window: &mut VecDeque<Millis>, time: Millis) {
    while window.front().is_some_and(|&t| t <= time) {
        window.pop_front();
    }
}

fn seconds(wait: Millis) -> u64 {
    u64::try_from((wait + SECOND - 1) / SECOND).unwrap_or(1).max(1)
}
