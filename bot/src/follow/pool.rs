//! The hosts, as the bot hears of them, and the queue: which runs nobody computes now, and why. All of it is worked
//! out from what was heard lately, by the bot's own clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use kymo_runlog::claim;
use kymo_runlog::host::{HostRecord, Place};
use kymo_runlog::{Phase, Topic};
use tokio::time::Instant;

use super::runs::Run;
use super::solvers::Solvers;

/// Reasons that fit into a sentence.
const REASONS: usize = 3;
/// A run that failed is due at its watchdog's clock; ours may differ a little.
const LATE: chrono::TimeDelta = chrono::TimeDelta::seconds(3);

/// Every host that was heard of.
#[derive(Clone, Debug)]
pub struct Pool {
    hosts: BTreeMap<String, Heard>,
    /// Since when we listen.
    since: Instant,
}

/// A host's newest word.
#[derive(Clone, Debug)]
pub struct Heard {
    pub record: HostRecord,
    at: Instant,
}

/// Why a run is not computed although it is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its place in the queue, and how long that is; `None`: a host has room and is about to take it.
    pub place: Option<(usize, usize)>,
    pub why: String,
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            hosts: BTreeMap::new(),
            since: Instant::now(),
        }
    }
}

impl Pool {
    pub fn hear(&mut self, record: HostRecord, now: Instant) {
        self.hosts.insert(record.host.clone(), Heard { record, at: now });
    }

    /// Every host that was heard of, and for how long nothing was heard of it since.
    pub fn hosts(&self, now: Instant) -> impl Iterator<Item = (&Heard, Duration)> {
        self.hosts
            .values()
            .map(move |heard| (heard, now.saturating_duration_since(heard.at)))
    }

    /// Those that are there.
    pub fn living(&self, now: Instant) -> impl Iterator<Item = &HostRecord> {
        self.hosts(now)
            .filter(|(heard, silent)| heard.is_there(*silent))
            .map(|(heard, _)| &heard.record)
    }

    /// All runs that wait, in the order in which hosts will take them.
    pub fn queue(
        &self,
        runs: &[&Run],
        solvers: &Solvers,
        at: DateTime<Utc>,
        now: Instant,
    ) -> Vec<(Topic, Waiting)> {
        let mut waiting: Vec<&Run> = runs.iter().copied().filter(|run| waits(run, at)).collect();
        waiting.sort_by(|a, b| (a.ordered_at, &a.topic).cmp(&(b.ordered_at, &b.topic)));
        // A host does not let anybody pass whom it has no room for yet.
        let mut closed = BTreeSet::new();
        let mut queue: Vec<(Topic, Option<String>)> = Vec::new();
        for run in waiting {
            queue.push((run.topic.clone(), self.reason(run, solvers, &mut closed, now)));
        }
        let length = queue.iter().filter(|(_, why)| why.is_some()).count();
        let mut place = 0;
        let numbered = queue.into_iter().map(|(topic, why)| match why {
            Some(why) => {
                place += 1;
                let place = Some((place, length));
                (topic, Waiting { place, why })
            }
            None => {
                let why = "a host is about to take it".to_owned();
                (topic, Waiting { place: None, why })
            }
        });
        numbered.collect()
    }

    /// Why no host takes the run; `None` when one is about to.
    fn reason<'a>(
        &'a self,
        run: &Run,
        solvers: &Solvers,
        closed: &mut BTreeSet<&'a str>,
        now: Instant,
    ) -> Option<String> {
        let (mut full, mut unfit, mut closing) = (Vec::new(), Vec::new(), Vec::new());
        let mut needed = String::new();
        for host in self.living(now) {
            let Some(card) = solvers.find_on(&host.host, &run.id.solver) else {
                continue;
            };
            let needs = card.needs.clone().and_on(&run.on);
            needed = needs.to_string();
            match host.place(&needs) {
                Place::Free if !closed.contains(host.host.as_str()) => return None,
                Place::Free => full.push(format!("{} keeps its room for one ordered earlier", host.host)),
                Place::Taken(why) => {
                    full.push(format!("{} {why}", host.host));
                    closing.push(host.host.as_str());
                }
                Place::Unfit(why) => unfit.push(format!("{} {why}", host.host)),
            }
        }
        closed.extend(closing);
        let need = match needed.as_str() {
            "" => String::new(),
            needs => format!(" ({needs})"),
        };
        if !full.is_empty() {
            return Some(format!("no host has room{need}: {}", list(&full)));
        }
        if !unfit.is_empty() {
            return Some(format!("no host can take it{need}: {}", list(&unfit)));
        }
        let gone = self
            .hosts(now)
            .filter(|(heard, _)| solvers.find_on(&heard.record.host, &run.id.solver).is_some());
        let gone: Vec<String> = gone.map(|(heard, silent)| heard.gone(silent)).collect();
        match gone.is_empty() {
            // It may not have spoken yet.
            true if now.saturating_duration_since(self.since) < claim::LENGTH => None,
            true => Some(format!("no host that has {} is heard of", run.id.solver)),
            false => Some(format!(
                "no host that has {} is there: {}",
                run.id.solver,
                list(&gone)
            )),
        }
    }
}

