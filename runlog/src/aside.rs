//! What does not count is not lost: it is copied to the companion `<topic>.rejected`, once, with the
//! reason, so that a person can look at it after the topic was started afresh.

use std::collections::HashSet;

use crate::{Log, LogError, Message, Position, Report, Stored};

/// Where the copied message stands in the run's topic.
const POSITION: &str = "kymo-rejected-position";
/// Why it does not count.
const REASON: &str = "kymo-rejected-reason";

/// Payload looked through at once, when asking what was kept before.
const BYTES: usize = 1 << 20;

/// Copies what a [`crate::Replay`] rejected, except what was copied before; says how many are new.
/// All reports are of one topic.
pub async fn keep_aside(log: &dyn Log, rejected: &[(Report, Stored)]) -> Result<usize, LogError> {
    let Some((report, _)) = rejected.first() else {
        return Ok(0);
    };
    let companion = report.topic.rejected();
    log.create(&companion).await?;
    let mut kept = HashSet::new();
    let mut from = Position::START;
    loop {
        let found = log.read(&companion, from, BYTES).await?;
        let Some(last) = found.last() else { break };
        from = last.position.next();
        kept.extend(found.into_iter().filter_map(|stored| stored.message.key));
    }
    let copies = rejected.iter().map(|(report, stored)| copy(report, stored));
    let news: Vec<Message> = copies
        .filter(|message| message.key.clone().is_some_and(|key| kept.insert(key)))
        .collect();
    let count = news.len();
    // One by one: a batch of large ones could be more than the log takes at once.
    for message in news {
        log.append(&companion, vec![message]).await?;
    }
    Ok(count)
}

/// The message as it was, with two headers more. Its key tells it from what stood at the same
/// position before the topic was deleted and made again.
fn copy(report: &Report, stored: &Stored) -> Message {
    let Message { headers, payload, .. } = stored.message.clone();
    let key = format!("{}.{:08x}", report.position.0, crc32fast::hash(&payload));
    let added = [
        (POSITION, report.position.0.to_string()),
        (REASON, report.reason.clone()),
    ];
    let added = added.map(|(name, value)| (name.to_owned(), value.into_bytes()));
    Message {
        key: Some(key.into_bytes()),
        headers: headers.into_iter().chain(added).collect(),
        payload,
    }
}
