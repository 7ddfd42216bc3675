//! An initiator's hand on a server.

use anyhow::Context;
use kymo_solver::server::outpost;
use tokio_util::sync::CancellationToken;

pub async fn run(stop: CancellationToken) -> anyhow::Result<()> {
    let program = std::env::current_exe().context("find this program's own file")?;
    let serve = outpost::run(program, tokio::io::stdin(), tokio::io::stdout());
    stop.run_until_cancelled(serve).await.unwrap_or(Ok(()))
}
