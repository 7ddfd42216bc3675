//! Reading from a position: a piece at a time, or everything and then the news. Consumers are assigned,
//! never members of a group, so nothing rebalances and two readers never share.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::stream;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::Instant;

use super::asker::{Asker, PATIENCE};
use super::ear::Ear;
use super::fault::{self, Fault};
use super::line::Consumer;
use super::settings::Settings;
use super::stored::to_stored;
use crate::{LogError, LogStream, Position, Stored, Topic};

/// One broker that has just come back may refuse a good password for a moment.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

pub(super) struct Reader {
    desk: Desk,
    /// The consumer of the last `read`, for the one that goes on where it ended.
    open: Mutex<Option<Reading>>,
}

/// What every reading needs.
#[derive(Clone)]
struct Desk {
    settings: Arc<Settings>,
    ear: Ear,
    asker: Arc<Asker>,
}

impl Reader {
    pub(super) fn new(settings: Arc<Settings>, ear: Ear, asker: Arc<Asker>) -> Self {
        Self {
            desk: Desk { settings, ear, asker },
            open: Mutex::default(),
        }
    }

    pub(super) async fn read(
        &self,
        topic: &Topic,
        from: Position,
        max_bytes: usize,
    ) -> Result<Vec<Stored>, LogError> {
        let end = self.desk.asker.end(topic).await?;
        if from >= end {
            return Ok(Vec::new());
        }
        let taken = self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut reading = match taken {
            Some(reading) if reading.goes_on(topic, from) => reading,
            Some(reading) => reading.turn_to(&self.desk, topic, from)?,
            None => Reading::new(&self.desk, topic, from)?,
        };
        let batch = reading.read_until(&self.desk, end, max_bytes).await?;
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
        Ok(batch)
    }

    pub(super) async fn follow(&self, topic: &Topic, from: Position) -> Result<LogStream, LogError> {
        if self.desk.asker.find_topic(topic).await?.is_none() {
            return Err(LogError::UnknownTopic(
                topic.clone(),
                self.desk.asker.log().to_owned(),
            ));
        }
        let consumer = self.desk.consumer(false, topic, from)?;
        let following = Following {
            desk: self.desk.clone(),
            topic: topic.clone(),
            next: from,
            begun: false,
            consumer,
        };
        Ok(Box::pin(stream::unfold(
            Some(following),
            |following| async move {
                let mut following = following?;
                match following.next().await {
                    Ok(stored) => Some((Ok(stored), Some(following))),
                    Err(error) => Some((Err(error), None)),
                }
            },
        )))
    }
}

impl Desk {
    fn consumer(&self, tell_end: bool, topic: &Topic, from: Position) -> Result<Consumer, LogError> {
        let config = if tell_end {
            self.settings.reader_to_end()
        } else {
            self.settings.reader()
        };
        Consumer::new(&config, &self.ear)
            .and_then(|consumer| assign(&consumer, topic, from).map(|()| consumer))
            .map_err(|error| self.explain(&error, topic))
    }

    fn explain(&self, error: &KafkaError, topic: &Topic) -> LogError {
        fault::to_log_error(error, topic, self.asker.log(), &self.ear)
    }
}

fn assign(consumer: &Consumer, topic: &Topic, from: Position) -> Result<(), KafkaError> {
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic.as_str(), 0, Offset::Offset(from.0.max(0)))?;
    consumer.assign(&assignment)
}

/// A consumer at a place, between two calls of `read`.
struct Reading {
    consumer: Consumer,
    topic: Topic,
    next: Position,
    /// Fetched, but too large for the piece that was asked for.
    kept: Option<Stored>,
    /// Its assignment was given back: nothing is fetched for a reader that has all.
    at_rest: bool,
}

impl Reading {
    fn new(desk: &Desk, topic: &Topic, from: Position) -> Result<Self, LogError> {
        let consumer = desk.consumer(true, topic, from)?;
        Ok(Self {
            consumer,
            topic: topic.clone(),
            next: from,
            kept: None,
            at_rest: false,
        })
    }

    fn goes_on(&self, topic: &Topic, from: Position) -> bool {
        !self.at_rest && self.topic == *topic && self.next == from
    }

    fn turn_to(self, desk: &Desk, topic: &Topic, from: Position) -> Result<Self, LogError> {
        assign(&self.consumer, topic, from).map_err(|error| desk.explain(&error, topic))?;
        Ok(Self {
            topic: topic.clone(),
            next: from,
            kept: None,
            at_rest: false,
            ..self
        })
    }