impl Heard {
    pub fn is_there(&self, silent: Duration) -> bool {
        !self.record.left && silent < claim::LENGTH
    }

    /// Why it is not there.
    pub fn gone(&self, silent: Duration) -> String {
        let ago = crate::words::duration(chrono::TimeDelta::from_std(silent).unwrap_or_default());
        match self.record.left {
            true => format!("{} left {ago} ago", self.record.host),
            false => format!("{} was last heard of {ago} ago", self.record.host),
        }
    }
}

impl Waiting {
    /// `queued, 2nd of 3: no host has room: lab has 1 of 1 runs`.
    pub fn words(&self) -> String {
        match self.place {
            Some((place, length)) => format!("queued, {} of {length}: {}", ordinal(place), self.why),
            None => format!("queued: {}", self.why),
        }
    }
}

/// Whether the run waits for a host.
fn waits(run: &Run, at: DateTime<Utc>) -> bool {
    run.wanted
        && match &run.phase {
            Phase::Queued => !run.held,
            Phase::Lost { .. } => true,
            Phase::Restarting { again_at, .. } => !run.held && *again_at + LATE < at,
            Phase::Running
            | Phase::Silent { .. }
            | Phase::Stopping { .. }
            | Phase::Finished
            | Phase::Stopped { .. }
            | Phase::Failed { .. }
            | Phase::Refused { .. } => false,
        }
}

fn list(reasons: &[String]) -> String {
    let more = if reasons.len() > REASONS { ", …" } else { "" };
    let shown: Vec<&str> = reasons.iter().take(REASONS).map(String::as_str).collect();
    shown.join(", ") + more
}

