//! What our clients ask of librdkafka. The reasons are measurements: docs/kafka.md, "Settings".

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use super::login::Login;
use super::{KafkaConfig, MAX_MESSAGE};
use crate::LogError;

/// A cluster's address and how to be let in: parsed once, then every client is made from it.
pub(super) struct Settings {
    brokers: String,
    compression: Compression,
    login: Login,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    Gzip,
    Lz4,
    Zstd,
    Snappy,
    None,
}

impl Settings {
    pub(super) fn new(config: &KafkaConfig) -> Result<Self, LogError> {
        let brokers = parse_brokers(&config.brokers)?;
        let wrong = |reason: String| misused(&brokers, reason);
        let compression = match config.compression.as_deref() {
            None | Some("gzip") => Compression::Gzip,
            Some("lz4") => Compression::Lz4,
            Some("zstd") => Compression::Zstd,
            Some("snappy") => Compression::Snappy,
            Some("none") => Compression::None,
            Some(other) => {
                return Err(wrong(format!(
                    "unknown compression {other:?}; choose gzip, lz4, zstd, snappy or none"
                )));
            }
        };
        if let Some(replication) = config
            .replication
            .filter(|n| !(1..=i32::from(i16::MAX)).contains(n))
        {
            return Err(wrong(format!(
                "replication = {replication}; give the number of copies, 1 or more"
            )));
        }
        let login = Login::read(config).map_err(wrong)?;
        Ok(Self {
            brokers,
            compression,
            login,
        })
    }

    /// How errors and people call this log.
    pub(super) fn log_name(&self) -> String {
        log_name(&self.brokers)
    }

    fn common(&self, brokers: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set_log_level(RDKafkaLogLevel::Info)
            .set("bootstrap.servers", brokers)
            .set("client.id", "kymo")
            // Asking for a topic must not make it, whatever the brokers would allow.
            .set("allow.auto.create.topics", "false")
            .set("socket.timeout.ms", "4000")
            .set("socket.max.fails", "1")
            .set("socket.connection.setup.timeout.ms", "5000")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "1000")
            .set("topic.metadata.refresh.interval.ms", "2000")
            .set("topic.metadata.propagation.max.ms", "1000");
        self.login.apply(&mut config);
        config
    }

    /// For questions: metadata and end positions. Belongs to no group.
    pub(super) fn asker(&self) -> ClientConfig {
        self.common(&self.brokers)
    }

    /// For a question to one broker and no other.
    pub(super) fn probe(&self, broker: &str) -> ClientConfig {
        self.common(broker)
    }

    /// For one administrative deed. Its log is not listened to, so it must not pile up.
    pub(super) fn admin(&self) -> ClientConfig {
        let mut config = self.common(&self.brokers);
        config.set_log_level(RDKafkaLogLevel::Emerg);
        config
    }

    pub(super) fn producer(&self) -> ClientConfig {
        let mut config = self.common(&self.brokers);
        config
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("request.timeout.ms", "2000")
            // Never given up: an outage of hours is waited out, in a window that the writer bounds.
            .set("message.timeout.ms", "0")
            .set("queue.buffering.max.messages", "0")
            .set("message.max.bytes", MAX_MESSAGE.to_string())
            .set("linger.ms", "0");
        match self.compression {
            Compression::Gzip => config
                .set("compression.type", "gzip")
                .set("compression.level", "1"),
            Compression::Lz4 => config.set("compression.type", "lz4"),
            Compression::Zstd => config.set("compression.type", "zstd"),
            Compression::Snappy => config.set("compression.type", "snappy"),
            Compression::None => config.set("compression.type", "none"),
        };
        config
    }

    /// For reading from a position. It is assigned to its topic and never joins its group.
    pub(super) fn reader(&self) -> ClientConfig {
        let mut config = self.common(&self.brokers);
        config
            .set("group.id", "kymo.readers")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // A position before the first record (it was cleared) goes on with the first there is.
            .set("auto.offset.reset", "earliest")
            // A foreign transaction that is left open must not hold up a reader.
            .set("isolation.level", "read_uncommitted")
            .set("check.crcs", "true")
            // The broker answers as soon as there is one byte; the wait only bounds an empty one.
            .set("fetch.min.bytes", "1")
            .set("fetch.wait.max.ms", "500")
            .set("fetch.error.backoff.ms", "50")
            // Small buffers: a graph worker should stay small. Without the short backoff a full
            // buffer would stop fetching for a second.
            .set("fetch.message.max.bytes", (512 * 1024).to_string())
            .set("queued.max.messages.kbytes", "2048")
            .set("fetch.queue.backoff.ms", "20");
        config
    }

    /// The same for a replay: the end of the topic is told, and the buffers are large for its short life.
    pub(super) fn reader_to_end(&self) -> ClientConfig {
        let mut config = self.reader();
        config
            .set("enable.partition.eof", "true")
            .set("fetch.message.max.bytes", (2 * 1024 * 1024).to_string())
            .set("queued.max.messages.kbytes", "8192");
        config
    }

    /// For a consumer's committed position, as foreign tools see it.
    pub(super) fn committer(&self, consumer: &str) -> ClientConfig {
        self.member_of(&format!("kymo.{consumer}"))
    }

    /// For the committed positions of any group.
    pub(super) fn member_of(&self, group: &str) -> ClientConfig {
        let mut config = self.common(&self.brokers);
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // Also bounds how long a commit waits for the group's coordinator.
            .set("session.timeout.ms", "6000");
        config
    }
}

