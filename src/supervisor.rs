//! What a role says to the systemd that started it (Type=notify): that it is ready, how it is, and, only as long as
//! it is well, that the watchdog may rest. Started by anybody else, it says nothing.

use std::convert::Infallible;
use std::time::Duration;

use sd_notify::NotifyState;

const UNTIL_WELL: Duration = Duration::from_millis(100);

/// Runs a role to its end. `is_well` is asked on the role's own thread, so a role that blocks its thread is not well
/// either.
pub async fn attended<T>(role: impl Future<Output = T>, status: &str, is_well: impl AsyncFn() -> bool) -> T {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return role.await;
    }
    tokio::select! {
        ended = role => {
            say(&[NotifyState::Stopping]);
            ended
        }
        never = attend(status, is_well) => match never {},
    }
}

async fn attend(status: &str, is_well: impl AsyncFn() -> bool) -> Infallible {
    while !is_well().await {
        tokio::time::sleep(UNTIL_WELL).await;
    }
    say(&[NotifyState::Ready, NotifyState::Status(status)]);
    let Some(patience) = sd_notify::watchdog_enabled() else {
        return std::future::pending().await;
    };
    let mut beat = tokio::time::interval(patience / 4);
    loop {
        beat.tick().await;
        if is_well().await {
            say(&[NotifyState::Watchdog]);
        } else {
            tracing::warn!(
                ?patience,
                "not well; if that lasts, systemd starts this role again"
            );
        }
    }
}

fn say(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "systemd cannot be told how this role is");
    }
}
