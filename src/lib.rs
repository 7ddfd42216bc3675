//! Picks a role, wires it, owns signals and the exit code.

pub mod cli;
pub mod config;
pub mod house;
pub mod role;
mod say;
mod start;
mod supervisor;

pub use start::main;
