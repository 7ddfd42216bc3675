//! An open line to the cluster: a client that is asked now and then and listens all the time, so that
//! what librdkafka has to say is heard and does not pile up.

use std::ops::Deref;
use std::sync::Arc;

use rdkafka::ClientConfig;
use rdkafka::consumer::StreamConsumer;
use rdkafka::error::KafkaError;
use tokio::task::JoinHandle;

use super::ear::Ear;

/// A consumer that is stopped without blocking whoever drops it: librdkafka joins its threads.
pub(super) struct Consumer(Option<StreamConsumer<Ear>>);

impl Consumer {
    pub(super) fn new(config: &ClientConfig, ear: &Ear) -> Result<Self, KafkaError> {
        config
            .create_with_context(ear.clone())
            .map(|consumer| Self(Some(consumer)))
    }
}

impl Deref for Consumer {
    type Target = StreamConsumer<Ear>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("taken out only by drop")
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        drop_elsewhere(self.0.take());
    }
}

/// Drops a client on a thread of its own.
pub(super) fn drop_elsewhere<T: Send + 'static>(client: T) {
    let mut client = Some(client);
    let dropping = std::thread::Builder::new().name("kafka-goodbye".into());
    // Without a thread it is dropped right here, with the closure that was refused.
    let _ = dropping.spawn(move || drop(client.take()));
}

/// A consumer that answers questions and keeps listening.
pub(super) struct Line {
    consumer: Arc<Consumer>,
    listening: JoinHandle<()>,
}

impl Line {
    pub(super) fn new(config: &ClientConfig, ear: &Ear) -> Result<Self, KafkaError> {
        let consumer = Arc::new(Consumer::new(config, ear)?);
        let heard = consumer.clone();
        let listening = tokio::spawn(async move {
            // Nothing is assigned, so nothing but trouble arrives; the ear has taken it in already.
            loop {
                if let Err(trouble) = heard.recv().await {
                    tracing::trace!("{trouble}");
                }
            }
        });
        Ok(Self { consumer, listening })
    }

    pub(super) fn consumer(&self) -> &Arc<Consumer> {
        &self.consumer
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
    }
}
