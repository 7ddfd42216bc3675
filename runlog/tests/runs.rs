//! What is wanted of a run, and how it stands, as the orders, claims and events tell.

use chrono::{DateTime, Utc};
use kymo_runlog::claim::claim;
use kymo_runlog::event::{EventRecord, RunEvent};
use kymo_runlog::order::{Order, OrderRecord, When};
use kymo_runlog::{Message, Phase, Position, RunBook, RunId, Stored};
use proptest::prelude::*;
use uuid::Uuid;

fn second(s: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + s, 0).expect("a time")
}

fn run() -> RunId {
    RunId {
        solver: "airy".to_owned(),
        parameters: [("eps", 4.0)].into_iter().collect(),
    }
}

#[derive(Clone, Debug)]
enum Fact {
    Start { fresh: bool },
    Stop,
    Claim { attempt: u32, released: bool },
    Event { attempt: u32, event: RunEvent },
}

const START: Fact = Fact::Start { fresh: false };

fn claimed(attempt: u32) -> Fact {
    Fact::Claim {
        attempt,
        released: false,
    }
}

fn started(attempt: u32) -> Fact {
    Fact::Event {
        attempt,
        event: RunEvent::Started { pid: 1 },
    }
}

fn finished(attempt: u32) -> Fact {
    Fact::Event {
        attempt,
        event: RunEvent::Finished,
    }
}

fn stopped(attempt: u32) -> Fact {
    Fact::Event {
        attempt,
        event: RunEvent::Stopped { by: "Ada".to_owned() },
    }
}

fn failed(attempt: u32, again: bool) -> Fact {
    let again_at = again.then(|| second(9));
    Fact::Event {
        attempt,
        event: RunEvent::Failed {
            reason: "exit code 3".to_owned(),
            last_lines: vec![],
            again_at,
        },
    }
}

fn push(book: &mut RunBook, fact: &Fact, s: i64) {
    let (run, at, by, id) = (run(), second(s), "Ada".to_owned(), Uuid::from_u128(s as u128));
    let topic = run.topic();
    match fact.clone() {
        Fact::Start { fresh } => {
            let order = Order::Start {
                run,
                topic,
                fresh,
                pace: None,
                on: Vec::new(),
            };
            book.order(&OrderRecord { id, at, by, order }, at, Position(s));
        }
        Fact::Stop => {
            let order = Order::Stop {
                topic,
                when: When::Now,
            };
            book.order(&OrderRecord { id, at, by, order }, at, Position(s));
        }
        Fact::Claim { attempt, released } => {
            book.claim(
                &claim(&topic, attempt, "lab", Uuid::nil(), at, released),
                Position(s),
                at,
            );
        }
        Fact::Event { attempt, event } => {
            let host = "lab".to_owned();
            book.event(
                &EventRecord {
                    id,
                    at,
                    topic,
                    run,
                    attempt,
                    host,
                    iteration: 7,
                    event,
                },
                at,
            );
        }
    }
}

fn told(facts: &[Fact]) -> (bool, String) {
    let mut book = RunBook::default();
    facts
        .iter()
        .zip(0..)
        .for_each(|(fact, s)| push(&mut book, fact, s));
    let facts = book.find(&run().topic()).expect("the run is known");
    (facts.wanted, word(&facts.phase(None)))
}

fn word(phase: &Phase) -> String {
    let word = format!("{phase:?}");
    word.split([' ', '{']).next().unwrap_or_default().to_owned()
}

#[test]
fn what_is_wanted_follows_from_what_stands_in_the_log() {
    let release = Fact::Claim {
        attempt: 1,
        released: true,
    };
    let refused = Fact::Event {
        attempt: 0,
        event: RunEvent::Refused {
            reason: "eps".to_owned(),
        },
    };
    let cases: Vec<(Vec<Fact>, bool, &str)> = vec![
        (vec![START], true, "Queued"),
        (vec![START, claimed(1)], true, "Queued"),
        (vec![START, claimed(1), started(1)], true, "Running"),
        (vec![START, claimed(1), started(1), Fact::Stop], true, "Stopping"),
        (
            vec![START, claimed(1), started(1), Fact::Stop, stopped(1)],
            false,
            "Stopped",
        ),
        (
            vec![START, claimed(1), started(1), finished(1)],
            false,
            "Finished",
        ),
        (
            vec![START, claimed(1), started(1), failed(1, true)],
            true,
            "Restarting",
        ),
        (
            vec![START, claimed(1), started(1), failed(1, true), claimed(2)],
            true,
            "Restarting",
        ),
        (
            vec![
                START,
                claimed(1),
                started(1),
                failed(1, true),
                release.clone(),
                claimed(2),
            ],
            true,
            "Queued",
        ),
        (
            vec![START, claimed(1), started(1), failed(1, false)],
            false,
            "Failed",
        ),
        (vec![START, refused], false, "Refused"),
        (vec![START, Fact::Stop], false, "Stopped"),
        (
            vec![START, claimed(1), finished(1), release.clone(), START],
            true,
            "Queued",
        ),
        (
            vec![START, claimed(1), finished(1), release.clone(), START, Fact::Stop],
            false,
            "Stopped",
        ),
        // Ordered again while the stop was still being carried out: the order outlives it.
        (
            vec![START, claimed(1), started(1), Fact::Stop, START, stopped(1)],
            true,
            "Queued",
        ),
        // Ordered again while it ran: nothing is left to do, except afresh.
        (
            vec![START, claimed(1), started(1), START, finished(1)],
            false,
            "Finished",
        ),
        (
            vec![
                START,
                claimed(1),
                started(1),
                Fact::Start { fresh: true },
                finished(1),
            ],
            true,
            "Queued",
        ),
        // From a terminal, without an order.
        (vec![claimed(1), started(1)], false, "Running"),
        (vec![Fact::Stop, started(1)], false, "Running"),
        (vec![claimed(1), started(1), Fact::Stop], false, "Stopping"),
        (
            vec![claimed(1), started(1), Fact::Stop, stopped(1)],
            false,
            "Stopped",
        ),
        // Run again in the terminal: the old stop is over.
        (
            vec![
                claimed(1),
                started(1),
                Fact::Stop,
                stopped(1),
                release,
                claimed(2),
                started(2),
            ],
            false,
            "Running",
        ),
    ];
    for (facts, wanted, word) in cases {
        assert_eq!(told(&facts), (wanted, word.to_owned()), "{facts:?}");
    }
}

