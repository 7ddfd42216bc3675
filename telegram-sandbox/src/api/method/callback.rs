//! Answering a press of a button; it costs no flood budget.

use super::{Answer, Method, Run, kind::*, may, must};
use crate::api::args::Args;
use crate::api::error::ApiError;
use crate::text::utf16_len;
use crate::world::World;

pub(crate) const METHODS: &[Method] = &[Method {
    name: "answerCallbackQuery",
    params: &[
        must("callback_query_id", STR),
        may("text", STR),
        may("show_alert", BOOL),
        may("url", STR),
        may("cache_time", INT),
    ],
    run: Run::Now(answer),
}];

const TOAST_UNITS: usize = 200;

fn answer(world: &mut World, args: &Args) -> Answer {
    let id = args.text("callback_query_id").unwrap_or_default();
    let text = args.text("text").unwrap_or_default();
    if utf16_len(&text) > TOAST_UNITS {
        return Err(ApiError::bad("MESSAGE_TOO_LONG"));
    }
    let url = args.text("url").filter(|u| !u.is_empty());
    let own = format!("t.me/{}?start=", world.bot.username);
    if url
        .as_ref()
        .is_some_and(|u| !u.trim_start_matches("https://").starts_with(&own))
    {
        return Err(ApiError::bad("URL_INVALID"));
    }
    args.integer("cache_time")?;
    world.answer_callback(&id, text, args.flag("show_alert")?, url)?;
    Ok(true.into())
}
