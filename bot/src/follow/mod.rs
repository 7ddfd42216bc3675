//! What the log tells the bot: orders, claims, events, catalogues and who is there, folded into memory, and
//! what the chats shall see because of it.

mod consequence;
mod lost;
mod mute;
mod notice;
pub(crate) mod pool;
mod progress;
pub(crate) mod runs;
pub(crate) mod solvers;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt as _;
use kymo_runlog::catalogue::{self, HostCatalogue};
use kymo_runlog::claim::{self, Claim};
use kymo_runlog::event::{self, EventRecord};
use kymo_runlog::host::{self, HostRecord};
use kymo_runlog::order::{self, OrderRecord};
use kymo_runlog::{Log, LogError, Position, Stored, Topic};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use consequence::Showroom;
pub use pool::{Pool, Waiting};
pub use progress::{Progress, progress};
pub use runs::{Run, Runs};
pub use solvers::Solvers;

/// Under this name the bot's place in `kymo.events` is kept in the log.
const CONSUMER: &str = "bot";

/// Bytes read at once.
const PAGE: usize = 1 << 20;

/// How often it is looked whose lease has run out.
const LOOK: Duration = Duration::from_secs(1);
/// Who could not read the log for a while, or has just begun, first hears who else is there.
const HEARING: TimeDelta = TimeDelta::seconds(20);

/// Everything that the log has told.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub runs: Runs,
    pub solvers: Solvers,
    pub pool: Pool,
    /// Why the log cannot be read at the moment.
    pub trouble: Option<String>,
}

impl State {
    /// All runs that wait for a host, first come first.
    pub fn queue(&self, at: DateTime<Utc>) -> Vec<(Topic, Waiting)> {
        self.pool
            .queue(&self.runs.listed(), &self.solvers, at, Instant::now())
    }

    /// Why a run waits for a host, if it does.
    pub fn waiting(&self, topic: &Topic, at: DateTime<Utc>) -> Option<Waiting> {
        let waiting = |(waits, _): &(Topic, Waiting)| waits == topic;
        self.queue(at).into_iter().find(waiting).map(|(_, why)| why)
    }
}

/// [`State`], shared: one writer, any number of readers for a moment each.
#[derive(Clone, Debug, Default)]
pub struct Known {
    state: Arc<RwLock<State>>,
}

impl Known {
    /// The state now; not to be held across an await.
    pub fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A topic that every bot, initiator and terminal shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shared {
    Orders,
    Claims,
    Events,
    Catalogue,
    Hosts,
}

impl Shared {
    const ALL: [Self; 5] = [
        Self::Orders,
        Self::Claims,
        Self::Events,
        Self::Catalogue,
        Self::Hosts,
    ];

    fn topic(self) -> Topic {
        match self {
            Self::Orders => order::topic(),
            Self::Claims => claim::topic(),
            Self::Events => event::topic(),
            Self::Catalogue => catalogue::topic(),
            Self::Hosts => host::topic(),
        }
    }
}

/// Follows the shared topics until told to stop; waits out a log that is away.
pub struct Follower {
    log: Arc<dyn Log>,
    known: Known,
    showroom: Showroom,
    /// Topics whose history is not read yet.
    behind: AtomicUsize,
}

impl Follower {
    /// A follower that writes what it learns into `known`.
    pub fn new(log: Arc<dyn Log>, known: Known, showroom: Showroom) -> Self {
        let behind = AtomicUsize::new(Shared::ALL.len());
        Self {
            log,
            known,
            showroom,
            behind,
        }
    }

    /// Runs until `stop` is cancelled.
    pub async fn run(self, stop: CancellationToken) {
        let follower = &self;
        let all = Shared::ALL.map(|shared| follower.follow_for_ever(shared));
        let all = futures::future::join4(
            futures::future::join_all(all),
            self.watch_time(),
            self.show_queue(),
            mute::watch(&*self.log, &self.known, &self.showroom.panels),
        );
        stop.run_until_cancelled(all).await;
    }

