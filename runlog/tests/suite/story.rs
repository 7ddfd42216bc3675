//! What may stand in a run's topic, told briefly, and what a reader should make of it: the rule
//! of reading once more, written for clearness instead of speed.

use kymo_runlog::{Change, Marker, Message, Outcome, Record, Replay, RunId, Stored, Topic, checksum, header};
use proptest::prelude::*;

/// One message, briefly.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    Marker {
        attempt: u32,
        from: u64,
    },
    Part {
        attempt: u32,
        iteration: u64,
        part: u32,
        of: u32,
        content: u8,
        broken: bool,
    },
    End {
        attempt: u32,
        iterations: u64,
    },
    Complaint {
        attempt: u32,
    },
    Garbage,
}

/// A run of its own for each test, so that topics never meet.
pub fn run(name: &str) -> RunId {
    RunId {
        solver: name.to_owned(),
        parameters: [("eps", 4.0)].into_iter().collect(),
    }
}

impl Told {
    /// Written by hand rather than by the writer, as docs/records.md tells it.
    pub fn message(&self, run: &RunId) -> Message {
        match *self {
            Self::Marker { attempt, from } => {
                let (solver, version) = (run.solver.clone(), "1".to_owned());
                let parameters = run.parameters.clone();
                let marker = Marker {
                    attempt,
                    from,
                    solver,
                    version,
                    parameters,
                    host: "lab".to_owned(),
                };
                ours(run, "marker", attempt, 0, None, json(&marker))
            }
            Self::Part {
                attempt,
                iteration,
                part,
                of,
                content,
                broken,
            } => {
                // The content alone tells two parts apart: attempts that compute the same, say the same.
                let state = Some(format!("{part}:{content};"));
                let record = Record {
                    iteration,
                    total: Some(40),
                    state,
                    ..Record::default()
                };
                let mut message = ours(run, "record", attempt, iteration, Some((part, of)), json(&record));
                if broken {
                    message.payload[0] ^= 1;
                }
                message
            }
            Self::End { attempt, iterations } => ours(
                run,
                "end",
                attempt,
                iterations,
                None,
                json(&Outcome {
                    iterations,
                    finished: true,
                }),
            ),
            Self::Complaint { attempt } => {
                let payload = br#"{"rejected":3,"reason":"x is a text, not a number"}"#.to_vec();
                ours(run, "complaint", attempt, 0, None, payload)
            }
            Self::Garbage => Message {
                key: None,
                headers: vec![],
                payload: b"{\"iteration\":1e999".to_vec(),
            },
        }
    }

    fn attempt(&self) -> Option<u32> {
        match *self {
            Self::Marker { attempt, .. }
            | Self::Part { attempt, .. }
            | Self::End { attempt, .. }
            | Self::Complaint { attempt } => Some(attempt),
            Self::Garbage => None,
        }
    }
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON")
}

fn ours(
    run: &RunId,
    kind: &str,
    attempt: u32,
    iteration: u64,
    part: Option<(u32, u32)>,
    payload: Vec<u8>,
) -> Message {
    let mut headers = vec![
        (header::KIND, kind.to_owned()),
        (header::RUN, run.topic().to_string()),
        (header::ATTEMPT, attempt.to_string()),
        (header::ITERATION, iteration.to_string()),
        (header::CHECKSUM, checksum(&payload)),
    ];
    headers.extend(part.map(|(part, of)| (header::PART, format!("{part}/{of}"))));
    let headers = headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.into_bytes()))
        .collect();
    Message {
        key: None,
        headers,
        payload,
    }
}

