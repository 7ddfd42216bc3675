//! The inbox: updates from Telegram are recorded before they are confirmed, and handled in order
//! per chat, several chats at a time. A crash or a panic in a handler loses none of them.

mod line;
mod poll;

use std::sync::Arc;

use futures::future::BoxFuture;
use teloxide::types::Update;

pub use poll::run;

/// What to do with an update. An error means: passing trouble, try again later.
pub type Handler = Arc<dyn Fn(Update) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// The kinds of updates that the bot asks for.
pub const KINDS: &[&str] = &[
    "message",
    "edited_message",
    "callback_query",
    "inline_query",
    "my_chat_member",
    "channel_post",
];
