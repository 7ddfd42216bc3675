//! What is wanted of every run, and how it stands: folded from orders, claims and events.
//!
//! Within a topic the log's order counts; between the three topics, the times at which the log took
//! the records. The same records give the same book, on every host.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::claim::{Claim, Lease, Leases};
use crate::event::{EventRecord, RunEvent};
use crate::order::{Order, OrderRecord, When};
use crate::{Position, RunId, ShortId, Stored, Topic};

/// All runs that anybody ordered or heard of.
#[derive(Clone, Debug, Default)]
pub struct RunBook {
    runs: BTreeMap<Topic, RunFacts>,
    leases: Leases,
    /// Delivery is at least once; an order works once.
    orders: HashSet<Uuid>,
}

/// What the book knows of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFacts {
    pub topic: Topic,
    pub run: RunId,
    pub short: ShortId,
    /// The newest order to start, even when it was carried out long ago.
    pub start: Option<StartOrder>,
    /// The newest order to stop, if it came after `start`.
    pub stop: Option<StopOrder>,
    /// The newest event of the newest attempt.
    pub event: Option<EventRecord>,
    /// When the log took that event.
    pub event_at: Option<DateTime<Utc>>,
    /// When the newest attempt's solver began.
    pub began_at: Option<DateTime<Utc>>,
    /// Who holds, or last held, the newest attempt.
    pub lease: Option<Lease>,
    /// Whether `start` still waits to be carried through to an end.
    pub wanted: bool,
}

/// An order to start, as the log took it.
#[derive(Clone, Debug, PartialEq)]
pub struct StartOrder {
    pub id: Uuid,
    pub by: String,
    /// When the log took it.
    pub at: DateTime<Utc>,
    pub position: Position,
    pub fresh: bool,
    pub pace: Option<f64>,
    /// Labels that the host must have.
    pub on: Vec<String>,
}

/// An order to stop, as the log took it.
#[derive(Clone, Debug, PartialEq)]
pub struct StopOrder {
    pub id: Uuid,
    pub by: String,
    pub at: DateTime<Utc>,
    pub when: When,
}

/// How a run stands, in one word.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Wanted, and nobody has begun.
    Queued,
    Running,
    /// Running, but nothing was heard for longer than its patience.
    Silent {
        seconds: f64,
    },
    /// Its watchdog says nothing any more, not even how it ended: the lease ran out.
    Lost {
        since: DateTime<Utc>,
    },
    /// It failed, and will be started again.
    Restarting {
        reason: String,
        again_at: DateTime<Utc>,
    },
    /// A stop is ordered and not carried out yet.
    Stopping {
        when: When,
    },
    Stopped {
        by: String,
    },
    Finished,
    Failed {
        reason: String,
    },
    Refused {
        reason: String,
    },
}

impl Phase {
    /// Whether something computes, or is about to.
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Queued
            | Self::Running
            | Self::Stopping { .. }
            | Self::Silent { .. }
            | Self::Restarting { .. } => true,
            Self::Lost { .. }
            | Self::Finished
            | Self::Stopped { .. }
            | Self::Failed { .. }
            | Self::Refused { .. } => false,
        }
    }
}

impl RunBook {
    /// Takes a record of `kymo.orders`; the error is why it is none.
    pub fn push_order(&mut self, stored: &Stored) -> Result<(), String> {
        self.order(&stored.json()?, stored.at, stored.position);
        Ok(())
    }

    /// Takes a record of `kymo.claims`; the error is why it is none.
    pub fn push_claim(&mut self, stored: &Stored) -> Result<(), String> {
        self.claim(&stored.json()?, stored.position, stored.at);
        Ok(())
    }

    /// Takes a record of `kymo.events`; the error is why it is none.
    pub fn push_event(&mut self, stored: &Stored) -> Result<(), String> {
        self.event(&stored.json()?, stored.at);
        Ok(())
    }

