//! Records on their way into the log: in order, in batches while an append is under way, in bounded memory.
//! While the log is away nobody is let in any more, so the solver waits at its pipe; it goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use kymo_runlog::{Log, LogError, Message, Position, Topic, Window};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use super::verdict::Cause;

/// Payload bytes that may wait.
const BUDGET: usize = 32 << 20;
/// Payload bytes of one append.
const BATCH: usize = 4 << 20;
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Kafka's client tries for ever without a word. A new leader is there after 7 s at most; longer is trouble.
const SLOW: Duration = Duration::from_secs(10);

/// How far the log is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Published {
    /// The last iteration that the log acknowledged.
    pub iteration: u64,
    pub trouble: Option<Trouble>,
    /// The log will never take what waits.
    pub refused: Option<Cause>,
}

/// Why the log does not take records just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    Away(String),
    Full(String),
}

struct Item {
    iteration: u64,
    messages: Vec<Message>,
    /// Given back when the log has the messages.
    _room: OwnedSemaphorePermit,
    bytes: usize,
}

/// The way in.
#[derive(Clone)]
pub struct Entrance {
    items: mpsc::UnboundedSender<Item>,
    room: Arc<Semaphore>,
}

impl Entrance {
    /// Waits for room. `false`: the log refuses this attempt, nothing more will be taken.
    pub async fn put(&self, iteration: u64, messages: Vec<Message>) -> bool {
        let bytes: usize = messages.iter().map(|message| message.payload.len() + 512).sum();
        // A single record larger than the budget goes alone.
        let wanted = u32::try_from(bytes.min(BUDGET)).unwrap_or(u32::MAX);
        let Ok(room) = self.room.clone().acquire_many_owned(wanted).await else {
            return false;
        };
        self.items
            .send(Item {
                iteration,
                messages,
                _room: room,
                bytes,
            })
            .is_ok()
    }
}

/// The task that appends.
pub struct Publisher {
    pub published: watch::Receiver<Published>,
    task: JoinHandle<()>,
}

impl Publisher {
    pub fn start(log: Arc<dyn Log>, topic: Topic, iteration: u64) -> (Entrance, Self) {
        let (items, inbox) = mpsc::unbounded_channel();
        let (state, published) = watch::channel(Published {
            iteration,
            ..Published::default()
        });
        let room = Arc::new(Semaphore::new(BUDGET));
        let task = tokio::spawn(publish(log, topic, inbox, state, room.clone()));
        (Entrance { items, room }, Self { published, task })
    }

    /// Waits until everything that was put in is in the log, unless `hurry` comes first: then the rest is given up.
    /// All entrances must be dropped first.
    pub async fn finish_unless(mut self, hurry: impl Future<Output = ()>) -> Published {
        let ended = tokio::select! {
            ended = &mut self.task => ended,
            () = hurry => {
                self.task.abort();
                Ok(())
            }
        };
        let published = self.published.borrow().clone();
        match ended {
            Ok(()) => published,
            Err(error) => Published {
                refused: Some(Cause::LogRefused {
                    reason: format!("publishing ended unexpectedly: {error}"),
                }),
                ..published
            },
        }
    }
}

async fn publish(
    log: Arc<dyn Log>,
    topic: Topic,
    mut inbox: mpsc::UnboundedReceiver<Item>,
    state: watch::Sender<Published>,
    room: Arc<Semaphore>,
) {
    while let Some(first) = inbox.recv().await {
        let mut bytes = first.bytes;
        let mut batch = vec![first];
        while bytes < BATCH
            && let Ok(item) = inbox.try_recv()
        {
            bytes += item.bytes;
            batch.push(item);
        }
        let iteration = batch.last().map(|item| item.iteration).unwrap_or_default();
        let messages: Vec<Message> = batch
            .iter_mut()
            .flat_map(|item| std::mem::take(&mut item.messages))
            .collect();
        match append(&*log, &topic, messages, &state).await {
            Ok(()) => state.send_modify(|now| now.iteration = now.iteration.max(iteration)),
            Err(error) => {
                let cause = match error {
                    LogError::UnknownTopic(_, log) => Cause::TopicDeleted { log },
                    error => Cause::LogRefused {
                        reason: error.to_string(),
                    },
                };
                state.send_modify(|now| now.refused = Some(cause));
                room.close();
                return;
            }
        }
    }
}

