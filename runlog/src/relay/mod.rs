//! A log behind a tunnel: whoever has the log serves it on a Unix socket, and a machine that only reaches that socket
//! (through ssh) has the whole log, whichever it is, without knowing its addresses or passwords.

mod client;
mod server;
mod wire;

pub use client::RelayLog;
pub use server::serve;