    /// A run whose watchdog is gone tells nothing; only time does.
    async fn watch_time(&self) {
        let mut looked = Utc::now();
        let mut not_before = looked + HEARING;
        loop {
            tokio::time::sleep(LOOK).await;
            let now = Utc::now();
            let slept = now - std::mem::replace(&mut looked, now) > HEARING / 2;
            let behind = self.behind.load(Ordering::SeqCst) > 0;
            if slept || behind || self.known.read().trouble.is_some() {
                not_before = now + HEARING;
            }
            if now < not_before {
                continue;
            }
            // Whoever cannot be heard because the log is away is not lost.
            let claims = claim::topic();
            if !matches!(
                tokio::time::timeout(LOOK * 5, self.log.end(&claims)).await,
                Ok(Ok(_))
            ) {
                not_before = now + HEARING;
                continue;
            }
            let busy = |run: &&Run| run.phase.is_busy();
            let busy = self.known.read().runs.listed().iter().any(busy);
            if busy && !mute::takes(&*self.log).await {
                not_before = Utc::now() + HEARING;
                continue;
            }
            for topic in self.known.change(|state| state.runs.look(now)) {
                if let Err(error) = self.showroom.show_phase(&self.known, &topic).await {
                    tracing::warn!(%topic, error = format!("{error:#}"), "a lost run is not told");
                }
            }
        }
    }

    /// A run's place in the queue changes when others come and go: its panel follows.
    async fn show_queue(&self) {
        let mut shown: Vec<(Topic, Waiting)> = Vec::new();
        loop {
            tokio::time::sleep(LOOK).await;
            if self.behind.load(Ordering::SeqCst) > 0 {
                continue;
            }
            let queue = self.known.read().queue(Utc::now());
            let changed = |of: &[(Topic, Waiting)], than: &[(Topic, Waiting)]| -> Vec<Topic> {
                let new = of.iter().filter(|waits| !than.contains(waits));
                new.map(|(topic, _)| topic.clone()).collect()
            };
            let mut topics = changed(&queue, &shown);
            topics.extend(changed(&shown, &queue));
            shown = queue;
            for topic in topics {
                if let Err(error) = self.showroom.show_phase(&self.known, &topic).await {
                    tracing::warn!(%topic, "cannot show its place in the queue: {error:#}");
                }
            }
        }
    }

