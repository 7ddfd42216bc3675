//! Whether the bot may reach a chat or a message.

use super::args::Args;
use super::error::ApiError;
use crate::world::chat::{Chat, Kind};
use crate::world::message::Message;
use crate::world::rights::{AdminRights, Standing};
use crate::world::{ChatId, MessageId, World};

/// What the bot wants to do in a chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Edit,
    Write,
}

impl World {
    /// The chat named by `chat_id`, if the bot may do that there.
    pub(crate) fn reach_chat(&self, args: &Args, access: Access) -> Result<ChatId, ApiError> {
        let named = args.text("chat_id").filter(|c| !c.is_empty());
        let named = named.ok_or_else(|| ApiError::bad("chat_id is empty"))?;
        self.reach(&named, access)
    }

    pub(crate) fn reach(&self, named: &str, access: Access) -> Result<ChatId, ApiError> {
        let not_found = || ApiError::bad("chat not found");
        let chat = match named.strip_prefix('@') {
            Some(name) => {
                let mut public = self.chats.values().filter(|c| c.kind != Kind::Private);
                public.find(|c| {
                    c.username
                        .as_deref()
                        .is_some_and(|u| u.eq_ignore_ascii_case(name))
                })
            }
            None => named.parse().ok().and_then(|id: ChatId| self.chats.get(&id)),
        };
        let chat = chat.ok_or_else(not_found)?;
        match chat.kind {
            Kind::Private => self.check_private(chat, access)?,
            Kind::Group | Kind::Supergroup | Kind::Channel => self.check_shared(chat, access)?,
        }
        Ok(chat.id)
    }

    fn check_private(&self, chat: &Chat, access: Access) -> Result<(), ApiError> {
        let person = self
            .people
            .get(&chat.id)
            .ok_or_else(|| ApiError::bad("chat not found"))?;
        let bot = self.bot.id;
        let met = self
            .chats
            .values()
            .any(|c| c.kind != Kind::Private && c.has(person.id) && c.has(bot));
        if !person.started && !met {
            // A bot cannot even know of a person it never met.
            return Err(ApiError::bad("chat not found"));
        }
        match access {
            Access::Read => Ok(()),
            Access::Edit | Access::Write if person.blocked => {
                Err(ApiError::forbidden("bot was blocked by the user"))
            }
            Access::Edit | Access::Write if !person.started => {
                Err(ApiError::forbidden("bot can't initiate conversation with a user"))
            }
            Access::Edit | Access::Write => Ok(()),
        }
    }

    fn check_shared(&self, chat: &Chat, access: Access) -> Result<(), ApiError> {
        if let Some(to) = chat.migrated_to {
            return match access {
                Access::Read => Ok(()),
                Access::Edit | Access::Write => Err(ApiError::migrated(to)),
            };
        }
        let kind = chat.kind_text();
        let needs_membership = access != Access::Read || chat.username.is_none() && chat.kind != Kind::Group;
        match chat.member(self.bot.id) {
            Standing::Kicked if needs_membership => Err(ApiError::forbidden(&format!(
                "bot was kicked from the {kind} chat"
            ))),
            Standing::Left if needs_membership => Err(ApiError::forbidden(&format!(
                "bot is not a member of the {kind} chat"
            ))),
            Standing::Kicked | Standing::Left => Ok(()),
            member @ (Standing::Creator | Standing::Administrator { .. } | Standing::Member) => {
                let may_post = member.rights().can_post_messages || chat.kind != Kind::Channel;
                match access {
                    Access::Write if !may_post => {
                        Err(ApiError::bad("need administrator rights in the channel chat"))
                    }
                    Access::Read | Access::Edit | Access::Write => Ok(()),
                }
            }
        }
    }

    pub(crate) fn chat(&self, id: ChatId) -> Result<&Chat, ApiError> {
        self.chats.get(&id).ok_or_else(|| ApiError::bad("chat not found"))
    }

    /// A message of a chat; `what` is how Telegram's refusal begins.
    pub(crate) fn load_message(&self, chat: ChatId, id: MessageId, what: &str) -> Result<&Message, ApiError> {
        let message = self.chat(chat)?.messages.get(&id);
        message.ok_or_else(|| ApiError::bad(format!("{what} not found")))
    }

    pub(crate) fn bot_rights(&self, chat: ChatId) -> AdminRights {
        self.chats
            .get(&chat)
            .map(|c| c.member(self.bot.id).rights())
            .unwrap_or_default()
    }

    /// Takes `count` messages off the flood budget.
    pub(crate) fn spend(&mut self, chat: ChatId, count: u32) -> Result<(), ApiError> {
        let now = self.now_ms();
        let group = chat < 0;
        self.flood
            .spend(chat, group, count, now)
            .map_err(ApiError::too_many)
    }
}
