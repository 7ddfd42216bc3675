//! Which step counts: whatever stands in a steps topic, it is the last whole one that the attempt in effect wrote
//! inside the iteration that comes next.

use chrono::Utc;
use kymo_runlog::{Message, Position, RunId, RunWriter, Step, Steps, Stored, checksum, header};
use proptest::prelude::*;

const ATTEMPT: u32 = 3;
const ITERATION: u64 = 12;

fn run() -> RunId {
    RunId {
        solver: "heat".to_owned(),
        parameters: [("n", 4.0)].into_iter().collect(),
    }
}

/// Small parts, so that most steps have several.
fn writer(attempt: u32) -> RunWriter {
    RunWriter::new(run(), attempt, "1").with_limit(200)
}

/// How a step came into the topic.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Whole,
    /// The log took half of it, and all of it at the second try.
    Twice,
    /// A part never came.
    Lacks,
    /// A byte of it is wrong.
    Broken,
}

/// What others leave between.
#[derive(Clone, Debug)]
enum Noise {
    /// A whole step of another attempt or iteration, part by part.
    Stale {
        attempt: u32,
        iteration: u64,
        number: u64,
    },
    /// A copy of something that stands there, later.
    Copy,
    /// A copy with a byte wrong.
    BrokenCopy,
    Garbage,
    /// Headers that lie: right attempt and iteration, nothing behind them.
    Hollow {
        number: u64,
        part: String,
    },
}

fn noise() -> impl Strategy<Value = Noise> {
    prop_oneof![
        (1u32..6, 9u64..15, 0u64..2000).prop_map(|(attempt, iteration, number)| Noise::Stale {
            attempt,
            iteration,
            number
        }),
        Just(Noise::Copy),
        Just(Noise::BrokenCopy),
        Just(Noise::Garbage),
        (0u64..2000, "[0-9]{0,2}/?[0-9]{0,2}").prop_map(|(number, part)| Noise::Hollow { number, part }),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![4 => Just(Fate::Whole), 2 => Just(Fate::Twice), 1 => Just(Fate::Lacks), 1 => Just(Fate::Broken)]
}

fn spoil(message: &mut Message) {
    if let Some(byte) = message.payload.first_mut() {
        *byte ^= 1;
    }
}

fn read(messages: Vec<Message>) -> (Option<Step>, Vec<String>) {
    let mut steps = Steps::new(run().topic(), ATTEMPT, ITERATION);
    let mut reasons = Vec::new();
    for (position, message) in (0..).map(Position).zip(messages) {
        let stored = Stored {
            position,
            at: Utc::now(),
            message,
        };
        if let Err(report) = steps.push(&stored) {
            assert_eq!((report.position, report.topic), (position, run().topic().steps()));
            reasons.push(report.reason);
        }
    }
    (steps.finish(), reasons)
}

fn header_of<'a>(message: &'a mut Message, name: &str) -> &'a mut Vec<u8> {
    let found = message.headers.iter_mut().find(|(header, _)| header == name);
    &mut found.expect("the header").1
}

