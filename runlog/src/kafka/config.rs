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
