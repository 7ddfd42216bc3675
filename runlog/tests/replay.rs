//! The rule of reading, case by case and against a simple model.

use chrono::DateTime;
use kymo_runlog::{
    Array, Axis, Change, Message, Outcome, Points, Position, Quantity, Record, Replay, RunId, RunWriter,
    Stored,
};

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
