//! A topic's messages from its beginning, then as they come, over lost connections.

use std::time::Duration;

use anyhow::Context;
use futures::{FutureExt, StreamExt};
use kymo_runlog::{Log, LogError, LogStream, Position, Stored, Topic};
use tokio::time::sleep;

/// Bytes that are read at once while catching up: enough to be quick, too little to be felt.
const CHUNK: usize = 256 << 10;
/// Messages taken at once when many wait.
const MANY: usize = 256;
const PATIENCE: [u64; 6] = [100, 300, 1000, 3000, 10_000, 30_000];

/// One reader of one topic.
pub struct Feed<'a> {
    log: &'a dyn Log,
    topic: Topic,
    next: Position,
    /// While `None` there is more to read at once.
    news: Option<LogStream>,
    failures: usize,
}

impl<'a> Feed<'a> {
    pub fn new(log: &'a dyn Log, topic: Topic) -> Self {
        Self {
            log,
            topic,
            next: Position::START,
            news: None,
            failures: 0,
        }
    }

    /// Behind the last message that was handed out.
    pub fn position(&self) -> Position {
        self.next
    }

    /// Whether all that stood in the topic at the beginning has been handed out.
    pub fn caught_up(&self) -> bool {
        self.news.is_some()
    }

    /// Lets go of the log until the next call. A stream that is asked but not awaited may hold what
    /// another question to the log waits for.
    pub fn pause(&mut self) {
        self.news = None;
    }

    /// The next messages; waits for them. An error means that waiting does not help. Cancel-safe.
    pub async fn next(&mut self) -> anyhow::Result<Vec<Stored>> {
        loop {
            match self.try_next().await {
                Ok(batch) => {
                    self.failures = 0;
                    return Ok(batch);
                }
                Err(trouble) if trouble.is_passing() => {
                    self.news = None;
                    let pause = PATIENCE[self.failures.min(PATIENCE.len() - 1)];
                    self.failures += 1;
                    tracing::warn!(topic = %self.topic, %trouble, "waiting for the log");
                    sleep(Duration::from_millis(pause)).await;
                }
                Err(trouble) => {
                    return Err(trouble).with_context(|| format!("the graph of {} ends", self.topic));
                }
            }
        }
    }

    /// An empty batch says that the end of the topic was reached for the first time.
    async fn try_next(&mut self) -> Result<Vec<Stored>, LogError> {
        let Some(news) = &mut self.news else {
            let batch = self.log.read(&self.topic, self.next, CHUNK).await?;
            match batch.last() {
                Some(last) => self.next = last.position.next(),
                None => self.news = Some(self.log.follow(&self.topic, self.next).await?),
            }
            return Ok(batch);
        };
        let mut batch = Vec::new();
        let mut item = news.next().await;
        loop {
            match item {
                Some(Ok(stored)) => {
                    self.next = stored.position.next();
                    batch.push(stored);
                }
                // What was read before the trouble counts; the trouble comes again.
                Some(Err(_)) | None if !batch.is_empty() => {
                    self.news = None;
                    break;
                }
                Some(Err(trouble)) => return Err(trouble),
                None => {
                    let reason = "the stream of news ended".to_owned();
                    return Err(LogError::Away {
                        log: self.log.describe(),
                        reason,
                    });
                }
            }
            if batch.len() >= MANY {
                break;
            }
            match news.next().now_or_never() {
                Some(next) => item = next,
                None => break,
            }
        }
        Ok(batch)
    }
}
