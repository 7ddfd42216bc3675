//! A topic's name, checked once at the door.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The longest name of a run's topic, so that `<topic>.rejected` still fits Kafka's 249.
pub const MAX_RUN_TOPIC: usize = 235;
const MAX_TOPIC: usize = 249;

/// A topic's name: 1..=249 characters of `[a-zA-Z0-9.-]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(String);

#[derive(Debug, thiserror::Error, PartialEq)]
pub enum TopicError {
    #[error("a topic needs a name")]
    Empty,
    #[error("the topic name {0:?} has {1} characters; a topic name has at most 249")]
    TooLong(String, usize),
    #[error("the topic name {0:?} contains {1:?}; use only letters a-z A-Z, digits, dots and hyphens")]
    Character(String, char),
    #[error("{0:?} is no topic name: Kafka reserves \".\" and \"..\"")]
    Reserved(String),
}

impl Topic {
    pub fn parse(name: &str) -> Result<Self, TopicError> {
        if name.is_empty() {
            return Err(TopicError::Empty);
        }
        if let Some(c) = name
            .chars()
            .find(|c| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-')))
        {
            return Err(TopicError::Character(shown(name), c));
        }
        if name.len() > MAX_TOPIC {
            return Err(TopicError::TooLong(shown(name), name.len()));
        }
        if name == "." || name == ".." {
            return Err(TopicError::Reserved(name.to_owned()));
        }
        Ok(Self(name.to_owned()))
    }

    /// A name that the encoder made.
    pub(crate) fn trusted(name: String) -> Self {
        debug_assert!(Self::parse(&name).is_ok(), "the encoder wrote {name:?}");
        Self(name)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The companion where foreign and broken records are copied to.
    pub fn rejected(&self) -> Self {
        self.companion("rejected")
    }

    /// The companion of intermediate steps of the current iteration.
    pub fn steps(&self) -> Self {
        self.companion("steps")
    }

    /// The companion with the solver's output lines.
    pub fn output(&self) -> Self {
        self.companion("log")
    }

    /// Whether what it holds is forgotten bit by bit, unlike a run's records.
    pub(crate) fn is_trimmed(&self) -> bool {
        // No run's name ends like that.
        self.0.ends_with(".steps") || self.0.ends_with(".log")
    }

    fn companion(&self, suffix: &str) -> Self {
        Self(format!("{}.{suffix}", self.0))
    }
}

/// The beginning of a name, for a message to people.
fn shown(name: &str) -> String {
    if name.chars().count() <= 80 {
        name.to_owned()
    } else {
        name.chars().take(79).chain(['…']).collect()
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Topic {
    type Error = TopicError;
    fn try_from(name: String) -> Result<Self, TopicError> {
        Self::parse(&name)
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> String {
        topic.0
    }
}
