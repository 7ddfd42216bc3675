//! Questions to the cluster that change nothing: which brokers, which topics, where they end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::metadata::Metadata;
use tokio::time::Instant;

use super::ear::Ear;
use super::fault::{self, Fault};
use super::line::{Consumer, Line};
use super::settings::Settings;
use crate::{LogError, Position, Span, Topic};

/// One try; a frozen broker must not use up all patience.
pub(super) const TRY: Duration = Duration::from_secs(2);
/// How long a question is repeated: a new leader is there after 5 to 7 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// At the start somebody waits at a terminal.
const GREETING_PATIENCE: Duration = Duration::from_secs(5);
/// A refusal counts when no other broker answers meanwhile.
pub(super) const REFUSAL_PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Asker {
    line: Line,
    ear: Ear,
    log: String,
}

/// `host:port` of a broker.
pub(super) type Address = String;

/// What the cluster says about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TopicFacts {
    pub(super) partitions: usize,
    /// Copies of partition 0.
    pub(super) replicas: usize,
}

impl Asker {
    pub(super) fn new(settings: &Settings, ear: &Ear) -> Result<Self, LogError> {
        let log = settings.log_name();
        let line = Line::new(&settings.asker(), ear).map_err(|error| LogError::Broken {
            log: log.clone(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            line,
            ear: ear.clone(),
            log,
        })
    }

    pub(super) fn log(&self) -> &str {
        &self.log
    }

    /// Whether anybody is there and lets us in.
    pub(super) async fn greet(&self) -> Result<(), LogError> {
        self.ask(GREETING_PATIENCE, None, |consumer| {
            consumer.fetch_metadata(None, TRY)
        })
        .await?;
        Ok(())
    }

    pub(super) async fn brokers(&self) -> Result<Vec<Address>, LogError> {
        let metadata = self
            .ask(PATIENCE, None, |consumer| consumer.fetch_metadata(None, TRY))
            .await?;
        Ok(metadata
            .brokers()
            .iter()
            .map(|broker| format!("{}:{}", broker.host(), broker.port()))
            .collect())
    }

    pub(super) async fn topics(&self) -> Result<Vec<Topic>, LogError> {
        let metadata = self
            .ask(PATIENCE, None, |consumer| consumer.fetch_metadata(None, TRY))
            .await?;
        // What has another kind of name (Kafka's own begin with `__`) is none of ours.
        let mut topics: Vec<Topic> = metadata
            .topics()
            .iter()
            .filter_map(|topic| Topic::parse(topic.name()).ok())
            .collect();
        topics.sort();
        Ok(topics)
    }

    /// All topics with their numbers of partitions, those of others included; without Kafka's own.
    pub(super) async fn all_topics(&self) -> Result<Vec<(String, usize)>, LogError> {
        let metadata = self
            .ask(PATIENCE, None, |consumer| consumer.fetch_metadata(None, TRY))
            .await?;
        let mut topics: Vec<(String, usize)> = metadata
            .topics()
            .iter()
            .filter(|topic| !topic.name().starts_with("__"))
            .map(|topic| (topic.name().to_owned(), topic.partitions().len()))
            .collect();
        topics.sort();
        Ok(topics)
    }

    /// Where first partitions begin and end. Whose leader is away just now is left out.
    pub(super) async fn spans(&self, topics: Vec<String>) -> Result<HashMap<String, Span>, LogError> {
        self.ask(PATIENCE, None, move |consumer| {
            let span = |topic: &String| {
                let span = super::survey::span(consumer.fetch_watermarks(topic, 0, TRY).ok()?);
                Some((topic.clone(), span))
            };
            Ok(topics.iter().filter_map(span).collect())
        })
        .await
    }

    /// The names of all groups that commit positions.
    pub(super) async fn groups(&self) -> Result<Vec<String>, LogError> {
        // The answer itself stays on the thread that asked.
        let mut names: Vec<String> = self
            .ask(PATIENCE, None, |consumer| {
                let groups = consumer.fetch_group_list(None, TRY)?;
                Ok(groups
                    .groups()
                    .iter()
                    .map(|group| group.name().to_owned())
                    .collect())
            })
            .await?;
        names.sort();
        names.dedup();
        Ok(names)
    }

    pub(super) async fn find_topic(&self, topic: &Topic) -> Result<Option<TopicFacts>, LogError> {
        let name = topic.as_str().to_owned();
        self.ask(PATIENCE, Some(topic), move |consumer| {
            find_topic(&consumer.fetch_metadata(Some(&name), TRY)?, &name)
        })
        .await
    }

    /// Where the next message will stand: the high watermark.
    pub(super) async fn end(&self, topic: &Topic) -> Result<Position, LogError> {
        if self.find_topic(topic).await?.is_none() {
            return Err(LogError::UnknownTopic(topic.clone(), self.log.clone()));
        }
        let name = topic.as_str().to_owned();
        let (_, end) = self
            .ask(PATIENCE, Some(topic), move |consumer| {
                consumer.fetch_watermarks(&name, 0, TRY)
            })
            .await?;
        Ok(Position(end))
    }

    /// Repeats a question until it is answered, refused, or `patience` is over.
    async fn ask<T, F>(&self, patience: Duration, topic: Option<&Topic>, question: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: Fn(&Consumer) -> Result<T, KafkaError> + Send + Sync + 'static,
    {
        let question = Arc::new(question);
        let begun = Instant::now();
        loop {
            let (consumer, question) = (self.line.consumer().clone(), question.clone());
            let asked = tokio::task::spawn_blocking(move || question(&consumer));
            let answer = tokio::select! {
                answer = asked => answer,
                refusal = self.ear.refused_for(REFUSAL_PATIENCE) => return Err(fault::denied(&self.log, refusal)),
            };
            let error = match answer {
                Ok(Ok(answer)) => {
                    self.ear.well();
                    return Ok(answer);
                }
                Ok(Err(error)) => error,
                Err(stopped) => {
                    return Err(LogError::Broken {
                        log: self.log.clone(),
                        reason: stopped.to_string(),
                    });
                }
            };
            let again = match fault::judge(&error) {
                Fault::Passing => begun.elapsed() < patience,
                // A broker that has just learned of it may say so for a moment.
                Fault::UnknownTopic => begun.elapsed() < TRY,
                Fault::Denied(_) | Fault::TooLarge | Fault::Spent | Fault::Broken => false,
            };
            if !again {
                return Err(match topic {
                    Some(topic) => fault::to_log_error(&error, topic, &self.log, &self.ear),
                    None => fault::away(&self.log, &self.ear, &error.to_string()),
                });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// The topic in an answer; `None` when the answering broker does not know it.
pub(super) fn find_topic(metadata: &Metadata, name: &str) -> Result<Option<TopicFacts>, KafkaError> {
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else {
        return Ok(None);
    };
    match topic.error().map(RDKafkaErrorCode::from) {
        None => {}
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopicId) => {
            return Ok(None);
        }
        Some(code) => return Err(KafkaError::MetadataFetch(code)),
    }
    let Some(first) = topic.partitions().iter().find(|partition| partition.id() == 0) else {
        return Err(KafkaError::MetadataFetch(RDKafkaErrorCode::LeaderNotAvailable));
    };
    Ok(Some(TopicFacts {
        partitions: topic.partitions().len(),
        replicas: first.replicas().len(),
    }))
}
