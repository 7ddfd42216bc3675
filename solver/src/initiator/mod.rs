//! The initiator: one per machine. It takes orders from the log, publishes what this machine can run, claims runs
//! and starts a watchdog for each. Stop orders are obeyed by the watchdogs themselves, which outlive it.

mod crew;
mod here;
pub(crate) mod ledger;
mod plan;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use kymo_door::Door;
use kymo_runlog::catalogue::{self, HostCatalogue};
use kymo_runlog::claim::{self, Lease};
use kymo_runlog::event::{self, EventRecord, RunEvent};
use kymo_runlog::{Log, LogError, Message, Position, RunFacts, Stored, Topic};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::crew::{Crew, Gone};
use self::here::Here;
use self::ledger::{Ledger, Source};
use self::plan::{Fitness, Step, step};
use crate::catalogue::Catalogue;
use crate::events::{self, patiently};
use crate::folder::Job;
use crate::spool::Courier;
use crate::watchdog::tell::Speaker;

/// Deaths of a run's watchdog that are further apart are not in a row.
const DEATHS_APART: chrono::TimeDelta = chrono::TimeDelta::minutes(5);

/// What an initiator is started with.
#[derive(Clone, Debug)]
pub struct InitiatorConfig {
    pub host: String,
    pub data: PathBuf,
    pub catalogue: Catalogue,
    /// Argv prefix of `kymo watchdog`; the job file is appended.
    pub watchdog_command: Vec<OsString>,
}

/// Works until it is told to stop. The watchdogs stay.
pub async fn run(
    config: InitiatorConfig,
    log: Arc<dyn Log>,
    door: Option<Door>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let crew = Here::find(&config.data, config.watchdog_command.clone())?;
    run_with(Box::new(crew), config, log, door, stop).await
}

/// The same for a host whose watchdogs may live elsewhere.
async fn run_with(
    crew: Box<dyn Crew>,
    config: InitiatorConfig,
    log: Arc<dyn Log>,
    door: Option<Door>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let courier = Courier::patrol(&config.data, door);
    let mut initiator = Initiator {
        config,
        log,
        courier,
        crew,
        gone: Vec::new(),
        ledger: Ledger::default(),
        deaths: BTreeMap::new(),
        lost: BTreeMap::new(),
    };
    let worked = stop.run_until_cancelled(initiator.work()).await;
    initiator.courier.finish(Duration::from_millis(500)).await;
    worked.unwrap_or(Ok(()))
}

struct Initiator {
    config: InitiatorConfig,
    log: Arc<dyn Log>,
    courier: Courier,
    crew: Box<dyn Crew>,
    /// Dead watchdogs whose end is not dealt with yet.
    gone: Vec<Gone>,
    ledger: Ledger,
    deaths: BTreeMap<Topic, Deaths>,
    /// Runs whose claim we lost, and when to try again at the earliest: our clock may differ from the log's.
    lost: BTreeMap<Topic, DateTime<Utc>>,
}

/// Watchdogs of one run that died here in a row.
struct Deaths {
    count: u32,
    last: DateTime<Utc>,
    /// The alert that the next attempt should resolve.
    incident: Option<String>,
}

impl Initiator {
    async fn work(&mut self) -> anyhow::Result<()> {
        let log = self.log.clone();
        for source in Source::ALL {
            let topic = source.topic();
            patiently(|| log.create(&topic))
                .await
                .with_context(|| format!("create {topic}"))?;
        }
        self.publish_catalogue().await?;
        patiently_catch_up(&mut self.ledger, &*log).await?;
        let (news, mut inbox) = mpsc::channel(1024);
        let mut followers = tokio::task::JoinSet::new();
        for source in Source::ALL {
            followers.spawn(follow(
                log.clone(),
                source,
                self.ledger.next(source),
                news.clone(),
            ));
        }
        let mut waiting = false;
        loop {
            self.gone.extend(self.crew.take_gone());
            let wake = match self.round().await {
                Ok(wake) => {
                    if std::mem::take(&mut waiting) {
                        tracing::info!("the log is back");
                    }
                    wake
                }
                Err(error) if error.is_passing() => {
                    if !std::mem::replace(&mut waiting, true) {
                        tracing::warn!(%error, "waiting for the log");
                    }
                    Some(Utc::now() + Duration::from_millis(500))
                }
                Err(error) => return Err(error.into()),
            };
            tokio::select! {
                Some((source, stored)) = inbox.recv() => {
                    self.ledger.apply(source, &stored);
                    while let Ok((source, stored)) = inbox.try_recv() {
                        self.ledger.apply(source, &stored);
                    }
                }
                () = self.crew.news() => {}
                () = until(wake) => {}
            }
        }
    }

    async fn publish_catalogue(&self) -> anyhow::Result<()> {
        let host = self.config.host.clone();
        let solvers = self.config.catalogue.cards();
        tracing::info!(
            host,
            solvers = solvers.len(),
            "publishing this machine's catalogue"
        );
        let ours = HostCatalogue {
            host: host.clone(),
            at: Utc::now(),
            solvers,
        };
        let message = Message::json(&host, &ours);
        let topic = catalogue::topic();
        patiently(|| self.log.append(&topic, vec![message.clone()]))
            .await
            .context("publish the catalogue")?;
        Ok(())
    }

