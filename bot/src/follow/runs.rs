//! How every run stands, folded from orders and events. The log's own times order the two topics.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use kymo_runlog::event::{EventRecord, RunEvent};
use kymo_runlog::order::{Order, OrderRecord, When};
use kymo_runlog::{RunId, ShortId, Topic};

/// What a run is doing, as far as the log tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// Ordered; no initiator has begun yet.
    Queued,
    Running,
    /// A stop is ordered and not carried out yet.
    Stopping {
        when: When,
    },
    /// Running, but nothing was heard for longer than the solver's patience.
    Silent {
        seconds: f64,
    },
    /// It failed and is started again.
    Restarting {
        reason: String,
        again_at: DateTime<Utc>,
    },
    Finished,
    Stopped {
        by: String,
    },
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
            Self::Finished | Self::Stopped { .. } | Self::Failed { .. } | Self::Refused { .. } => false,
        }
    }
}

/// A run as people ask about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    pub topic: Topic,
    pub id: RunId,
    pub short: ShortId,
    pub phase: Phase,
    /// 0 before the first.
    pub attempt: u32,
    /// The last complete iteration at the newest event.
    pub iteration: u64,
    pub host: Option<String>,
    /// Who ordered it last.
    pub by: Option<String>,
    /// Seconds of waiting after each iteration, as ordered last.
    pub pace: Option<f64>,
    /// Labels that its host must have, as ordered last.
    pub on: Vec<String>,
    /// When the log took the newest order to start it.
    pub ordered_at: DateTime<Utc>,
    /// When its newest attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was last heard of.
    pub at: DateTime<Utc>,
}

/// All runs.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    runs: HashMap<Topic, Run>,
}

impl Runs {
    /// Takes in an order; `at` is when the log took it. Returns the run whose phase it changed.
    pub fn order(&mut self, order: &OrderRecord, at: DateTime<Utc>) -> Option<Topic> {
        match &order.order {
            Order::Start {
                run: id,
                topic,
                pace,
                on,
                ..
            } => {
                let run = self.entry(topic, id, at);
                run.by = Some(order.by.clone());
                run.pace = *pace;
                run.on = on.clone();
                run.ordered_at = at;
                let changes = at >= run.at && !run.phase.is_busy();
                if changes {
                    run.phase = Phase::Queued;
                    run.at = at;
                }
                changes.then(|| topic.clone())
            }
            Order::Stop { topic, when } => {
                let run = self.runs.get_mut(topic)?;
                let changes = at >= run.at && run.phase.is_busy();
                if changes {
                    run.phase = Phase::Stopping { when: *when };
                    run.at = at;
                }
                changes.then(|| topic.clone())
            }
        }
    }

    /// Takes in an event; `at` is when the log took it.
    pub fn event(&mut self, event: &EventRecord, at: DateTime<Utc>) {
        let run = self.entry(&event.topic, &event.run, at);
        // A zombie's last words do not change what a newer attempt does.
        if event.attempt < run.attempt {
            return;
        }
        run.attempt = event.attempt;
        run.host = Some(event.host.clone());
        run.iteration = event.iteration;
        // An order that the log took after this event still waits for its own answer.
        let overtaken = at < run.at;
        run.at = run.at.max(at);
        let phase = match &event.event {
            RunEvent::Started { .. } | RunEvent::Resumed { .. } => {
                run.started_at = Some(event.at);
                Phase::Running
            }
            RunEvent::Heard => Phase::Running,
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
            RunEvent::Silent { seconds } => Phase::Silent { seconds: *seconds },
            RunEvent::Refused { reason } => Phase::Refused {
                reason: reason.clone(),
            },
        };
        let keeps_stopping = matches!(run.phase, Phase::Stopping { .. }) && phase.is_busy();
        if !overtaken && !keeps_stopping {
            run.phase = phase;
        }
    }

    fn entry(&mut self, topic: &Topic, id: &RunId, at: DateTime<Utc>) -> &mut Run {
        self.runs.entry(topic.clone()).or_insert_with(|| Run {
            topic: topic.clone(),
            id: id.clone(),
            short: ShortId::of(topic),
            // Only until the caller has said what happened.
            phase: Phase::Stopped { by: String::new() },
            attempt: 0,
            iteration: 0,
            host: None,
            by: None,
            pace: None,
            on: Vec::new(),
            ordered_at: at,
            started_at: None,
            at,
        })
    }

    /// The run of a topic.
    pub fn find(&self, topic: &Topic) -> Option<&Run> {
        self.runs.get(topic)
    }

    /// The run with this short id.
    pub fn find_short(&self, short: &str) -> Option<&Run> {
        self.runs.values().find(|run| run.short.as_str() == short)
    }

