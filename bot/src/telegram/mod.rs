//! Telegram as the bot reaches it: one HTTP client, one place for its errors.

mod error;

pub use error::TelegramError;
