//! Forwarding and copying a message.

use serde_json::json;

use super::{Answer, Method, Run, compose, kind::*, may, must, send};
use crate::api::access::Access;
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::world::World;
use crate::world::message::{Body, Message, Origin};

pub(crate) const METHODS: &[Method] = &[
    Method {
        name: "copyMessage",
        params: &[
            must("chat_id", CHAT),
            must("from_chat_id", CHAT),
            must("message_id", INT),
            may("message_thread_id", INT),
            may("caption", STR),
            may("parse_mode", STR),
            may("caption_entities", ENTITIES),
            may("show_caption_above_media", BOOL),
            may("disable_notification", BOOL),
            may("protect_content", BOOL),
            may("reply_parameters", "ReplyParameters"),
            may("reply_markup", MARKUP),
        ],
        run: Run::Now(copy),
    },
    Method {
        name: "forwardMessage",
        params: &[
            must("chat_id", CHAT),
            must("from_chat_id", CHAT),
            must("message_id", INT),
            may("message_thread_id", INT),
            may("disable_notification", BOOL),
            may("protect_content", BOOL),
        ],
        run: Run::Now(forward),
    },
];

fn original(world: &World, args: &Args, what: &str) -> Result<Message, ApiError> {
    let from = args.text("from_chat_id").filter(|c| !c.is_empty());
    let from = world.reach(
        &from.ok_or_else(|| ApiError::bad("chat_id is empty"))?,
        Access::Read,
    )?;
    let message = world.load_message(from, args.message_id()?, what)?;
    if message.is_service() || message.protected {
        let verb = what.rsplit(' ').next().unwrap_or_default();
        let verb = if verb == "copy" { "copied" } else { "forwarded" };
        return Err(ApiError::bad(format!("the message can't be {verb}")));
    }
    Ok(message.clone())
}

fn copy(world: &mut World, args: &Args) -> Answer {
    let chat = world.reach_chat(args, Access::Write)?;
    let original = original(world, args, "message to copy")?;
    let body = match original.body {
        Body::Media {
            media,
            caption,
            above,
        } => {
            let given = args.text("caption").is_some();
            let caption = if given { compose::caption(args)? } else { caption };
            Body::Media {
                media,
                caption,
                above: above || args.flag("show_caption_above_media")?,
            }
        }
        same @ (Body::Text { .. } | Body::Service { .. }) => same,
    };
    let draft = send::draft(world, args, chat, body)?;
    let sent = send::send(world, draft)?;
    Ok(json!({ "message_id": sent["message_id"] }))
}

fn forward(world: &mut World, args: &Args) -> Answer {
    let chat = world.reach_chat(args, Access::Write)?;
    let original = original(world, args, "message to forward")?;
    let mut draft = send::draft(world, args, chat, original.body)?;
    draft.forwarded = original.forwarded.or(Some(Origin {
        user: original.from,
        date: original.date,
    }));
    send::send(world, draft)
}
