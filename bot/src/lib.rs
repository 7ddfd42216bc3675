//! The bot: Telegram in and out, and the notifier's HTTP door. People meet the runs here;
//! what a run needs is the initiators' and watchdogs' business.

mod config;
pub mod html;
pub mod inbox;
pub mod outbox;
pub mod telegram;

pub use config::BotConfig;
