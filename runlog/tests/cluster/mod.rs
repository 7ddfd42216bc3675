//! The kit of the tests that need a real Kafka: a cluster made by `deploy/kafka/cluster`.
#![allow(dead_code, reason = "each test file uses its own part of the kit")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use kymo_runlog::kafka::KafkaLog;
use kymo_runlog::{KafkaConfig, Log, Message, Topic};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};

pub struct Cluster {
    folder: PathBuf,
    brokers: String,
    /// Whether it ends with this value.
    ours: bool,
}

impl Cluster {
    /// The three-broker cluster that `./test` has started, for good and for bad.
    pub fn given() -> Self {
        let need = "start a cluster and name it: docs/kafka.md, Tests";
        let brokers =
            std::env::var("KYMO_TEST_KAFKA").unwrap_or_else(|_| panic!("KYMO_TEST_KAFKA is not set; {need}"));
        let folder =
            std::env::var("KYMO_KAFKA_DIR").unwrap_or_else(|_| panic!("KYMO_KAFKA_DIR is not set; {need}"));
        let cluster = Self {
            folder: folder.into(),
            brokers,
            ours: false,
        };
        cluster.command(&["status"]);
        cluster
    }

    /// One of its own, gone with this value.
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let mut cluster = Self {
            folder: folder.to_owned(),
            brokers: String::new(),
            ours: true,
        };
        cluster.command(&[&["start"], arguments].concat());
        cluster.brokers = cluster.command(&["brokers"]).trim().to_owned();
        cluster
    }

    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// One of Kafka's own tools.
    pub fn tool(&self, arguments: &[&str]) -> String {
        let folder = self.folder.to_str().expect("a plain folder");
        self.run(&[&["tool", "--dir", folder], arguments].concat())
    }

    pub fn command(&self, arguments: &[&str]) -> String {
        let folder = self.folder.to_str().expect("a plain folder");
        self.run(&[arguments, &["--dir", folder]].concat())
    }

    fn run(&self, arguments: &[&str]) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kafka/cluster");
        let output = Command::new(script).args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "cluster {arguments:?}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// On a thread of its own: a broker's start takes seconds, and others go on meanwhile.
    pub async fn order(&self, arguments: &[&str]) {
        let owned: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let cluster = Self {
            folder: self.folder.clone(),
            brokers: self.brokers.clone(),
            ours: false,
        };
        let work = move || cluster.command(&owned.iter().map(String::as_str).collect::<Vec<_>>());
        tokio::task::spawn_blocking(work).await.unwrap();
    }

    pub fn config(&self) -> KafkaConfig {
        config(&self.brokers)
    }

    pub async fn open(&self) -> KafkaLog {
        KafkaLog::open(&self.config()).await.unwrap()
    }

    /// The number of the broker that leads a topic, and how many copies are in sync.
    pub fn leader(&self, topic: &Topic) -> (i32, usize) {
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", &self.brokers)
            .set("log_level", "0")
            .create()
            .unwrap();
        loop {
            let Ok(metadata) = consumer.fetch_metadata(Some(topic.as_str()), Duration::from_secs(2)) else {
                continue;
            };
            if let Some(partition) = metadata
                .topics()
                .first()
                .and_then(|topic| topic.partitions().first())
                && partition.leader() > 0
            {
                return (partition.leader(), partition.isr().len());
            }
        }
    }

    /// Until all copies of a topic are the same again.
    pub async fn in_sync(&self, topic: &Topic, copies: usize) {
        while self.leader(topic).1 < copies {
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.ours {
            self.command(&["remove"]);
        }
    }
}

pub fn config(brokers: &str) -> KafkaConfig {
    KafkaConfig {
        brokers: brokers.to_owned(),
        ..KafkaConfig::default()
    }
}

/// A topic of this test alone, made.
pub async fn new_topic(log: &KafkaLog, name: &str) -> Topic {
    let topic = Topic::parse(&format!("test.{name}.{}", uuid::Uuid::new_v4())).unwrap();
    log.create(&topic).await.unwrap();
    topic
}

pub fn numbered(number: usize) -> Message {
    Message {
        key: None,
        headers: vec![("number".to_owned(), number.to_string().into_bytes())],
        payload: format!("{{\"iteration\":{number}}}").into_bytes(),
    }
}

pub fn number(message: &Message) -> usize {
    message.header("number").unwrap().parse().unwrap()
}
