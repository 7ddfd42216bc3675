//! Appending. Waits out every outage: nothing is given up, and what is not acknowledged yet is bounded
//! by a window, so that a solver waits instead of filling the memory.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesOrdered;
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::sync::Semaphore;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::MAX_MESSAGE;
use super::asker::Asker;
use super::ear::Ear;
use super::fault::{self, Fault};
use super::line::drop_elsewhere;
use super::settings::Settings;
use super::stored::to_headers;
use crate::{LogError, Message, Position, Topic};

/// Bytes without acknowledgement, all topics of this process together. One message always fits.
const WINDOW: usize = 2 * MAX_MESSAGE;
/// What librdkafka keeps beside the bytes of a message.
const OVERHEAD: usize = 512;
/// One broker that has just come back may refuse a good password for a moment.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(5);
/// After this long without an acknowledgement a person is told that we wait.
const TELL_AFTER: Duration = Duration::from_secs(15);

pub(super) struct Writer {
    pen: Arc<Pen>,
    asker: Arc<Asker>,
    /// Topics that were seen. A producer's first question for a topic is the one that could make it.
    seen: Mutex<HashSet<Topic>>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

/// What writes; shared with the batches on their way.
struct Pen {
    settings: Arc<Settings>,
    ear: Ear,
    producer: Mutex<Option<Producer>>,
    window: Arc<Semaphore>,
}

#[derive(Clone)]
struct Producer(Arc<Dropping>);

/// Flushing and joining threads takes up to half a second: not on the thread of whoever drops it.
struct Dropping(Option<FutureProducer<Ear>>);

impl Drop for Dropping {
    fn drop(&mut self) {
        drop_elsewhere(self.0.take());
    }
}

impl Writer {
    pub(super) fn new(settings: Arc<Settings>, ear: Ear, asker: Arc<Asker>) -> Self {
        let stop = CancellationToken::new();
        let pen = Pen {
            settings,
            ear,
            producer: Mutex::default(),
            window: Arc::new(Semaphore::new(WINDOW)),
        };
        Self {
            pen: Arc::new(pen),
            asker,
            seen: Mutex::default(),
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        }
    }

    pub(super) async fn append(&self, topic: &Topic, batch: Vec<Message>) -> Result<Vec<Position>, LogError> {
        if let Some(bytes) = batch.iter().map(Message::size).find(|bytes| *bytes > MAX_MESSAGE) {
            let log = self.asker.log().to_owned();
            return Err(LogError::TooLarge {
                topic: topic.clone(),
                bytes,
                limit: MAX_MESSAGE,
                log,
            });
        }
        if !self.seen().contains(topic) {
            if self.asker.find_topic(topic).await?.is_none() {
                return Err(LogError::UnknownTopic(topic.clone(), self.asker.log().to_owned()));
            }
            self.seen().insert(topic.clone());
        }
        // On a task of its own, because a caller who stops waiting cannot take back what was sent, and
        // the window must know of it.
        let (pen, name, stop) = (self.pen.clone(), topic.clone(), self.stop.clone());
        let sent = tokio::spawn(async move { stop.run_until_cancelled(pen.send(&name, batch)).await });
        let answer = match sent.await {
            Ok(Some(answer)) => answer,
            Ok(None) | Err(_) => Err(fault::away(self.asker.log(), &self.pen.ear, "the log was closed")),
        };
        if let Err(LogError::UnknownTopic(..)) = answer {
            self.forget(topic);
        }
        answer
    }

