//! A strict Telegram Bot API server on loopback, for demos and tests of any bot.
//!
//! It knows the rules that Telegram enforces (limits, rights, flood budget, who may write first) and answers
//! with Telegram's own error texts. People act through the control API or through the phone page.
//! Nothing here talks to Telegram.

mod api;
mod clock;
mod config;
mod control;
mod fault;
mod page;
mod server;
mod text;
mod world;

pub use config::{FloodRules, SandboxConfig, Seed};
pub use control::client::{Control, ControlError};
pub use control::orders::{Fault, FaultOrder, NewChat, NewPerson};
pub use control::state::{Button, CallSeen, ChatState, MessageState, PersonState, State, ToastSeen};
pub use server::{Running, StartError, start};