    async fn read_until(
        &mut self,
        desk: &Desk,
        end: Position,
        max_bytes: usize,
    ) -> Result<Vec<Stored>, LogError> {
        let mut batch: Vec<Stored> = Vec::new();
        let mut bytes = 0;
        let mut deadline = Instant::now() + PATIENCE;
        while self.next < end {
            let got = match self.kept.take() {
                Some(stored) => Ok(stored),
                None => self.fetch(desk, deadline).await?,
            };
            let stored = match got {
                Ok(stored) => stored,
                Err(End) => break,
            };
            if stored.position < self.next {
                continue;
            }
            bytes += stored.message.payload.len();
            if bytes > max_bytes && !batch.is_empty() {
                self.kept = Some(stored);
                return Ok(batch);
            }
            self.next = stored.position.next();
            batch.push(stored);
            deadline = Instant::now() + PATIENCE;
        }
        // Nothing more to come: stop asking the broker.
        self.at_rest = self.consumer.unassign().is_ok();
        Ok(batch)
    }

    async fn fetch(&self, desk: &Desk, deadline: Instant) -> Result<Result<Stored, End>, LogError> {
        loop {
            let error = tokio::select! {
                got = self.consumer.recv() => match got {
                    Ok(message) => {
                        desk.ear.well();
                        return Ok(Ok(to_stored(&message)));
                    }
                    Err(KafkaError::PartitionEOF(_)) => return Ok(Err(End)),
                    Err(error) => error,
                },
                refusal = desk.ear.refused_for(REFUSAL_PATIENCE) => {
                    return Err(fault::denied(desk.asker.log(), refusal));
                }
                () = tokio::time::sleep_until(deadline) => {
                    return Err(fault::away(desk.asker.log(), &desk.ear, "no broker sends the records"));
                }
            };
            match fault::judge(&error) {
                Fault::Passing => {}
                Fault::UnknownTopic | Fault::Denied(_) | Fault::TooLarge | Fault::Spent | Fault::Broken => {
                    return Err(desk.explain(&error, &self.topic));
                }
            }
        }
    }
}

/// The topic's end was reached.
struct End;

/// A consumer that goes on for ever.
struct Following {
    desk: Desk,
    topic: Topic,
    next: Position,
    /// Whether anything was delivered yet.
    begun: bool,
    consumer: Consumer,
}

impl Following {
    async fn next(&mut self) -> Result<Stored, LogError> {
        loop {
            let got = tokio::select! {
                got = self.consumer.recv() => got.map(|message| to_stored(&message)),
                refusal = self.desk.ear.refused_for(REFUSAL_PATIENCE) => {
                    return Err(fault::denied(self.desk.asker.log(), refusal));
                }
            };
            match got {
                Ok(stored) => {
                    self.desk.ear.well();
                    if stored.position >= self.next {
                        self.next = stored.position.next();
                        self.begun = true;
                        return Ok(stored);
                    }
                    // Positions only grow. Falling back behind what was delivered means that the topic
                    // was deleted and made anew; before that, it is what nobody asked for.
                    if self.begun {
                        return Err(self.unknown_topic());
                    }
                }
                Err(error) => self.recover(&error).await?,
            }
        }
    }

    /// Only permanent faults end a stream; librdkafka waits out the others by itself.
    async fn recover(&mut self, error: &KafkaError) -> Result<(), LogError> {
        match fault::judge(error) {
            Fault::Passing => Ok(()),
            Fault::UnknownTopic | Fault::Spent => loop {
                match self.desk.asker.find_topic(&self.topic).await {
                    Ok(None) => return Err(self.unknown_topic()),
                    Ok(Some(_)) => {
                        tokio::time::sleep(PAUSE).await;
                        self.consumer = self.desk.consumer(false, &self.topic, self.next)?;
                        return Ok(());
                    }
                    Err(error) if error.is_passing() => {}
                    Err(error) => return Err(error),
                }
            },
            Fault::Denied(_) | Fault::TooLarge | Fault::Broken => Err(self.desk.explain(error, &self.topic)),
        }
    }

    fn unknown_topic(&self) -> LogError {
        LogError::UnknownTopic(self.topic.clone(), self.desk.asker.log().to_owned())
    }
}