    /// Deals with everything that is known now; says when to look again at the latest.
    async fn round(&mut self) -> Result<Option<DateTime<Utc>>, LogError> {
        if !self.gone.is_empty() {
            // Their last events and releases may be in the log already.
            self.ledger.catch_up(&*self.log).await?;
            while let Some(gone) = self.gone.pop() {
                if let Err(error) = self.bury(&gone).await {
                    self.gone.push(gone);
                    return Err(error);
                }
            }
            self.ledger.catch_up(&*self.log).await?;
        }
        let mut wake = None;
        let topics: Vec<Topic> = self
            .ledger
            .book
            .runs()
            .filter(|run| run.wanted)
            .map(|run| run.topic.clone())
            .collect();
        for topic in topics {
            if let Step::Wait(at) = self.deal_with(&topic).await? {
                wake = Some(wake.map_or(at, |wake: DateTime<Utc>| wake.min(at)));
            }
        }
        // A watchdog that could not even be started.
        Ok(if self.gone.is_empty() {
            wake
        } else {
            Some(Utc::now())
        })
    }

    async fn deal_with(&mut self, topic: &Topic) -> Result<Step, LogError> {
        let step = match self.next_step(topic) {
            step @ (Step::Nothing | Step::Wait(_)) => return Ok(step),
            Step::Claim { .. } | Step::Refuse { .. } | Step::NoteStop { .. } => {
                // Before something irrevocable: the newest news.
                self.ledger.catch_up(&*self.log).await?;
                self.next_step(topic)
            }
        };
        let Some(facts) = self.ledger.book.find(topic).cloned() else {
            return Ok(Step::Nothing);
        };
        match &step {
            Step::Nothing | Step::Wait(_) => {}
            Step::Claim { attempt } => self.claim(&facts, *attempt).await?,
            Step::Refuse { reason } => {
                self.tell(
                    &facts,
                    RunEvent::Refused {
                        reason: reason.clone(),
                    },
                )
                .await?
            }
            Step::NoteStop { by } => {
                self.close_incidents(&facts, by);
                self.tell(&facts, RunEvent::Stopped { by: by.clone() }).await?;
            }
        }
        Ok(step)
    }

    fn next_step(&self, topic: &Topic) -> Step {
        let Some(facts) = self.ledger.book.find(topic) else {
            return Step::Nothing;
        };
        let now = Utc::now();
        let pause = |deaths: &Deaths| deaths.last + plan::pause_after_death(deaths.count);
        let not_before = self
            .deaths
            .get(topic)
            .map(pause)
            .max(self.lost.get(topic).copied());
        step(
            facts,
            &self.config.host,
            self.crew.has(topic),
            || self.fitness(facts),
            not_before,
            now,
        )
    }

    /// An order comes from outside: it is checked against our own catalogue, whoever checked it before.
    fn fitness(&self, facts: &RunFacts) -> Fitness {
        if !self.crew.is_open() {
            return Fitness::Elsewhere;
        }
        if self.config.catalogue.find(&facts.run.solver).is_none()
            && self
                .ledger
                .is_known_elsewhere(&self.config.host, &facts.run.solver)
        {
            return Fitness::Elsewhere;
        }
        if facts.run.topic() != facts.topic {
            let reason = format!(
                "the order's topic {} is not that of its run, {}",
                facts.topic,
                facts.run.topic()
            );
            return Fitness::Unfit { reason };
        }
        match self.config.catalogue.check(&facts.run) {
            Ok(_) => Fitness::Fit,
            Err(error) => Fitness::Unfit {
                reason: error.to_string(),
            },
        }
    }

    async fn claim(&mut self, facts: &RunFacts, attempt: u32) -> Result<(), LogError> {
        let holder = Uuid::new_v4();
        let ours = claim::claim(
            &facts.topic,
            attempt,
            &self.config.host,
            holder,
            Utc::now(),
            false,
        );
        let claimed_at = events::try_append_json(&*self.log, &claim::topic(), &facts.topic, &ours).await?;
        self.ledger.catch_up(&*self.log).await?;
        let won = self
            .ledger
            .book
            .lease(&facts.topic)
            .is_some_and(|lease| lease.holder == holder);
        if !won {
            tracing::info!(topic = %facts.topic, attempt, "another host has the run");
            self.lost.insert(facts.topic.clone(), Utc::now() + claim::RENEWAL);
            return Ok(());
        }
        let Some(job) = self.job(facts, attempt, holder, claimed_at) else {
            return Ok(());
        };
        tracing::info!(topic = %facts.topic, attempt, "starting a watchdog");
        if let Err(error) = self.crew.start(job.clone()) {
            tracing::error!(topic = %facts.topic, "{error:#}");
            self.gone.push(Gone {
                job,
                how: Some(format!("{error:#}")),
                last_words: None,
            });
        }
        Ok(())
    }