proptest! {
    #[test]
    fn the_last_whole_step_of_the_attempt_in_effect_counts(
        fates in prop::collection::vec((fate(), 1usize..600, any::<prop::sample::Index>()), 0..12),
        noise in prop::collection::vec((noise(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..20),
    ) {
        let writer = self::writer(ATTEMPT);
        let mut topic: Vec<Message> = Vec::new();
        let mut expected = None;
        for (number, (fate, length, which)) in (1..).zip(fates) {
            let state: String = (0..length).map(|i| char::from(b'a' + ((i as u64 + number) % 26) as u8)).collect();
            let mut parts = writer.step(ITERATION, number, 0, &state);
            let which = which.index(parts.len());
            match fate {
                Fate::Whole => {}
                Fate::Twice => topic.extend(parts[..which].to_vec()),
                Fate::Lacks => drop(parts.remove(which)),
                Fate::Broken => spoil(&mut parts[which]),
            }
            topic.extend(parts);
            if matches!(fate, Fate::Whole | Fate::Twice) {
                expected = Some(Step { iteration: ITERATION, number, handed: 0, state });
            }
        }
        for (noise, from, to) in noise {
            let extra = match noise {
                Noise::Stale { attempt, iteration, .. } if (attempt, iteration) == (ATTEMPT, ITERATION) => continue,
                Noise::Stale { attempt, iteration, number } => self::writer(attempt).step(iteration, number, 0, &"z".repeat(300)),
                Noise::Copy if topic.is_empty() => continue,
                Noise::BrokenCopy if topic.is_empty() => continue,
                Noise::Copy | Noise::BrokenCopy => {
                    let from = from.index(topic.len());
                    let mut copy = topic[from].clone();
                    if matches!(noise, Noise::BrokenCopy) {
                        spoil(&mut copy);
                        if copy.header(header::CHECKSUM) == Some(&checksum(&copy.payload)) {
                            // It was broken, and is whole again.
                            continue;
                        }
                    }
                    topic.insert(from + 1 + to.index(topic.len() - from), copy);
                    continue;
                }
                Noise::Garbage => vec![Message { payload: b"{\"iteration\":".to_vec(), ..Message::default() }],
                Noise::Hollow { number, part } => {
                    let mut message = writer.step(ITERATION, number, 0, "x").remove(0);
                    *header_of(&mut message, header::PART) = part.into_bytes();
                    message.payload = b"hollow".to_vec();
                    vec![message]
                }
            };
            let at = to.index(topic.len() + 1);
            topic.splice(at..at, extra);
        }
        prop_assert_eq!(read(topic).0, expected);
    }

    /// Nothing from outside can panic.
    #[test]
    fn any_headers_and_bytes_are_only_reported(
        kind in prop::sample::select(vec!["step", "record", "output", "x"]),
        values in prop::collection::vec("[0-9/]{0,8}|-1|x", 5),
        payload in prop::collection::vec(any::<u8>(), 0..60),
        is_checked in any::<bool>(),
    ) {
        let names = [header::ATTEMPT, header::ITERATION, header::STEP, header::HANDED, header::PART];
        let mut headers: Vec<(String, Vec<u8>)> = names.iter().zip(&values)
            .map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes())).collect();
        headers.push((header::KIND.to_owned(), kind.into()));
        headers.push((header::RUN.to_owned(), run().topic().as_str().into()));
        let sum = if is_checked { checksum(&payload) } else { values[0].clone() };
        headers.push((header::CHECKSUM.to_owned(), sum.into_bytes()));
        prop_assert_eq!(read(vec![Message { key: None, headers, payload }]).0, None);
    }
}

#[test]
fn what_does_not_count_is_named() {
    let writer = writer(ATTEMPT);
    let mut foreign = writer.step(ITERATION, 1, 0, "x");
    *header_of(&mut foreign[0], header::RUN) = b"other".to_vec();
    let mut broken = writer.step(ITERATION, 2, 0, "x");
    spoil(&mut broken[0]);
    let mut late = writer.step(ITERATION, 3, 0, &"x".repeat(500));
    late.remove(0);
    let record = writer.marker(1, "lab");
    let mut liar = writer.step(ITERATION + 1, 4, 0, "x");
    *header_of(&mut liar[0], header::ITERATION) = ITERATION.to_string().into_bytes();
    let (step, reasons) = read([foreign, broken, late[..1].to_vec(), vec![record], liar].concat());
    assert_eq!(step, None);
    let expected = [
        "it belongs to another run, other",
        "its checksum is crc32:",
        "part 2 of ",
        "it is a message of kind marker, no step",
        "iteration: it says 13, the header says 12",
    ];
    assert_eq!(reasons.len(), expected.len(), "{reasons:#?}");
    for (reason, begin) in reasons.iter().zip(expected) {
        assert!(reason.starts_with(begin), "{reason}");
    }
}
