//! The table `[log.kafka]` of kymo.toml.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;

/// Which cluster, and how to be let in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct KafkaConfig {
    /// `host:port,host:port`
    pub brokers: String,
    /// Copies of a new topic. Without it: three, or as many as there are brokers.
    #[serde(default)]
    pub replication: Option<i32>,
    /// PEM file of the authority that signed the brokers' certificates: switches TLS on.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// PEM file of our own certificate, where the brokers ask for one; its key stands in `key`.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// SASL user; the password stands in `password-file`.
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    #[serde(skip)]
    pub password: Option<SecretString>,
    /// `SCRAM-SHA-256` (default), `SCRAM-SHA-512` or `PLAIN` (with TLS only).
    #[serde(default)]
    pub mechanism: Option<String>,
    /// `gzip` (default: every Kafka client can read it), `lz4`, `zstd`, `snappy` or `none`.
    #[serde(default)]
    pub compression: Option<String>,
}

impl KafkaConfig {
    /// Whether the brokers' addresses say all.
    pub(crate) fn is_plain(&self) -> bool {
        let Self {
            brokers: _,
            replication,
            ca,
            certificate,
            key,
            user,
            password_file,
            password,
            mechanism,
            compression,
        } = self;
        replication.is_none()
            && [ca, certificate, key, password_file]
                .iter()
                .all(|file| file.is_none())
            && [user, mechanism, compression].iter().all(|word| word.is_none())
            && password.is_none()
    }
}

#[cfg(test)]
mod tests {
    use crate::LogConfig;

    #[test]
    fn the_sample_in_the_guide_is_what_we_read() {
        #[derive(serde::Deserialize)]
        struct Sample {
            log: LogConfig,
        }
        let guide = include_str!("../../../docs/kafka.md");
        let sample = guide
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .unwrap();
        let Sample {
            log: LogConfig::Kafka(config),
        } = toml::from_str(sample).unwrap()
        else {
            panic!("the sample names a folder");
        };
        assert_eq!(config.brokers, "kafka-1:9092,kafka-2:9092,kafka-3:9092");
        let files = [config.ca, config.certificate, config.key, config.password_file];
        let words = [config.user, config.mechanism, config.compression];
        assert!(
            files.iter().all(Option::is_some) && words.iter().all(Option::is_some),
            "every setting is shown"
        );
        assert_eq!(config.replication, Some(3));
    }
}
