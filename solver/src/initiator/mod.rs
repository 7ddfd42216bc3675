//! The initiator: one per machine. It takes orders from the log, publishes what this machine can run and has room for,
//! claims runs and starts a watchdog for each. Stop orders are obeyed by the watchdogs themselves, which outlive it.
//! Several of them form a pool: who gets a run is settled by the first claim, and when a claim is not renewed any more,
//! another one takes the run over.

pub(crate) mod crew;
pub(crate) mod here;
mod lapse;
pub(crate) mod ledger;
pub mod machine;
mod plan;
mod pool;
mod presence;

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
use kymo_runlog::host::{Capacity, HostRecord, Needs, Place};
use kymo_runlog::{Log, LogError, Message, Position, RunFacts, Stored, Topic, Window};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::crew::{Crew, Gone};
use self::here::Here;
use self::ledger::{Elsewhere, Ledger, Source};
use self::plan::{Fitness, Step, View, step};
use self::presence::{Clock, Room};
use crate::catalogue::Catalogue;
use crate::events::{self, patiently};
use crate::folder::Job;
use crate::server::{self, Gateway, ServerConfig};
use crate::spool::Courier;
use crate::watchdog::tell::{self, Speaker};

/// Deaths of a run's watchdog that are further apart are not in a row.
const DEATHS_APART: Duration = Duration::from_secs(300);

/// What an initiator is started with.
#[derive(Clone, Debug)]
pub struct InitiatorConfig {
    pub host: String,
    /// What runs can be pinned to; the host's own name is one, too.
    pub labels: Vec<String>,
    pub capacity: Capacity,
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
    let crew = Here::find(&config.data, config.watchdog_command.clone(), config.capacity)?;
    run_with(Box::new(crew), config, log, door, stop).await
}

/// The same for a server: its watchdogs live there.
pub async fn run_there(
    server: ServerConfig,
    catalogue: Catalogue,
    gateway: Gateway,
    log: Arc<dyn Log>,
    door: Option<Door>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let crew = server::crew(&server, &gateway, log.clone())?;
    let config = InitiatorConfig {
        host: server.name.clone(),
        labels: server.labels.clone(),
        capacity: crew.capacity(),
        data: server::folder_of(&gateway.data, &server.name),
        catalogue,
        watchdog_command: Vec::new(),
    };
    run_with(Box::new(crew), config, log, door, stop).await
}

async fn run_with(
    crew: Box<dyn Crew>,
    config: InitiatorConfig,
    log: Arc<dyn Log>,
    door: Option<Door>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let courier = Courier::patrol(&config.data, door);
    let presence = HostRecord {
        host: config.host.clone(),
        life: Uuid::new_v4(),
        at: Utc::now(),
        labels: config.labels.clone(),
        capacity: config.capacity,
        taken: crew.taken(),
        left: false,
    };
    let mut initiator = Initiator {
        config,
        log,
        courier,
        room: watch::Sender::new(Room::of(&*crew)),
        presence,
        crew,
        gone: Vec::new(),
        ledger: Ledger::default(),
        deaths: BTreeMap::new(),
        clock: Clock::default(),
        namesake: false,
    };
    let worked = stop.run_until_cancelled(initiator.work()).await;
    presence::leave(&*initiator.log, &initiator.presence, Room::of(&*initiator.crew)).await;
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
    /// What this host says of itself, but for what is taken.
    presence: HostRecord,
    room: watch::Sender<Room>,
    clock: Clock,
    /// Another initiator has our name, and that was said.
    namesake: bool,
}

/// Whether it is still a run's turn in the order in which they were ordered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Open,
    /// One that was ordered earlier waits for room here.
    Over,
}

