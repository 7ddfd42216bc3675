//! docs/records.md says what is so: every example in it is read by the code it tells of.

#[path = "suite/story.rs"]
mod story;

use std::io::Write;
use std::process::{Command, Stdio};

use kymo_runlog::catalogue::HostCatalogue;
use kymo_runlog::claim::Claim;
use kymo_runlog::event::EventRecord;
use kymo_runlog::host::HostRecord;
use kymo_runlog::order::{Order, OrderRecord};
use kymo_runlog::{
    Change, Complaint, Marker, Message, Outcome, Position, Record, Replay, RunId, RunWriter, Stored, Value,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde::Serialize;
use serde::de::DeserializeOwned;

const GUIDE: &str = include_str!("../../docs/records.md");

/// The fenced blocks of the guide with this label, e.g. `json record`.
fn blocks(label: &str) -> Vec<&'static str> {
    let found: Vec<&str> = GUIDE
        .split("\n```")
        .filter_map(|block| block.strip_prefix(label)?.strip_prefix('\n'))
        .collect();
    assert!(!found.is_empty(), "the guide has no block {label}");
    found
}

/// Reads an example and writes it again: the same JSON.
fn the_same<T: DeserializeOwned + Serialize>(label: &str) -> Vec<T> {
    let read = |json: &str| {
        let value: T = serde_json::from_str(json).unwrap_or_else(|e| panic!("{label}: {e}\n{json}"));
        let plain: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let mut written = serde_json::to_value(&value).expect("JSON");
        // Written floats say 1.0 where a person may write 1.
        written.sort_all_objects();
        let mut plain = plain;
        plain.sort_all_objects();
        assert_eq!(numbers_as_floats(&written), numbers_as_floats(&plain), "{label}");
        value
    };
    blocks(label).into_iter().map(read).collect()
}

fn numbers_as_floats(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Number(n) => format!("{:?}", n.as_f64()),
        serde_json::Value::Array(all) => {
            format!("{:?}", all.iter().map(numbers_as_floats).collect::<Vec<_>>())
        }
        serde_json::Value::Object(all) => {
            format!(
                "{:?}",
                all.iter()
                    .map(|(k, v)| (k, numbers_as_floats(v)))
                    .collect::<Vec<_>>()
            )
        }
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::String(_) => {
            value.to_string()
        }
    }
}

fn replay_of(records: &[Record]) -> (Replay, Vec<Stored>) {
    let writer = RunWriter::new(story::run("airy"), 1, "1");
    let mut messages = vec![writer.marker(1, "lab")];
    for record in records {
        messages.extend(writer.record(record, &[]).expect("a good record"));
    }
    let stored: Vec<Stored> = stored(messages);
    let mut replay = Replay::new(writer.topic().clone());
    for stored in &stored {
        for change in replay.push(stored) {
            assert!(!matches!(change, Change::Rejected(_)), "{change:?}");
        }
    }
    (replay, stored)
}

fn stored(messages: Vec<Message>) -> Vec<Stored> {
    let at = chrono::DateTime::UNIX_EPOCH;
    (0..)
        .map(Position)
        .zip(messages)
        .map(|(position, message)| Stored {
            position,
            at,
            message,
        })
        .collect()
}

#[test]
fn every_example_is_what_the_code_reads_and_writes() {
    for record in the_same::<Record>("json record") {
        record.validate().expect("a whole record");
    }
    the_same::<Record>("json part");
    the_same::<Record>("json whole")
        .iter()
        .for_each(|whole| whole.validate().expect("a whole record"));
    the_same::<Marker>("json marker");
    the_same::<Outcome>("json end");
    the_same::<Complaint>("json complaint");
    for step in the_same::<Record>("json step") {
        let state = step.state.as_deref().expect("a step's state");
        let written = RunWriter::new(story::run("heat"), 2, "1").step(step.iteration, 1, 0, state);
        assert_eq!(Record::parse(&written[0].payload), Ok(step));
    }
    for order in the_same::<OrderRecord>("json order") {
        match order.order {
            Order::Start { run, topic, .. } => assert_eq!(run.topic(), topic),
            Order::Stop { .. } => {}
        }
    }
    the_same::<Claim>("json claim");
    for event in the_same::<EventRecord>("json event") {
        assert_eq!(event.run.topic(), event.topic);
    }
    the_same::<HostCatalogue>("json catalogue");
    the_same::<HostRecord>("json host");
}

