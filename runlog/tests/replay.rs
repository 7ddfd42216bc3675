//! The rule of reading, case by case and against a simple model.

#[path = "suite/story.rs"]
mod story;

use chrono::DateTime;
use kymo_runlog::{
    Array, Axis, Change, Complaint, Message, Outcome, Points, Position, Quantity, Record, Replay, RunId,
    RunWriter, Stored,
};
use proptest::prelude::*;

fn the_run() -> RunId {
    RunId {
        solver: "airy".to_owned(),
        parameters: [("eps", 4.0)].into_iter().collect(),
    }
}

fn writer(attempt: u32) -> RunWriter {
    RunWriter::new(the_run(), attempt, "1.0").with_limit(400)
}

fn record(iteration: u64) -> Record {
    let energy = Quantity::Scalar(iteration as f64 / 3.0);
    Record {
        iteration,
        total: Some(9),
        values: vec![("energy".to_owned(), energy)],
        ..Record::default()
    }
}

fn large(iteration: u64) -> Record {
    let values = (0..60).map(|i| f64::from(i) / 7.0).collect();
    let axis = Axis {
        unit: Some("m".to_owned()),
        points: Points::Listed { values },
    };
    let data = (0..60).map(|i| (i as f64 + iteration as f64).sin()).collect();
    let field = Array {
        axes: vec!["x".to_owned()],
        data,
        unit: None,
    };
    Record {
        iteration,
        axes: vec![("x".to_owned(), axis)],
        values: vec![("E".to_owned(), Quantity::Array(field))],
        state: Some("\"\u{1f600}\\".repeat(50)),
        ..Record::default()
    }
}

fn one(attempt: u32, record: &Record) -> Message {
    let mut messages = writer(attempt).record(record, &[]).expect("a good record");
    assert_eq!(messages.len(), 1);
    messages.remove(0)
}

/// Replays messages; what changed, in words.
fn told(messages: Vec<Message>) -> (Replay, Vec<String>) {
    let mut replay = Replay::new(the_run().topic());
    let at = DateTime::UNIX_EPOCH;
    let mut told = Vec::new();
    for (i, message) in messages.into_iter().enumerate() {
        for change in replay.push(&Stored {
            position: Position(i as i64),
            at,
            message,
        }) {
            told.push(match change {
                Change::Attempt(marker) => format!("attempt {} from {}", marker.attempt, marker.from),
                Change::Forgotten { from } => format!("forgotten {from}"),
                Change::Iteration { attempt, record } => format!("{} by {attempt}", record.iteration),
                Change::Rejected(report) => format!("{}: {}", report.position.0, report.reason),
                Change::Complaint(complaint) => format!("complaint {}", complaint.rejected),
                Change::Ended(outcome) => format!("ended {} {}", outcome.iterations, outcome.finished),
            });
        }
    }
    (replay, told)
}

#[test]
fn a_run_without_trouble_is_read_as_it_was_written() {
    let end = writer(1).end(&Outcome {
        iterations: 2,
        finished: true,
    });
    let (replay, told) = told(vec![
        writer(1).marker(1, "lab"),
        one(1, &record(1)),
        one(1, &record(2)),
        end,
    ]);
    assert_eq!(told, ["attempt 1 from 1", "1 by 1", "2 by 1", "ended 2 true"]);
    assert_eq!(
        (replay.iterations(), replay.attempt(), replay.next_attempt()),
        (2, 1, 2)
    );
}

#[test]
fn a_large_record_comes_back_from_its_parts() {
    let record = large(1);
    let parts = writer(1).record(&record, &[]).expect("a good record");
    assert!(parts.len() > 3, "{}", parts.len());
    assert!(parts.iter().all(|part| part.payload.len() <= 400));
    let mut replay = Replay::new(the_run().topic());
    let mut messages = vec![writer(1).marker(1, "lab")];
    messages.extend(parts);
    let at = DateTime::UNIX_EPOCH;
    let changes: Vec<Change> = messages
        .into_iter()
        .enumerate()
        .flat_map(|(i, message)| {
            replay.push(&Stored {
                position: Position(i as i64),
                at,
                message,
            })
        })
        .collect();
    let [Change::Attempt(_), Change::Iteration { record: back, .. }] = changes.as_slice() else {
        panic!("{changes:?}")
    };
    assert_eq!(**back, record);
}

