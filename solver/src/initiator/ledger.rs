//! What the initiator has read: the book of runs, how failures follow each other, who can run what, and who is there.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use kymo_runlog::catalogue::{self, HostCatalogue};
use kymo_runlog::event::{self, EventRecord, RunEvent};
use kymo_runlog::host::{self, HostRecord};
use kymo_runlog::{Log, LogError, Position, RunBook, RunId, StartOrder, Stored, Topic, claim, order};
use tokio::time::Instant;

use super::lapse::Lapses;
use super::pool::Pool;
use crate::restart::Row;
use crate::watchdog::tell;

const CHUNK: usize = 4 << 20;
/// Failures of one run that are remembered; a policy's limit is far below.
const LONGEST_HISTORY: usize = 1000;

/// The shared topics. Claims are read before events: whoever sees a claim released has then also read
/// why the attempt ended, because a watchdog writes its event first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    Claims,
    Events,
    Orders,
    Catalogue,
    Hosts,
}

impl Source {
    pub const ALL: [Self; 5] = [
        Self::Claims,
        Self::Events,
        Self::Orders,
        Self::Catalogue,
        Self::Hosts,
    ];
    /// Who was there earlier means nothing.
    const WITH_HISTORY: [Self; 4] = [Self::Claims, Self::Events, Self::Orders, Self::Catalogue];

    pub fn topic(self) -> Topic {
        match self {
            Self::Claims => claim::topic(),
            Self::Events => event::topic(),
            Self::Orders => order::topic(),
            Self::Catalogue => catalogue::topic(),
            Self::Hosts => host::topic(),
        }
    }
}

/// How a run's attempts have gone lately.
#[derive(Clone, Debug, Default)]
struct History {
    /// Since the run last ended well.
    failures: Vec<Failure>,
    /// When the newest attempt's solver began.
    began_at: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug)]
struct Failure {
    at: DateTime<Utc>,
    attempt: u32,
    iteration: u64,
}

impl History {
    fn apply(&mut self, event: &EventRecord, at: DateTime<Utc>) {
        match &event.event {
            RunEvent::Started { .. } | RunEvent::Resumed { .. } => self.began_at = Some(at),
            RunEvent::Failed { .. } => {
                if self.failures.len() >= LONGEST_HISTORY {
                    self.failures.remove(0);
                }
                self.failures.push(Failure {
                    at,
                    attempt: event.attempt,
                    iteration: event.iteration,
                });
            }
            RunEvent::Finished | RunEvent::Stopped { .. } => self.failures.clear(),
            RunEvent::Silent { .. } | RunEvent::Heard | RunEvent::Refused { .. } => {}
        }
    }

    /// The row of failures that the next attempt goes on with. A person's order starts counting anew, but the alert
    /// stays the same; an order to start afresh has nothing to do with what was before.
    fn row(&self, topic: &Topic, start: Option<&StartOrder>) -> Row {
        let mut row = Row::default();
        for failure in &self.failures {
            let before = start.filter(|start| failure.at <= start.at);
            if before.is_some_and(|start| start.fresh) {
                continue;
            }
            row.fail(failure.iteration, || tell::new_incident(topic, failure.attempt));
            if before.is_some() {
                row.failures = 0;
            }
        }
        row
    }
}

