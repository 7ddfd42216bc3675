//! What Telegram enforces, one test per rule.

mod first;
mod kit;