    fn job(&mut self, facts: &RunFacts, attempt: u32, holder: Uuid, claimed_at: Position) -> Option<Job> {
        let entry = self.config.catalogue.find(&facts.run.solver)?.clone();
        let start = facts.start.as_ref()?;
        let row = self.ledger.row(&facts.topic);
        let begun_since = self.ledger.has_begun_since(&facts.topic, start.at);
        Some(Job {
            run: facts.run.clone(),
            topic: facts.topic.clone(),
            attempt,
            host: self.config.host.clone(),
            by: start.by.clone(),
            holder,
            claimed_at,
            orders_from: start.position.next(),
            fresh: start.fresh && !begun_since,
            pace: start.pace,
            failures: row.failures,
            furthest: row.furthest,
            incident: row.incident,
            death: self
                .deaths
                .get_mut(&facts.topic)
                .and_then(|deaths| deaths.incident.take()),
            speaks_protocol: true,
            entry,
        })
    }

    /// Says what has to be said for a watchdog that cannot say it any more, and gives its claim free.
    async fn bury(&mut self, gone: &Gone) -> Result<(), LogError> {
        let job = &gone.job;
        let is_ours =
            |lease: &Lease| lease.attempt == job.attempt && lease.holder == job.holder && !lease.released;
        if !self.ledger.book.lease(&job.topic).is_some_and(is_ours) {
            return Ok(());
        }
        self.crew.clean_up_after(job).await;
        let release = claim::claim(&job.topic, job.attempt, &job.host, job.holder, Utc::now(), true);
        events::try_append_json(&*self.log, &claim::topic(), &job.topic, &release).await?;
        if self
            .ledger
            .book
            .find(&job.topic)
            .is_some_and(|facts| facts.wanted)
        {
            self.note_death(gone);
        }
        Ok(())
    }

    fn note_death(&mut self, gone: &Gone) {
        let (job, now) = (&gone.job, Utc::now());
        let earlier = self
            .deaths
            .get(&job.topic)
            .filter(|deaths| now - deaths.last < DEATHS_APART);
        let count = earlier.map_or(0, |deaths| deaths.count) + 1;
        let incident = format!("{}/{}/watchdog", job.topic, job.attempt);
        let how = gone
            .how
            .clone()
            .unwrap_or_else(|| "it was killed, or the machine was restarted".to_owned());
        let last_words = gone
            .last_words
            .as_ref()
            .map(|words| format!(" It said last: {words}"))
            .unwrap_or_default();
        let speaker = Speaker::of(job);
        self.courier
            .send(speaker.watchdog_died(incident.clone(), &format!("{how}.{last_words}")));
        self.deaths.insert(
            job.topic.clone(),
            Deaths {
                count,
                last: now,
                incident: Some(incident),
            },
        );
    }

    /// A person has ended what went wrong.
    fn close_incidents(&mut self, facts: &RunFacts, by: &str) {
        let death = self
            .deaths
            .get_mut(&facts.topic)
            .and_then(|deaths| deaths.incident.take());
        let failure = self.ledger.row(&facts.topic).incident;
        let speaker = Speaker {
            run: &facts.run,
            topic: &facts.topic,
            attempt: facts.attempt(),
            host: &self.config.host,
        };
        for key in death.into_iter().chain(failure) {
            self.courier.send(speaker.stopped(&key, by));
        }
    }

    async fn tell(&self, facts: &RunFacts, event: RunEvent) -> Result<(), LogError> {
        tracing::info!(topic = %facts.topic, ?event, "noted");
        let record = EventRecord {
            id: Uuid::now_v7(),
            at: Utc::now(),
            topic: facts.topic.clone(),
            run: facts.run.clone(),
            attempt: facts.attempt(),
            host: self.config.host.clone(),
            iteration: facts.event.as_ref().map_or(0, |event| event.iteration),
            event,
        };
        events::try_append_json(&*self.log, &event::topic(), &facts.topic, &record).await?;
        Ok(())
    }
}

async fn patiently_catch_up(ledger: &mut Ledger, log: &dyn Log) -> Result<(), LogError> {
    loop {
        match ledger.catch_up(log).await {
            Err(error) if error.is_passing() => tokio::time::sleep(Duration::from_millis(500)).await,
            done => return done,
        }
    }
}

/// Hands on what comes into one of the shared topics, for as long as somebody listens.
async fn follow(log: Arc<dyn Log>, source: Source, mut from: Position, news: mpsc::Sender<(Source, Stored)>) {
    while !news.is_closed() {
        match log.follow(&source.topic(), from).await {
            Ok(mut stream) => {
                while let Some(Ok(stored)) = stream.next().await {
                    from = stored.position.next();
                    if news.send((source, stored)).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "waiting for the log"),
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

async fn until(wake: Option<DateTime<Utc>>) {
    match wake {
        // At least a moment, so that clocks that differ a little cannot make us spin.
        Some(at) => {
            tokio::time::sleep(
                (at - Utc::now())
                    .to_std()
                    .unwrap_or_default()
                    .max(Duration::from_millis(10)),
            )
            .await
        }
        None => std::future::pending().await,
    }
}
