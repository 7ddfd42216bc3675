//! Whether the log answers and takes what is written: what the panels say while it does not.

use std::time::Duration;

use chrono::Utc;
use futures::future::join_all;
use kymo_runlog::{Log, LogError, Position, Topic, claim};

use super::{Known, LOOK};
use crate::panel::Panels;

/// A broker that is only busy answers sooner.
const PATIENCE: Duration = Duration::from_secs(2);
/// A cluster that has lost too many brokers to take a record still lets its readers read, so this is written.
const ALIVE: &str = "bot-alive";
/// With more runs than this, those that ran longest speak for the others.
const ASKED: usize = 50;

/// Asks again and again, and tells the panels while there is no answer.
pub async fn watch(log: &dyn Log, known: &Known, panels: &Panels) {
    loop {
        tokio::time::sleep(LOOK).await;
        let asked = Utc::now();
        if answers_within_patience(log, &topics(known)).await {
            continue;
        }
        // A bot that stops needs no caption any more.
        let _ = panels.log_is_mute(Some(asked)).await;
        tracing::warn!("the log gives no answer");
        while !answers_within_patience(log, &topics(known)).await {
            tokio::time::sleep(LOOK).await;
        }
        let _ = panels.log_is_mute(None).await;
        tracing::info!("the log answers again");
    }
}

/// Each topic may have a leader of its own.
fn topics(known: &Known) -> Vec<Topic> {
    let state = known.read();
    let busy = state.runs.listed().into_iter().filter(|run| run.phase.is_busy());
    let mut topics: Vec<Topic> = busy.take(ASKED).map(|run| run.topic.clone()).collect();
    topics.push(claim::topic());
    topics
}

async fn answers_within_patience(log: &dyn Log, topics: &[Topic]) -> bool {
    let answers = join_all(topics.iter().map(|topic| log.end(topic)));
    let Ok(answers) = tokio::time::timeout(PATIENCE, answers).await else {
        return false;
    };
    // Whatever else is wrong is told where it matters.
    let answered = !answers
        .iter()
        .any(|answer| matches!(answer, Err(LogError::Away { .. })));
    // Only while something runs is it worth a write.
    answered && (topics.len() == 1 || takes(log).await)
}

/// Whether the log takes what is written.
pub async fn takes(log: &dyn Log) -> bool {
    let claims = claim::topic();
    let written = tokio::time::timeout(PATIENCE * 2, log.commit(&claims, ALIVE, Position::START)).await;
    !matches!(written, Err(_) | Ok(Err(LogError::Away { .. })))
}
