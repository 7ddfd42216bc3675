//! Where consumers go on reading: committed offsets of the groups `kymo.<consumer>`, so that every
//! foreign tool that shows lag shows theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::Instant;

use super::asker::{PATIENCE, REFUSAL_PATIENCE, TRY};
use super::ear::Ear;
use super::fault::{self, Fault};
use super::line::{Consumer, Line};
use super::settings::Settings;
use crate::{LogError, Position, Topic};

const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

pub(super) struct Offsets {
    settings: Arc<Settings>,
    ear: Ear,
    lines: Mutex<HashMap<String, Arc<Line>>>,
}

impl Offsets {
    pub(super) fn new(settings: Arc<Settings>, ear: Ear) -> Self {
        Self {
            settings,
            ear,
            lines: Mutex::default(),
        }
    }

    pub(super) async fn committed(
        &self,
        topic: &Topic,
        consumer: &str,
    ) -> Result<Option<Position>, LogError> {
        let name = topic.as_str().to_owned();
        let offsets = self
            .ask(topic, consumer, move |line| {
                let mut asked = TopicPartitionList::new();
                asked.add_partition(&name, 0);
                let offsets = line.committed_offsets(asked, TRY)?;
                let partition = offsets.find_partition(&name, 0);
                partition.map_or(Ok(Offset::Invalid), |found| {
                    found.error().map(|()| found.offset())
                })
            })
            .await?;
        match offsets {
            Offset::Offset(next) => Ok(Some(Position(next))),
            Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => {
                Ok(None)
            }
        }
    }

    /// Where a group stands in these topics; whoever the group belongs to, it is not joined.
    pub(super) async fn all_of(
        &self,
        group: &str,
        topics: &[String],
    ) -> Result<Vec<(String, Position)>, KafkaError> {
        let line = Line::new(&self.settings.member_of(group), &self.ear)?;
        let (consumer, topics) = (line.consumer().clone(), topics.to_vec());
        let asked = tokio::task::spawn_blocking(move || {
            let mut asked = TopicPartitionList::new();
            for topic in &topics {
                asked.add_partition(topic, 0);
            }
            let offsets = consumer.committed_offsets(asked, TRY)?;
            let place =
                |partition: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match partition
                    .offset()
                {
                    Offset::Offset(next) => Some((partition.topic().to_owned(), Position(next))),
                    Offset::Beginning
                    | Offset::End
                    | Offset::Stored
                    | Offset::Invalid
                    | Offset::OffsetTail(_) => None,
                };
            Ok(offsets.elements().iter().filter_map(place).collect())
        });
        asked.await.unwrap_or(Err(KafkaError::Canceled))
    }

    pub(super) async fn commit(&self, topic: &Topic, consumer: &str, next: Position) -> Result<(), LogError> {
        let name = topic.as_str().to_owned();
        self.ask(topic, consumer, move |line| {
            let mut offsets = TopicPartitionList::new();
            offsets.add_partition_offset(&name, 0, Offset::Offset(next.0))?;
            line.commit(&offsets, CommitMode::Sync)
        })
        .await
    }

    /// Repeats a question to a group's coordinator until it is answered, refused, or patience is over.
    async fn ask<T, F>(&self, topic: &Topic, consumer: &str, question: F) -> Result<T, LogError>
    where
        T: Send + 'static,
        F: Fn(&Consumer) -> Result<T, KafkaError> + Send + Sync + 'static,
    {
        let log = self.settings.log_name();
        let line = self.line(consumer).map_err(|error| LogError::Broken {
            log: log.clone(),
            reason: format!("consumer {consumer}: {error}"),
        })?;
        let question = Arc::new(question);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (line, question) = (line.consumer().clone(), question.clone());
            let asked = tokio::task::spawn_blocking(move || question(&line));
            let answer = tokio::select! {
                answer = asked => answer.unwrap_or(Err(KafkaError::Canceled)),
                refusal = self.ear.refused_for(REFUSAL_PATIENCE) => return Err(fault::denied(&log, refusal)),
            };
            let error = match answer {
                Ok(answer) => {
                    self.ear.well();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if self.ear.group_denied() {
                self.ear.well();
                let error = KafkaError::Global(RDKafkaErrorCode::GroupAuthorizationFailed);
                return Err(fault::to_log_error(&error, topic, &log, &self.ear));
            }
            if fault::judge(&error) != Fault::Passing || Instant::now() >= deadline {
                return Err(fault::to_log_error(&error, topic, &log, &self.ear));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn line(&self, consumer: &str) -> Result<Arc<Line>, KafkaError> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = lines.get(consumer) {
            return Ok(line.clone());
        }
        let line = Arc::new(Line::new(&self.settings.committer(consumer), &self.ear)?);
        lines.insert(consumer.to_owned(), line.clone());
        Ok(line)
    }
}
