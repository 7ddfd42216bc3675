//! The log on Apache Kafka, through rdkafka: one topic of one partition per run. What a log must do is
//! said by the trait and checked by its suite; why each setting is what it is stands in docs/kafka.md.

mod admin;
mod advice;
mod asker;
mod config;
mod ear;
mod fault;
mod line;
mod login;
mod offsets;
mod reader;
mod settings;
mod stored;
mod survey;
mod writer;

use std::sync::Arc;

use async_trait::async_trait;
use rdkafka::Offset;

use crate::{Log, LogError, LogStream, Message, Position, Stored, Surveyed, Topic};
use admin::Admin;
pub use config::KafkaConfig;

use asker::Asker;
use ear::Ear;
use offsets::Offsets;
use reader::Reader;
use settings::Settings;
use writer::Writer;

/// Largest message that this log takes, headers included. Topics are made to take it.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;

/// A Kafka cluster as a [`Log`].
pub struct KafkaLog {
    asker: Arc<Asker>,
    admin: Admin,
    writer: Writer,
    reader: Reader,
    offsets: Offsets,
    name: String,
}

impl KafkaLog {
    /// Connects, and returns once a broker has answered. Passwords and certificates are checked by that.
    pub async fn open(config: &KafkaConfig) -> Result<Self, LogError> {
        let settings = Arc::new(Settings::new(config)?);
        let name = settings.log_name();
        let ear = Ear::new(&name);
        let asker = Arc::new(Asker::new(&settings, &ear)?);
        asker.greet().await?;
        Ok(Self {
            admin: Admin::new(settings.clone(), ear.clone(), asker.clone(), config.replication),
            writer: Writer::new(settings.clone(), ear.clone(), asker.clone()),
            reader: Reader::new(settings.clone(), ear.clone(), asker.clone()),
            offsets: Offsets::new(settings, ear),
            asker,
            name,
        })
    }
}

#[async_trait]
impl Log for KafkaLog {
    async fn create(&self, topic: &Topic) -> Result<(), LogError> {
        self.admin.create(topic).await
    }

    async fn exists(&self, topic: &Topic) -> Result<bool, LogError> {
        Ok(self.asker.find_topic(topic).await?.is_some())
    }

    async fn append(&self, topic: &Topic, batch: Vec<Message>) -> Result<Vec<Position>, LogError> {
        match self.writer.append(topic, batch).await {
            // The broker says only that it is too much; a person wants to know what is allowed.
            Err(LogError::TooLarge {
                topic, bytes, log, ..
            }) if bytes <= MAX_MESSAGE => {
                let limit = self.admin.message_limit(&topic).await.unwrap_or(MAX_MESSAGE);
                Err(LogError::TooLarge {
                    topic,
                    bytes,
                    limit,
                    log,
                })
            }
            answer => answer,
        }
    }

    async fn read(&self, topic: &Topic, from: Position, max_bytes: usize) -> Result<Vec<Stored>, LogError> {
        self.reader.read(topic, from, max_bytes).await
    }

    async fn follow(&self, topic: &Topic, from: Position) -> Result<LogStream, LogError> {
        self.reader.follow(topic, from).await
    }

    async fn end(&self, topic: &Topic) -> Result<Position, LogError> {
        self.asker.end(topic).await
    }

    async fn clear(&self, topic: &Topic) -> Result<(), LogError> {
        self.admin.forget(topic, Offset::End).await
    }

    async fn trim(&self, topic: &Topic, before: Position) -> Result<(), LogError> {
        self.admin.forget(topic, Offset::Offset(before.0)).await
    }

    async fn delete(&self, topic: &Topic) -> Result<(), LogError> {
        self.writer.forget(topic);
        self.admin.delete(topic).await
    }

    async fn list(&self) -> Result<Vec<Topic>, LogError> {
        self.asker.topics().await
    }

    async fn survey(&self) -> Result<Vec<Surveyed>, LogError> {
        survey::survey(&self.asker, &self.admin, &self.offsets).await
    }

    async fn committed(&self, topic: &Topic, consumer: &str) -> Result<Option<Position>, LogError> {
        self.offsets.committed(topic, consumer).await
    }

    async fn commit(&self, topic: &Topic, consumer: &str, next: Position) -> Result<(), LogError> {
        self.offsets.commit(topic, consumer, next).await
    }

    async fn warnings(&self, topic: &Topic) -> Result<Vec<String>, LogError> {
        self.admin.warnings(topic).await
    }

    fn describe(&self) -> String {
        self.name.clone()
    }
}
