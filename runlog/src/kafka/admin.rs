//! Deeds that change topics: make, clear, delete. Each uses a client of its own for as long as it takes.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use rdkafka::admin::{
    AdminClient, AdminOptions, ConfigEntry, ConfigResource, ConfigResourceResult, NewTopic,
    OwnedResourceSpecifier, ResourceSpecifier, TopicReplication, TopicResult,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::MAX_MESSAGE;
use super::advice::{self, Configuration};
use super::asker::{self, Asker, PATIENCE, TRY};
use super::ear::Ear;
use super::fault::{self, Fault};
use super::settings::Settings;
use crate::{LogError, Topic};

/// A batch on the wire is a little more than its message.
const MAX_BATCH: usize = MAX_MESSAGE + 1024 * 1024;
/// A broker frees the space of whole segments only; the default of 1 GiB would keep what was trimmed long ago.
const SEGMENT: &str = "33554432";
/// What a run deserves; fewer brokers give fewer copies.
const COPIES: i32 = 3;
const REQUEST: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);
/// Topics whose settings are asked for in one question.
const AT_ONCE: usize = 200;
/// How long all brokers may take to learn of a change.
const SPREADING: Duration = Duration::from_secs(30);

pub(super) struct Admin {
    settings: Arc<Settings>,
    ear: Ear,
    asker: Arc<Asker>,
    replication: Option<i32>,
}

impl Admin {
    pub(super) fn new(
        settings: Arc<Settings>,
        ear: Ear,
        asker: Arc<Asker>,
        replication: Option<i32>,
    ) -> Self {
        Self {
            settings,
            ear,
            asker,
            replication,
        }
    }

    pub(super) async fn create(&self, topic: &Topic) -> Result<(), LogError> {
        if self.asker.find_topic(topic).await?.is_none() {
            self.make(topic).await?;
        }
        self.until_every_broker(topic, true).await
    }

    /// More copies than there are brokers are refused, also when one of three is only away for now and
    /// Kafka would place its copy later; so the wish comes first and the number of brokers second.
    async fn make(&self, topic: &Topic) -> Result<(), LogError> {
        let copies = self.replication.unwrap_or(COPIES);
        let mut answer = self.try_make(topic, copies).await;
        if self.replication.is_none()
            && matches!(
                answer,
                Err(KafkaError::AdminOp(RDKafkaErrorCode::InvalidReplicationFactor))
            )
        {
            let brokers = self.asker.brokers().await?.len();
            answer = self
                .try_make(topic, i32::try_from(brokers).unwrap_or(1).clamp(1, COPIES))
                .await;
        }
        match answer {
            Ok(()) | Err(KafkaError::AdminOp(RDKafkaErrorCode::TopicAlreadyExists)) => Ok(()),
            Err(KafkaError::AdminOp(RDKafkaErrorCode::InvalidReplicationFactor)) => Err(LogError::Broken {
                log: self.asker.log().to_owned(),
                reason: format!(
                    "topic {topic} cannot have {copies} copies: there are fewer brokers; lower `replication` in [log.kafka]"
                ),
            }),
            Err(KafkaError::AdminOp(RDKafkaErrorCode::InvalidTopic)) => Err(LogError::Broken {
                log: self.asker.log().to_owned(),
                reason: format!(
                    "Kafka refuses the name {topic}: another topic differs from it by `_` and `.` only"
                ),
            }),
            Err(error) => Err(self.explain(&error, topic)),
        }
    }

    async fn try_make(&self, topic: &Topic, copies: i32) -> Result<(), KafkaError> {
        let name = topic.as_str().to_owned();
        let is_trimmed = topic.is_trimmed();
        self.administer(move |admin| {
            let name = name.clone();
            async move {
                let bytes = MAX_BATCH.to_string();
                let mut new = NewTopic::new(&name, 1, TopicReplication::Fixed(copies))
                    .set("cleanup.policy", "delete")
                    .set("retention.ms", "-1")
                    .set("retention.bytes", "-1")
                    .set("min.insync.replicas", if copies >= 3 { "2" } else { "1" })
                    .set("unclean.leader.election.enable", "false")
                    .set("max.message.bytes", &bytes)
                    // The log's clock, not the writer's.
                    .set("message.timestamp.type", "LogAppendTime");
                if is_trimmed {
                    new = new.set("segment.bytes", SEGMENT);
                }
                first(admin.create_topics([&new], &options()).await?)
            }
        })
        .await
    }

