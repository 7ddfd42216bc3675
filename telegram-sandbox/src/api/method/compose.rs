//! What all sending and editing methods share: words, keyboards, reply and topic.

use serde::Deserialize;
use serde_json::Value;

use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::text::{self, Formatted};
use crate::world::chat::Kind;
use crate::world::markup::{self, Keyboard, Markup};
use crate::world::{ChatId, MessageId, World};

/// Longest text and caption, in UTF-16 units after parsing.
pub(crate) const TEXT_UNITS: usize = 4096;
pub(crate) const CAPTION_UNITS: usize = 1024;

pub(crate) fn message_text(args: &Args) -> Result<Formatted, ApiError> {
    let raw = args.text("text").unwrap_or_default();
    let words = text::parse(&raw, args.text("parse_mode").as_deref(), args.object("entities")?)?;
    if words.text.is_empty() {
        return Err(ApiError::bad("message text is empty"));
    }
    if words.len16() > TEXT_UNITS {
        return Err(ApiError::bad("message is too long"));
    }
    Ok(words)
}

pub(crate) fn caption(args: &Args) -> Result<Formatted, ApiError> {
    let raw = args.text("caption").unwrap_or_default();
    checked_caption(
        &raw,
        args.text("parse_mode").as_deref(),
        args.object("caption_entities")?,
    )
}

pub(crate) fn checked_caption(
    raw: &str,
    mode: Option<&str>,
    given: Option<Vec<text::Entity>>,
) -> Result<Formatted, ApiError> {
    let words = text::parse(raw, mode, given)?;
    if words.len16() > CAPTION_UNITS {
        return Err(ApiError::bad("message caption is too long"));
    }
    Ok(words)
}

/// The buttons of a message to be sent.
pub(crate) fn keyboard(args: &Args, chat: ChatId) -> Result<Keyboard, ApiError> {
    match args
        .json("reply_markup")?
        .map(|raw| markup::parse(raw, chat > 0))
        .transpose()?
    {
        Some(Markup::Inline(keyboard)) => Ok(keyboard),
        Some(Markup::Passing) | None => Ok(Keyboard::new()),
    }
}

/// The buttons of an edited message: none given means none left.
pub(crate) fn inline_keyboard(args: &Args, chat: ChatId) -> Result<Keyboard, ApiError> {
    match args
        .json("reply_markup")?
        .map(|raw| markup::parse(raw, chat > 0))
        .transpose()?
    {
        Some(Markup::Inline(keyboard)) => Ok(keyboard),
        Some(Markup::Passing) => Err(ApiError::bad("inline keyboard expected")),
        None => Ok(Keyboard::new()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyParameters {
    message_id: MessageId,
    chat_id: Option<Value>,
    #[serde(default)]
    allow_sending_without_reply: bool,
    quote: Option<String>,
    /// Says how to read a quote; clients send it without one too.
    #[serde(rename = "quote_parse_mode")]
    _quote_parse_mode: Option<String>,
}

/// The message that is answered, if it is there.
pub(crate) fn reply_to(world: &World, args: &Args, chat: ChatId) -> Result<Option<MessageId>, ApiError> {
    let Some(reply) = args.object::<ReplyParameters>("reply_parameters")? else {
        return Ok(None);
    };
    if reply.chat_id.is_some() || reply.quote.is_some() {
        return Err(ApiError::bad(
            "the sandbox knows replies within one chat and without quotes only",
        ));
    }
    match world.load_message(chat, reply.message_id, "message to be replied") {
        Ok(message) => Ok(Some(message.id)),
        Err(_) if reply.allow_sending_without_reply => Ok(None),
        Err(e) => Err(e),
    }
}

/// The forum topic that a message goes to. The general topic has no number of its own.
pub(crate) fn thread(world: &World, args: &Args, chat: ChatId) -> Result<Option<MessageId>, ApiError> {
    let Some(thread) = args.integer("message_thread_id")?.filter(|&t| t != 0) else {
        return Ok(None);
    };
    let place = world.chat(chat)?;
    match place.kind {
        Kind::Supergroup if place.forum => {}
        // Outside forums Telegram ignores the number.
        Kind::Group | Kind::Supergroup | Kind::Channel => return Ok(None),
        Kind::Private => return Err(ApiError::bad("message thread not found")),
    }
    let topic = place
        .topics
        .get(&thread)
        .ok_or_else(|| ApiError::bad("message thread not found"))?;
    if topic.closed && !world.bot_rights(chat).can_manage_topics {
        return Err(ApiError::bad("TOPIC_CLOSED"));
    }
    Ok(Some(thread))
}
