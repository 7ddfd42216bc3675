//! What this machine should do about a run, worked out from what is known. No IO here.

use std::time::Duration;

use kymo_runlog::RunFacts;
use kymo_runlog::event::RunEvent;
use tokio::time::Instant;

/// What this machine can say about a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fitness {
    /// The catalogue has the solver, takes the parameters, and there is room.
    Fit,
    /// The same, but there is no room now.
    Full,
    /// Another machine may take it.
    Elsewhere,
    /// Nobody can run this, and why.
    Unfit { reason: String },
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Nothing,
    /// Look again then.
    Wait(Instant),
    Claim {
        attempt: u32,
    },
    /// It is its turn as soon as there is room here; what was ordered later waits behind it.
    Queue,
    Refuse {
        reason: String,
    },
    /// The stop order came when nobody was there to obey it: the run stands still already.
    NoteStop {
        by: String,
    },
}

/// What is known about a run besides the log's facts.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// A watchdog of this machine has the run.
    pub watched: bool,
    /// When the run's lease may be taken for ended, if it was not released.
    pub lapses: Option<Instant>,
    /// When the restart policy wants the next attempt after the run's last failure.
    pub due: Option<Instant>,
    /// Watchdogs of this run died here lately.
    pub not_before: Option<Instant>,
    /// This machine is the one that speaks for a run that nobody watches.
    pub speaks: bool,
    pub now: Instant,
}

/// Decides.
pub fn step(facts: &RunFacts, view: &View, fitness: impl FnOnce() -> Fitness) -> Step {
    if !facts.wanted || view.watched {
        return Step::Nothing;
    }
    if let Some(lapses) = view.lapses.filter(|lapses| view.now < *lapses) {
        return Step::Wait(lapses);
    }
    if let Some(stop) = &facts.stop {
        return if view.speaks {
            Step::NoteStop { by: stop.by.clone() }
        } else {
            Step::Nothing
        };
    }
    let fitness = fitness();
    match fitness {
        Fitness::Elsewhere => return Step::Nothing,
        Fitness::Unfit { reason } => return Step::Refuse { reason },
        Fitness::Fit | Fitness::Full => {}
    }
    let due = if waits_for_restart(facts) { view.due } else { None };
    match due.max(view.not_before) {
        Some(at) if view.now < at => Step::Wait(at),
        Some(_) | None if fitness == Fitness::Full => Step::Queue,
        Some(_) | None => Step::Claim {
            attempt: facts.attempt() + 1,
        },
    }
}

