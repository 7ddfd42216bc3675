//! The bot's HTTP door as its callers see it: the wire types and a client.
//! Graph workers hand in panels, watchdogs alerts, anybody text and pictures.

mod client;
mod wire;

pub use client::{Door, DoorError};
pub use wire::{Alert, AlertState, PanelAnswer, PanelFacts, Severity, Text, TextAnswer};
