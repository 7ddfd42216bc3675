//! Which log to use, and opening it.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;

use crate::embedded::EmbeddedLog;
use crate::kafka::{KafkaConfig, KafkaLog};
use crate::relay::RelayLog;
use crate::{Log, LogError};

/// The table `[log]` of kymo.toml.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogConfig {
    /// A SQLite file `log.sqlite` in this folder, shared by the processes of one machine.
    Embedded {
        folder: PathBuf,
    },
    Kafka(KafkaConfig),
    /// Whatever log is served at the other end of this socket.
    Relay {
        socket: PathBuf,
    },
}

impl LogConfig {
    /// The embedded log in this folder.
    pub fn embedded(folder: impl Into<PathBuf>) -> Self {
        Self::Embedded {
            folder: folder.into(),
        }
    }

    /// What [`LogConfig::from_str`] reads back; `None` when files and users stand in it, which
    /// only kymo.toml can say.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Embedded { folder } => folder.to_str().map(|folder| format!("embedded:{folder}")),
            Self::Kafka(kafka) => kafka.is_plain().then(|| format!("kafka:{}", kafka.brokers)),
            Self::Relay { socket } => socket.to_str().map(|socket| format!("relay:{socket}")),
        }
    }

    /// A Kafka cluster without TLS or passwords.
    pub fn kafka(brokers: impl Into<String>) -> Self {
        Self::Kafka(KafkaConfig {
            brokers: brokers.into(),
            ..KafkaConfig::default()
        })
    }
}

/// A log's address that is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "{text:?} names no log: {reason}; write embedded:/folder, kafka:host:port,host:port or relay:/socket"
)]
pub struct LogAddressError {
    text: String,
    reason: String,
}

impl FromStr for LogConfig {
    type Err = LogAddressError;

    /// `embedded:/folder` or `kafka:host:port,host:port`.
    fn from_str(text: &str) -> Result<Self, LogAddressError> {
        let because = |reason: String| LogAddressError {
            text: text.to_owned(),
            reason,
        };
        match text.split_once(':') {
            Some(("embedded", "")) => Err(because("the folder is missing".to_owned())),
            Some(("embedded", folder)) => Ok(Self::embedded(folder)),
            Some(("kafka", brokers)) => match brokers.split(',').find(|broker| !is_address(broker)) {
                None => Ok(Self::kafka(brokers)),
                Some(broker) => Err(because(format!("{broker:?} is no host:port"))),
            },
            Some(("relay", "")) => Err(because("the socket is missing".to_owned())),
            Some(("relay", socket)) => Ok(Self::Relay {
                socket: socket.into(),
            }),
            Some((kind, _)) => Err(because(format!("there is no log of kind {kind:?}"))),
            None => Err(because("it has no kind".to_owned())),
        }
    }
}

fn is_address(broker: &str) -> bool {
    let Some((host, port)) = broker.rsplit_once(':') else {
        return false;
    };
    !host.is_empty() && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Opens the log; checks that it answers.
pub async fn open(config: &LogConfig) -> Result<Arc<dyn Log>, LogError> {
    match config {
        LogConfig::Embedded { folder } => Ok(Arc::new(EmbeddedLog::open(folder).await?)),
        LogConfig::Kafka(kafka) => Ok(Arc::new(KafkaLog::open(kafka).await?)),
        LogConfig::Relay { socket } => Ok(Arc::new(RelayLog::open(socket).await?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_log_or_says_why_not() {
        for good in [
            "embedded:/data",
            "embedded:data/with space",
            "kafka:a:9092",
            "kafka:a:9092,[::1]:9093",
            "relay:/run/kymo.sock",
        ] {
            assert_eq!(
                good.parse::<LogConfig>().expect(good).to_text().as_deref(),
                Some(good)
            );
        }
        for (bad, reason) in [
            ("", "it has no kind"),
            ("embedded:", "the folder is missing"),
            ("relay:", "the socket is missing"),
            ("kafka:", "\"\" is no host:port"),
            ("kafka:a", "\"a\" is no host:port"),
            ("kafka:a:9092,", "\"\" is no host:port"),
            ("kafka:a:0", "\"a:0\" is no host:port"),
            ("redis:x", "there is no log of kind \"redis\""),
        ] {
            let error = bad.parse::<LogConfig>().expect_err(bad);
            assert_eq!(error.reason, reason, "{bad}");
        }
    }
}
