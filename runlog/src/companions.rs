//! A run's companions go with it: a run that begins afresh has no steps and no output, and of a deleted run nothing is left.

use crate::{Log, LogError, Topic};

/// Forgets a run's records, steps and output. What was kept aside in `<topic>.rejected` stays: it is there to be
/// looked at afterwards.
pub async fn clear_run(log: &dyn Log, topic: &Topic) -> Result<(), LogError> {
    // The run's own topic last: a crash in between leaves records without steps, never the other way round.
    for topic in [topic.steps(), topic.output(), topic.clone()] {
        match log.clear(&topic).await {
            Ok(()) | Err(LogError::UnknownTopic(..)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Deletes a run with everything that belongs to it.
pub async fn delete_run(log: &dyn Log, topic: &Topic) -> Result<(), LogError> {
    for topic in [topic.steps(), topic.output(), topic.rejected(), topic.clone()] {
        log.delete(&topic).await?;
    }
    Ok(())
}