    /// All runs: busy ones first, then the newest.
    pub fn listed(&self) -> Vec<&Run> {
        let mut runs: Vec<&Run> = self.runs.values().collect();
        runs.sort_by(|a, b| (b.phase.is_busy(), b.at, &b.topic).cmp(&(a.phase.is_busy(), a.at, &a.topic)));
        runs
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use kymo_runlog::Value;
    use uuid::Uuid;

    use super::*;

    pub(crate) fn run_id(eps: f64) -> RunId {
        RunId {
            solver: "airy".to_owned(),
            parameters: [("eps", Value::Number(eps))].into_iter().collect(),
        }
    }

    pub(crate) fn second(s: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + s, 0).expect("a time within range")
    }

    pub(crate) fn order(order: Order) -> OrderRecord {
        OrderRecord {
            id: Uuid::nil(),
            at: second(0),
            by: "Ada (telegram 42)".to_owned(),
            order,
        }
    }

    pub(crate) fn start(id: &RunId) -> OrderRecord {
        order(Order::Start {
            run: id.clone(),
            topic: id.topic(),
            fresh: false,
            pace: None,
            on: Vec::new(),
        })
    }

    pub(crate) fn event(id: &RunId, attempt: u32, iteration: u64, event: RunEvent) -> EventRecord {
        EventRecord {
            id: Uuid::nil(),
            at: second(0),
            topic: id.topic(),
            run: id.clone(),
            attempt,
            host: "lab".to_owned(),
            iteration,
            event,
        }
    }

    fn phase(runs: &Runs, id: &RunId) -> Phase {
        runs.find(&id.topic()).expect("known").phase.clone()
    }

    #[test]
    fn a_run_goes_through_its_phases() {
        let (mut runs, id) = (Runs::default(), run_id(4.0));
        runs.order(&start(&id), second(1));
        assert_eq!(phase(&runs, &id), Phase::Queued);
        runs.event(&event(&id, 1, 0, RunEvent::Started { pid: 1 }), second(2));
        assert_eq!(phase(&runs, &id), Phase::Running);
        runs.order(
            &order(Order::Stop {
                topic: id.topic(),
                when: When::AfterIteration,
            }),
            second(3),
        );
        runs.event(&event(&id, 1, 3, RunEvent::Silent { seconds: 9.0 }), second(4));
        assert_eq!(
            phase(&runs, &id),
            Phase::Stopping {
                when: When::AfterIteration
            }
        );
        runs.event(
            &event(&id, 1, 5, RunEvent::Stopped { by: "Ada".to_owned() }),
            second(5),
        );
        assert_eq!(phase(&runs, &id), Phase::Stopped { by: "Ada".to_owned() });
        runs.order(&start(&id), second(6));
        assert_eq!(phase(&runs, &id), Phase::Queued);
    }

    #[test]
    fn the_order_of_two_topics_is_the_logs_own() {
        let (mut runs, id) = (Runs::default(), run_id(4.0));
        // All events are read before all orders, as after a restart.
        runs.event(&event(&id, 1, 0, RunEvent::Started { pid: 1 }), second(2));
        runs.event(&event(&id, 1, 9, RunEvent::Finished), second(5));
        runs.order(&start(&id), second(1));
        runs.order(
            &order(Order::Stop {
                topic: id.topic(),
                when: When::Now,
            }),
            second(3),
        );
        assert_eq!(phase(&runs, &id), Phase::Finished);
        runs.order(&start(&id), second(7));
        assert_eq!(phase(&runs, &id), Phase::Queued);
        runs.event(&event(&id, 1, 9, RunEvent::Finished), second(5));
        assert_eq!(
            phase(&runs, &id),
            Phase::Queued,
            "an old event does not answer a new order"
        );
    }

    #[test]
    fn a_zombie_changes_nothing() {
        let (mut runs, id) = (Runs::default(), run_id(4.0));
        runs.event(&event(&id, 2, 7, RunEvent::Resumed { pid: 1 }), second(2));
        runs.event(&event(&id, 1, 3, RunEvent::Finished), second(3));
        assert_eq!(phase(&runs, &id), Phase::Running);
        assert_eq!(runs.find(&id.topic()).map(|run| run.iteration), Some(7));
    }

    #[test]
    fn busy_runs_are_listed_first() {
        let mut runs = Runs::default();
        runs.event(
            &event(&run_id(1.0), 1, 0, RunEvent::Started { pid: 1 }),
            second(1),
        );
        runs.event(&event(&run_id(2.0), 1, 0, RunEvent::Finished), second(2));
        runs.event(&event(&run_id(3.0), 1, 0, RunEvent::Finished), second(3));
        let listed: Vec<String> = runs.listed().iter().map(|run| run.id.to_string()).collect();
        assert_eq!(listed, ["airy eps=1", "airy eps=3", "airy eps=2"]);
        let short = runs.listed()[0].short.clone();
        assert_eq!(
            runs.find_short(short.as_str()).map(|run| run.short.clone()),
            Some(short)
        );
    }
}
