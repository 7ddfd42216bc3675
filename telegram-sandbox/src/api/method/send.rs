//! Sending: text, photo, document, animation.

use serde_json::Value;

use super::{Answer, Method, Param, Run, compose, kind::*, may, must, upload};
use crate::api::access::Access;
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::world::message::{Body, Media, MediaKind};
use crate::world::posting::Draft;
use crate::world::{ChatId, MessageId, World};

pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "sendMessage",
        params: SEND_MESSAGE,
        run: Run::Now(send_message),
    },
    Method {
        name: "sendPhoto",
        params: SEND_PHOTO,
        run: Run::Now(|w, a| send_media(w, a, MediaKind::Photo)),
    },
    Method {
        name: "sendDocument",
        params: SEND_DOCUMENT,
        run: Run::Now(|w, a| send_media(w, a, MediaKind::Document)),
    },
    Method {
        name: "sendAnimation",
        params: SEND_ANIMATION,
        run: Run::Now(|w, a| send_media(w, a, MediaKind::Animation)),
    },
];

const SEND_MESSAGE: &[Param] = &[
    must("chat_id", CHAT),
    must("text", STR),
    may("message_thread_id", INT),
    may("parse_mode", STR),
    may("entities", ENTITIES),
    may("link_preview_options", "LinkPreviewOptions"),
    may("disable_notification", BOOL),
    may("protect_content", BOOL),
    may("reply_parameters", "ReplyParameters"),
    may("reply_markup", MARKUP),
];

const SEND_PHOTO: &[Param] = &[
    must("chat_id", CHAT),
    must("photo", FILE),
    may("message_thread_id", INT),
    may("caption", STR),
    may("parse_mode", STR),
    may("caption_entities", ENTITIES),
    may("show_caption_above_media", BOOL),
    may("has_spoiler", BOOL),
    may("disable_notification", BOOL),
    may("protect_content", BOOL),
    may("reply_parameters", "ReplyParameters"),
    may("reply_markup", MARKUP),
];

const SEND_DOCUMENT: &[Param] = &[
    must("chat_id", CHAT),
    must("document", FILE),
    may("message_thread_id", INT),
    may("caption", STR),
    may("parse_mode", STR),
    may("caption_entities", ENTITIES),
    may("disable_content_type_detection", BOOL),
    may("disable_notification", BOOL),
    may("protect_content", BOOL),
    may("reply_parameters", "ReplyParameters"),
    may("reply_markup", MARKUP),
];

const SEND_ANIMATION: &[Param] = &[
    must("chat_id", CHAT),
    must("animation", FILE),
    may("message_thread_id", INT),
    may("duration", INT),
    may("width", INT),
    may("height", INT),
    may("caption", STR),
    may("parse_mode", STR),
    may("caption_entities", ENTITIES),
    may("show_caption_above_media", BOOL),
    may("has_spoiler", BOOL),
    may("disable_notification", BOOL),
    may("protect_content", BOOL),
    may("reply_parameters", "ReplyParameters"),
    may("reply_markup", MARKUP),
];

fn send_message(world: &mut World, args: &Args) -> Answer {
    let chat = world.reach_chat(args, Access::Write)?;
    let text = compose::message_text(args)?;
    let draft = draft(world, args, chat, Body::Text { text })?;
    send(world, draft)
}

fn send_media(world: &mut World, args: &Args, kind: MediaKind) -> Answer {
    let chat = world.reach_chat(args, Access::Write)?;
    let caption = compose::caption(args)?;
    let given = upload::of_param(world, args, kind.name(), kind)?;
    let spoiler = args.flag("has_spoiler")?;
    let above = args.flag("show_caption_above_media")?;
    // The budget is spent before the bytes are kept: a refused photo leaves nothing behind.
    let placeholder = Body::Media {
        media: Media {
            kind,
            file: 0,
            spoiler,
        },
        caption,
        above,
    };
    let mut draft = draft(world, args, chat, placeholder)?;
    world.spend(chat, 1)?;
    if let Body::Media { media, .. } = &mut draft.body {
        media.file = given.store(world);
    }
    Ok(posted(world, draft))
}

/// A draft with everything that all methods of sending understand.
pub(crate) fn draft(world: &World, args: &Args, chat: ChatId, body: Body) -> Result<Draft, ApiError> {
    let mut draft = Draft::new(chat, world.bot.id, body);
    draft.keyboard = compose::keyboard(args, chat)?;
    draft.reply_to = compose::reply_to(world, args, chat)?;
    draft.thread = compose::thread(world, args, chat)?;
    draft.silent = args.flag("disable_notification")?;
    draft.protected = args.flag("protect_content")?;
    Ok(draft)
}

pub(crate) fn send(world: &mut World, draft: Draft) -> Answer {
    world.spend(draft.chat, 1)?;
    Ok(posted(world, draft))
}

pub(crate) fn posted(world: &mut World, draft: Draft) -> Value {
    let chat = draft.chat;
    let id: MessageId = world.post(draft);
    world.message_json(chat, id).unwrap_or_default()
}