/// `host:port,host:port`, without blanks.
fn parse_brokers(text: &str) -> Result<String, LogError> {
    let brokers: Vec<&str> = text
        .split(',')
        .map(str::trim)
        .filter(|broker| !broker.is_empty())
        .collect();
    if brokers.is_empty() {
        return Err(misused(
            text,
            "no broker is named; write `host:port,host:port`".into(),
        ));
    }
    for broker in &brokers {
        let port = broker
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty())
            .map(|(_, port)| port);
        if port
            .and_then(|port| port.parse::<u16>().ok())
            .is_none_or(|port| port == 0)
        {
            return Err(misused(
                text,
                format!("{broker:?} is no broker's address; write `host:port`, e.g. `localhost:9092`"),
            ));
        }
    }
    Ok(brokers.join(","))
}

fn log_name(brokers: &str) -> String {
    format!("Kafka log at {brokers}")
}

fn misused(brokers: &str, reason: String) -> LogError {
    LogError::Broken {
        log: log_name(brokers),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(brokers: &str) -> KafkaConfig {
        KafkaConfig {
            brokers: brokers.to_owned(),
            ..KafkaConfig::default()
        }
    }

    fn refused(config: &KafkaConfig) -> String {
        match Settings::new(config) {
            Ok(_) => panic!("accepted: {config:?}"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_a_person_got_wrong_is_named_with_its_remedy() {
        for (brokers, part) in [
            ("", "no broker is named"),
            (" , ", "no broker is named"),
            ("localhost", "\"localhost\" is no broker's address"),
            ("a:1,b:", "\"b:\" is no broker's address"),
            ("a:0", "\"a:0\" is no broker's address"),
            ("a:99999", "\"a:99999\" is no broker's address"),
            (":9092", "\":9092\" is no broker's address"),
        ] {
            let text = refused(&config(brokers));
            assert!(text.contains(part), "{brokers:?}: {text}");
        }
        let text = refused(&KafkaConfig {
            compression: Some("rar".into()),
            ..config("a:1")
        });
        assert!(text.contains("choose gzip, lz4, zstd, snappy or none"), "{text}");
        let text = refused(&KafkaConfig {
            replication: Some(0),
            ..config("a:1")
        });
        assert!(text.contains("replication = 0"), "{text}");
    }

    #[test]
    fn librdkafka_takes_every_setting() {
        let settings = Settings::new(&config("localhost:1")).unwrap();
        for (what, client) in [
            ("asker", settings.asker()),
            ("probe", settings.probe("localhost:2")),
            ("admin", settings.admin()),
            ("producer", settings.producer()),
            ("reader", settings.reader_to_end()),
            ("committer", settings.committer("bot")),
        ] {
            if let Err(error) = client.create_native_config() {
                panic!("{what}: {error}");
            }
        }
    }
}
