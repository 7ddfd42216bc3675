//! Deleting messages.

use super::{Answer, Method, Run, kind::*, must};
use crate::api::access::Access;
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::world::chat::Kind;
use crate::world::{ChatId, MessageId, World};

pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "deleteMessage",
        params: &[must("chat_id", CHAT), must("message_id", INT)],
        run: Run::Now(delete_message),
    },
    Method {
        name: "deleteMessages",
        params: &[must("chat_id", CHAT), must("message_ids", INTS)],
        run: Run::Now(delete_messages),
    },
];

/// Older messages stay.
const TWO_DAYS: i64 = 48 * 3600;

fn delete_message(world: &mut World, args: &Args) -> Answer {
    let chat = world.reach_chat(args, Access::Write)?;
    let id = args.message_id()?;
    world.load_message(chat, id, "message to delete")?;
    if !may_delete(world, chat, id) {
        return Err(ApiError::bad("message can't be deleted"));
    }
    world.remove_message(chat, id);
    Ok(true.into())
}

/// Those that are not there are passed over.
fn delete_messages(world: &mut World, args: &Args) -> Answer {
    let chat = world.reach_chat(args, Access::Write)?;
    let ids: Vec<MessageId> = args.object("message_ids")?.unwrap_or_default();
    if ids.is_empty() {
        return Err(ApiError::bad("message identifiers are not specified"));
    }
    if ids.len() > 100 {
        return Err(ApiError::bad("too many message identifiers specified"));
    }
    for id in ids {
        if may_delete(world, chat, id) {
            world.remove_message(chat, id);
        }
    }
    Ok(true.into())
}

fn may_delete(world: &World, chat: ChatId, id: MessageId) -> bool {
    let Some(place) = world.chats.get(&chat) else {
        return false;
    };
    let Some(message) = place.messages.get(&id) else {
        return false;
    };
    if world.bot_rights(chat).can_delete_messages {
        return true;
    }
    let young = world.now() - message.date < TWO_DAYS;
    match place.kind {
        Kind::Private => young,
        Kind::Group | Kind::Supergroup | Kind::Channel => {
            young && message.from == world.bot.id && !message.is_service()
        }
    }
}