    async fn follow_for_ever(&self, shared: Shared) {
        let mut from = None;
        let mut pause = Duration::from_millis(200);
        loop {
            let begun = from;
            let error = match self.follow(shared, &mut from).await {
                Ok(()) => "it ended".to_owned(),
                Err(error) => format!("{error:#}"),
            };
            tracing::warn!(topic = %shared.topic(), %error, "cannot follow the log; trying again");
            self.known.change(|state| state.trouble = Some(error));
            if from > begun {
                pause = Duration::from_millis(200);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    /// Goes on where `from` says; at first with the history, from which nothing follows any more.
    async fn follow(&self, shared: Shared, from: &mut Option<Position>) -> anyhow::Result<()> {
        let topic = shared.topic();
        self.log.create(&topic).await?;
        let mut next = match *from {
            Some(next) => next,
            None => {
                let next = self.read_history(shared).await?;
                *from = Some(next);
                next
            }
        };
        let mut stream = self.log.follow(&topic, next).await?;
        self.known.change(|state| state.trouble = None);
        while let Some(stored) = stream.next().await {
            let stored = stored?;
            self.take_in(shared, &stored).await?;
            next = stored.position.next();
            *from = Some(next);
            if shared == Shared::Events {
                self.log.commit(&topic, CONSUMER, next).await?;
            }
        }
        Ok(())
    }

    /// Reads what is no news and returns where the news begin.
    async fn read_history(&self, shared: Shared) -> anyhow::Result<Position> {
        let topic = shared.topic();
        let news = match shared {
            Shared::Events => self.news_from(&topic).await?,
            Shared::Orders | Shared::Claims | Shared::Catalogue | Shared::Hosts => {
                self.log.end(&topic).await?
            }
        };
        let mut next = match shared {
            Shared::Orders | Shared::Claims | Shared::Events | Shared::Catalogue => Position::START,
            // Only what is said from now on tells who is there.
            Shared::Hosts => news,
        };
        while next < news {
            let page = self.log.read(&topic, next, PAGE).await?;
            let Some(last) = page.last() else { break };
            next = last.position.next();
            for stored in page.iter().filter(|stored| stored.position < news) {
                self.learn(shared, stored);
            }
        }
        match shared {
            Shared::Catalogue => self.showroom.publish(&self.known).await?,
            Shared::Orders | Shared::Claims | Shared::Events | Shared::Hosts => {}
        }
        // Orders, claims and events tell a run's phase only together.
        if self.behind.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.showroom.show_all(&self.known).await?;
        }
        Ok(news)
    }

    /// What happened before this bot ever looked is history: nobody is told of it.
    async fn news_from(&self, topic: &Topic) -> Result<Position, LogError> {
        if let Some(position) = self.log.committed(topic, CONSUMER).await? {
            return Ok(position);
        }
        let end = self.log.end(topic).await?;
        self.log.commit(topic, CONSUMER, end).await?;
        Ok(end)
    }

    /// Takes in news, with what follows from them.
    async fn take_in(&self, shared: Shared, stored: &Stored) -> anyhow::Result<()> {
        match self.learn(shared, stored) {
            None => Ok(()),
            Some(Learned::Changed(topic)) => self.showroom.show_phase(&self.known, &topic).await,
            Some(Learned::Happened { event, by_itself }) => {
                self.showroom.happened(&self.known, &event, by_itself).await
            }
            Some(Learned::Published) => self.showroom.publish(&self.known).await,
        }
    }

    /// Puts a message into memory.
    fn learn(&self, shared: Shared, stored: &Stored) -> Option<Learned> {
        match shared {
            Shared::Orders => {
                let order: OrderRecord = parse(shared, stored)?;
                let changed = self
                    .known
                    .change(|state| state.runs.order(&order, stored.at, stored.position));
                changed.map(Learned::Changed)
            }
            Shared::Claims => {
                let claim: Claim = parse(shared, stored)?;
                let now = Utc::now();
                let changed = self
                    .known
                    .change(|state| state.runs.claim(&claim, stored.at, stored.position, now));
                changed.map(Learned::Changed)
            }
            Shared::Events => {
                let event: EventRecord = parse(shared, stored)?;
                let by_itself = self.known.change(|state| state.runs.event(&event, stored.at));
                let event = Box::new(event);
                Some(Learned::Happened { event, by_itself })
            }
            Shared::Catalogue => {
                let catalogue: HostCatalogue = parse(shared, stored)?;
                self.known.change(|state| state.solvers.publish(catalogue));
                Some(Learned::Published)
            }
            Shared::Hosts => {
                let host: HostRecord = parse(shared, stored)?;
                self.known.change(|state| state.pool.hear(host, Instant::now()));
                None
            }
        }
    }
}

/// What a message told.
enum Learned {
    /// This run's phase changed.
    Changed(Topic),
    Happened {
        event: Box<EventRecord>,
        /// Nobody asked for it.
        by_itself: bool,
    },
    Published,
}

/// Foreign or broken messages are skipped: they are somebody's mistake, not ours to stop for.
fn parse<T: serde::de::DeserializeOwned>(shared: Shared, stored: &Stored) -> Option<T> {
    match serde_json::from_slice(&stored.message.payload) {
        Ok(record) => Some(record),
        Err(error) => {
            tracing::warn!(topic = %shared.topic(), position = stored.position.0, %error, "skipped a message that is not understood");
            None
        }
    }
}

/// When the log last heard of a run, as `3 min ago`.
pub fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    format!("{} ago", crate::words::duration(now - at))
}