fn ordinal(number: usize) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use kymo_runlog::Position;
    use kymo_runlog::catalogue::{HostCatalogue, SolverCard};
    use kymo_runlog::event::RunEvent;
    use kymo_runlog::host::{Capacity, Memory, Needs, Taken};
    use kymo_runlog::order::{Order, When};
    use uuid::Uuid;

    use super::*;
    use crate::follow::runs::Runs;
    use crate::follow::runs::tests::{event, order, run_id, second};
    use crate::follow::solvers::tests::airy;

    fn host(name: &str, labels: &[&str], runs: (u32, u32)) -> HostRecord {
        HostRecord {
            host: name.to_owned(),
            life: Uuid::nil(),
            at: second(0),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            capacity: Capacity {
                runs: Some(runs.1),
                cores: 4,
                memory: Memory(8 << 30),
            },
            taken: Taken {
                runs: runs.0,
                ..Taken::default()
            },
            left: false,
        }
    }

    /// Both hosts offer airy; on `hub` it needs cores.
    fn solvers(cores: u32) -> Solvers {
        let mut solvers = Solvers::default();
        for (host, cores) in [("hub", cores), ("lab", 0)] {
            let needs = Needs {
                cores,
                ..Needs::default()
            };
            solvers.publish(HostCatalogue {
                host: host.to_owned(),
                at: second(0),
                solvers: vec![SolverCard { needs, ..airy() }],
            });
        }
        solvers
    }

    fn ordered(eps: &[f64], on: &[&str]) -> Runs {
        let mut runs = Runs::default();
        for (second_, eps) in (1..).zip(eps) {
            let start = Order::Start {
                run: run_id(*eps),
                topic: run_id(*eps).topic(),
                fresh: false,
                pace: None,
                on: on.iter().map(|&label| label.to_owned()).collect(),
            };
            runs.order(&order(start), second(second_), Position(second_));
        }
        runs
    }

    fn told(pool: &Pool, runs: &Runs, solvers: &Solvers, now: Instant) -> String {
        let queue = pool.queue(&runs.listed(), solvers, second(100), now);
        let lines = queue.iter().map(|(topic, waiting)| {
            let eps = topic.as_str().trim_start_matches("airy-eps.");
            format!("{eps} {}", waiting.words())
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_run_hears_its_place_and_why() {
        let (mut pool, now) = (Pool::default(), Instant::now());
        let runs = ordered(&[4.0, 9.0, 2.0], &[]);
        insta::assert_snapshot!(told(&pool, &runs, &solvers(0), now), @"
        4 queued: a host is about to take it
        9 queued: a host is about to take it
        2 queued: a host is about to take it
        ");
        let later = now + claim::LENGTH;
        insta::assert_snapshot!(told(&pool, &ordered(&[4.0], &[]), &solvers(0), later), @"4 queued, 1st of 1: no host that has airy is heard of");
        pool.hear(host("lab", &[], (2, 2)), now);
        insta::assert_snapshot!(told(&pool, &runs, &solvers(0), now), @"
        4 queued, 1st of 3: no host has room: lab has 2 of 2 runs
        9 queued, 2nd of 3: no host has room: lab has 2 of 2 runs
        2 queued, 3rd of 3: no host has room: lab has 2 of 2 runs
        ");
        // Somebody has claimed one of them already.
        let mut runs = runs;
        let theirs = claim::claim(&run_id(9.0).topic(), 1, "lab", Uuid::nil(), second(0), false);
        runs.claim(&theirs, second(4), Position(4), second(4));
        pool.hear(host("hub", &[], (0, 2)), now);
        insta::assert_snapshot!(told(&pool, &runs, &solvers(5), now), @"
        4 queued, 1st of 2: no host has room: lab has 2 of 2 runs
        2 queued, 2nd of 2: no host has room: lab has 2 of 2 runs
        ");
        insta::assert_snapshot!(told(&pool, &ordered(&[4.0], &["gpu"]), &solvers(5), now), @r#"4 queued, 1st of 1: no host can take it (on gpu): hub has no label "gpu", lab has no label "gpu""#);
        insta::assert_snapshot!(told(&pool, &runs, &solvers(0), now), @"
        4 queued: a host is about to take it
        2 queued: a host is about to take it
        ");
        insta::assert_snapshot!(told(&pool, &ordered(&[4.0], &[]), &solvers(0), later), @"4 queued, 1st of 1: no host that has airy is there: hub was last heard of 10 s ago, lab was last heard of 10 s ago");
    }

    #[test]
    fn a_run_whose_host_is_gone_waits_again() {
        let (mut pool, now) = (Pool::default(), Instant::now());
        let mut runs = ordered(&[4.0], &["lab"]);
        let theirs = claim::claim(&run_id(4.0).topic(), 1, "lab", Uuid::nil(), second(0), false);
        runs.claim(&theirs, second(2), Position(2), second(2));
        runs.event(
            &event(&run_id(4.0), 1, 7, RunEvent::Started { pid: 1 }),
            second(3),
        );
        pool.hear(host("hub", &[], (0, 2)), now);
        assert_eq!(told(&pool, &runs, &solvers(0), now), "");
        runs.look(second(30));
        insta::assert_snapshot!(told(&pool, &runs, &solvers(0), now), @r#"4 queued, 1st of 1: no host can take it (on lab): hub has no label "lab""#);
        let stop = Order::Stop {
            topic: run_id(4.0).topic(),
            when: When::Now,
        };
        runs.order(&order(stop), second(31), Position(3));
        let by = "Ada".to_owned();
        runs.event(&event(&run_id(4.0), 1, 7, RunEvent::Stopped { by }), second(32));
        assert_eq!(told(&pool, &runs, &solvers(0), now), "");
    }

    #[test]
    fn places_are_counted_in_english() {
        let words: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111]
            .map(ordinal)
            .into_iter()
            .collect();
        assert_eq!(
            words,
            [
                "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th"
            ]
        );
    }
}
