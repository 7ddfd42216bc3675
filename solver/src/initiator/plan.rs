//! What this machine should do about a run, worked out from what is known. No IO here.

use std::time::Duration;

use chrono::{DateTime, Utc};
use kymo_runlog::RunFacts;
use kymo_runlog::event::RunEvent;

/// What this machine can say about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// The catalogue has the solver and takes the parameters.
    Fit,
    /// Another machine's catalogue has the solver.
    Elsewhere,
    /// Nobody can run this, and why.
    Unfit { reason: String },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// Look again then.
    Wait(DateTime<Utc>),
    Claim {
        attempt: u32,
    },
    Refuse {
        reason: String,
    },
    /// The stop order came when nobody was there to obey it: the run stands still already.
    NoteStop {
        by: String,
    },
}

/// Decides. `watched`: a watchdog of this machine has the run. `not_before`: watchdogs of this run died here lately.
pub fn step(
    facts: &RunFacts,
    host: &str,
    watched: bool,
    fitness: impl FnOnce() -> Fitness,
    not_before: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Step {
    if !facts.wanted || watched {
        return Step::Nothing;
    }
    if let Some(lease) = facts.lease.as_ref().filter(|lease| lease.holds_at(now)) {
        return Step::Wait(lease.ends);
    }
    if let Some(stop) = &facts.stop {
        // The machine that ran it last speaks, so that it is said once.
        let ours = facts.lease.as_ref().is_none_or(|lease| lease.host == host);
        return if ours {
            Step::NoteStop { by: stop.by.clone() }
        } else {
            Step::Nothing
        };
    }
    match fitness() {
        Fitness::Elsewhere => return Step::Nothing,
        Fitness::Unfit { reason } => return Step::Refuse { reason },
        Fitness::Fit => {}
    }
    match restart_time(facts).max(not_before) {
        Some(at) if now < at => Step::Wait(at),
        Some(_) | None => Step::Claim {
            attempt: facts.attempt() + 1,
        },
    }
}

/// When the restart policy wants the next attempt. An order that came after the failure does not wait.
fn restart_time(facts: &RunFacts) -> Option<DateTime<Utc>> {
    let event = facts
        .event
        .as_ref()
        .filter(|event| event.attempt == facts.attempt())?;
    let ordered_later = facts
        .start
        .as_ref()
        .zip(facts.event_at)
        .is_some_and(|(start, at)| start.at > at);
    match &event.event {
        RunEvent::Failed { again_at, .. } if !ordered_later => *again_at,
        RunEvent::Failed { .. }
        | RunEvent::Started { .. }
        | RunEvent::Resumed { .. }
        | RunEvent::Finished
        | RunEvent::Stopped { .. }
        | RunEvent::Silent { .. }
        | RunEvent::Heard
        | RunEvent::Refused { .. } => None,
    }
}

/// How long to wait after the `deaths`-th death of a run's watchdog in a row. The first is an accident.
pub fn pause_after_death(deaths: u32) -> Duration {
    match deaths {
        0 | 1 => Duration::ZERO,
        deaths => Duration::from_secs(1 << (deaths - 2).min(6)),
    }
}

#[cfg(test)]
mod tests {
    use kymo_runlog::event::EventRecord;
    use kymo_runlog::order::{Order, OrderRecord, When};
    use kymo_runlog::{Parameters, Position, RunBook, RunId, claim};
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    fn run() -> RunId {
        RunId {
            solver: "count".to_owned(),
            parameters: Parameters::default(),
        }
    }

    enum Fact {
        Start,
        Stop,
        Claim(u32, &'static str),
        Release(u32, &'static str),
        Event(u32, RunEvent),
    }
    use Fact::{Claim, Event, Release, Start, Stop};

    /// The book after facts that came one second after the other, from second 1 on.
    fn book(facts: Vec<Fact>) -> RunBook {
        let (run, mut book) = (run(), RunBook::default());
        let topic = run.topic();
        for (second, fact) in (1..).zip(facts) {
            let now = at(second);
            let id = Uuid::from_u128(second as u128);
            let order = |order| OrderRecord {
                id,
                at: now,
                by: "Ada".to_owned(),
                order,
            };
            let claimed = |attempt, host: &str, released| {
                claim::claim(
                    &topic,
                    attempt,
                    host,
                    Uuid::from_u128(u128::from(attempt)),
                    now,
                    released,
                )
            };
            match fact {
                Start => {
                    let start = Order::Start {
                        run: run.clone(),
                        topic: topic.clone(),
                        fresh: false,
                        pace: None,
                    };
                    book.order(&order(start), now, Position(second));
                }
                Stop => {
                    let stop = Order::Stop {
                        topic: topic.clone(),
                        when: When::Now,
                    };
                    book.order(&order(stop), now, Position(second));
                }
                Claim(attempt, host) => book.claim(&claimed(attempt, host, false), now),
                Release(attempt, host) => book.claim(&claimed(attempt, host, true), now),
                Event(attempt, event) => {
                    let (host, topic, run) = ("lab".to_owned(), topic.clone(), run.clone());
                    let record = EventRecord {
                        id,
                        at: now,
                        topic,
                        run,
                        attempt,
                        host,
                        iteration: 7,
                        event,
                    };
                    book.event(&record, now);
                }
            }
        }
        book
    }

    fn failed(again: Option<i64>) -> RunEvent {
        RunEvent::Failed {
            reason: "exit code 3".to_owned(),
            last_lines: vec![],
            again_at: again.map(at),
        }
    }

    #[test]
    fn what_this_machine_does_follows_from_what_the_log_says() {
        let started = || Event(1, RunEvent::Started { pid: 1 });
        let ended = |event| {
            vec![
                Start,
                Claim(1, "lab"),
                started(),
                Event(1, event),
                Release(1, "lab"),
            ]
        };
        let cases: Vec<(&str, Vec<Fact>, i64, Step)> = vec![
            ("ordered", vec![Start], 10, Step::Claim { attempt: 1 }),
            ("ordered and withdrawn", vec![Start, Stop], 10, Step::Nothing),
            (
                "another host has it",
                vec![Start, Claim(1, "other")],
                10,
                Step::Wait(at(62)),
            ),
            (
                "the other host is gone",
                vec![Start, Claim(1, "other"), started()],
                70,
                Step::Claim { attempt: 2 },
            ),
            ("finished", ended(RunEvent::Finished), 10, Step::Nothing),
            (
                "stopped",
                ended(RunEvent::Stopped { by: "Ada".to_owned() }),
                10,
                Step::Nothing,
            ),
            ("failed for good", ended(failed(None)), 10, Step::Nothing),
            (
                "failed, again later",
                ended(failed(Some(30))),
                10,
                Step::Wait(at(30)),
            ),
            (
                "failed, again now",
                ended(failed(Some(30))),
                30,
                Step::Claim { attempt: 2 },
            ),
            (
                "a person does not wait for the policy",
                [ended(failed(Some(3000))), vec![Start]]
                    .into_iter()
                    .flatten()
                    .collect(),
                10,
                Step::Claim { attempt: 2 },
            ),
            (
                "stopped while waiting to be started again",
                [ended(failed(Some(3000))), vec![Stop]]
                    .into_iter()
                    .flatten()
                    .collect(),
                10,
                Step::NoteStop { by: "Ada".to_owned() },
            ),
            (
                "its watchdog was told to end",
                vec![Start, Claim(1, "lab"), started(), Release(1, "lab")],
                10,
                Step::Claim { attempt: 2 },
            ),
            (
                "stopped with nobody there, elsewhere",
                vec![Start, Claim(1, "other"), started(), Release(1, "other"), Stop],
                10,
                Step::Nothing,
            ),
        ];
        for (name, facts, now, expected) in cases {
            let book = book(facts);
            let facts = book.find(&run().topic()).expect("known");
            assert_eq!(
                step(facts, "lab", false, || Fitness::Fit, None, at(now)),
                expected,
                "{name}"
            );
            assert_eq!(
                step(facts, "lab", true, || Fitness::Fit, None, at(now)),
                Step::Nothing,
                "{name}, watched"
            );
        }
    }

    #[test]
    fn only_a_fit_machine_claims_and_nobody_claims_too_early() {
        let book = book(vec![Start]);
        let facts = book.find(&run().topic()).expect("known");
        let unfit = || Fitness::Unfit {
            reason: "no such solver".to_owned(),
        };
        let refused = Step::Refuse {
            reason: "no such solver".to_owned(),
        };
        assert_eq!(step(facts, "lab", false, unfit, None, at(10)), refused);
        assert_eq!(
            step(facts, "lab", false, || Fitness::Elsewhere, None, at(10)),
            Step::Nothing
        );
        assert_eq!(
            step(facts, "lab", false, || Fitness::Fit, Some(at(20)), at(10)),
            Step::Wait(at(20))
        );
    }

    #[test]
    fn watchdogs_that_die_again_and_again_are_started_less_and_less_often() {
        let seconds: Vec<u64> = (0..12)
            .map(|deaths| pause_after_death(deaths).as_secs())
            .collect();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 8, 16, 32, 64, 64, 64, 64]);
    }
}
