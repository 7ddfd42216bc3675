//! Writing down what has happened already: it cannot be taken back, so it is tried until it is written.

use std::time::Duration;

use kymo_store::StoreError;
use tokio_util::sync::CancellationToken;

const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Tries `write` until it succeeds, `stop` comes or trying again cannot help. The trouble is
/// logged once, and once more when it is over; `what` names what is to be written.
pub(crate) async fn written<T, F>(
    what: &str,
    stop: &CancellationToken,
    write: impl Fn() -> F,
) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut waited = false;
    loop {
        match write().await {
            Ok(done) => {
                if waited {
                    tracing::info!("{what} is written down now");
                }
                return Ok(done);
            }
            Err(error) if error.is_passing() => {
                if !waited {
                    tracing::warn!("{what} is not written down yet: {error}");
                    waited = true;
                }
                if stop
                    .run_until_cancelled(tokio::time::sleep(TRY_AGAIN))
                    .await
                    .is_none()
                {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
}
