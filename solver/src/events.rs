//! Writing to the shared topics (`kymo.events`, `kymo.claims`): what passes is waited out, what does not is an error.

use std::time::Duration;

use kymo_runlog::event::EventRecord;
use kymo_runlog::{Log, LogError, Message, Position, Topic};
use serde::Serialize;

/// Appends one JSON message to a shared topic, which is made when it is missing. Waits while the log is away.
pub async fn append_json<T: Serialize>(
    log: &dyn Log,
    topic: &Topic,
    key: &Topic,
    value: &T,
) -> Result<Position, LogError> {
    patiently(|| try_append_json(log, topic, key, value)).await
}

/// One attempt, without waiting.
pub async fn try_append_json<T: Serialize>(
    log: &dyn Log,
    topic: &Topic,
    key: &Topic,
    value: &T,
) -> Result<Position, LogError> {
    let message = Message::json(key.as_str(), value);
    let positions = match log.append(topic, vec![message.clone()]).await {
        Err(LogError::UnknownTopic(..)) => {
            log.create(topic).await?;
            log.append(topic, vec![message]).await?
        }
        appended => appended?,
    };
    Ok(positions.first().copied().unwrap_or_default())
}

/// Tells what happened to a run.
pub async fn tell(log: &dyn Log, event: &EventRecord) -> Result<Position, LogError> {
    append_json(log, &kymo_runlog::event::topic(), &event.topic, event).await
}

/// Tries until it works or can never work.
pub async fn patiently<T, F, Fut>(mut attempt: F) -> Result<T, LogError>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, LogError>>,
{
    let mut pause = Duration::from_millis(50);
    loop {
        match attempt().await {
            Err(error) if error.is_passing() => {
                tracing::debug!(%error, "waiting for the log");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            done => return done,
        }
    }
}