/// The states of the iterations that count, and whether the run has ended.
pub fn usable(told: &[Told]) -> (Vec<String>, bool) {
    let markers = |told: &[Told]| {
        told.iter()
            .filter(|t| matches!(t, Told::Marker { .. }))
            .filter_map(Told::attempt)
            .max()
    };
    let in_effect = told.iter().enumerate().rev().find_map(|(i, t)| {
        let Told::Marker { attempt, from } = *t else {
            return None;
        };
        let before = usable(&told[..i]).0;
        let counts = Some(attempt) > markers(&told[..i]) && from >= 1 && from <= before.len() as u64 + 1;
        counts.then(|| (i, attempt, before[..from as usize - 1].to_vec()))
    });
    let Some((i, attempt, mut states)) = in_effect else {
        return (Vec::new(), false);
    };
    let mut own: Vec<&Told> = Vec::new();
    for told in &told[i + 1..] {
        let ours = match told {
            Told::Part { .. } | Told::End { .. } => told.attempt() == Some(attempt),
            Told::Marker { .. } | Told::Complaint { .. } | Told::Garbage => false,
        };
        if ours && !own.contains(&told) {
            own.push(told);
        }
    }
    let mut torn: Vec<(u32, String)> = Vec::new();
    for told in own {
        match *told {
            Told::Part {
                iteration,
                part,
                of,
                content,
                broken: false,
                ..
            } if iteration == states.len() as u64 + 1
                && part as usize == torn.len() + 1
                && part <= of
                && torn.iter().all(|(o, _)| *o == of) =>
            {
                torn.push((of, format!("{part}:{content};")));
                if part == of {
                    states.push(torn.drain(..).map(|(_, state)| state).collect());
                }
            }
            Told::End { iterations, .. } if iterations == states.len() as u64 && torn.is_empty() => {
                return (states, true);
            }
            Told::Part { .. }
            | Told::End { .. }
            | Told::Marker { .. }
            | Told::Complaint { .. }
            | Told::Garbage => break,
        }
    }
    (states, false)
}

/// What a reader has after everything: from the changes alone, as a graph worker would.
pub fn read(topic: Topic, stored: &[Stored]) -> (Vec<String>, bool, Replay) {
    let mut replay = Replay::new(topic);
    let (mut states, mut ended) = (Vec::new(), false);
    for stored in stored {
        for change in replay.push(stored) {
            match change {
                Change::Iteration { record, .. } => {
                    states.push(record.state.unwrap_or_default());
                    assert_eq!(record.iteration, states.len() as u64);
                }
                Change::Forgotten { from } => states.truncate(from as usize - 1),
                Change::Attempt(_) => ended = false,
                Change::Ended(_) => ended = true,
                Change::Rejected(report) => assert_eq!(report.position, stored.position),
                Change::Complaint(complaint) => assert_eq!(complaint.rejected, 3),
            }
        }
    }
    assert_eq!(replay.iterations(), states.len() as u64);
    (states, ended, replay)
}

/// Attempts as they really happen: each writes on from what counts, loses its tail, and goes on
/// writing as a zombie; deliveries are doubled and strangers write between.
pub fn likely() -> impl Strategy<Value = Vec<Told>> {
    let attempt = (1u64..7, 1u32..4, 0usize..6, any::<bool>(), 0u8..3);
    let disturbance = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0u8..8);
    (
        prop::collection::vec(attempt, 0..4),
        prop::collection::vec(disturbance, 0..12),
    )
        .prop_map(|(attempts, disturbances)| {
            let mut told = Vec::new();
            for (attempt, (count, of, lost, ends, content)) in (1..).zip(attempts) {
                let from = usable(&told).0.len() as u64 + 1;
                let mut own = vec![Told::Marker { attempt, from }];
                for iteration in from..from + count {
                    for part in 1..=of {
                        own.push(Told::Part {
                            attempt,
                            iteration,
                            part,
                            of,
                            content,
                            broken: false,
                        });
                    }
                }
                own.truncate(own.len().saturating_sub(lost).max(1));
                if ends && lost == 0 {
                    own.push(Told::End {
                        attempt,
                        iterations: from + count - 1,
                    });
                }
                told.extend(own);
            }
            for (from, to, what) in disturbances {
                let extra = match (what, told.len()) {
                    (_, 0) | (0, _) => Told::Garbage,
                    (1, _) => Told::Complaint { attempt: 1 },
                    (_, length) => told[from.index(length)].clone(),
                };
                // Later than its first delivery: a copy in the same attempt, or a zombie in the next.
                let first = told.iter().position(|t| *t == extra).map_or(0, |at| at + 1);
                let at = first + to.index(told.len() - first + 1);
                told.insert(at, extra);
            }
            told
        })
}

/// Anything in any order.
pub fn wild() -> impl Strategy<Value = Vec<Told>> {
    let one = prop_oneof![
        2 => (1u32..5, 0u64..6).prop_map(|(attempt, from)| Told::Marker { attempt, from }),
        8 => (1u32..4, 1u64..5, 1u32..3, 1u32..3, 0u8..2, prop::bool::weighted(0.1))
            .prop_map(|(attempt, iteration, part, of, content, broken)| {
                Told::Part { attempt, iteration, part, of, content, broken }
            }),
        1 => (1u32..4, 0u64..5).prop_map(|(attempt, iterations)| Told::End { attempt, iterations }),
        1 => (1u32..4).prop_map(|attempt| Told::Complaint { attempt }),
        1 => Just(Told::Garbage),
    ];
    prop::collection::vec(one, 0..30)
}
