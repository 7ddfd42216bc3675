//! Which log to use, and opening it.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::SecretString;
use serde::Deserialize;

use crate::{Log, LogError};

/// The table `[log]` of kymo.toml.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogConfig {
    /// A SQLite file `log.sqlite` in this folder, shared by the processes of one machine.
    Embedded { folder: PathBuf },
    Kafka(KafkaConfig),
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port,host:port`
    pub brokers: String,
    #[serde(default)]
    pub replication: Option<i32>,
    /// PEM file of the authority that signed the brokers' certificates: switches TLS on.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// SASL/SCRAM-SHA-256 user; the password stands in `password-file`.
    #[serde(default)]
    pub user: Option<String>,
    #[serde(default, rename = "password-file")]
    pub password_file: Option<PathBuf>,
    #[serde(skip)]
    pub password: Option<SecretString>,
    /// `gzip` (default: every Kafka client can read it), `lz4`, `zstd`, `snappy` or `none`.
    #[serde(default)]
    pub compression: Option<String>,
}

/// Opens the log; checks that it answers.
pub async fn open(_config: &LogConfig) -> Result<Arc<dyn Log>, LogError> {
    unimplemented!("runlog helper")
}
