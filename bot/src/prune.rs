//! Forgets, once an hour, what the database need not keep any longer.

use std::time::Duration;

use chrono::Utc;
use kymo_store::Store;
use tokio_util::sync::CancellationToken;

const EVERY: Duration = Duration::from_secs(3600);

/// Runs until `stop`.
pub async fn run(store: Store, stop: CancellationToken) -> anyhow::Result<()> {
    loop {
        match store.prune(Utc::now()).await {
            Ok(0) => {}
            Ok(rows) => tracing::info!("forgot {rows} old rows"),
            Err(error) => tracing::warn!("old rows cannot be forgotten: {error}"),
        }
        let pause = tokio::time::sleep(EVERY);
        if stop.run_until_cancelled(pause).await.is_none() {
            return Ok(());
        }
    }
}
