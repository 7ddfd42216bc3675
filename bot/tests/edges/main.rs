//! The bot's edges against the sandbox Telegram: panels, alerts, the door, updates coming in.

mod alerts;
mod disk;
mod docs;
mod door;
mod faults;
mod inbox;
mod kit;
mod panels;
mod roles;
