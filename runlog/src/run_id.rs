//! Which calculation this is: a solver with its parameters. Its identity is its topic.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::name::{self, HASH_DIGITS, Place};
use crate::topic::MAX_RUN_TOPIC;
use crate::{Parameters, Topic, Value};

/// A run's identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunId {
    pub solver: String,
    pub parameters: Parameters,
}

impl RunId {
    /// The topic that holds this run: solver and every parameter, readable.
    pub fn topic(&self) -> Topic {
        let tokens = self.tokens();
        let whole: String = tokens.iter().map(|token| token.name.as_str()).collect();
        if whole.len() <= MAX_RUN_TOPIC {
            return Topic::trusted(whole);
        }
        let room = MAX_RUN_TOPIC - HASH_DIGITS - 1;
        let (mut length, mut cut) = (0, 0);
        for token in &tokens {
            length += token.name.len();
            if length > room {
                break;
            }
            if token.may_end {
                cut = length;
            }
        }
        let hash = &hex::encode(Sha256::digest(whole.as_bytes()))[..HASH_DIGITS];
        Topic::trusted(format!("{}-{hash}", &whole[..cut]))
    }

    /// The run that a topic's name tells, back from [`RunId::topic`].
    pub fn of_topic(topic: &Topic) -> Result<Named, NotARun> {
        let because = |reason: String| NotARun {
            topic: topic.clone(),
            reason,
        };
        let text =
            |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| because("it is no UTF-8 text".to_owned()));
        if let Some((_, ending)) = topic.as_str().rsplit_once('.')
            && name::COMPANIONS.contains(&ending)
        {
            return Err(because(format!("it is the companion `.{ending}` of a run")));
        }
        let parts = name::decode(topic.as_str()).map_err(because)?;
        let cut = parts.hash.is_some();
        let last = parts.parameters.len();
        let mut parameters = Parameters::default();
        for (i, (key, value)) in parts.parameters.into_iter().enumerate() {
            let value = match (cut && i + 1 == last, value) {
                (true, written) => Value::Text(text(written.bytes)?),
                (false, written) if written.escaped => Value::Text(text(written.bytes)?),
                (false, written) => Value::of_text(&text(written.bytes)?),
            };
            if parameters.0.insert(text(key)?, value).is_some() {
                return Err(because("a parameter stands there twice".to_owned()));
            }
        }
        let run = RunId {
            solver: text(parts.solver)?,
            parameters,
        };
        // Only one spelling counts, so that two topics never claim to be one run.
        if !cut && run.topic() != *topic {
            return Err(because(format!("the run it tells is written {}", run.topic())));
        }
        Ok(if cut { Named::Cut(run) } else { Named::Whole(run) })
    }

    fn tokens(&self) -> Vec<Token> {
        let whole_characters = |text: &str, written: Vec<String>| -> Vec<Token> {
            let token = |(i, name)| Token {
                name,
                may_end: text.is_char_boundary(i + 1),
            };
            written.into_iter().enumerate().map(token).collect()
        };
        let solid = |name: String| Token { name, may_end: false };
        let mut tokens = whole_characters(&self.solver, name::encode(&self.solver, Place::Solver));
        for (key, value) in &self.parameters.0 {
            tokens.push(solid("-".to_owned()));
            tokens.extend(name::encode(key, Place::Key).into_iter().map(solid));
            let text = value.to_string();
            tokens.push(Token {
                name: ".".to_owned(),
                may_end: text.is_empty(),
            });
            let mut written = name::encode(&text, Place::Value);
            let looks_typed = !matches!(Value::of_text(&text), Value::Text(_));
            if matches!(value, Value::Text(_)) && (looks_typed || name::COMPANIONS.contains(&text.as_str())) {
                written[0] = name::hex(text.as_bytes()[0]);
            }
            tokens.extend(whole_characters(&text, written));
        }
        tokens
    }
}

/// What one byte of the run takes in the name.
struct Token {
    name: String,
    /// Whether a name that is too long may be cut behind it.
    may_end: bool,
}

impl fmt::Display for RunId {
    /// For people: `airy eps=4 kerr=0.5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.solver)?;
        self.parameters
            .0
            .iter()
            .try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// What a topic's name tells of its run.
#[derive(Clone, Debug, PartialEq)]
pub enum Named {
    /// All of it.
    Whole(RunId),
    /// The name was cut: the last parameter may be short, later ones are missing. The exact
    /// parameters travel in the topic's records.
    Cut(RunId),
}

/// A topic that is not a run's.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the topic {topic} is no run's: {reason}")]
pub struct NotARun {
    pub topic: Topic,
    pub reason: String,
}

/// Eight characters that name a run in buttons, units and file names.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShortId(String);

/// Digits and letters that nobody mistakes for each other (Crockford's base 32, small).
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl ShortId {
    /// 40 bits of the topic's SHA-256.
    pub fn of(topic: &Topic) -> Self {
        let hash = Sha256::digest(topic.as_str().as_bytes());
        let bits = hash[..5]
            .iter()
            .fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
        let letter = |i: u32| char::from(LETTERS[(bits >> (35 - 5 * i)) as usize & 31]);
        Self((0..8).map(letter).collect())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{0:?} is no short id; it has eight of the characters 0-9 a-z without i, l, o, u")]
pub struct NotAShortId(String);

impl FromStr for ShortId {
    type Err = NotAShortId;
    fn from_str(text: &str) -> Result<Self, NotAShortId> {
        let good = text.len() == 8 && text.bytes().all(|b| LETTERS.contains(&b));
        good.then(|| Self(text.to_owned()))
            .ok_or_else(|| NotAShortId(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for ShortId {
    type Error = NotAShortId;
    fn try_from(text: String) -> Result<Self, NotAShortId> {
        text.parse()
    }
}

impl From<ShortId> for String {
    fn from(id: ShortId) -> String {
        id.0
    }
}

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