    pub(super) async fn delete(&self, topic: &Topic) -> Result<(), LogError> {
        let name = topic.as_str().to_owned();
        let answer = self
            .administer(move |admin| {
                let name = name.clone();
                async move { first(admin.delete_topics(&[&name], &options()).await?) }
            })
            .await;
        match answer {
            Ok(()) => self.until_every_broker(topic, false).await,
            Err(error) => match fault::judge(&error) {
                Fault::UnknownTopic => Ok(()),
                Fault::Passing | Fault::Denied(_) | Fault::TooLarge | Fault::Spent | Fault::Broken => {
                    Err(self.explain(&error, topic))
                }
            },
        }
    }

    /// `DeleteRecords`: everything before the offset.
    pub(super) async fn forget(&self, topic: &Topic, before: Offset) -> Result<(), LogError> {
        if self.asker.find_topic(topic).await?.is_none() {
            return Err(LogError::UnknownTopic(topic.clone(), self.asker.log().to_owned()));
        }
        let name = topic.as_str().to_owned();
        self.administer(move |admin| {
            let name = name.clone();
            async move {
                let mut all = TopicPartitionList::new();
                all.add_partition_offset(&name, 0, before)?;
                let cleared = admin.delete_records(&all, &options()).await?;
                match cleared.elements().first().map(|partition| partition.error()) {
                    Some(Err(KafkaError::OffsetFetch(code))) => Err(KafkaError::AdminOp(code)),
                    Some(answer) => answer,
                    None => Err(KafkaError::AdminOp(RDKafkaErrorCode::Fail)),
                }
            }
        })
        .await
        .map_err(|error| match error {
            KafkaError::AdminOp(RDKafkaErrorCode::PolicyViolation) => LogError::Broken {
                log: self.asker.log().to_owned(),
                reason: format!(
                    "topic {topic} is compacted, so it cannot be cleared; set its cleanup.policy to delete"
                ),
            },
            error => self.explain(&error, topic),
        })
    }

    pub(super) async fn warnings(&self, topic: &Topic) -> Result<Vec<String>, LogError> {
        let Some(facts) = self.asker.find_topic(topic).await? else {
            return Err(LogError::UnknownTopic(topic.clone(), self.asker.log().to_owned()));
        };
        let brokers = self.asker.brokers().await?.len();
        match self.configuration(topic).await {
            Ok(configuration) => Ok(advice::advise(topic.as_str(), &facts, brokers, &configuration)),
            Err(error) => match fault::judge(&error) {
                // Not being allowed to look is no reason not to run.
                Fault::Denied(_) => Ok(vec![format!(
                    "the settings of topic {topic} cannot be checked: this user may not DescribeConfigs it; make sure that retention.ms=-1"
                )]),
                Fault::UnknownTopic | Fault::Passing | Fault::TooLarge | Fault::Spent | Fault::Broken => {
                    Err(self.explain(&error, topic))
                }
            },
        }
    }

    /// The topic's own limit, if it can be seen.
    pub(super) async fn message_limit(&self, topic: &Topic) -> Option<usize> {
        self.configuration(topic)
            .await
            .ok()?
            .get("max.message.bytes")?
            .parse()
            .ok()
    }

    async fn configuration(&self, topic: &Topic) -> Result<Configuration, KafkaError> {
        let answers = self.describe(vec![topic.as_str().to_owned()]).await?;
        let answer = answers.into_iter().next().unwrap_or(Err(RDKafkaErrorCode::Fail));
        Ok(settings_in(answer.map_err(KafkaError::AdminOp)?))
    }

    /// The settings of many topics, of those that this user may see.
    pub(super) async fn configurations(&self, topics: &[String]) -> HashMap<String, Configuration> {
        let mut found = HashMap::new();
        for some in topics.chunks(AT_ONCE) {
            let Ok(answers) = self.describe(some.to_vec()).await else {
                continue;
            };
            for resource in answers.into_iter().flatten() {
                if let OwnedResourceSpecifier::Topic(name) = &resource.specifier {
                    found.insert(name.clone(), settings_in(resource));
                }
            }
        }
        found
    }

