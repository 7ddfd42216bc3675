//! The log as a machine sees it whose clock is wrong: only the difference between the two clocks can matter.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures::StreamExt;
use kymo_runlog::{Log, LogError, LogStream, Message, Position, Stored, Surveyed, Topic};

/// The log, for a machine whose clock is so many seconds ahead of it.
pub fn ahead(log: Arc<dyn Log>, seconds: Option<String>) -> Arc<dyn Log> {
    let seconds = seconds.map_or(0, |text| text.parse().expect("seconds"));
    match seconds {
        0 => log,
        seconds => Arc::new(Ahead(log, TimeDelta::seconds(seconds))),
    }
}

struct Ahead(Arc<dyn Log>, TimeDelta);

fn earlier(stored: Stored, by: TimeDelta) -> Stored {
    Stored {
        at: stored.at - by,
        ..stored
    }
}

#[async_trait]
impl Log for Ahead {
    async fn create(&self, topic: &Topic) -> Result<(), LogError> {
        self.0.create(topic).await
    }

    async fn exists(&self, topic: &Topic) -> Result<bool, LogError> {
        self.0.exists(topic).await
    }

    async fn append(&self, topic: &Topic, batch: Vec<Message>) -> Result<Vec<Position>, LogError> {
        self.0.append(topic, batch).await
    }

    async fn read(&self, topic: &Topic, from: Position, max_bytes: usize) -> Result<Vec<Stored>, LogError> {
        let read = self.0.read(topic, from, max_bytes).await?;
        Ok(read.into_iter().map(|stored| earlier(stored, self.1)).collect())
    }

    async fn follow(&self, topic: &Topic, from: Position) -> Result<LogStream, LogError> {
        let by = self.1;
        let stream = self.0.follow(topic, from).await?;
        Ok(Box::pin(
            stream.map(move |stored| stored.map(|stored| earlier(stored, by))),
        ))
    }

    async fn end(&self, topic: &Topic) -> Result<Position, LogError> {
        self.0.end(topic).await
    }

    async fn clear(&self, topic: &Topic) -> Result<(), LogError> {
        self.0.clear(topic).await
    }

    async fn trim(&self, topic: &Topic, before: Position) -> Result<(), LogError> {
        self.0.trim(topic, before).await
    }

    async fn delete(&self, topic: &Topic) -> Result<(), LogError> {
        self.0.delete(topic).await
    }

    async fn list(&self) -> Result<Vec<Topic>, LogError> {
        self.0.list().await
    }

    async fn survey(&self) -> Result<Vec<Surveyed>, LogError> {
        self.0.survey().await
    }

    async fn committed(&self, topic: &Topic, consumer: &str) -> Result<Option<Position>, LogError> {
        self.0.committed(topic, consumer).await
    }

    async fn commit(&self, topic: &Topic, consumer: &str, next: Position) -> Result<(), LogError> {
        self.0.commit(topic, consumer, next).await
    }

    async fn warnings(&self, topic: &Topic) -> Result<Vec<String>, LogError> {
        self.0.warnings(topic).await
    }

    fn describe(&self) -> String {
        self.0.describe()
    }
}