/// Watchdogs of one run that died here in a row.
struct Deaths {
    count: u32,
    last: Instant,
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
        followers.spawn(presence::speak(
            log.clone(),
            self.presence.clone(),
            self.room.subscribe(),
        ));
        let mut waiting = false;
        loop {
            self.gone.extend(self.crew.take_gone());
            for alert in self.crew.take_alerts() {
                self.courier.send(alert);
            }
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
                    Some(Instant::now() + Duration::from_millis(500))
                }
                Err(error) => return Err(error.into()),
            };
            let room = Room::of(&*self.crew);
            self.room
                .send_if_modified(|known| std::mem::replace(known, room) != room);
            tokio::select! {
                Some((source, stored)) = inbox.recv() => {
                    self.hear(source, &stored);
                    while let Ok((source, stored)) = inbox.try_recv() {
                        self.hear(source, &stored);
                    }
                }
                () = self.crew.news() => {}
                () = until(wake) => {}
            }
        }
    }

    fn hear(&mut self, source: Source, stored: &Stored) {
        self.ledger.apply(source, stored);
        if source == Source::Hosts
            && let Ok(said) = stored.json::<HostRecord>()
        {
            self.compare_with_ours(&said, stored.at);
        }
    }

    /// Our own presence tells how the log is, and its clock; anybody else's with our name is somebody's mistake.
    fn compare_with_ours(&mut self, said: &HostRecord, logged: DateTime<Utc>) {
        if said.life == self.presence.life {
            self.ledger.lapses.hear_log(Instant::now());
            let host = &self.config.host;
            if let Some(alert) = self.clock.compare(host, said.at, logged, Utc::now()) {
                self.courier.send(alert);
            }
        } else if !self.namesake
            && said.host == self.config.host
            && !said.left
            // What an earlier life of ours said last may come after our first word, but not much later.
            && self.presence.at.signed_duration_since(said.at) < chrono::TimeDelta::zero()
        {
            self.namesake = true;
            tracing::error!(
                host = said.host,
                "another initiator has the same name as this one; give each host a name of its own with `host` under \
                 [initiator] in kymo.toml, otherwise nobody can tell their runs apart"
            );
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
    async fn round(&mut self) -> Result<Option<Instant>, LogError> {
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
        let mut wanted: Vec<(Option<Position>, Topic)> = self
            .ledger
            .book
            .runs()
            .filter(|run| run.wanted)
            .map(|run| (run.start.as_ref().map(|start| start.position), run.topic.clone()))
            .collect();
        // Whoever was ordered first is first.
        wanted.sort();
        let mut turn = Turn::Open;
        for (_, topic) in wanted {
            match self.deal_with(&topic, turn).await? {
                Step::Wait(at) => wake = Some(wake.map_or(at, |wake: Instant| wake.min(at))),
                Step::Queue => turn = Turn::Over,
                Step::Nothing | Step::Claim { .. } | Step::Refuse { .. } | Step::NoteStop { .. } => {}
            }
        }
        // A watchdog that could not even be started.
        Ok(if self.gone.is_empty() {
            wake
        } else {
            Some(Instant::now())
        })
    }

    async fn deal_with(&mut self, topic: &Topic, turn: Turn) -> Result<Step, LogError> {
        let step = match self.next_step(topic, turn) {
            step @ (Step::Nothing | Step::Wait(_) | Step::Queue) => return Ok(step),
            Step::Claim { .. } | Step::Refuse { .. } | Step::NoteStop { .. } => {
                // Before something irrevocable: the newest news.
                self.ledger.catch_up(&*self.log).await?;
                self.next_step(topic, turn)
            }
        };
        let Some(facts) = self.ledger.book.find(topic).cloned() else {
            return Ok(Step::Nothing);
        };
        match &step {
            Step::Nothing | Step::Wait(_) | Step::Queue => {}
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

    fn next_step(&self, topic: &Topic, turn: Turn) -> Step {
        let Some(facts) = self.ledger.book.find(topic) else {
            return Step::Nothing;
        };
        let now = Instant::now();
        let pause = |deaths: &Deaths| deaths.last + plan::pause_after_death(deaths.count);
        let last = facts.lease.as_ref().map(|lease| lease.host.as_str());
        let view = View {
            watched: self.crew.has(topic),
            lapses: self.ledger.lapses.lapses_at(facts, now),
            due: facts
                .event
                .as_ref()
                .and_then(|event| self.ledger.lapses.due_at(event)),
            not_before: self.deaths.get(topic).map(pause),
            speaks: self.ledger.pool.speaks(&self.config.host, last, now),
            now,
        };
        step(facts, &view, || self.fitness(facts, turn))
    }

    /// An order comes from outside: it is checked against our own catalogue, whoever checked it before.
    fn fitness(&self, facts: &RunFacts, turn: Turn) -> Fitness {
        if !self.crew.is_open() {
            return Fitness::Elsewhere;
        }
        let elsewhere = self.ledger.is_known_elsewhere(&self.config.host, &facts.run);
        let Some(entry) = self.config.catalogue.find(&facts.run.solver) else {
            return match elsewhere {
                Elsewhere::Known | Elsewhere::Taken => Fitness::Elsewhere,
                Elsewhere::Unknown => self.unfit(facts),
            };
        };
        if facts.run.topic() != facts.topic {
            let reason = format!(
                "the order's topic {} is not that of its run, {}",
                facts.topic,
                facts.run.topic()
            );
            return Fitness::Unfit { reason };
        }
        if self.config.catalogue.check(&facts.run).is_err() {
            return match elsewhere {
                Elsewhere::Taken => Fitness::Elsewhere,
                Elsewhere::Known | Elsewhere::Unknown => self.unfit(facts),
            };
        }
        let on = facts.start.as_ref().map_or(&[][..], |start| &start.on);
        match (self.place(&entry.card.needs.clone().and_on(on)), turn) {
            (Place::Free, Turn::Open) => Fitness::Fit,
            (Place::Free, Turn::Over) | (Place::Taken(_), Turn::Open | Turn::Over) => Fitness::Full,
            // A host that can take it may come, or come back.
            (Place::Unfit(_), Turn::Open | Turn::Over) => Fitness::Elsewhere,
        }
    }

    fn unfit(&self, facts: &RunFacts) -> Fitness {
        match self.config.catalogue.check(&facts.run) {
            Ok(_) => Fitness::Fit,
            Err(error) => Fitness::Unfit {
                reason: error.to_string(),
            },
        }
    }

    fn place(&self, needs: &Needs) -> Place {
        let now = HostRecord {
            taken: self.crew.taken(),
            capacity: self.crew.capacity(),
            ..self.presence.clone()
        };
        now.place(needs)
    }

    async fn claim(&mut self, facts: &RunFacts, attempt: u32) -> Result<(), LogError> {
        let holder = Uuid::new_v4();
        let mut ours = claim::claim(
            &facts.topic,
            attempt,
            &self.config.host,
            holder,
            Utc::now(),
            false,
        );
        let lapsed = facts.lease.as_ref().filter(|lease| !lease.released);
        if let Some(lease) = lapsed {
            ours = claim::take_over(lease, ours);
        }
        let claimed_at = events::try_append_json(&*self.log, &claim::topic(), &facts.topic, &ours).await?;
        Window::Claimed.pass();
        self.ledger.catch_up(&*self.log).await?;
        let won = self
            .ledger
            .book
            .lease(&facts.topic)
            .is_some_and(|lease| lease.holder == holder);
        if !won {
            tracing::info!(topic = %facts.topic, attempt, "another host has the run");
            return Ok(());
        }
        if let Some(lease) = lapsed {
            self.note_take_over(facts, lease);
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
        let (job, now) = (&gone.job, Instant::now());
        let earlier = self
            .deaths
            .get(&job.topic)
            .filter(|deaths| now.saturating_duration_since(deaths.last) < DEATHS_APART);
        let count = earlier.map_or(0, |deaths| deaths.count) + 1;
        let incident = tell::watchdog_incident(&job.topic, job.attempt);
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

    /// Nothing is heard of the host that had the run; should it have told of its watchdog's death, this is the same.
    fn note_take_over(&mut self, facts: &RunFacts, lease: &Lease) {
        tracing::warn!(topic = %facts.topic, from = lease.host, "taking over a run whose claim was not renewed");
        let incident = tell::watchdog_incident(&facts.topic, lease.attempt);
        let speaker = Speaker {
            run: &facts.run,
            topic: &facts.topic,
            attempt: lease.attempt,
            host: &self.config.host,
        };
        self.courier
            .send(speaker.taken_over(incident.clone(), &lease.host));
        let deaths = self.deaths.entry(facts.topic.clone()).or_insert(Deaths {
            count: 0,
            last: Instant::now(),
            incident: None,
        });
        deaths.incident = Some(incident);
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

async fn until(wake: Option<Instant>) {
    match wake {
        // At least a moment, so that nothing can make us spin.
        Some(at) => tokio::time::sleep_until(at.max(Instant::now() + Duration::from_millis(10))).await,
        None => std::future::pending().await,
    }
}