    async fn describe(&self, topics: Vec<String>) -> Result<Vec<ConfigResourceResult>, KafkaError> {
        self.administer(move |admin| {
            let topics = topics.clone();
            async move {
                let asked: Vec<ResourceSpecifier<'_>> =
                    topics.iter().map(|name| ResourceSpecifier::Topic(name)).collect();
                admin.describe_configs(&asked, &options()).await
            }
        })
        .await
    }

    /// Another broker may say "unknown topic" for a moment, so each is asked by itself.
    async fn until_every_broker(&self, topic: &Topic, shown: bool) -> Result<(), LogError> {
        let deadline = Instant::now() + SPREADING;
        loop {
            let brokers = self.asker.brokers().await?;
            let answers = join_all(brokers.iter().map(|broker| self.shows(broker, topic))).await;
            let lagging = brokers
                .iter()
                .zip(answers)
                .find(|(_, answer)| *answer != Ok(shown));
            let Some((broker, answer)) = lagging else {
                return Ok(());
            };
            if Instant::now() >= deadline {
                let said = match answer {
                    Ok(_) if shown => format!("broker {broker} still does not know topic {topic}"),
                    Ok(_) => format!("broker {broker} still shows topic {topic}"),
                    Err(error) => format!("broker {broker} does not answer: {error}"),
                };
                return Err(fault::away(self.asker.log(), &self.ear, &said));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A client that knows one broker only, and goes before it learns of the others.
    async fn shows(&self, broker: &str, topic: &Topic) -> Result<bool, KafkaError> {
        let config = self.settings.probe(broker);
        let name = topic.as_str().to_owned();
        let asked = tokio::task::spawn_blocking(move || {
            let consumer: BaseConsumer = config.create()?;
            let metadata = consumer.fetch_metadata(Some(&name), TRY)?;
            Ok(asker::find_topic(&metadata, &name)?.is_some())
        });
        asked.await.unwrap_or(Err(KafkaError::Canceled))
    }

    /// Repeats a deed while that can help.
    async fn administer<T, F, D>(&self, deed: D) -> Result<T, KafkaError>
    where
        T: Send + 'static,
        D: Fn(Arc<AdminClient<DefaultClientContext>>) -> F + Clone + Send + 'static,
        F: Future<Output = Result<T, KafkaError>> + Send + 'static,
    {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (config, deed) = (self.settings.admin(), deed.clone());
            let (tell, told) = oneshot::channel();
            tokio::task::spawn_blocking(move || {
                let answer = config
                    .create_with_context(DefaultClientContext)
                    .map(Arc::new)
                    .and_then(|admin: Arc<AdminClient<_>>| {
                        let answer = futures::executor::block_on(deed(admin.clone()));
                        Ok((answer?, admin))
                    });
                match answer {
                    Ok((answer, admin)) => {
                        // Told before the client is dropped: that takes a tenth of a second.
                        let _ = tell.send(Ok(answer));
                        drop(admin);
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            });
            let answer = told.await.unwrap_or(Err(KafkaError::Canceled));
            match &answer {
                Err(error) if fault::judge(error) == Fault::Passing && Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                Ok(_) | Err(_) => return answer,
            }
        }
    }

    fn explain(&self, error: &KafkaError, topic: &Topic) -> LogError {
        match self.ear.refusal() {
            Some(refusal) => fault::denied(self.asker.log(), refusal),
            None => fault::to_log_error(error, topic, self.asker.log(), &self.ear),
        }
    }
}

fn settings_in(resource: ConfigResource) -> Configuration {
    let setting = |entry: ConfigEntry| Some((entry.name, entry.value?));
    resource.entries.into_iter().filter_map(setting).collect()
}

fn options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(REQUEST))
        .operation_timeout(Some(REQUEST))
}

fn first(results: Vec<TopicResult>) -> Result<(), KafkaError> {
    match results.into_iter().next() {
        Some(Ok(_)) => Ok(()),
        Some(Err((_, code))) => Err(KafkaError::AdminOp(code)),
        None => Err(KafkaError::AdminOp(RDKafkaErrorCode::Fail)),
    }
}
