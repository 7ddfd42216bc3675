//! Strangers in the same cluster: a client in another language that knows docs/records.md only, tools
//! that show lag, topics that others made. Needs a cluster; run with `--ignored`, see docs/kafka.md, "Tests".

mod cluster;

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use cluster::{Cluster, new_topic, numbered};
use futures::StreamExt;
use kymo_runlog::kafka::KafkaLog;
use kymo_runlog::{
    Array, Axis, Change, Log, LogError, Message, Outcome, Parameters, Points, Position, Quantity, Record,
    Replay, Report, RunId, RunWriter, Stored, Topic, Value,
};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;

/// The client libraries that the strangers use: one of pure Python, and the one that docs/records.md uses.
const LIBRARIES: [&str; 2] = ["kafka-python==3.0.12", "confluent-kafka==2.12.1"];

/// A Python that has them: `KYMO_TEST_PYTHON`, or one that is made here.
static PYTHON: LazyLock<PathBuf> = LazyLock::new(|| {
    if let Some(python) = std::env::var_os("KYMO_TEST_PYTHON") {
        return python.into();
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("stranger");
    let python = folder.join("bin/python");
    let tried = Command::new(&python)
        .args(["-c", "import kafka, confluent_kafka"])
        .output();
    if !tried.is_ok_and(|tried| tried.status.success()) {
        run(Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder));
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(LIBRARIES));
    }
    python
});

fn run(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("it prints UTF-8")
}

