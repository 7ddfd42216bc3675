//! How every run stands, as people ask about it. What orders, claims and events mean is the book's business
//! ([`RunBook`]); here each run is told in one piece, and time passes.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use kymo_runlog::claim::{self, Claim};
use kymo_runlog::event::EventRecord;
use kymo_runlog::order::{Order, OrderRecord};
use kymo_runlog::{Phase, Position, RunBook, RunFacts, RunId, ShortId, Topic};

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
    /// Whether it is still to be carried through to an end.
    pub wanted: bool,
    /// Somebody has claimed it, and was heard of lately.
    pub held: bool,
    /// Labels that its host must have, as ordered last.
    pub on: Vec<String>,
    /// When the log took the newest order to start it.
    pub ordered_at: Option<DateTime<Utc>>,
    /// When its newest attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it was last heard of.
    pub at: DateTime<Utc>,
}

/// How long nothing must be heard of a lease before its run is lost: whoever can take it over has had the time.
const LOST: TimeDelta = TimeDelta::milliseconds(2 * claim::LENGTH.as_millis() as i64);

impl Run {
    fn of(facts: &RunFacts, unheard_since: Option<DateTime<Utc>>) -> Self {
        let (event, start) = (facts.event.as_ref(), facts.start.as_ref());
        Self {
            topic: facts.topic.clone(),
            id: facts.run.clone(),
            short: facts.short.clone(),
            phase: facts.phase(unheard_since),
            attempt: event.map_or(0, |event| event.attempt),
            iteration: event.map_or(0, |event| event.iteration),
            host: event.map(|event| event.host.clone()),
            by: start.map(|start| start.by.clone()),
            pace: start.and_then(|start| start.pace),
            wanted: facts.wanted,
            held: facts.lease.as_ref().is_some_and(|lease| !lease.released) && unheard_since.is_none(),
            on: start.map(|start| start.on.clone()).unwrap_or_default(),
            ordered_at: start.map(|start| start.at),
            started_at: facts.began_at,
            at: facts.newest_at().unwrap_or_default(),
        }
    }
}

impl Run {
    /// Whether a stop changes anything: it computes, or would be started again.
    pub fn can_stop(&self) -> bool {
        self.phase.is_busy() || self.wanted
    }
}

/// All runs.
#[derive(Clone, Debug, Default)]
pub struct Runs {
    book: RunBook,
    runs: HashMap<Topic, Run>,
    /// When we last heard of each lease, by our own clock.
    heard: HashMap<Topic, DateTime<Utc>>,
    /// When it was last looked who is lost.
    looked: DateTime<Utc>,
}

impl Runs {
    /// Takes in an order; `at` is when the log took it. Returns the run whose phase it changed.
    pub fn order(&mut self, order: &OrderRecord, at: DateTime<Utc>, position: Position) -> Option<Topic> {
        self.book.order(order, at, position);
        let topic = match &order.order {
            Order::Start { topic, .. } | Order::Stop { topic, .. } => topic,
        };
        self.tell(topic)
    }

    /// Takes in a claim; `at` is when the log took it, `now` when we heard of it. Returns the run whose phase it
    /// changed.
    pub fn claim(
        &mut self,
        claim: &Claim,
        at: DateTime<Utc>,
        position: Position,
        now: DateTime<Utc>,
    ) -> Option<Topic> {
        self.book.claim(claim, position, at);
        let lease = self.book.lease(&claim.topic)?;
        if lease.heard == position {
            self.heard.insert(claim.topic.clone(), now);
        }
        self.tell(&claim.topic)
    }

    /// Takes in an event; `at` is when the log took it. `true`: it goes on after a failure or a death, and nobody
    /// asked for that.
    pub fn event(&mut self, event: &EventRecord, at: DateTime<Utc>) -> bool {
        let by_itself = self
            .book
            .find(&event.topic)
            .is_some_and(|facts| goes_on_by_itself(facts, event));
        self.book.event(event, at);
        self.tell(&event.topic);
        by_itself
    }

