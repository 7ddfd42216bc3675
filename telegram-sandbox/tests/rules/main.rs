//! What Telegram enforces, one test per rule.

mod aiogram;
mod albums;
mod callbacks;
mod commands;
mod conversation;
mod dts;
mod edits;
mod faults;
mod files;
mod first;
mod flood;
mod groups;
mod kit;
mod migration;
mod pins;
mod polling;
mod reach;
mod requests;
mod schema;
mod sizes;
mod state;
mod teloxide_types;
mod text;
mod topics;
mod webhook;