/// Whether the restart policy wants a pause first. An order that came after the failure does not wait.
fn waits_for_restart(facts: &RunFacts) -> bool {
    let Some(event) = facts
        .event
        .as_ref()
        .filter(|event| event.attempt == facts.attempt())
    else {
        return false;
    };
    let ordered_later = facts
        .start
        .as_ref()
        .zip(facts.event_at)
        .is_some_and(|(start, at)| start.at > at);
    match &event.event {
        RunEvent::Failed { again_at, .. } => again_at.is_some() && !ordered_later,
        RunEvent::Started { .. }
        | RunEvent::Resumed { .. }
        | RunEvent::Finished
        | RunEvent::Stopped { .. }
        | RunEvent::Silent { .. }
        | RunEvent::Heard
        | RunEvent::Refused { .. } => false,
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
    use chrono::{DateTime, Utc};
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
                        on: Vec::new(),
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
                Claim(attempt, host) => book.claim(&claimed(attempt, host, false), Position(second), now),
                Release(attempt, host) => book.claim(&claimed(attempt, host, true), Position(second), now),
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

    /// Nothing special, a minute after a moment that everything else is told from.
    fn view(start: Instant) -> View {
        View {
            watched: false,
            lapses: None,
            due: None,
            not_before: None,
            speaks: true,
            now: start + Duration::from_secs(60),
        }
    }

    #[test]
    fn what_this_machine_does_follows_from_what_the_log_says() {
        let start = Instant::now();
        let (at, view) = (|second| start + Duration::from_secs(second), view(start));
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
        let then = |mut facts: Vec<Fact>, more| {
            facts.push(more);
            facts
        };
        let held = View {
            lapses: Some(at(62)),
            ..view
        };
        let lapsed = View {
            lapses: Some(at(59)),
            ..view
        };
        let later = View {
            due: Some(at(90)),
            ..view
        };
        let cases: Vec<(&str, Vec<Fact>, View, Step)> = vec![
            ("ordered", vec![Start], view, Step::Claim { attempt: 1 }),
            ("ordered and withdrawn", vec![Start, Stop], view, Step::Nothing),
            (
                "another host has it",
                vec![Start, Claim(1, "other")],
                held,
                Step::Wait(at(62)),
            ),
            (
                "the other host is gone",
                vec![Start, Claim(1, "other"), started()],
                lapsed,
                Step::Claim { attempt: 2 },
            ),
            ("finished", ended(RunEvent::Finished), view, Step::Nothing),
            (
                "stopped",
                ended(RunEvent::Stopped { by: "Ada".to_owned() }),
                view,
                Step::Nothing,
            ),
            ("failed for good", ended(failed(None)), view, Step::Nothing),
            (
                "failed, again later",
                ended(failed(Some(30))),
                later,
                Step::Wait(at(90)),
            ),
            (
                "failed, again now",
                ended(failed(Some(30))),
                view,
                Step::Claim { attempt: 2 },
            ),
            (
                "a person does not wait for the policy",
                then(ended(failed(Some(3000))), Start),
                later,
                Step::Claim { attempt: 2 },
            ),
            (
                "stopped while waiting to be started again",
                then(ended(failed(Some(3000))), Stop),
                later,
                Step::NoteStop { by: "Ada".to_owned() },
            ),
            (
                "its watchdog was told to end",
                vec![Start, Claim(1, "lab"), started(), Release(1, "lab")],
                view,
                Step::Claim { attempt: 2 },
            ),
            (
                "stopped with nobody there, and another host speaks",
                vec![Start, Claim(1, "other"), started(), Stop],
                View {
                    speaks: false,
                    ..lapsed
                },
                Step::Nothing,
            ),
            (
                "stopped with nobody there, and its host is gone",
                vec![Start, Claim(1, "other"), started(), Stop],
                lapsed,
                Step::NoteStop { by: "Ada".to_owned() },
            ),
        ];
        for (name, facts, view, expected) in cases {
            let book = book(facts);
            let facts = book.find(&run().topic()).expect("known");
            assert_eq!(step(facts, &view, || Fitness::Fit), expected, "{name}");
            let watched = View {
                watched: true,
                ..view
            };
            assert_eq!(
                step(facts, &watched, || Fitness::Fit),
                Step::Nothing,
                "{name}, watched"
            );
            let full = match expected {
                Step::Claim { .. } => Step::Queue,
                other => other,
            };
            assert_eq!(step(facts, &view, || Fitness::Full), full, "{name}, without room");
        }
    }

    #[test]
    fn only_a_fit_machine_claims_and_nobody_claims_too_early() {
        let start = Instant::now();
        let (book, view) = (book(vec![Start]), view(start));
        let facts = book.find(&run().topic()).expect("known");
        let unfit = || Fitness::Unfit {
            reason: "no such solver".to_owned(),
        };
        let refused = Step::Refuse {
            reason: "no such solver".to_owned(),
        };
        assert_eq!(step(facts, &view, unfit), refused);
        assert_eq!(step(facts, &view, || Fitness::Elsewhere), Step::Nothing);
        let soon = start + Duration::from_secs(61);
        let died = View {
            not_before: Some(soon),
            ..view
        };
        assert_eq!(step(facts, &died, || Fitness::Fit), Step::Wait(soon));
    }

    #[test]
    fn watchdogs_that_die_again_and_again_are_started_less_and_less_often() {
        let seconds: Vec<u64> = (0..12)
            .map(|deaths| pause_after_death(deaths).as_secs())
            .collect();
        assert_eq!(seconds, [0, 0, 1, 2, 4, 8, 16, 32, 64, 64, 64, 64]);
    }
}
