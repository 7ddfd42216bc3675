//! What the initiator has read: the book of runs, how failures follow each other, and who can run what.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kymo_runlog::catalogue::{self, HostCatalogue};
use kymo_runlog::event::{self, EventRecord, RunEvent};
use kymo_runlog::{Log, LogError, Position, RunBook, Stored, Topic, claim, order};

use crate::restart;
use crate::watchdog::tell;

const CHUNK: usize = 4 << 20;

/// The shared topics. Claims are read before events: whoever sees a claim released has then also read
/// why the attempt ended, because a watchdog writes its event first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Claims,
    Events,
    Orders,
    Catalogue,
}

impl Source {
    pub const ALL: [Self; 4] = [Self::Claims, Self::Events, Self::Orders, Self::Catalogue];

    pub fn topic(self) -> Topic {
        match self {
            Self::Claims => claim::topic(),
            Self::Events => event::topic(),
            Self::Orders => order::topic(),
            Self::Catalogue => catalogue::topic(),
        }
    }
}

/// How a run's attempts have gone lately.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// Failures in a row that got no further.
    pub failures: u32,
    /// The alert's incident of that row.
    pub incident: Option<String>,
    /// When the newest attempt's solver began.
    pub began_at: Option<DateTime<Utc>>,
    began_after: u64,
}

impl Row {
    fn apply(&mut self, event: &EventRecord, at: DateTime<Utc>) {
        match &event.event {
            RunEvent::Started { .. } | RunEvent::Resumed { .. } => {
                self.began_at = Some(at);
                self.began_after = event.iteration;
            }
            RunEvent::Failed { .. } => {
                self.failures = restart::failures_in_a_row(self.failures, event.iteration > self.began_after);
                if self.failures == 1 {
                    self.incident = Some(tell::new_incident(&event.topic, event.attempt));
                }
            }
            RunEvent::Finished | RunEvent::Stopped { .. } => {
                self.failures = 0;
                self.incident = None;
            }
            RunEvent::Silent { .. } | RunEvent::Heard | RunEvent::Refused { .. } => {}
        }
    }
}

/// Everything read so far. A message that comes twice counts once.
#[derive(Default)]
pub struct Ledger {
    pub book: RunBook,
    rows: BTreeMap<Topic, Row>,
    hosts: BTreeMap<String, HostCatalogue>,
    next: BTreeMap<Source, Position>,
}

impl Ledger {
    pub fn next(&self, source: Source) -> Position {
        self.next.get(&source).copied().unwrap_or(Position::START)
    }

    pub fn apply(&mut self, source: Source, stored: &Stored) {
        if stored.position < self.next(source) {
            return;
        }
        self.next.insert(source, stored.position.next());
        if let Err(reason) = self.take(source, stored) {
            tracing::warn!(topic = %source.topic(), position = stored.position.0, reason, "kept aside");
        }
    }

    fn take(&mut self, source: Source, stored: &Stored) -> Result<(), String> {
        match source {
            Source::Claims => self.book.push_claim(stored),
            Source::Orders => self.book.push_order(stored),
            Source::Events => {
                self.book.push_event(stored)?;
                let event: EventRecord = stored.json()?;
                self.rows
                    .entry(event.topic.clone())
                    .or_default()
                    .apply(&event, stored.at);
                Ok(())
            }
            Source::Catalogue => {
                let host: HostCatalogue = stored.json()?;
                self.hosts.insert(host.host.clone(), host);
                Ok(())
            }
        }
    }

    /// Reads everything that stands in the shared topics now.
    pub async fn catch_up(&mut self, log: &dyn Log) -> Result<(), LogError> {
        for source in Source::ALL {
            let topic = source.topic();
            loop {
                let chunk = log.read(&topic, self.next(source), CHUNK).await?;
                if chunk.is_empty() {
                    break;
                }
                for stored in &chunk {
                    self.apply(source, stored);
                }
            }
        }
        Ok(())
    }

    pub fn row(&self, topic: &Topic) -> Row {
        self.rows.get(topic).cloned().unwrap_or_default()
    }

    /// Whether some other host's catalogue has the solver.
    pub fn is_known_elsewhere(&self, host: &str, solver: &str) -> bool {
        let others = self.hosts.values().filter(|other| other.host != host);
        others
            .flat_map(|other| &other.solvers)
            .any(|card| card.name == solver)
    }
}