    /// The topic may be gone: ask before the next message.
    pub(super) fn forget(&self, topic: &Topic) {
        self.seen().remove(topic);
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashSet<Topic>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pen {
    async fn send(&self, topic: &Topic, batch: Vec<Message>) -> Result<Vec<Position>, LogError> {
        let log = self.settings.log_name();
        let producer = self.producer().map_err(|error| LogError::Broken {
            log,
            reason: error.to_string(),
        })?;
        let largest = batch.iter().map(Message::size).max().unwrap_or(0);
        let result = tokio::select! {
            result = self.deliver(&producer, topic, batch) => result.map_err(|error| {
                fault::to_log_error(&error, topic, &self.settings.log_name(), &self.ear)
            }),
            refusal = self.ear.refused_for(REFUSAL_PATIENCE) => {
                Err(fault::denied(&self.settings.log_name(), refusal))
            }
        };
        match result {
            Err(LogError::TooLarge {
                topic, limit, log, ..
            }) => Err(LogError::TooLarge {
                topic,
                bytes: largest,
                limit,
                log,
            }),
            result => result,
        }
    }

    async fn deliver(
        &self,
        producer: &Producer,
        topic: &Topic,
        batch: Vec<Message>,
    ) -> Result<Vec<Position>, KafkaError> {
        let mut positions = Vec::with_capacity(batch.len());
        let mut on_their_way = FuturesOrdered::new();
        let mut waiting = batch.into_iter();
        let mut next = waiting.next();
        loop {
            let room = next.as_ref().map(weight);
            tokio::select! {
                // Acknowledgements first: they make room.
                biased;
                Some(delivered) = on_their_way.next(), if !on_their_way.is_empty() => {
                    positions.push(self.delivered(producer, delivered)?);
                }
                permit = self.window.clone().acquire_many_owned(room.unwrap_or(0)), if room.is_some() => {
                    let permit = permit.map_err(|_| KafkaError::Canceled)?;
                    let Some(message) = next.take() else { continue };
                    let delivery = producer.send(topic, &message)?;
                    on_their_way.push_back(async move {
                        let delivered = delivery.await;
                        drop(permit);
                        delivered
                    });
                    next = waiting.next();
                }
                () = tokio::time::sleep(TELL_AFTER), if !on_their_way.is_empty() => {
                    let reason = self.ear.reason();
                    let reason = reason.as_deref().unwrap_or("too few brokers are in sync");
                    tracing::warn!("topic {topic}: still waiting for an acknowledgement ({reason})");
                }
                else => return Ok(positions),
            }
        }
    }

    fn delivered(
        &self,
        producer: &Producer,
        delivered: Result<
            rdkafka::producer::future_producer::OwnedDeliveryResult,
            futures::channel::oneshot::Canceled,
        >,
    ) -> Result<Position, KafkaError> {
        match delivered {
            Ok(Ok(delivery)) => {
                self.ear.well();
                Ok(Position(delivery.offset))
            }
            Ok(Err((error, _))) => {
                if fault::judge(&error) == Fault::Spent {
                    self.replace(producer);
                }
                Err(error)
            }
            Err(_) => Err(KafkaError::Canceled),
        }
    }

    fn producer(&self) -> Result<Producer, KafkaError> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = &*producer {
            return Ok(producer.clone());
        }
        let new = self.settings.producer().create_with_context(self.ear.clone())?;
        Ok(producer.insert(Producer(Arc::new(Dropping(Some(new))))).clone())
    }

    /// After a fatal error the next batch gets a new producer.
    fn replace(&self, spent: &Producer) {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        producer.take_if(|current| Arc::ptr_eq(&current.0, &spent.0));
    }
}

impl Producer {
    fn send(
        &self,
        topic: &Topic,
        message: &Message,
    ) -> Result<rdkafka::producer::DeliveryFuture, KafkaError> {
        let producer = self.0.0.as_ref().expect("taken out only by drop");
        let mut record = FutureRecord::to(topic.as_str())
            .partition(0)
            .payload(&message.payload)
            .headers(to_headers(&message.headers));
        if let Some(key) = &message.key {
            record = record.key(key);
        }
        producer.send_result(record).map_err(|(error, _)| error)
    }
}

fn weight(message: &Message) -> u32 {
    u32::try_from(message.size() + OVERHEAD).unwrap_or(u32::MAX)
}
