//! A topic on its way out of one log and into another, and what a survey tells of it.

use std::sync::Arc;

use futures::StreamExt;
use kymo_runlog::moving::{IfThere, ImportError, Source, export, import};
use kymo_runlog::{Log, LogConfig, Message, Position, Retention, Span, Topic, open};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::{Subject, fresh_topic, message, points::all, soon, story};

/// Everything that may stand in a topic: attempts, zombies, duplicates, garbage, and what only strangers write.
fn anything(run: &kymo_runlog::RunId) -> Vec<Message> {
    let mut runner = TestRunner::deterministic();
    let mut messages: Vec<Message> = Vec::new();
    for _ in 0..20 {
        let told = story::wild().new_tree(&mut runner).expect("a story").current();
        messages.extend(told.iter().map(|told| told.message(run)));
    }
    let headers = vec![
        ("twice".to_owned(), b"1".to_vec()),
        ("twice".to_owned(), vec![0, 255, 10]),
        ("ключ \u{1}🔑".to_owned(), Vec::new()),
    ];
    messages.push(Message {
        key: Some(Vec::new()),
        headers,
        payload: (0..=255).collect(),
    });
    messages.push(Message::default());
    messages.push(Message {
        key: Some(vec![0xff, 0]),
        headers: Vec::new(),
        payload: "\u{1}\u{7f}\"\\\n\u{2028}🙂 \u{fffd}".into(),
    });
    // Larger than what is read or appended at once.
    messages.push(Message {
        key: None,
        headers: Vec::new(),
        payload: vec![0xAB; 3 << 20],
    });
    messages.extend([story::Told::Garbage.message(run), message("the last")]);
    messages
}

async fn embedded() -> (Arc<dyn Log>, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let log = open(&LogConfig::embedded(folder.path())).await.expect("open");
    (log, folder)
}

async fn exported(log: &dyn Log, topic: &Topic) -> Vec<u8> {
    let mut file = Vec::new();
    soon("export", export(log, topic, &mut file))
        .await
        .expect("export");
    file
}

async fn imported(log: &dyn Log, topic: &Topic, file: &[u8], if_there: IfThere) -> Result<u64, ImportError> {
    let mut source = Source::open(file).expect("a header");
    let summary = soon("import", import(log, topic, &mut source, if_there)).await?;
    Ok(summary.messages)
}

async fn messages(log: &dyn Log, topic: &Topic) -> Vec<Message> {
    all(log, topic)
        .await
        .into_iter()
        .map(|stored| stored.message)
        .collect()
}

/// From the embedded log through a file into this log, through a file out again, and back: not a bit has changed.
pub async fn what_moves_is_the_same_bit_for_bit(subject: &Subject) {
    let (log, (before, _folder), (after, _other)) =
        (subject.open().await, embedded().await, embedded().await);
    let run = story::run(&format!("moved{}", uuid::Uuid::new_v4().simple()));
    let topic = run.topic();
    before.create(&topic).await.expect("create");
    let written = anything(&run);
    before.append(&topic, written.clone()).await.expect("append");
    let count = written.len() as u64;

    let out = exported(&*before, &topic).await;
    let moved = imported(&*log, &topic, &out, IfThere::Refuse).await;
    assert_eq!(moved.expect("import"), count);
    assert!(messages(&*log, &topic).await == written, "in the other log");
    let back = exported(&*log, &topic).await;
    let moved = imported(&*after, &topic, &back, IfThere::Refuse).await;
    assert_eq!(moved.expect("import"), count);
    assert!(messages(&*after, &topic).await == written, "and back");
    let last_line = |file: &[u8]| file.split(|byte| *byte == b'\n').rev().nth(1).map(<[u8]>::to_vec);
    assert_eq!(last_line(&out), last_line(&back), "one digest");

    let digest = |stored: Vec<kymo_runlog::Stored>| story::read(topic.clone(), &stored).2.digest();
    assert_eq!(
        digest(all(&*after, &topic).await),
        digest(all(&*before, &topic).await),
        "the results"
    );
    log.delete(&topic).await.expect("delete");
}