#[test]
fn what_does_not_count_is_told_once_with_its_reason() {
    let (m, r) = (writer, |attempt, iteration| one(attempt, &record(iteration)));
    let mut broken = r(1, 2);
    broken.payload.push(b' ');
    let mut other = record(2);
    other.total = Some(8);
    let foreign = Message {
        payload: b"hello".to_vec(),
        ..Message::default()
    };
    let mut stranger = r(1, 2);
    stranger.headers[1].1 = b"lorenz".to_vec();
    let torn = m(1).record(&large(2), &[]).expect("a good record");
    let end = |iterations| {
        m(1).end(&Outcome {
            iterations,
            finished: true,
        })
    };
    let complaint = |attempt| {
        m(attempt).complaint(
            1,
            &Complaint {
                rejected: 7,
                reason: "no record".to_owned(),
            },
        )
    };
    let begin = [m(1).marker(1, "lab"), r(1, 1)];
    let cases: Vec<(Vec<Message>, &[&str])> = vec![
        (vec![r(1, 1)], &[]),
        (vec![r(1, 2), r(1, 2), r(1, 1)], &["2 by 1"]),
        (
            vec![foreign.clone(), r(1, 2)],
            &[
                "2: it is no record of a run: it has no header kymo-kind",
                "2 by 1",
            ],
        ),
        (
            vec![stranger, r(1, 2)],
            &["2: it belongs to another run, lorenz", "2 by 1"],
        ),
        (
            vec![broken, r(1, 2), r(1, 3)],
            &["2: its checksum is crc32:b2c21aee, its header says \"crc32:707bb6bf\""],
        ),
        (
            vec![r(1, 3), r(1, 2)],
            &["2: iteration 2 is missing, iteration 3 came instead"],
        ),
        (
            vec![r(1, 2), one(1, &other), r(1, 3), r(1, 9)],
            &[
                "2 by 1",
                "3: part 1 of iteration 2 came again with another content",
            ],
        ),
        (
            vec![torn[0].clone(), torn[2].clone()],
            &["3: part 2 of iteration 2 is missing"],
        ),
        (
            vec![torn[0].clone(), torn[0].clone(), end(1)],
            &["4: iteration 2 ends after part 1 of 20"],
        ),
        (
            vec![torn[0].clone(), m(2).marker(2, "lab"), torn[1].clone(), r(2, 2)],
            &["attempt 2 from 2", "2 by 2"],
        ),
        (
            vec![complaint(1), complaint(2), r(1, 2)],
            &["complaint 7", "2 by 1"],
        ),
        (
            vec![end(2)],
            &["2: the end says 2 iterations, but 1 came before it"],
        ),
        (
            vec![end(1), end(1), r(1, 2)],
            &["ended 1 true", "4: iteration 2 came after the attempt's end"],
        ),
        (
            vec![m(1).marker(1, "lab"), m(2).marker(1, "lab"), r(1, 2), r(2, 1)],
            &["attempt 2 from 1", "forgotten 1", "1 by 2"],
        ),
        (
            vec![
                m(2).marker(3, "lab"),
                r(2, 3),
                r(2, 4),
                r(1, 2),
                m(2).marker(2, "lab"),
            ],
            &[
                "2: the marker of attempt 2 goes on with iteration 3, but the next one is 2",
                "3: attempt 2 has no marker in effect, so its records do not count",
                "2 by 1",
                "6: attempt 2 had a marker before; this one does not count",
            ],
        ),
        (
            vec![m(1).marker(2, "lab")],
            &["2: attempt 1 had a marker before; this one does not count"],
        ),
    ];
    for (messages, expected) in cases {
        let (_, told) = told(begin.iter().cloned().chain(messages).collect());
        let expected: Vec<&str> = ["attempt 1 from 1", "1 by 1"]
            .iter()
            .chain(expected)
            .copied()
            .collect();
        assert_eq!(told, expected);
    }
}

#[test]
fn equal_results_have_equal_digests_and_others_have_not() {
    let digest = |messages: Vec<Message>| told(messages).0.digest();
    let plain = digest(vec![
        writer(1).marker(1, "lab"),
        one(1, &record(1)),
        one(1, &record(2)),
    ]);
    let resumed = digest(vec![
        writer(1).marker(1, "lab"),
        one(1, &record(1)),
        one(1, &record(2)),
        writer(2).marker(2, "elsewhere"),
        one(
            2,
            &Record {
                pace: Some(0.5),
                ..record(2)
            },
        ),
    ]);
    assert_eq!(plain, resumed);
    let parts = |limit| {
        let writer = writer(1).with_limit(limit);
        let mut messages = vec![writer.marker(1, "lab")];
        messages.extend(writer.record(&large(1), &[]).expect("a good record"));
        digest(messages)
    };
    assert_eq!(parts(300), parts(1_000_000));
    let mut nan = record(2);
    nan.values[0].1 = Quantity::Scalar(f64::NAN);
    let mut minus = record(2);
    minus.values[0].1 = Quantity::Scalar(-0.0);
    let mut zero = record(2);
    zero.values[0].1 = Quantity::Scalar(0.0);
    let mut all: Vec<String> = [
        record(2),
        record(3),
        nan,
        minus,
        zero,
        Record {
            total: None,
            ..record(2)
        },
    ]
    .iter()
    .map(|second| {
        digest(vec![
            writer(1).marker(1, "lab"),
            one(1, &record(1)),
            one(1, second),
        ])
    })
    .collect();
    // Iteration 3 after 1 does not count, so that digest is of one iteration.
    all.extend([plain.clone(), digest(vec![])]);
    all.sort();
    let count = all.len();
    all.dedup();
    assert_eq!(all.len(), count - 1, "only the plain one stands there twice");
}

fn stored(told: &[story::Told]) -> Vec<Stored> {
    let run = story::run("airy");
    let at = DateTime::UNIX_EPOCH;
    (0..)
        .zip(told)
        .map(|(i, told)| Stored {
            position: Position(i),
            at,
            message: told.message(&run),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn disturbed_attempts_read_as_the_model_says(told in story::likely()) {
        let (states, ended, _) = story::read(story::run("airy").topic(), &stored(&told));
        prop_assert_eq!((states, ended), story::usable(&told));
    }

    #[test]
    fn anything_at_all_reads_as_the_model_says(told in story::wild()) {
        let (states, ended, _) = story::read(story::run("airy").topic(), &stored(&told));
        prop_assert_eq!((states, ended), story::usable(&told));
    }

    /// Hostile bytes under our own headers.
    #[test]
    fn no_payload_makes_a_reader_panic(payload in any::<Vec<u8>>(), text in "[\\[\\]{}\",:0-9a-z.-]{0,80}") {
        for payload in [payload, text.into_bytes()] {
            let mut message = one(1, &record(1));
            for (name, value) in &mut message.headers {
                if name == "kymo-checksum" {
                    *value = kymo_runlog::checksum(&payload).into_bytes();
                }
            }
            message.payload = payload;
            let (replay, _) = told(vec![writer(1).marker(1, "lab"), message]);
            prop_assert!(replay.iterations() <= 1);
        }
    }
}
