//! Editing words and buttons of the bot's own messages.

use super::{Answer, Method, Run, compose, kind::*, may};
use crate::api::access::Access;
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::world::markup::Keyboard;
use crate::world::message::{Body, Message};
use crate::world::{ChatId, MessageId, World};

pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "editMessageText",
        params: &[
            may("chat_id", CHAT),
            may("message_id", INT),
            may("text", STR),
            may("parse_mode", STR),
            may("entities", ENTITIES),
            may("link_preview_options", "LinkPreviewOptions"),
            may("reply_markup", INLINE),
        ],
        run: Run::Now(edit_text),
    },
    Method {
        name: "editMessageCaption",
        params: &[
            may("chat_id", CHAT),
            may("message_id", INT),
            may("caption", STR),
            may("parse_mode", STR),
            may("caption_entities", ENTITIES),
            may("show_caption_above_media", BOOL),
            may("reply_markup", INLINE),
        ],
        run: Run::Now(edit_caption),
    },
    Method {
        name: "editMessageReplyMarkup",
        params: &[
            may("chat_id", CHAT),
            may("message_id", INT),
            may("reply_markup", INLINE),
        ],
        run: Run::Now(edit_markup),
    },
];

const NOT_MODIFIED: &str = "message is not modified: specified new message content and reply markup are exactly \
     the same as a current content and reply markup of the message";

/// A message of the bot that an edit may change.
pub(crate) fn editable<'a>(world: &'a World, args: &Args) -> Result<&'a Message, ApiError> {
    let chat = world.reach_chat(args, Access::Edit)?;
    let id = args.message_id()?;
    let message = world.load_message(chat, id, "message to edit")?;
    if message.from != world.bot.id || message.is_service() {
        return Err(ApiError::bad("message can't be edited"));
    }
    Ok(message)
}

fn edit_text(world: &mut World, args: &Args) -> Answer {
    let message = editable(world, args)?;
    let (chat, id) = (message.chat, message.id);
    match &message.body {
        Body::Text { .. } => {}
        Body::Media { .. } | Body::Service { .. } => {
            return Err(ApiError::bad("there is no text in the message to edit"));
        }
    }
    let text = compose::message_text(args)?;
    let keyboard = compose::inline_keyboard(args, chat)?;
    apply(world, chat, id, Body::Text { text }, keyboard)
}

fn edit_caption(world: &mut World, args: &Args) -> Answer {
    let message = editable(world, args)?;
    let (chat, id) = (message.chat, message.id);
    let Body::Media { media, .. } = &message.body else {
        return Err(ApiError::bad("there is no caption in the message to edit"));
    };
    let media = media.clone();
    let caption = compose::caption(args)?;
    let above = args.flag("show_caption_above_media")?;
    let keyboard = compose::inline_keyboard(args, chat)?;
    apply(
        world,
        chat,
        id,
        Body::Media {
            media,
            caption,
            above,
        },
        keyboard,
    )
}

fn edit_markup(world: &mut World, args: &Args) -> Answer {
    let message = editable(world, args)?;
    let (chat, id, body) = (message.chat, message.id, message.body.clone());
    let keyboard = compose::inline_keyboard(args, chat)?;
    apply(world, chat, id, body, keyboard)
}

/// Puts the new content in place, unless nothing changes.
pub(crate) fn apply(
    world: &mut World,
    chat: ChatId,
    id: MessageId,
    body: Body,
    keyboard: Keyboard,
) -> Answer {
    world.spend(chat, 1)?;
    put(world, chat, id, body, keyboard)
}

/// The same for an edit whose budget is spent already.
pub(crate) fn put(world: &mut World, chat: ChatId, id: MessageId, body: Body, keyboard: Keyboard) -> Answer {
    let message = world.load_message(chat, id, "message to edit")?;
    if message.body == body && message.keyboard == keyboard {
        return Err(ApiError::bad(NOT_MODIFIED));
    }
    if let Some(message) = world.chats.get_mut(&chat).and_then(|c| c.messages.get_mut(&id)) {
        message.body = body;
        message.keyboard = keyboard;
    }
    world.touched(chat, id);
    Ok(world.message_json(chat, id).unwrap_or_default())
}
