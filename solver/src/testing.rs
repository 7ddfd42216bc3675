//! What this room's own tests share: a job, and a log that goes away when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::Utc;
use kymo_runlog::catalogue::SolverCard;
use kymo_runlog::{Log, LogError, LogStream, Message, Parameters, Position, RunId, Stored, Surveyed, Topic};
use tokio::sync::watch;
use uuid::Uuid;

use crate::catalogue::{CommandLine, Entry, Feed, Program, Restart};
use crate::folder::Job;

pub fn topic(name: &str) -> Topic {
    Topic::parse(name).expect("a topic's name")
}

pub fn job(solver: &str, attempt: u32) -> Job {
    let run = RunId {
        solver: solver.to_owned(),
        parameters: Parameters::default(),
    };
    Job {
        topic: run.topic(),
        run,
        attempt,
        host: "lab".to_owned(),
        by: "Ada".to_owned(),
        holder: Uuid::from_u128(1),
        claimed_at: Position::START,
        orders_from: Position::START,
        fresh: false,
        pace: None,
        failures: 0,
        furthest: 0,
        incident: None,
        death: None,
        speaks_protocol: true,
        entry: Entry {
            card: SolverCard {
                name: solver.to_owned(),
                version: "1".to_owned(),
                help: String::new(),
                view: None,
                needs: Default::default(),
                parameters: Vec::new(),
            },
            program: Program::Command(CommandLine::default()),
            patience: None,
            grace: 5.0,
            restart: Restart::Never,
            replay: Feed::None,
            resumes: true,
            patterns: Vec::new(),
            total: None,
            step_interval: None,
            log_bytes: None,
        },
    }
}

/// How the log feels.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    Away,
    Full,
}

/// What a topic holds, and where the next message will stand.
#[derive(Default)]
struct Held {
    messages: Vec<Stored>,
    next: i64,
}

/// A log in memory whose mood the test decides.
pub struct FickleLog {
    topics: Mutex<BTreeMap<Topic, Held>>,
    mood: watch::Sender<Mood>,
    news: watch::Sender<u64>,
}

impl FickleLog {
    pub fn new() -> Arc<Self> {
        let (mood, news) = (watch::Sender::new(Mood::Well), watch::Sender::new(0));
        Arc::new(Self {
            topics: Mutex::default(),
            mood,
            news,
        })
    }

    pub fn go_away(&self) {
        self.mood.send_replace(Mood::Away);
    }

    pub fn fill_up(&self) {
        self.mood.send_replace(Mood::Full);
    }

    pub fn come_back(&self) {
        self.mood.send_replace(Mood::Well);
    }

    pub fn count(&self, topic: &Topic) -> usize {
        self.topics().get(topic).map_or(0, |held| held.messages.len())
    }

    fn topics(&self) -> MutexGuard<'_, BTreeMap<Topic, Held>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(&self, writes: bool) -> Result<(), LogError> {
        let log = "fickle log".to_owned();
        match *self.mood.borrow() {
            Mood::Well => Ok(()),
            Mood::Full if !writes => Ok(()),
            Mood::Full => Err(LogError::Full {
                log,
                reason: "no space".to_owned(),
            }),
            Mood::Away => Err(LogError::Away {
                log,
                reason: "gone fishing".to_owned(),
            }),
        }
    }
}

#[async_trait]
impl Log for FickleLog {
    async fn create(&self, topic: &Topic) -> Result<(), LogError> {
        self.check(true)?;
        self.topics().entry(topic.clone()).or_default();
        Ok(())
    }

    async fn exists(&self, topic: &Topic) -> Result<bool, LogError> {
        Ok(self.topics().contains_key(topic))
    }

    async fn append(&self, topic: &Topic, batch: Vec<Message>) -> Result<Vec<Position>, LogError> {
        self.check(true)?;
        let mut topics = self.topics();
        let Some(held) = topics.get_mut(topic) else {
            return Err(LogError::UnknownTopic(topic.clone(), "fickle log".to_owned()));
        };
        let mut positions = Vec::new();
        for message in batch {
            let position = Position(held.next);
            held.next += 1;
            held.messages.push(Stored {
                position,
                at: Utc::now(),
                message,
            });
            positions.push(position);
        }
        self.news.send_modify(|count| *count += 1);
        Ok(positions)
    }

    async fn read(&self, topic: &Topic, from: Position, _max_bytes: usize) -> Result<Vec<Stored>, LogError> {
        self.check(false)?;
        let topics = self.topics();
        let stored = topics
            .get(topic)
            .map(|held| held.messages.as_slice())
            .unwrap_or_default();
        Ok(stored
            .iter()
            .filter(|stored| stored.position >= from)
            .cloned()
            .collect())
    }

    async fn follow(&self, topic: &Topic, from: Position) -> Result<LogStream, LogError> {
        self.check(false)?;
        // A snapshot that then waits for ever would do for no test: the stream ends with news, and is followed anew.
        let stored = self.read(topic, from, usize::MAX).await?;
        let mut news = self.news.subscribe();
        let first = futures::stream::iter(stored.into_iter().map(Ok));
        let then = futures::stream::once(async move {
            let _ = news.changed().await;
            Err(LogError::Away {
                log: "fickle log".to_owned(),
                reason: "there is news".to_owned(),
            })
        });
        Ok(Box::pin(futures::StreamExt::chain(first, then)))
    }

    async fn end(&self, topic: &Topic) -> Result<Position, LogError> {
        self.check(false)?;
        Ok(Position(self.topics().get(topic).map_or(0, |held| held.next)))
    }

    async fn clear(&self, topic: &Topic) -> Result<(), LogError> {
        self.delete(topic).await
    }

    async fn trim(&self, topic: &Topic, before: Position) -> Result<(), LogError> {
        self.check(true)?;
        if let Some(held) = self.topics().get_mut(topic) {
            held.messages.retain(|stored| stored.position >= before);
        }
        Ok(())
    }

    async fn delete(&self, topic: &Topic) -> Result<(), LogError> {
        self.check(true)?;
        self.topics().remove(topic);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<Topic>, LogError> {
        Ok(self.topics().keys().cloned().collect())
    }

    async fn survey(&self) -> Result<Vec<Surveyed>, LogError> {
        Ok(Vec::new())
    }

    async fn committed(&self, _topic: &Topic, _consumer: &str) -> Result<Option<Position>, LogError> {
        Ok(None)
    }

    async fn commit(&self, _topic: &Topic, _consumer: &str, _next: Position) -> Result<(), LogError> {
        Ok(())
    }

    async fn warnings(&self, _topic: &Topic) -> Result<Vec<String>, LogError> {
        Ok(Vec::new())
    }

    fn describe(&self) -> String {
        "fickle log".to_owned()
    }
}
