//! The bot's edges against the sandbox Telegram: panels, alerts, the door, updates coming in.

mod alerts;
mod door;
mod inbox;
mod kit;
mod panels;
mod roles;
