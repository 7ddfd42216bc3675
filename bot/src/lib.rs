//! The bot: Telegram in and out, and the notifier's HTTP door. People meet the runs here;
//! what a run needs is the initiators' and watchdogs' business.

mod access;
mod act;
pub mod alert;
mod ask;
mod callback;
mod card;
mod claim;
mod command;
mod config;
mod desk;
mod dispatch;
pub mod doctor;
pub mod door;
mod facts;
mod follow;
pub mod housekeeping;
pub mod html;
pub mod inbox;
mod menu;
pub mod outbox;
pub mod panel;
mod prune;
mod run;
pub mod said;
mod target;
mod tasks;
pub mod telegram;
mod waiting;
mod words;
mod workers;
mod written;

pub use claim::{Greeting, greet};
pub use config::{BotConfig, WorkerHost};
pub use run::run;
pub use workers::Bus;