pub async fn an_import_writes_over_nothing_unless_it_is_told_to(subject: &Subject) {
    let (log, (other, _folder)) = (subject.open().await, embedded().await);
    let topic = subject.topic(&*log).await;
    other.create(&topic).await.expect("create");
    let written: Vec<Message> = (0..2500).map(|i| message(&i.to_string())).collect();
    other.append(&topic, written.clone()).await.expect("append");
    let file = exported(&*other, &topic).await;

    // Cut off on its way: what came before the cut is there, and it is said how to go on.
    let cut = &file[..file.len() * 3 / 4];
    let error = imported(&*log, &topic, cut, IfThere::Refuse)
        .await
        .expect_err("cut off");
    assert!(
        matches!(error, ImportError::Damaged { there: 1000.., .. }),
        "{error}"
    );
    assert!(error.to_string().contains("--go-on"), "{error}");
    assert!(log.end(&topic).await.expect("end") > Position(999));

    let error = imported(&*log, &topic, &file, IfThere::Refuse)
        .await
        .expect_err("occupied");
    assert!(matches!(error, ImportError::Occupied(..)), "{error}");
    let moved = imported(&*log, &topic, &file, IfThere::GoOn)
        .await
        .expect("goes on");
    assert_eq!(moved, 2500);
    assert!(messages(&*log, &topic).await == written);
    imported(&*log, &topic, &file, IfThere::GoOn)
        .await
        .expect("nothing is left to do");

    log.append(&topic, vec![message("somebody else's")])
        .await
        .expect("append");
    let error = imported(&*log, &topic, &file, IfThere::GoOn)
        .await
        .expect_err("more is there than the export has");
    assert!(matches!(error, ImportError::Other { .. }), "{error}");
    imported(&*log, &topic, &file, IfThere::Replace)
        .await
        .expect("replace");
    assert!(messages(&*log, &topic).await == written);
    log.delete(&topic).await.expect("delete");
}

pub async fn a_survey_tells_who_reads_what_and_how_far(subject: &Subject) {
    let log = subject.open().await;
    let topic = subject.topic(&*log).await;
    let positions = log
        .append(&topic, (0..5).map(|i| message(&i.to_string())).collect())
        .await
        .expect("append");
    log.commit(&topic, "slow", positions[1]).await.expect("commit");
    log.commit(&topic, "quick", positions[4].next())
        .await
        .expect("commit");
    let surveyed = async || {
        let all = soon("survey", log.survey()).await.expect("survey");
        assert!(all.is_sorted_by(|a, b| a.name < b.name), "in order");
        all.into_iter()
            .find(|it| it.name == topic.as_str())
            .expect("it is there")
    };
    let found = surveyed().await;
    let span = found.span.expect("its ends are known");
    assert_eq!(
        span,
        Span {
            first: positions[0],
            end: positions[4].next()
        }
    );
    assert_eq!(
        (found.partitions, &found.retention, span.messages()),
        (1, &Some(Retention::default()), 5)
    );
    let lags: Vec<(&str, u64)> = found
        .readers
        .iter()
        .map(|reader| (reader.name.as_str(), reader.lag(&span)))
        .collect();
    assert_eq!(lags, [("quick", 0), ("slow", 4)]);
    log.clear(&topic).await.expect("clear");
    let found = surveyed().await;
    let span = found.span.expect("its ends are known");
    assert_eq!(span.messages(), 0);
    assert_eq!(
        found.readers[1].lag(&span),
        0,
        "what was cleared is not waited for"
    );
    log.delete(&topic).await.expect("delete");
}

/// Stopped in the middle, and for a day: it gets every message that it has not noted, once, and then the news.
pub async fn a_custom_consumer_catches_up_after_a_day(subject: &Subject) {
    let log = subject.open().await;
    let topic = subject.topic(&*log).await;
    let consumer = "custom";
    let numbers = |range: std::ops::Range<u32>| range.map(|i| message(&i.to_string())).collect();
    log.append(&topic, numbers(0..700)).await.expect("append");
    let mut seen: Vec<String> = Vec::new();
    for (life, until) in [(1, 300), (2, 1500), (3, 1600)] {
        // Each life is another process: it knows what the log knows.
        let log = subject.open().await;
        let from = log.committed(&topic, consumer).await.expect("committed");
        assert_eq!(from.is_none(), life == 1);
        let mut news = log
            .follow(&topic, from.unwrap_or(Position::START))
            .await
            .expect("follow");
        if life == 3 {
            log.append(&topic, numbers(1500..1600)).await.expect("append");
        }
        while seen.len() < until {
            let stored = soon("news", news.next())
                .await
                .expect("endless")
                .expect("a message");
            seen.push(String::from_utf8(stored.message.payload).expect("text"));
            if seen.len() == until {
                log.commit(&topic, consumer, stored.position.next())
                    .await
                    .expect("commit");
            }
        }
        if life == 1 {
            log.append(&topic, numbers(700..1500)).await.expect("append");
        }
    }
    let expected: Vec<String> = (0..1600).map(|i| i.to_string()).collect();
    assert_eq!(seen, expected);
    log.delete(&topic).await.expect("delete");
}

/// A copy of a topic is a topic like any other.
pub async fn an_import_may_have_another_name(subject: &Subject) {
    let log = subject.open().await;
    let (topic, copy) = (subject.topic(&*log).await, fresh_topic());
    log.append(&topic, vec![message("a"), message("b")])
        .await
        .expect("append");
    let file = exported(&*log, &topic).await;
    imported(&*log, &copy, &file, IfThere::Refuse)
        .await
        .expect("import");
    assert_eq!(messages(&*log, &copy).await, messages(&*log, &topic).await);
    for topic in [topic, copy] {
        log.delete(&topic).await.expect("delete");
    }
}