#[test]
fn a_run_whose_lease_is_not_heard_of_is_lost_unless_it_has_ended() {
    let mut book = RunBook::default();
    let since = second(60);
    let phase = |book: &RunBook, unheard: bool| {
        let facts = book.find(&run().topic()).expect("the run is known");
        facts.phase(unheard.then_some(since))
    };
    for (s, fact) in [claimed(1), started(1)].iter().enumerate() {
        push(&mut book, fact, s as i64);
    }
    assert_eq!(phase(&book, false), Phase::Running);
    assert_eq!(phase(&book, true), Phase::Lost { since });
    push(&mut book, &finished(1), 70);
    assert_eq!(phase(&book, true), Phase::Finished, "what has ended is not lost");
}

#[test]
fn a_zombies_word_and_a_repeated_order_change_nothing() {
    let mut book = RunBook::default();
    for (s, fact) in [
        START,
        claimed(1),
        Fact::Claim {
            attempt: 1,
            released: true,
        },
        claimed(2),
        started(2),
    ]
    .iter()
    .enumerate()
    {
        push(&mut book, fact, s as i64);
    }
    let before = book.find(&run().topic()).cloned();
    push(&mut book, &failed(1, false), 7);
    push(&mut book, &START, 0);
    assert_eq!(book.find(&run().topic()).cloned(), before);
}

fn any_fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        any::<bool>().prop_map(|fresh| Fact::Start { fresh }),
        Just(Fact::Stop),
        (1u32..4, any::<bool>()).prop_map(|(attempt, released)| Fact::Claim { attempt, released }),
        (1u32..4).prop_map(started),
        (1u32..4).prop_map(finished),
        (1u32..4).prop_map(stopped),
        (1u32..4, any::<bool>()).prop_map(|(attempt, again)| failed(attempt, again)),
    ]
}

#[test]
fn a_number_that_no_attempt_has_is_refused_before_anybody_counts_on() {
    let stored = |json: serde_json::Value| Stored {
        position: Position(7),
        at: second(1),
        message: Message::json("hostile", &json),
    };
    let ours = claim(&run().topic(), 1, "lab", Uuid::nil(), second(1), false);
    let mut hostile = serde_json::to_value(&ours).expect("JSON");
    let mut book = RunBook::default();
    hostile["attempt"] = u32::MAX.into();
    let refused = book.push_claim(&stored(hostile.clone())).expect_err("refused");
    assert!(refused.contains("attempts are 1 to 1000000000"), "{refused}");
    hostile["attempt"] = 1.into();
    book.push_claim(&stored(hostile)).expect("a claim");
}

proptest! {
    /// Each topic is read by its own task, so only the order within a topic is sure.
    #[test]
    fn how_the_three_topics_are_interleaved_does_not_matter(facts in proptest::collection::vec(any_fact(), 0..20)) {
        let mut as_written = RunBook::default();
        let mut by_topic = RunBook::default();
        let facts: Vec<(i64, Fact)> = (0..).zip(facts).collect();
        facts.iter().for_each(|(s, fact)| push(&mut as_written, fact, *s));
        let is_order = |fact: &Fact| matches!(fact, Fact::Start { .. } | Fact::Stop);
        let is_claim = |fact: &Fact| matches!(fact, Fact::Claim { .. });
        // A stop for a run that nobody ordered says nothing: orders come first in both.
        let orders = facts.iter().filter(|(_, fact)| is_order(fact));
        let claims = facts.iter().filter(|(_, fact)| is_claim(fact));
        let events = facts.iter().filter(|(_, fact)| !is_order(fact) && !is_claim(fact));
        events.chain(orders).chain(claims).for_each(|(s, fact)| push(&mut by_topic, fact, *s));
        let topic = run().topic();
        let (a, b) = (as_written.find(&topic), by_topic.find(&topic));
        if let (Some(a), Some(b)) = (a, b) && a.start.is_some() {
            prop_assert_eq!(a, b);
        }
    }
}