/// Everything read so far. A message that comes twice counts once.
#[derive(Default)]
pub struct Ledger {
    pub book: RunBook,
    histories: BTreeMap<Topic, History>,
    catalogues: BTreeMap<String, HostCatalogue>,
    pub pool: Pool,
    pub lapses: Lapses,
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
            Source::Claims => {
                self.book.push_claim(stored)?;
                let claim: claim::Claim = stored.json()?;
                if let Some(lease) = self.book.lease(&claim.topic) {
                    self.lapses.hear_lease(&claim.topic, lease, Instant::now());
                }
                Ok(())
            }
            Source::Orders => self.book.push_order(stored),
            Source::Events => {
                self.book.push_event(stored)?;
                let event: EventRecord = stored.json()?;
                self.lapses.hear_event(&event, stored.at, Instant::now());
                self.histories
                    .entry(event.topic.clone())
                    .or_default()
                    .apply(&event, stored.at);
                Ok(())
            }
            Source::Catalogue => {
                let host: HostCatalogue = stored.json()?;
                self.catalogues.insert(host.host.clone(), host);
                Ok(())
            }
            Source::Hosts => {
                let host: HostRecord = stored.json()?;
                self.pool.hear(host, Instant::now());
                Ok(())
            }
        }
    }

    /// Reads everything that stands in the shared topics now.
    pub async fn catch_up(&mut self, log: &dyn Log) -> Result<(), LogError> {
        for source in Source::WITH_HISTORY {
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

    /// The row of failures that the run's next attempt goes on with.
    pub fn row(&self, topic: &Topic) -> Row {
        let start = self.book.find(topic).and_then(|facts| facts.start.as_ref());
        self.histories
            .get(topic)
            .map(|history| history.row(topic, start))
            .unwrap_or_default()
    }

    /// Whether a solver of the run has begun after `at`.
    pub fn has_begun_since(&self, topic: &Topic, at: DateTime<Utc>) -> bool {
        self.histories
            .get(topic)
            .and_then(|history| history.began_at)
            .is_some_and(|began| began > at)
    }

    /// Whether some other host's catalogue has the run's solver, and what it takes the run for if it takes it.
    pub fn is_known_elsewhere(&self, host: &str, run: &RunId) -> Elsewhere {
        let others = self.catalogues.values().filter(|other| other.host != host);
        let mut known = Elsewhere::Unknown;
        for card in others.flat_map(|other| &other.solvers) {
            if card.name == run.solver {
                match card.complete(&run.parameters) {
                    Ok(same) if same == *run => return Elsewhere::Taken,
                    Ok(_) | Err(_) => known = Elsewhere::Known,
                }
            }
        }
        known
    }
}

/// What other hosts' catalogues say of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    Unknown,
    /// One has its solver, with other parameters.
    Known,
    /// One takes it as it is.
    Taken,
}

#[cfg(test)]
mod tests {
    use kymo_runlog::{Parameters, RunId};
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn history(events: &[(i64, u32, u64, RunEvent)]) -> (Topic, History) {
        let run = RunId {
            solver: "count".to_owned(),
            parameters: Parameters::default(),
        };
        let topic = run.topic();
        let mut history = History::default();
        for (second, attempt, iteration, event) in events {
            let record = EventRecord {
                id: Uuid::nil(),
                at: at(*second),
                topic: topic.clone(),
                run: run.clone(),
                attempt: *attempt,
                host: "lab".to_owned(),
                iteration: *iteration,
                event: event.clone(),
            };
            history.apply(&record, at(*second));
        }
        (topic, history)
    }

    fn failed() -> RunEvent {
        RunEvent::Failed {
            reason: "exit code 3".to_owned(),
            last_lines: Vec::new(),
            again_at: None,
        }
    }

    fn start(second: i64, fresh: bool) -> StartOrder {
        let by = "Ada".to_owned();
        StartOrder {
            id: Uuid::nil(),
            by,
            at: at(second),
            position: Position(1),
            fresh,
            pace: None,
            on: Vec::new(),
        }
    }

    #[test]
    fn a_persons_order_starts_counting_anew_but_the_alert_stays() {
        let (topic, history) = history(&[
            (1, 1, 7, failed()),
            (2, 2, 7, failed()),
            (3, 3, 7, failed()),
            (5, 4, 7, failed()),
        ]);
        let row = |start: Option<StartOrder>| {
            let row = history.row(&topic, start.as_ref());
            (row.failures, row.furthest, row.incident)
        };
        let first = Some("count/1/failed".to_owned());
        assert_eq!(row(None), (4, 7, first.clone()));
        assert_eq!(row(Some(start(4, false))), (1, 7, first.clone()));
        assert_eq!(row(Some(start(9, false))), (0, 7, first));
        assert_eq!(
            row(Some(start(4, true))),
            (1, 7, Some("count/4/failed".to_owned()))
        );
        assert_eq!(row(Some(start(9, true))), (0, 0, None));
    }

    #[test]
    fn a_run_that_ended_well_has_a_clean_slate() {
        let (topic, history) = history(&[(1, 1, 7, failed()), (2, 2, 9, RunEvent::Finished)]);
        assert_eq!(history.row(&topic, None), Row::default());
    }
}
