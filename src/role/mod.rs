//! One file per role: from configuration to a running piece, and nothing else.

pub mod bench;
pub mod bot;
pub mod demo;
pub mod doctor;
pub mod export;
pub mod graph_worker;
pub mod import;
pub mod init;
pub mod initiator;
pub mod install;
pub mod log;
pub mod outpost;
pub mod replay;
pub mod run;
pub mod sandbox;
pub mod solver;
pub mod topics;
pub mod up;
pub mod watchdog;

use std::ffi::OsString;
use std::future::Future;
use std::io;

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;

/// The words that start another role of this very program.
pub(crate) fn this_program(role: &str) -> anyhow::Result<Vec<OsString>> {
    let program = std::env::current_exe().context("find this program's own file")?;
    Ok(vec![program.into(), role.into()])
}

/// Work that may block its thread: on one of its own, so that Ctrl-C ends it all the same.
pub(crate) async fn unless_stopped<T: Send + 'static>(
    stop: CancellationToken,
    work: impl Future<Output = anyhow::Result<T>> + Send + 'static,
) -> anyhow::Result<T> {
    let work = tokio::spawn(work);
    match stop.run_until_cancelled(work).await {
        Some(done) => done.context("the work panicked")?,
        None => bail!("interrupted"),
    }
}

/// Whoever reads our output has had enough (`| head`).
pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    let kind = |error: &(dyn std::error::Error + 'static)| {
        error
            .downcast_ref::<io::Error>()
            .map(io::Error::kind)
            .or_else(|| {
                error
                    .downcast_ref::<serde_json::Error>()
                    .and_then(serde_json::Error::io_error_kind)
            })
    };
    error
        .chain()
        .any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}
