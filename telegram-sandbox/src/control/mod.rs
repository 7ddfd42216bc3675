//! What people do: the control API over HTTP, and its Rust client.

pub(crate) mod client;
pub(crate) mod http;
pub(crate) mod orders;
pub(crate) mod phone;
pub(crate) mod state;
