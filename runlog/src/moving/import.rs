//! Into a log: every message of an export in its order, read back and compared when all are there.

use std::io::BufRead;

use super::line::{Summary, Tally};
use super::source::{Damage, Source};
use crate::{Log, LogError, Message, Position, Stored, Topic, clear_run};

/// Appended at once: few round trips, little memory.
const BATCH: usize = 1 << 20;
const BATCH_MESSAGES: usize = 1000;
/// Read back at once.
const PAGE: usize = 1 << 20;

/// What to do with a topic that holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfThere {
    Refuse,
    /// It holds the export's beginning: an import was interrupted, and goes on.
    GoOn,
    /// Forget what it holds.
    Replace,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("{damage}{}", so_far(.there))]
    Damaged {
        damage: Damage,
        /// So many of its messages are in the topic already.
        there: u64,
    },
    #[error(
        "the topic {0} in the {1} holds records already; give another name with --topic, go on with an interrupted import \
         with --go-on, or forget what it holds with --replace"
    )]
    Occupied(Topic, String),
    #[error(
        "the topic {topic} does not hold the beginning of this export (they differ at position {position}), so nothing goes on \
         there; import with --replace, or to another --topic"
    )]
    Other { topic: Topic, position: i64 },
    #[error(
        "what stands in {topic} now ({found}) is not what was imported ({sent}): somebody else wrote there meanwhile, or its \
         retention removes records; import again with --replace"
    )]
    Differs {
        topic: Topic,
        sent: Summary,
        found: Summary,
    },
}

fn so_far(messages: &u64) -> String {
    match messages {
        0 => String::new(),
        some => format!(
            "; the {some} messages before it are in the topic: go on with a whole file and --go-on, or begin again with --replace"
        ),
    }
}

/// Fills the topic, which is made if it is missing. Returns once it was read back and is the same, bit for bit.
pub async fn import<R: BufRead>(
    log: &dyn Log,
    topic: &Topic,
    source: &mut Source<R>,
    if_there: IfThere,
) -> Result<Summary, ImportError> {
    log.create(topic).await?;
    let mut there = match if_there {
        IfThere::Replace => {
            // Its steps and its output belong to what is replaced.
            clear_run(log, topic).await?;
            0
        }
        IfThere::GoOn => pass_over(log, topic, source).await?,
        IfThere::Refuse if log.read(topic, Position::START, 1).await?.is_empty() => 0,
        IfThere::Refuse => return Err(ImportError::Occupied(topic.clone(), log.describe())),
    };
    loop {
        let mut batch: Vec<Message> = Vec::new();
        let mut bytes = 0;
        let mut done = false;
        while !done && bytes < BATCH && batch.len() < BATCH_MESSAGES {
            match source.read() {
                Ok(Some(stored)) => {
                    bytes += stored.message.size();
                    batch.push(stored.message);
                }
                Ok(None) => done = true,
                Err(damage) => {
                    there += append(log, topic, batch).await?;
                    return Err(ImportError::Damaged { damage, there });
                }
            }
        }
        there += append(log, topic, batch).await?;
        if done {
            break;
        }
    }
    let sent = source.summary().cloned().expect("a source ends with its summary");
    let found = read_back(log, topic).await?;
    if found != sent {
        return Err(ImportError::Differs {
            topic: topic.clone(),
            sent,
            found,
        });
    }
    Ok(found)
}

async fn append(log: &dyn Log, topic: &Topic, batch: Vec<Message>) -> Result<u64, LogError> {
    if batch.is_empty() {
        return Ok(0);
    }
    Ok(log.append(topic, batch).await?.len() as u64)
}

/// Compares what the topic holds with the export's first messages; says how many there are.
async fn pass_over<R: BufRead>(
    log: &dyn Log,
    topic: &Topic,
    source: &mut Source<R>,
) -> Result<u64, ImportError> {
    let (mut count, mut from) = (0, Position::START);
    loop {
        let page = log.read(topic, from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(count) };
        from = last.position.next();
        for Stored {
            position, message, ..
        } in page
        {
            let same = source
                .read()
                .map_err(|damage| ImportError::Damaged { damage, there: 0 })?
                .is_some_and(|sent| sent.message == message);
            if !same {
                return Err(ImportError::Other {
                    topic: topic.clone(),
                    position: position.0,
                });
            }
            count += 1;
        }
    }
}

async fn read_back(log: &dyn Log, topic: &Topic) -> Result<Summary, LogError> {
    let (mut tally, mut from) = (Tally::default(), Position::START);
    loop {
        let page = log.read(topic, from, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(tally.summary());
        };
        from = last.position.next();
        page.iter().for_each(|stored| tally.count(&stored.message));
    }
}
