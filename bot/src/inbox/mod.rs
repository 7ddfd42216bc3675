//! The inbox: updates from Telegram are recorded before they are confirmed, and handled in order
//! per chat, several chats at a time. A crash or a panic in a handler loses none of them.

mod line;
mod poll;

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kymo_store::StoreError;
use teloxide::types::Update;

pub use poll::run;

/// What to do with an update. An error means: passing trouble, try again later.
pub type Handler = Arc<dyn Fn(Update) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// Tells who sent an update that it waits, because of this trouble.
pub type Excuse = Arc<dyn Fn(Update, StoreError) -> BoxFuture<'static, ()> + Send + Sync>;

/// Waiting without a word.
pub fn no_excuse() -> Excuse {
    Arc::new(|_, _| std::future::ready(()).boxed())
}

/// The kinds of updates that the bot asks for.
pub const KINDS: &[&str] = &[
    "message",
    "edited_message",
    "callback_query",
    "inline_query",
    "my_chat_member",
    "channel_post",
];