async fn run_python(script: PathBuf, arguments: &[&str]) -> String {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let work = move || run(Command::new(&*PYTHON).arg(script).args(arguments));
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn stranger(arguments: &[&str]) -> String {
    run_python(
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/stranger.py"),
        arguments,
    )
    .await
}

/// What the program on docs/records.md says about a topic, as it stands there.
async fn page_reader(cluster: &Cluster, topic: &Topic) -> String {
    let page = include_str!("../../docs/records.md");
    let program = page
        .split("```python\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .unwrap();
    let file = tempfile::Builder::new().suffix(".py").tempfile().unwrap();
    std::fs::write(file.path(), program).unwrap();
    run_python(file.path().to_owned(), &[cluster.brokers(), topic.as_str()])
        .await
        .trim()
        .to_owned()
}

fn a_run() -> RunId {
    let unique = Value::Text(uuid::Uuid::new_v4().simple().to_string());
    RunId {
        solver: "airy".into(),
        parameters: Parameters([("test".to_owned(), unique)].into()),
    }
}

/// Numbers that are hard to carry, over two axes, large enough for several parts.
fn record(iteration: u64) -> Record {
    let x: Vec<f64> = (0..400).map(|i| f64::from(i) * 0.1 + 1.0 / 3.0).collect();
    let mut data: Vec<f64> = x.iter().map(|x| (x * iteration as f64).sin() * 1e-300).collect();
    data[..5].copy_from_slice(&[
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        f64::MIN_POSITIVE / 8.0,
    ]);
    let field = Array {
        axes: vec!["t".into(), "x".into()],
        data,
        unit: Some("V/m".into()),
    };
    Record {
        iteration,
        total: Some(6),
        axes: vec![
            (
                "t".into(),
                Axis {
                    unit: Some("L/v".into()),
                    points: Points::Even {
                        start: 0.1,
                        step: 0.2,
                        count: 1,
                    },
                },
            ),
            (
                "x".into(),
                Axis {
                    unit: None,
                    points: Points::Listed { values: x },
                },
            ),
        ],
        values: vec![
            ("E".into(), Quantity::Array(field)),
            ("energy".into(), Quantity::Scalar(0.1 + 0.2)),
            ("größe 🔑".into(), Quantity::Scalar(f64::NAN)),
        ],
        state: Some("opaque \"state\" ".repeat(200)),
        pace: None,
    }
}

/// Two attempts with a zombie, duplicates, a torn iteration and an end.
async fn write_a_story(log: &KafkaLog, run: &RunId) -> Topic {
    let writer = RunWriter::new(run.clone(), 1, "1").with_limit(2500);
    let topic = writer.topic().clone();
    log.create(&topic).await.unwrap();
    let say = |batch: Vec<Message>| log.append(&topic, batch);
    let parts = |iteration| {
        writer
            .record(&record(iteration), &[("lab".into(), "blue".into())])
            .unwrap()
    };
    assert!(parts(1).len() > 3, "several parts");
    say(vec![writer.marker(1, "lab")]).await.unwrap();
    for iteration in 1..=4 {
        say(parts(iteration)).await.unwrap();
    }
    say(parts(3)).await.unwrap();
    say(parts(5)[..2].to_vec()).await.unwrap();
    let next = RunWriter::new(run.clone(), 2, "1");
    say(vec![next.marker(4, "cluster")]).await.unwrap();
    say(parts(6)).await.unwrap();
    for iteration in 4..=6 {
        say(next.record(&record(iteration), &[]).unwrap()).await.unwrap();
    }
    say(vec![next.end(&Outcome {
        iterations: 6,
        finished: true,
    })])
    .await
    .unwrap();
    topic
}

async fn read_all(log: &KafkaLog, topic: &Topic) -> Vec<Stored> {
    log.read(topic, Position::START, usize::MAX).await.unwrap()
}

fn replay(topic: &Topic, stored: &[Stored]) -> (Replay, Vec<Record>, Vec<Report>) {
    let (mut replay, mut records, mut reports) = (Replay::new(topic.clone()), Vec::new(), Vec::new());
    for stored in stored {
        for change in replay.push(stored) {
            match change {
                Change::Forgotten { from } => records.truncate(from as usize - 1),
                Change::Iteration { record, .. } => records.push(*record),
                Change::Rejected(report) => reports.push(report),
                Change::Attempt(_) | Change::Ended(_) | Change::Complaint(_) => {}
            }
        }
    }
    (replay, records, reports)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn a_client_in_another_language_reads_the_same_numbers() {
    let cluster = Cluster::given();
    let log = cluster.open().await;
    let topic = write_a_story(&log, &a_run()).await;
    let (replayed, records, _) = replay(&topic, &read_all(&log, &topic).await);
    assert_eq!(records.len(), 6);
    let said = format!("6 iterations, ended, digest {}", replayed.digest());
    assert_eq!(page_reader(&cluster, &topic).await, said);
    let printed = stranger(&["read", cluster.brokers(), topic.as_str()]).await;
    let told: Vec<Record> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let texts = |records: &[Record]| -> Vec<String> {
        records
            .iter()
            .map(|record| serde_json::to_string(record).unwrap())
            .collect()
    };
    assert_eq!(texts(&told), texts(&records));
    log.delete(&topic).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn what_a_stranger_writes_is_reported_and_spoils_nothing() {
    let cluster = Cluster::given();
    let log = cluster.open().await;
    let topic = write_a_story(&log, &a_run()).await;
    let (before, ..) = replay(&topic, &read_all(&log, &topic).await);
    let written = stranger(&["spoil", cluster.brokers(), topic.as_str()]).await;
    let positions: Vec<Position> = written
        .lines()
        .map(|line| Position(line.parse().unwrap()))
        .collect();
    let stored = read_all(&log, &topic).await;
    let (after, _, reports) = replay(&topic, &stored);
    assert_eq!(after.digest(), before.digest());
    assert_eq!(after.iterations(), 6);
    let reported: Vec<Position> = reports.iter().map(|report| report.position).collect();
    // The one with our headers but no attempt could only end a prefix that has not ended by itself.
    assert!(
        positions.iter().all(|position| reported.contains(position)),
        "{positions:?} {reports:?}"
    );
    assert!(
        reports
            .iter()
            .all(|report| report.topic == topic && !report.reason.is_empty())
    );
    let hostile = stored
        .iter()
        .find(|stored| stored.position == positions[2])
        .unwrap();
    assert_eq!(hostile.message.payload, [0, 255, 254]);
    let expected = [
        ("\u{fffd}\u{fffd} name".to_owned(), vec![255]),
        ("empty".to_owned(), Vec::new()),
    ];
    assert_eq!(hostile.message.headers, expected);
    let nothing = stored
        .iter()
        .find(|stored| stored.position == positions[0])
        .unwrap();
    assert_eq!(
        nothing.message,
        Message {
            key: Some(b"a tombstone".to_vec()),
            ..Message::default()
        }
    );
    let mut news = log.follow(&topic, positions[0]).await.unwrap();
    for position in positions {
        assert_eq!(news.next().await.unwrap().unwrap().position, position);
    }
    log.delete(&topic).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn foreign_tools_see_how_far_behind_a_consumer_is() {
    let cluster = Cluster::given();
    let log = cluster.open().await;
    let topic = new_topic(&log, "lag").await;
    log.append(&topic, (0..10).map(numbered).collect()).await.unwrap();
    log.commit(&topic, "lagging", Position(4)).await.unwrap();
    let seen = stranger(&["lag", cluster.brokers(), topic.as_str(), "kymo.lagging"]).await;
    assert_eq!(seen.trim(), r#"{"committed": 4, "end": 10, "lag": 6}"#);
    log.delete(&topic).await.unwrap();
}

/// Makes a topic as others do.
async fn foreign_topic(cluster: &Cluster, name: &str, partitions: i32, settings: &[(&str, &str)]) -> Topic {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", cluster.brokers())
        .set("log_level", "0")
        .create()
        .unwrap();
    let new = settings.iter().fold(
        NewTopic::new(name, partitions, TopicReplication::Fixed(1)),
        |new, (key, value)| new.set(key, value),
    );
    let answers = admin.create_topics([&new], &AdminOptions::new()).await.unwrap();
    answers.into_iter().next().unwrap().unwrap();
    Topic::parse(&name.replace('_', ".")).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn a_topic_that_others_made_is_judged_before_a_run_trusts_it() {
    let cluster = Cluster::given();
    let log = cluster.open().await;
    let name = format!("test.foreign.{}", uuid::Uuid::new_v4());
    let settings = [
        ("retention.ms", "604800000"),
        ("cleanup.policy", "compact"),
        ("max.message.bytes", "10000"),
    ];
    let topic = foreign_topic(&cluster, &name, 2, &settings).await;
    log.create(&topic).await.unwrap();
    let warnings = log.warnings(&topic).await.unwrap();
    for part in ["older than 7 days", "is compacted", "2 partitions"] {
        assert!(
            warnings.iter().any(|warning| warning.contains(part)),
            "{part}: {warnings:?}"
        );
    }
    let three = cluster.brokers().split(',').count() >= 3;
    assert_eq!(
        warnings
            .iter()
            .any(|warning| warning.contains("1 of 3 possible copies")),
        three,
        "{warnings:?}"
    );
    // Compression must not help; and a compacted topic wants keys.
    let noise = |state: &mut u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        Some((*state >> 56) as u8)
    };
    let payload = (0..20_000).scan(1u64, |state, _| noise(state)).collect();
    let large = Message {
        key: Some(vec![1]),
        payload,
        headers: Vec::new(),
    };
    match log.append(&topic, vec![large]).await {
        Err(LogError::TooLarge {
            limit: 10_000,
            bytes: 20_001,
            ..
        }) => {}
        other => panic!("expected the topic's own limit: {other:?}"),
    }
    let error = log
        .clear(&topic)
        .await
        .expect_err("a compacted topic cannot be cleared");
    assert!(error.to_string().contains("cleanup.policy"), "{error}");
    log.delete(&topic).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn a_survey_shows_topics_of_others_with_what_they_forget() {
    let cluster = Cluster::given();
    let log = cluster.open().await;
    let name = format!("test_others_{}", uuid::Uuid::new_v4());
    let settings = [
        ("retention.ms", "3000"),
        ("retention.bytes", "5000"),
        ("cleanup.policy", "compact,delete"),
    ];
    foreign_topic(&cluster, &name, 3, &settings).await;
    let all = log.survey().await.unwrap();
    let found = all
        .iter()
        .find(|it| it.name == name)
        .expect("also with such a name");
    assert_eq!(found.partitions, 3);
    let retention = found.retention.as_ref().expect("everybody may look here");
    assert_eq!(
        (
            retention.age.map(|age| age.as_secs()),
            retention.bytes,
            retention.compacted
        ),
        (Some(3), Some(5000), true)
    );
    assert!(
        all.iter().all(|it| !it.name.starts_with("__")),
        "Kafka's own are nobody's business"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn a_name_that_collides_with_an_underscore_is_explained() {
    let cluster = Cluster::given();
    let log = cluster.open().await;
    let topic = foreign_topic(
        &cluster,
        &format!("test_collides_{}", uuid::Uuid::new_v4()),
        1,
        &[],
    )
    .await;
    let error = log.create(&topic).await.expect_err("Kafka holds one of the two");
    assert!(
        error.to_string().contains("differs from it by `_` and `.` only"),
        "{error}"
    );
}
