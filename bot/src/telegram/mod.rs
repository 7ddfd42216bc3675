//! Telegram as the bot reaches it: one HTTP client, one place for its errors.

mod client;
mod error;

pub use client::{Telegram, Upload};
pub use error::TelegramError;
