//! The bot: Telegram in and out, and the notifier's HTTP door. People meet the runs here;
//! what a run needs is the initiators' and watchdogs' business.

pub mod alert;
mod config;
pub mod door;
pub mod housekeeping;
pub mod html;
pub mod inbox;
pub mod outbox;
pub mod panel;
mod run;
mod tasks;
pub mod telegram;

pub use config::BotConfig;
pub use run::run;
