//! One file per role: from configuration to a running piece, and nothing else.

pub mod bench;
pub mod bot;
pub mod demo;
pub mod doctor;
pub mod graph_worker;
pub mod init;
pub mod initiator;
pub mod replay;
pub mod run;
pub mod sandbox;
pub mod solver;
pub mod topics;
pub mod up;
pub mod watchdog;

use std::ffi::OsString;

use anyhow::Context;

/// The words that start another role of this very program.
pub(crate) fn this_program(role: &str) -> anyhow::Result<Vec<OsString>> {
    let program = std::env::current_exe().context("find this program's own file")?;
    Ok(vec![program.into(), role.into()])
}
