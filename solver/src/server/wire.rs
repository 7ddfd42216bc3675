//! What an initiator and its outpost say to each other, one JSON line each.

use kymo_door::Alert;
use kymo_runlog::host::Capacity;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::folder::Job;
use crate::initiator::crew::Gone;

/// Longer lines are nobody's.
const LONGEST_LINE: u64 = 64 << 20;

/// To the outpost.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// The first line.
    Open(Opening),
    Start(Box<Job>),
    /// The alert is safe with us.
    Took(Uuid),
    /// Nothing, but we are here.
    Alive,
}

#[derive(Serialize, Deserialize)]
pub struct Opening {
    /// Whose outpost it is: the initiator's host.
    pub gateway: String,
    /// Everything of ours there lies in here.
    pub folder: String,
    pub log: Luggage,
}

/// How the log is reached from there.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Luggage {
    /// A socket in the folder that leads to us.
    Tunnel { socket: String },
    /// The table `[log.kafka]` and the files that it names, which go into the folder. Secrets are among them.
    Kafka {
        table: toml::Table,
        files: Vec<(String, String)>,
    },
}

impl std::fmt::Debug for Opening {
    /// Without the luggage.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opening for {} in {}", self.gateway, self.folder)
    }
}

/// From the outpost.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum News {
    /// The first line: who lives, and who died while nobody listened.
    Ready {
        machine: Capacity,
        living: Vec<Job>,
        gone: Vec<Gone>,
    },
    /// It cannot be an outpost, and why.
    Refused {
        reason: String,
        remedy: String,
    },
    Gone(Box<Gone>),
    Alert(Box<Alert>),
    Alive,
}

pub fn line<T: Serialize>(word: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(word).expect("their keys are texts");
    line.push(b'\n');
    line
}

/// Reads lines that are words of ours; others (a shell's greeting) are passed over.
pub struct Lines<R>(tokio::io::BufReader<R>);

impl<R: tokio::io::AsyncRead + Unpin> Lines<R> {
    pub fn new(from: R) -> Self {
        Self(tokio::io::BufReader::new(from))
    }

    /// `None` at the end.
    pub async fn next<T: DeserializeOwned>(&mut self) -> std::io::Result<Option<T>> {
        use tokio::io::{AsyncBufReadExt, AsyncReadExt};
        loop {
            let mut line = Vec::new();
            (&mut self.0)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
                .await?;
            if line.is_empty() {
                return Ok(None);
            }
            match serde_json::from_slice(&line) {
                Ok(word) => return Ok(Some(word)),
                Err(error) => tracing::debug!(%error, "a line that is none of ours"),
            }
        }
    }
}