/// As the log does it; a long wait is told with what the log answers to a question.
async fn append_or_tell(
    log: &dyn Log,
    topic: &Topic,
    messages: Vec<Message>,
    state: &watch::Sender<Published>,
) -> Result<Vec<Position>, LogError> {
    let ask = async {
        tokio::time::sleep(SLOW).await;
        let reason = match log.end(topic).await {
            Err(LogError::Away { reason, .. } | LogError::Full { reason, .. }) => reason,
            Ok(_) | Err(_) => {
                "it answers, and yet takes no records: too few of its servers are there and in step"
                    .to_owned()
            }
        };
        state.send_modify(|now| now.trouble = Some(Trouble::Away(reason)));
        std::future::pending().await
    };
    tokio::select! {
        appended = log.append(topic, messages) => appended,
        never = ask => never,
    }
}

/// Tries until the log has the batch. Half of it may be there already: records have identities, so that is harmless.
async fn append(
    log: &dyn Log,
    topic: &Topic,
    messages: Vec<Message>,
    state: &watch::Sender<Published>,
) -> Result<(), LogError> {
    let mut pause = Duration::from_millis(20);
    loop {
        let trouble = match append_or_tell(log, topic, messages.clone(), state).await {
            Ok(_) => {
                Window::Appended.pass();
                state.send_if_modified(|now| now.trouble.take().is_some());
                return Ok(());
            }
            Err(LogError::Full { reason, .. }) => Trouble::Full(reason),
            Err(LogError::Away { reason, .. }) => Trouble::Away(reason),
            Err(
                error @ (LogError::UnknownTopic(..)
                | LogError::Denied { .. }
                | LogError::TooLarge { .. }
                | LogError::Broken { .. }),
            ) => return Err(error),
        };
        state.send_modify(|now| now.trouble = Some(trouble));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::testing::{FickleLog, topic};

    fn message(bytes: usize) -> Message {
        Message {
            payload: vec![7; bytes],
            ..Message::default()
        }
    }

    #[tokio::test]
    async fn while_the_log_is_away_memory_stays_bounded_and_then_everything_arrives_in_order() {
        let log = FickleLog::new();
        log.create(&topic("run")).await.expect("create");
        log.fill_up();
        let (entrance, publisher) = Publisher::start(log.clone(), topic("run"), 0);
        let mut put = 0u64;
        // The first that has to wait is forgotten here and put again below.
        while put < 100
            && entrance
                .put(put + 1, vec![message(1 << 20)])
                .now_or_never()
                .is_some()
        {
            put += 1;
        }
        assert!(put < 40, "{put} MB were let in");
        let mut state = publisher.published.clone();
        let now = state
            .wait_for(|now| now.trouble.is_some())
            .await
            .expect("said")
            .clone();
        assert!(
            matches!(now.trouble, Some(Trouble::Full(_))) && now.iteration == 0,
            "{now:?}"
        );
        log.come_back();
        for iteration in put + 1..=100 {
            assert!(entrance.put(iteration, vec![message(1 << 20)]).await);
        }
        drop(entrance);
        let published = publisher.finish_unless(std::future::pending()).await;
        assert_eq!(
            published,
            Published {
                iteration: 100,
                trouble: None,
                refused: None
            }
        );
        assert_eq!(log.count(&topic("run")), 100);
    }

    #[tokio::test]
    async fn a_log_that_refuses_ends_the_attempt_with_its_reason() {
        let log = FickleLog::new();
        let (entrance, publisher) = Publisher::start(log, topic("deleted"), 3);
        entrance.put(4, vec![message(10)]).await;
        let mut state = publisher.published.clone();
        let refused = state
            .wait_for(|now| now.refused.is_some())
            .await
            .expect("said")
            .clone();
        assert_eq!(refused.iteration, 3);
        let log = "fickle log".to_owned();
        assert_eq!(refused.refused, Some(Cause::TopicDeleted { log }));
        assert!(!entrance.put(5, vec![message(10)]).await, "nothing more is taken");
    }

    #[tokio::test]
    async fn whoever_is_in_a_hurry_gives_up_the_rest() {
        let log = FickleLog::new();
        log.create(&topic("run")).await.expect("create");
        log.go_away();
        let (entrance, publisher) = Publisher::start(log, topic("run"), 0);
        entrance.put(1, vec![message(10)]).await;
        drop(entrance);
        let hurry = std::future::ready(());
        assert_eq!(publisher.finish_unless(hurry).await.iteration, 0);
    }
}