    /// Time passes: the runs whose phases change by that alone.
    pub fn look(&mut self, now: DateTime<Utc>) -> Vec<Topic> {
        self.looked = now;
        let busy = self.runs.values().filter(|run| run.phase.is_busy());
        let busy: Vec<Topic> = busy.map(|run| run.topic.clone()).collect();
        busy.iter().filter_map(|topic| self.tell(topic)).collect()
    }

    /// Tells the run anew; returns it if its phase has changed.
    fn tell(&mut self, topic: &Topic) -> Option<Topic> {
        let lost = |heard: &&DateTime<Utc>| self.looked.signed_duration_since(**heard) >= LOST;
        let unheard_since = self.heard.get(topic).filter(lost).copied();
        let run = Run::of(self.book.find(topic)?, unheard_since);
        let phase = run.phase.clone();
        let before = self.runs.insert(topic.clone(), run);
        before
            .is_none_or(|before| before.phase != phase)
            .then(|| topic.clone())
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

fn goes_on_by_itself(facts: &RunFacts, event: &EventRecord) -> bool {
    let ordered_since = |at| facts.start.as_ref().is_some_and(|start| start.at > at);
    let before = facts.event.as_ref().zip(facts.event_at);
    before.is_some_and(|(before, at)| {
        before.attempt < event.attempt && !before.event.ends_the_run() && !ordered_since(at)
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use kymo_runlog::Value;
    use kymo_runlog::claim;
    use kymo_runlog::event::RunEvent;
    use kymo_runlog::order::When;
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
            id: Uuid::new_v4(),
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

    #[test]
    fn a_run_goes_through_its_phases() {
        let (mut runs, id) = (Runs::default(), run_id(4.0));
        let position = Position(0);
        let changed = runs.order(&start(&id), second(1), position);
        assert_eq!(changed, Some(id.topic()));
        assert_eq!(
            runs.order(&start(&id), second(2), position),
            None,
            "it waits already"
        );
        let ours = claim::claim(&id.topic(), 1, "lab", Uuid::nil(), second(2), false);
        runs.claim(&ours, second(2), position, second(2));
        runs.event(&event(&id, 1, 0, RunEvent::Started { pid: 1 }), second(2));
        let stop = order(Order::Stop {
            topic: id.topic(),
            when: When::Now,
        });
        let changed = runs.order(&stop, second(3), position);
        assert_eq!(changed, Some(id.topic()));
        assert_eq!(runs.look(second(21)), []);
        assert_eq!(runs.look(second(22)), [id.topic()], "nobody renews its lease");
        let run = runs.find(&id.topic()).expect("known");
        assert_eq!(
            (&run.phase, run.at),
            (&Phase::Lost { since: second(2) }, second(3))
        );
        runs.event(&event(&id, 1, 9, RunEvent::Finished), second(91));
        let run = runs.find(&id.topic()).expect("known");
        assert_eq!((&run.phase, run.iteration), (&Phase::Finished, 9));
    }

    #[test]
    fn a_restart_that_nobody_asked_for_is_told_from_one_that_somebody_did() {
        let (mut runs, id) = (Runs::default(), run_id(4.0));
        let began = RunEvent::Resumed { pid: 1 };
        let failed = |again_at| RunEvent::Failed {
            reason: "exit code 3".to_owned(),
            last_lines: vec![],
            again_at,
        };
        runs.order(&start(&id), second(1), Position(0));
        assert!(
            !runs.event(&event(&id, 1, 0, began.clone()), second(2)),
            "ordered"
        );
        assert!(
            !runs.event(&event(&id, 1, 0, began.clone()), second(2)),
            "told twice"
        );
        runs.event(&event(&id, 1, 3, failed(Some(second(9)))), second(3));
        assert!(runs.event(&event(&id, 2, 3, began.clone()), second(9)), "a retry");
        assert!(
            runs.event(&event(&id, 3, 3, began.clone()), second(10)),
            "its watchdog died"
        );
        runs.order(&start(&id), second(11), Position(1));
        assert!(
            !runs.event(&event(&id, 4, 3, began.clone()), second(12)),
            "ordered again"
        );
        runs.event(&event(&id, 4, 3, failed(None)), second(13));
        assert!(
            !runs.event(&event(&id, 5, 3, began), second(14)),
            "from a terminal"
        );
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
