//! `editMessageMedia`: it takes its time, and a newer edit of the same message cancels it.

use std::sync::Mutex;
use std::time::Duration;

use serde::Deserialize;

use super::upload::{self, Given};
use super::{Answer, Method, Run, compose, edit, kind::*, may, must};
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::server::lock;
use crate::text::{Entity, Formatted};
use crate::world::markup::Keyboard;
use crate::world::message::{Body, Media, MediaKind};
use crate::world::{ChatId, MessageId, World};

pub(crate) const METHODS: &[Method] = &[Method {
    name: "editMessageMedia",
    params: &[
        may("chat_id", CHAT),
        may("message_id", INT),
        must("media", "InputMedia"),
        may("reply_markup", INLINE),
    ],
    run: Run::EditMedia,
}];

/// An `InputMediaPhoto`, `InputMediaDocument` or `InputMediaAnimation`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct InputMedia {
    #[serde(rename = "type")]
    pub kind: String,
    pub media: String,
    pub caption: Option<String>,
    pub parse_mode: Option<String>,
    pub caption_entities: Option<Vec<Entity>>,
    #[serde(default)]
    pub show_caption_above_media: bool,
    #[serde(default)]
    pub has_spoiler: bool,
    /// Accepted for documents; the sandbox never guesses a type anyway.
    #[serde(default, rename = "disable_content_type_detection")]
    _keep_type: bool,
}

impl InputMedia {
    pub(crate) fn media_kind(&self) -> Result<MediaKind, ApiError> {
        match self.kind.as_str() {
            "photo" => Ok(MediaKind::Photo),
            "document" => Ok(MediaKind::Document),
            "animation" => Ok(MediaKind::Animation),
            _ => Err(ApiError::bad(
                "can't parse InputMedia: type must be photo, document or animation here",
            )),
        }
    }

    pub(crate) fn words(&self) -> Result<Formatted, ApiError> {
        let raw = self.caption.as_deref().unwrap_or_default();
        compose::checked_caption(raw, self.parse_mode.as_deref(), self.caption_entities.clone())
    }
}

struct Edit {
    chat: ChatId,
    message: MessageId,
    kind: MediaKind,
    given: Given,
    caption: Formatted,
    above: bool,
    spoiler: bool,
    keyboard: Keyboard,
}

pub(crate) async fn run(world: &Mutex<World>, args: &Args, under_way: Duration) -> Answer {
    let (edit, turn) = {
        let mut world = lock(world);
        let edit = check(&world, args)?;
        world.spend(edit.chat, 1)?;
        let turn = world.media_edits.entry((edit.chat, edit.message)).or_default();
        *turn += 1;
        (edit, *turn)
    };
    tokio::time::sleep(under_way).await;
    finish(&mut lock(world), edit, turn)
}

fn check(world: &World, args: &Args) -> Result<Edit, ApiError> {
    let message = edit::editable(world, args)?;
    let input: InputMedia = args
        .object("media")?
        .ok_or_else(|| ApiError::bad("media is not specified"))?;
    let kind = input.media_kind()?;
    Ok(Edit {
        chat: message.chat,
        message: message.id,
        kind,
        given: upload::of_text(world, args, &input.media, kind)?,
        caption: input.words()?,
        above: input.show_caption_above_media,
        spoiler: input.has_spoiler,
        keyboard: compose::inline_keyboard(args, message.chat)?,
    })
}

fn finish(world: &mut World, edit: Edit, turn: u64) -> Answer {
    let (chat, id) = (edit.chat, edit.message);
    world.load_message(chat, id, "message to edit")?;
    if world.media_edits.get(&(chat, id)) != Some(&turn) {
        return Err(ApiError::bad("Canceled by new editmessagemedia request"));
    }
    // A picture that is uploaded again is a new file for Telegram, even if its bytes are the same.
    let file = edit.given.store(world);
    let media = Media {
        kind: edit.kind,
        file,
        spoiler: edit.spoiler,
    };
    let body = Body::Media {
        media,
        caption: edit.caption,
        above: edit.above,
    };
    edit::put(world, chat, id, body, edit.keyboard)
}
