//! Everything that the sandbox remembers: people, chats, messages, updates, files, what the bot called.
//!
//! One lock guards it all; nobody waits while holding it. What happens is told as `News`, so that the phone
//! page and the tests can wait for a fact.

pub(crate) mod bot;
pub(crate) mod callback;
pub(crate) mod calls;
pub(crate) mod chat;
pub(crate) mod commands;
pub(crate) mod deeds;
pub(crate) mod files;
pub(crate) mod flood;
pub(crate) mod markup;
pub(crate) mod message;
pub(crate) mod news;
pub(crate) mod person;
pub(crate) mod posting;
pub(crate) mod render;
pub(crate) mod rights;
pub(crate) mod seed;
pub(crate) mod update;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::{Clock, Millis};
use crate::config::SandboxConfig;
use crate::fault::Faults;

pub(crate) type UserId = i64;
pub(crate) type ChatId = i64;
pub(crate) type MessageId = i64;

/// The whole state. What is skipped in the snapshot ends with the process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct World {
    pub clock: Clock,
    pub bot: bot::Bot,
    pub people: BTreeMap<UserId, person::Person>,
    pub chats: BTreeMap<ChatId, chat::Chat>,
    pub commands: commands::Menus,
    pub updates: update::Queue,
    pub callbacks: callback::Callbacks,
    pub files: files::Files,
    /// Private chats and basic groups share the bot's one mailbox, so their message ids do too.
    pub mailbox: MessageId,
    pub next_topic_icon: usize,
    #[serde(skip)]
    pub flood: flood::Flood,
    #[serde(skip)]
    pub faults: Faults,
    #[serde(skip)]
    pub calls: calls::Calls,
    #[serde(skip)]
    pub news: news::News,
    /// Which media edit of a message is the newest; an older one still under way is cancelled.
    #[serde(skip)]
    pub media_edits: BTreeMap<(ChatId, MessageId), u64>,
}

impl World {
    pub(crate) fn new(config: &SandboxConfig) -> Self {
        let mut world = Self {
            clock: Clock::default(),
            bot: bot::Bot::new(config),
            people: BTreeMap::new(),
            chats: BTreeMap::new(),
            commands: commands::Menus::default(),
            updates: update::Queue::default(),
            callbacks: callback::Callbacks::default(),
            files: files::Files::default(),
            mailbox: 0,
            next_topic_icon: 0,
            flood: flood::Flood::new(config.flood),
            faults: Faults::default(),
            calls: calls::Calls::default(),
            news: news::News::default(),
            media_edits: BTreeMap::new(),
        };
        seed::plant(&mut world, config.seed);
        world
    }

    /// Puts back what a snapshot does not hold: what the configuration says.
    pub(crate) fn revive(&mut self, config: &SandboxConfig) {
        self.flood = flood::Flood::new(config.flood);
        let fresh = bot::Bot::new(config);
        self.bot = bot::Bot {
            webhook: self.bot.webhook.take(),
            about: std::mem::take(&mut self.bot.about),
            ..fresh
        };
    }

    pub(crate) fn now_ms(&self) -> Millis {
        self.clock.now()
    }

    /// Seconds, as Telegram dates things.
    pub(crate) fn now(&self) -> i64 {
        self.now_ms() / 1000
    }
}