#[test]
fn the_parts_of_the_guide_make_the_whole() {
    let parts = blocks("json part");
    let messages: Vec<Message> = (1..)
        .zip(&parts)
        .map(|(part, json)| {
            let headers = [
                ("kymo-kind", "record".to_owned()),
                ("kymo-run", story::run("airy").topic().to_string()),
                ("kymo-attempt", "1".to_owned()),
                ("kymo-iteration", "3".to_owned()),
                ("kymo-part", format!("{part}/{}", parts.len())),
                (
                    "kymo-checksum",
                    format!("crc32:{:08x}", crc32fast::hash(json.as_bytes())),
                ),
            ];
            let headers = headers
                .map(|(name, value)| (name.to_owned(), value.into_bytes()))
                .to_vec();
            Message {
                key: None,
                headers,
                payload: json.as_bytes().to_vec(),
            }
        })
        .collect();
    let writer = RunWriter::new(story::run("airy"), 1, "1");
    let mut all = vec![writer.marker(1, "lab")];
    for iteration in 1..=2 {
        all.extend(
            writer
                .record(
                    &Record {
                        iteration,
                        ..Record::default()
                    },
                    &[],
                )
                .expect("a good record"),
        );
    }
    all.extend(messages);
    let mut replay = Replay::new(writer.topic().clone());
    let changes: Vec<Change> = stored(all)
        .iter()
        .flat_map(|stored| replay.push(stored))
        .collect();
    let whole: Record = serde_json::from_str(blocks("json whole")[0]).expect("a record");
    assert_eq!(
        changes.last(),
        Some(&Change::Iteration {
            attempt: 1,
            record: Box::new(whole)
        })
    );
}

#[test]
fn the_names_of_the_guide_are_the_names_of_the_code() {
    let run = |solver: &str, parameters: &[(&str, Value)]| {
        let parameters = parameters
            .iter()
            .map(|(name, value)| (*name, value.clone()))
            .collect();
        RunId {
            solver: solver.to_owned(),
            parameters,
        }
        .topic()
        .to_string()
    };
    for topic in [
        run("airy", &[("kerr", 0.5.into()), ("eps", 4.0.into())]),
        run("airy", &[("t_max", 100.0.into()), ("x", (-1.0).into())]),
        run("monte-carlo", &[("what", "pi".into())]),
        run("train", &[("path", "a/b_c".into())]),
        run("train", &[("tag", "4".into())]),
    ] {
        assert!(GUIDE.contains(&format!("| `{topic}` |")), "{topic}");
    }
}

/// Runs the guide's program over messages; what it found and its digest.
fn python(topic: &str, messages: &[Message]) -> (usize, bool, String) {
    let driver = "
lines = [json.loads(line) for line in sys.stdin]
messages = [([(n, bytes.fromhex(v)) for n, v in h], bytes.fromhex(p)) for h, p in lines]
records, ended = usable(sys.argv[1], messages)
print(len(records), str(ended).lower(), digest(records))
";
    let program = blocks("python")[0];
    let (functions, _) = program
        .split_once("if __name__")
        .expect("the program's last lines");
    let mut child = Command::new("python3")
        .args(["-c", &format!("{functions}{driver}"), topic])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs; apt install python3");
    let mut stdin = child.stdin.take().expect("a pipe");
    for message in messages {
        let headers: Vec<(&str, String)> = message
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), hex::encode(value)))
            .collect();
        let line = serde_json::to_string(&(headers, hex::encode(&message.payload))).expect("JSON");
        writeln!(stdin, "{line}").expect("python3 reads");
    }
    drop(stdin);
    let output = child.wait_with_output().expect("python3 ends");
    assert!(output.status.success(), "the guide's program failed");
    let told = String::from_utf8(output.stdout).expect("text");
    let [count, ended, digest] = told.split_whitespace().collect::<Vec<_>>()[..] else {
        panic!("{told}")
    };
    (
        count.parse().expect("a count"),
        ended == "true",
        digest.to_owned(),
    )
}

#[test]
fn the_digest_of_the_guide_is_the_digest_of_the_code() {
    let records: Vec<Record> = the_same("json record");
    let shortest = records
        .iter()
        .find(|record| record.iteration == 1)
        .expect("an example of iteration 1");
    let digest = replay_of(std::slice::from_ref(shortest)).0.digest();
    assert!(GUIDE.contains(&format!("`{digest}`")), "{digest}");
}

#[test]
fn the_guides_program_reads_as_we_do() {
    // The example records, renumbered so that they follow one another.
    let mut records: Vec<Record> = the_same("json record");
    records.extend(the_same::<Record>("json whole"));
    (1..)
        .zip(&mut records)
        .for_each(|(i, record)| record.iteration = i);
    let (replay, stored) = replay_of(&records);
    let messages: Vec<Message> = stored.into_iter().map(|stored| stored.message).collect();
    let topic = story::run("airy").topic();
    assert_eq!(
        python(topic.as_str(), &messages),
        (records.len(), false, replay.digest())
    );

    let mut runner = TestRunner::deterministic();
    for i in 0..20 {
        let told = if i % 2 == 0 {
            story::likely().new_tree(&mut runner).expect("a story").current()
        } else {
            story::wild().new_tree(&mut runner).expect("a story").current()
        };
        let messages: Vec<Message> = told
            .iter()
            .map(|told| told.message(&story::run("airy")))
            .collect();
        let (states, ended, replay) = story::read(topic.clone(), &self::stored(messages.clone()));
        let found = python(topic.as_str(), &messages);
        assert_eq!(found, (states.len(), ended, replay.digest()), "{told:?}");
    }
}
