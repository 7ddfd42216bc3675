//! `sendMediaGroup`: two to ten pictures or files as one album.

use super::edit_media::InputMedia;
use super::{Answer, Method, Run, kind::*, may, must, send, upload};
use crate::api::access::Access;
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::world::World;
use crate::world::message::{Body, Media, MediaKind};

pub(crate) const METHODS: &[Method] = &[Method {
    name: "sendMediaGroup",
    params: &[
        must("chat_id", CHAT),
        must("media", "Array of InputMedia"),
        may("message_thread_id", INT),
        may("disable_notification", BOOL),
        may("protect_content", BOOL),
        may("reply_parameters", "ReplyParameters"),
    ],
    run: Run::Now(send_media_group),
}];

fn send_media_group(world: &mut World, args: &Args) -> Answer {
    let chat = world.reach_chat(args, Access::Write)?;
    let inputs: Vec<InputMedia> = args.object("media")?.unwrap_or_default();
    if !(2..=10).contains(&inputs.len()) {
        return Err(ApiError::bad("there must be from 2 to 10 media in the album"));
    }
    let mut items = Vec::new();
    for input in &inputs {
        let kind = input.media_kind()?;
        if kind == MediaKind::Animation {
            return Err(ApiError::bad(
                "can't use the media of the specified type in the album",
            ));
        }
        items.push((
            kind,
            upload::of_text(world, args, &input.media, kind)?,
            input.words()?,
            input,
        ));
    }
    if items.iter().any(|(kind, ..)| *kind != items[0].0) {
        return Err(ApiError::bad("document can't be mixed with other media types"));
    }
    let mut pattern = send::draft(
        world,
        args,
        chat,
        Body::Text {
            text: Default::default(),
        },
    )?;
    world.spend(chat, u32::try_from(items.len()).unwrap_or(u32::MAX))?;
    pattern.album = Some(format!(
        "{}",
        13_500_000_000_000_000_i64 + world.mailbox + world.now_ms()
    ));
    let mut sent = Vec::new();
    for (kind, given, caption, input) in items {
        let file = given.store(world);
        let media = Media {
            kind,
            file,
            spoiler: input.has_spoiler,
        };
        let body = Body::Media {
            media,
            caption,
            above: input.show_caption_above_media,
        };
        sent.push(send::posted(
            world,
            crate::world::posting::Draft {
                body,
                ..pattern.clone()
            },
        ));
    }
    Ok(sent.into())
}
