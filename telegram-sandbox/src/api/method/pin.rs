//! Pinning. A chat may have several pinned messages.

use super::{Answer, Method, Run, kind::*, may, must};
use crate::api::access::Access;
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::world::chat::Kind;
use crate::world::{ChatId, World};

pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "pinChatMessage",
        params: &[
            must("chat_id", CHAT),
            must("message_id", INT),
            may("disable_notification", BOOL),
        ],
        run: Run::Now(pin),
    },
    Method {
        name: "unpinChatMessage",
        params: &[must("chat_id", CHAT), may("message_id", INT)],
        run: Run::Now(unpin),
    },
    Method {
        name: "unpinAllChatMessages",
        params: &[must("chat_id", CHAT)],
        run: Run::Now(unpin_all),
    },
];

fn pin(world: &mut World, args: &Args) -> Answer {
    let chat = world.reach_chat(args, Access::Write)?;
    let id = args.message_id()?;
    let message = world.load_message(chat, id, "message to pin")?;
    if message.is_service() {
        return Err(ApiError::bad("message can't be pinned"));
    }
    check_right(world, chat)?;
    let silent = args.flag("disable_notification")?;
    world.pin(chat, id, world.bot.id, silent);
    Ok(true.into())
}

fn unpin(world: &mut World, args: &Args) -> Answer {
    let chat = world.reach_chat(args, Access::Write)?;
    let newest = world.chat(chat)?.newest_pinned().map(|m| m.id);
    let id = match args.integer("message_id")?.filter(|&id| id != 0) {
        Some(id) => world.load_message(chat, id, "message to unpin")?.id,
        None => newest.ok_or_else(|| ApiError::bad("message to unpin not found"))?,
    };
    check_right(world, chat)?;
    world.unpin(chat, id);
    Ok(true.into())
}

fn unpin_all(world: &mut World, args: &Args) -> Answer {
    let chat = world.reach_chat(args, Access::Write)?;
    check_right(world, chat)?;
    world.unpin_all(chat, None);
    Ok(true.into())
}

/// In groups the bot must be an admin with the right to pin; in a channel it must be one who edits.
fn check_right(world: &World, chat: ChatId) -> Result<(), ApiError> {
    let rights = world.bot_rights(chat);
    let may = match world.chat(chat)?.kind {
        Kind::Private => true,
        Kind::Group | Kind::Supergroup => rights.can_pin_messages,
        Kind::Channel => rights.can_edit_messages,
    };
    match may {
        true => Ok(()),
        false => Err(ApiError::bad(
            "not enough rights to manage pinned messages in the chat",
        )),
    }
}