    pub fn order(&mut self, order: &OrderRecord, at: DateTime<Utc>, position: Position) {
        let (id, by) = (order.id, order.by.clone());
        if !self.orders.insert(id) {
            return;
        }
        match &order.order {
            // A topic that is not the run's own would mix two runs.
            Order::Start { run, topic, .. } if run.topic() != *topic => {}
            Order::Start {
                run,
                topic,
                fresh,
                pace,
                on,
            } => {
                let facts = self.entry(topic, run);
                facts.start = Some(StartOrder {
                    id,
                    by,
                    at,
                    position,
                    fresh: *fresh,
                    pace: *pace,
                    on: on.clone(),
                });
                facts.stop = None;
                facts.settle();
            }
            Order::Stop { topic, when } => {
                let Some(facts) = self.runs.get_mut(topic) else {
                    return;
                };
                facts.stop = Some(StopOrder {
                    id,
                    by,
                    at,
                    when: *when,
                });
                facts.settle();
            }
        }
    }

    pub fn claim(&mut self, claim: &Claim, position: Position, at: DateTime<Utc>) {
        self.leases.apply(claim, position, at);
        if let Some(facts) = self.runs.get_mut(&claim.topic) {
            facts.lease = self.leases.find(&claim.topic).cloned();
            facts.settle();
        }
    }

    pub fn event(&mut self, event: &EventRecord, at: DateTime<Utc>) {
        let facts = self.entry(&event.topic, &event.run);
        // A zombie's last words do not change what a newer attempt does.
        if facts
            .event
            .as_ref()
            .is_some_and(|newest| event.attempt < newest.attempt)
        {
            return;
        }
        if let RunEvent::Started { .. } | RunEvent::Resumed { .. } = &event.event {
            facts.began_at = Some(event.at);
        }
        facts.event = Some(event.clone());
        facts.event_at = Some(at);
        facts.settle();
    }

    /// In the order of their topics.
    pub fn runs(&self) -> impl Iterator<Item = &RunFacts> {
        self.runs.values()
    }

    pub fn find(&self, topic: &Topic) -> Option<&RunFacts> {
        self.runs.get(topic)
    }

    pub fn find_short(&self, short: &ShortId) -> Option<&RunFacts> {
        self.runs.values().find(|facts| facts.short == *short)
    }

    pub fn lease(&self, topic: &Topic) -> Option<&Lease> {
        self.leases.find(topic)
    }

    fn entry(&mut self, topic: &Topic, run: &RunId) -> &mut RunFacts {
        let lease = self.leases.find(topic);
        self.runs.entry(topic.clone()).or_insert_with(|| RunFacts {
            topic: topic.clone(),
            run: run.clone(),
            short: ShortId::of(topic),
            start: None,
            stop: None,
            event: None,
            event_at: None,
            began_at: None,
            lease: lease.cloned(),
            wanted: false,
        })
    }
}

impl RunFacts {
    /// The newest attempt that anybody claimed or spoke of; 0 when there is none.
    pub fn attempt(&self) -> u32 {
        self.claimed()
            .max(self.event.as_ref().map_or(0, |event| event.attempt))
    }

    /// How it stands. `unheard_since`: when the asker last heard of its lease, if that was too long ago; no two
    /// clocks are compared.
    pub fn phase(&self, unheard_since: Option<DateTime<Utc>>) -> Phase {
        let phase = self.told();
        match (unheard_since, &phase) {
            (Some(since), Phase::Running | Phase::Silent { .. } | Phase::Stopping { .. })
                if self.is_held() =>
            {
                Phase::Lost { since }
            }
            _ => phase,
        }
    }

    /// When anything of it was last ordered or heard.
    pub fn newest_at(&self) -> Option<DateTime<Utc>> {
        let ordered = self.start.as_ref().map(|start| start.at);
        let stopped = self.stop.as_ref().map(|stop| stop.at);
        self.event_at.max(ordered).max(stopped)
    }

    /// As far as orders and events tell.
    fn told(&self) -> Phase {
        match (&self.stop, &self.event) {
            (Some(stop), _) if self.wanted => Phase::Stopping { when: stop.when },
            (Some(stop), _) if self.is_withdrawn() => Phase::Stopped { by: stop.by.clone() },
            (Some(stop), Some(event)) if self.is_told_to_stop(stop, event) => {
                Phase::Stopping { when: stop.when }
            }
            (_, Some(event)) if !self.wanted || !self.has_news_to_come(event) => told_by(event),
            _ if self.wanted => Phase::Queued,
            _ => Phase::Stopped { by: String::new() },
        }
    }

    /// Somebody has begun it, and did not give the lease back.
    fn is_held(&self) -> bool {
        let held = |(lease, event): (&Lease, &EventRecord)| !lease.released && event.attempt == lease.attempt;
        self.lease.as_ref().zip(self.event.as_ref()).is_some_and(held)
    }

    /// A run that nobody ordered, from a terminal, can be stopped all the same.
    fn is_told_to_stop(&self, stop: &StopOrder, event: &EventRecord) -> bool {
        let during = |lease: &Lease| lease.since <= stop.at;
        !event.event.ends_the_run() && self.lease.as_ref().is_some_and(during)
    }

    fn claimed(&self) -> u32 {
        self.lease.as_ref().map_or(0, |lease| lease.attempt)
    }

    fn heard(&self) -> Option<(&EventRecord, DateTime<Utc>)> {
        self.event.as_ref().zip(self.event_at)
    }

    /// Works out `wanted` from the facts, whichever came last.
    fn settle(&mut self) {
        let answered = |start| {
            self.heard()
                .is_some_and(|(event, at)| self.answers(start, event, at))
        };
        self.wanted = self.start.as_ref().is_some_and(|start| !answered(start)) && !self.is_withdrawn();
    }

    /// Ordered and stopped again before anybody claimed it.
    fn is_withdrawn(&self) -> bool {
        let untouched = |start: &StartOrder| self.lease.as_ref().is_none_or(|lease| lease.since < start.at);
        let idle = self.event.as_ref().is_none_or(|event| event.event.ends_the_run());
        self.stop.is_some() && idle && self.start.as_ref().is_some_and(untouched)
    }

    /// While a run is wanted, an ending or an older attempt's word is not the last one.
    fn has_news_to_come(&self, event: &EventRecord) -> bool {
        event.event.ends_the_run() || event.attempt < self.claimed()
    }

    /// Whether an event ends what this order began, rather than something before it.
    fn answers(&self, start: &StartOrder, event: &EventRecord, at: DateTime<Utc>) -> bool {
        if !event.event.ends_the_run() || at < start.at || event.attempt < self.claimed() {
            return false;
        }
        let began_before = self
            .lease
            .as_ref()
            .is_some_and(|lease| lease.attempt == event.attempt && lease.since < start.at);
        match &event.event {
            RunEvent::Refused { .. } => true,
            // Ordered again just before the end: nothing is left to do, except afresh.
            RunEvent::Finished => !(began_before && start.fresh),
            RunEvent::Stopped { .. } | RunEvent::Failed { .. } => !began_before || self.stop.is_some(),
            RunEvent::Started { .. }
            | RunEvent::Resumed { .. }
            | RunEvent::Silent { .. }
            | RunEvent::Heard => false,
        }
    }
}

fn told_by(event: &EventRecord) -> Phase {
    match &event.event {
        RunEvent::Started { .. } | RunEvent::Resumed { .. } | RunEvent::Heard => Phase::Running,
        RunEvent::Silent { seconds } => Phase::Silent { seconds: *seconds },
        RunEvent::Finished => Phase::Finished,
        RunEvent::Stopped { by } => Phase::Stopped { by: by.clone() },
        RunEvent::Failed {
            reason,
            again_at: Some(again_at),
            ..
        } => Phase::Restarting {
            reason: reason.clone(),
            again_at: *again_at,
        },
        RunEvent::Failed {
            reason,
            again_at: None,
            ..
        } => Phase::Failed {
            reason: reason.clone(),
        },
        RunEvent::Refused { reason } => Phase::Refused {
            reason: reason.clone(),
        },
    }
}

impl RunEvent {
    /// Whether nothing more happens without a new order.
    pub fn ends_the_run(&self) -> bool {
        match self {
            Self::Finished | Self::Stopped { .. } | Self::Refused { .. } => true,
            Self::Failed { again_at, .. } => again_at.is_none(),
            Self::Started { .. } | Self::Resumed { .. } | Self::Silent { .. } | Self::Heard => false,
        }
    }
}
