//! The points, one function each.

use std::time::Duration;

use chrono::Utc;
use futures::StreamExt;
use kymo_runlog::{
    Aside, Change, FoundStep, Kept, Log, LogError, LogStream, Message, Position, Record, Replay, Report,
    RunWriter, Stored, Topic, clear_run, delete_run, find_step, output_tail,
};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::scribe::Scribe;
use super::{Subject, fresh_topic, message, soon, story};

const PLENTY: usize = 64 << 20;

/// Everything that a topic holds.
pub(super) async fn all(log: &dyn Log, topic: &Topic) -> Vec<Stored> {
    let (mut from, mut found) = (Position::START, Vec::new());
    loop {
        let more = soon("read", log.read(topic, from, 1 << 20)).await.expect("read");
        let Some(last) = more.last() else { return found };
        from = last.position.next();
        found.extend(more);
    }
}

fn texts(stored: &[Stored]) -> Vec<String> {
    stored
        .iter()
        .map(|s| String::from_utf8_lossy(&s.message.payload).into_owned())
        .collect()
}

async fn next(news: &mut LogStream) -> Stored {
    soon("news", news.next())
        .await
        .expect("a stream is endless")
        .expect("news")
}

async fn next_text(news: &mut LogStream) -> String {
    String::from_utf8_lossy(&next(news).await.message.payload).into_owned()
}

fn is_unknown<T: std::fmt::Debug>(result: Result<T, LogError>, topic: &Topic) {
    match result {
        Err(LogError::UnknownTopic(found, _)) => assert_eq!(found, *topic),
        other => panic!("expected that {topic} is unknown, got {other:?}"),
    }
}

pub async fn a_topic_is_made_once_and_deleted_once(subject: &Subject) {
    let (log, other) = (subject.open().await, subject.open().await);
    let topic = fresh_topic();
    assert!(!log.exists(&topic).await.expect("exists"));
    let (one, two) = tokio::join!(log.create(&topic), other.create(&topic));
    one.and(two).expect("two may make it at once");
    assert!(other.exists(&topic).await.expect("exists"));
    assert!(log.list().await.expect("list").contains(&topic));
    log.append(&topic, vec![message("a")]).await.expect("append");
    log.create(&topic).await.expect("create again");
    assert_eq!(
        texts(&all(&*log, &topic).await),
        ["a"],
        "making it again keeps what it holds"
    );
    assert_eq!(
        log.warnings(&topic).await.expect("warnings"),
        Vec::<String>::new(),
        "we made it as it should be"
    );
    log.delete(&topic).await.expect("delete");
    soon("gone", async {
        while other.exists(&topic).await.expect("exists") {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!log.list().await.expect("list").contains(&topic));
    log.delete(&topic).await.expect("a missing topic is no error");
}

pub async fn what_is_appended_is_read_as_it_was(subject: &Subject) {
    let log = subject.open().await;
    let topic = subject.topic(&*log).await;
    assert_eq!(log.read(&topic, Position::START, PLENTY).await.expect("read"), []);
    let odd = vec![
        Message::default(),
        Message {
            key: None,
            headers: vec![],
            payload: vec![0, 255, 10],
        },
        Message {
            key: Some(vec![0, 200]),
            headers: vec![
                ("twice".to_owned(), b"1".to_vec()),
                ("twice".to_owned(), b"2".to_vec()),
                ("empty".to_owned(), vec![]),
                ("bytes".to_owned(), vec![0, 255]),
                ("ключ 🔑".to_owned(), b"x".to_vec()),
            ],
            payload: "🙂".as_bytes().to_vec(),
        },
    ];
    let before = log.end(&topic).await.expect("end");
    let positions = log.append(&topic, odd.clone()).await.expect("append");
    assert!(
        positions.is_sorted() && positions.len() == 3 && positions[0] >= before,
        "{positions:?}"
    );
    let stored = log.read(&topic, Position::START, PLENTY).await.expect("read");
    assert_eq!(stored.iter().map(|s| s.position).collect::<Vec<_>>(), positions);
    assert_eq!(stored.iter().map(|s| s.message.clone()).collect::<Vec<_>>(), odd);
    assert!(
        stored
            .iter()
            .all(|s| (Utc::now() - s.at).abs() < chrono::Duration::hours(1))
    );
    assert!(log.end(&topic).await.expect("end") > positions[2]);
    let tail = log.read(&topic, positions[1].next(), PLENTY).await.expect("read");
    assert_eq!(tail, stored[2..]);
    assert_eq!(
        log.read(&topic, positions[2].next(), PLENTY).await.expect("read"),
        []
    );
    assert_eq!(log.append(&topic, vec![]).await.expect("an empty batch"), []);
}

pub async fn a_read_stops_at_its_bytes(subject: &Subject) {
    let log = subject.open().await;
    let topic = subject.topic(&*log).await;
    let kilobyte = || Message {
        payload: vec![7; 1000],
        ..Message::default()
    };
    log.append(&topic, (0..20).map(|_| kilobyte()).collect())
        .await
        .expect("append");
    let some = log.read(&topic, Position::START, 5500).await.expect("read");
    assert!(
        (1..=6).contains(&some.len()),
        "{} messages for 5500 bytes",
        some.len()
    );
    let one = log.read(&topic, Position::START, 1).await.expect("read");
    assert!(!one.is_empty(), "at least one, however small the budget");
    assert_eq!(all(&*log, &topic).await.len(), 20);
}

pub async fn a_follower_gets_the_past_and_then_the_news(subject: &Subject) {
    let (log, other) = (subject.open().await, subject.open().await);
    let topic = subject.topic(&*log).await;
    let positions = log
        .append(&topic, vec![message("a"), message("b")])
        .await
        .expect("append");
    let mut news = other.follow(&topic, Position::START).await.expect("follow");
    let mut late = log.follow(&topic, positions[1]).await.expect("follow");
    assert_eq!(next(&mut news).await.position, positions[0]);
    assert_eq!(next_text(&mut news).await, "b");
    for i in 0..50 {
        log.append(&topic, vec![message(&i.to_string())])
            .await
            .expect("append");
        assert_eq!(next_text(&mut news).await, i.to_string());
    }
    assert_eq!(next_text(&mut late).await, "b");
    assert_eq!(next_text(&mut late).await, "0");
    let end = log.end(&topic).await.expect("end");
    let mut fresh = other.follow(&topic, end).await.expect("follow");
    log.append(&topic, vec![message("z")]).await.expect("append");
    assert_eq!(next_text(&mut fresh).await, "z");
}

pub async fn many_topics_are_followed_at_once(subject: &Subject) {
    let (log, other) = (subject.open().await, subject.open().await);
    let mut followed = Vec::new();
    for _ in 0..8 {
        let topic = subject.topic(&*log).await;
        let news = other.follow(&topic, Position::START).await.expect("follow");
        followed.push((topic, news));
    }
    for round in 0..5 {
        for (topic, _) in &followed {
            log.append(topic, vec![message(&format!("{topic} {round}"))])
                .await
                .expect("append");
        }
        for (topic, news) in followed.iter_mut().rev() {
            assert_eq!(next_text(news).await, format!("{topic} {round}"));
        }
    }
}

pub async fn two_writers_share_one_order(subject: &Subject) {
    let (log, other) = (subject.open().await, subject.open().await);
    let topic = subject.topic(&*log).await;
    let write = async |log: &dyn Log, name: &str| {
        for i in 0..40 {
            let batch = (0..3)
                .map(|j| message(&format!("{name} {}", 3 * i + j)))
                .collect();
            log.append(&topic, batch).await.expect("append");
        }
    };
    tokio::join!(write(&*log, "a"), write(&*other, "b"));
    let seen = all(&*log, &topic).await;
    assert!(seen.is_sorted_by(|a, b| a.position < b.position));
    assert_eq!(seen, all(&*other, &topic).await, "both see one order");
    for name in ["a ", "b "] {
        let own: Vec<usize> = texts(&seen)
            .iter()
            .filter_map(|text| text.strip_prefix(name)?.parse().ok())
            .collect();
        assert_eq!(own, (0..120).collect::<Vec<_>>());
    }
}

pub async fn two_processes_share_one_log(subject: &Subject) {
    let log = subject.open().await;
    let topic = subject.topic(&*log).await;
    let mut news = log.follow(&topic, Position::START).await.expect("follow");
    let mut scribe = Scribe::start(subject, &topic, "child", 50);
    log.append(&topic, vec![message("parent 1")])
        .await
        .expect("append");
    let mut heard = Vec::new();
    while heard.len() < 51 {
        heard.push(next_text(&mut news).await);
    }
    heard.retain(|text| text.starts_with("child"));
    assert_eq!(heard, (1..=50).map(|i| format!("child {i}")).collect::<Vec<_>>());
    let mut last = None;
    while let Some(number) = soon("acknowledgement", scribe.acknowledged()).await {
        last = Some(number);
    }
    assert_eq!(last, Some(50));
    assert!(scribe.child.wait().await.expect("the child").success());
}

pub async fn a_follower_lives_through_a_clear(subject: &Subject) {
    let (log, other) = (subject.open().await, subject.open().await);
    let topic = subject.topic(&*log).await;
    let before = log
        .append(&topic, vec![message("a"), message("b")])
        .await
        .expect("append");
    let mut news = other.follow(&topic, Position::START).await.expect("follow");
    assert_eq!(next_text(&mut news).await, "a");
    assert_eq!(next_text(&mut news).await, "b");
    log.clear(&topic).await.expect("clear");
    assert_eq!(all(&*log, &topic).await, []);
    assert!(log.end(&topic).await.expect("end") > before[1], "positions go on");
    let after = log.append(&topic, vec![message("c")]).await.expect("append");
    assert!(after[0] > before[1], "positions go on");
    assert_eq!(next(&mut news).await.position, after[0]);
    // One that had not read before the clear, and one that begins behind it.
    log.append(&topic, vec![message("d")]).await.expect("append");
    let mut late = other.follow(&topic, Position::START).await.expect("follow");
    assert_eq!(
        [next_text(&mut late).await, next_text(&mut late).await],
        ["c", "d"]
    );
    let mut slow = other.follow(&topic, Position::START).await.expect("follow");
    log.clear(&topic).await.expect("clear");
    log.clear(&topic).await.expect("an empty one can be cleared too");
    log.append(&topic, vec![message("e")]).await.expect("append");
    soon("what came after the clear", async {
        while next_text(&mut slow).await != "e" {}
    })
    .await;
    assert_eq!(texts(&all(&*other, &topic).await), ["e"]);
}

pub async fn a_topic_is_trimmed_from_its_begin(subject: &Subject) {
    let (log, other) = (subject.open().await, subject.open().await);
    let topic = subject.topic(&*log).await;
    let positions = log
        .append(&topic, ["a", "b", "c"].map(message).to_vec())
        .await
        .expect("append");
    let mut news = other.follow(&topic, Position::START).await.expect("follow");
    assert_eq!(next_text(&mut news).await, "a");
    log.trim(&topic, positions[2]).await.expect("trim");
    assert_eq!(texts(&all(&*other, &topic).await), ["c"]);
    log.trim(&topic, positions[1]).await.expect("trimmed already");
    assert_eq!(texts(&all(&*log, &topic).await), ["c"]);
    log.append(&topic, vec![message("d")]).await.expect("append");
    soon("what was not trimmed", async {
        while next_text(&mut news).await != "c" {}
        assert_eq!(next_text(&mut news).await, "d");
    })
    .await;
    let end = log.end(&topic).await.expect("end");
    log.trim(&topic, end).await.expect("trim");
    assert_eq!(all(&*log, &topic).await, []);
    assert_eq!(log.end(&topic).await.expect("end"), end, "positions go on");
}

/// Steps and output, through whichever log: found by those who need them, gone with their run.
pub async fn a_runs_companions_go_with_it(subject: &Subject) {
    let log = subject.open().await;
    let run = story::run(&format!("companions{}", uuid::Uuid::new_v4().simple()));
    let topic = run.topic();
    let writer = RunWriter::new(run.clone(), 1, "1");
    let found = find_step(&*log, &topic, 1, 5).await.expect("no topic, no step");
    assert_eq!(found, FoundStep::default());
    assert_eq!(output_tail(&*log, &topic, 10).await.expect("no topic"), None);
    for topic in [topic.clone(), topic.steps(), topic.output(), topic.rejected()] {
        log.create(&topic).await.expect("create");
    }
    let state = "0123456789".repeat(200_000);
    log.append(&topic, vec![writer.marker(1, "lab")])
        .await
        .expect("append");
    log.append(&topic.rejected(), vec![message("rejected")])
        .await
        .expect("append");
    for (number, state) in [(1, "early"), (2, state.as_str())] {
        let step = writer.step(5, number, 0, state);
        log.append(&topic.steps(), step).await.expect("append");
    }
    for text in ["one\ntw", "o\nthree\n"] {
        let output = writer.output(4, text.as_bytes().to_vec());
        log.append(&topic.output(), vec![output]).await.expect("append");
    }
    let found = find_step(&*log, &topic, 1, 5).await.expect("read");
    assert_eq!(found.reports, []);
    let step = found.step.expect("a step");
    assert!(step.state == state && (step.iteration, step.number, step.handed) == (5, 2, 0));
    let tail = async |limit| {
        output_tail(&*log, &topic, limit)
            .await
            .expect("read")
            .expect("a topic")
    };
    assert_eq!(tail(100).await, (b"one\ntwo\nthree\n".to_vec(), false));
    assert_eq!(tail(10).await, (b"two\nthree\n".to_vec(), true));
    // Afresh: what it computed and printed is forgotten, what was kept aside is there to be looked at.
    clear_run(&*log, &topic).await.expect("clear");
    for topic in [&topic, &topic.steps(), &topic.output()] {
        assert_eq!(all(&*log, topic).await, [], "{topic}");
    }
    assert_eq!(all(&*log, &topic.rejected()).await.len(), 1);
    delete_run(&*log, &topic).await.expect("delete");
    for topic in [topic.clone(), topic.steps(), topic.output(), topic.rejected()] {
        assert!(!log.exists(&topic).await.expect("exists"), "{topic}");
    }
    delete_run(&*log, &topic)
        .await
        .expect("a missing run is no error");
}

pub async fn a_large_record_passes(subject: &Subject) {
    let log = subject.open().await;
    let topic = subject.topic(&*log).await;
    // No two stretches alike, so that compression cannot hide its size.
    let payload: Vec<u8> = (0..10_000_000u64)
        .map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect();
    let large = Message {
        payload,
        ..message("")
    };
    let mut news = log.follow(&topic, Position::START).await.expect("follow");
    log.append(&topic, vec![message("a"), large.clone(), message("b")])
        .await
        .expect("append");
    let heard = [
        next(&mut news).await.message,
        next(&mut news).await.message,
        next(&mut news).await.message,
    ];
    assert!(
        heard == [message("a"), large.clone(), message("b")],
        "the large one came back otherwise"
    );
    let read = all(&*log, &topic).await;
    assert!(read[1].message == large && read.len() == 3);
    let huge = Message {
        payload: vec![1; 80 << 20],
        ..message("")
    };
    let refused = log.append(&topic, vec![huge]).await;
    assert!(
        matches!(refused, Err(LogError::TooLarge { .. })),
        "80 MiB: {refused:?}"
    );
    log.append(&topic, vec![message("c")])
        .await
        .expect("the log goes on");
}

/// A record in parts comes back as one, through whichever log.
pub async fn a_record_in_parts_is_one_again(subject: &Subject) {
    let log = subject.open().await;
    let run = story::run(&format!("parts{}", uuid::Uuid::new_v4().simple()));
    let writer = RunWriter::new(run.clone(), 1, "1");
    log.create(writer.topic()).await.expect("create");
    let state = Some("0123456789".repeat(300_000));
    let record = Record {
        iteration: 1,
        state,
        ..Record::default()
    };
    let parts = writer.record(&record, &[]).expect("a good record");
    assert!(parts.len() > 3);
    log.append(writer.topic(), vec![writer.marker(1, "lab")])
        .await
        .expect("append");
    log.append(writer.topic(), parts).await.expect("append");
    let (states, _, _) = story::read(run.topic(), &all(&*log, writer.topic()).await);
    assert!(states.len() == 1 && record.state.as_deref() == Some(&states[0]));
    log.delete(writer.topic()).await.expect("delete");
}

pub async fn a_kill_loses_nothing_that_was_acknowledged(subject: &Subject) {
    let log = subject.open().await;
    for acknowledged in [1, 7, 30] {
        let topic = subject.topic(&*log).await;
        let mut scribe = Scribe::start(subject, &topic, "n", 100_000);
        while soon("acknowledgement", scribe.acknowledged())
            .await
            .expect("it writes on")
            < acknowledged
        {}
        scribe.child.kill().await.expect("kill -9");
        // What it said after we stopped counting was acknowledged too.
        let mut last = acknowledged;
        while let Some(number) = soon("the rest", scribe.acknowledged()).await {
            last = number;
        }
        let found = texts(&all(&*log, &topic).await);
        let expected: Vec<String> = (1..=found.len()).map(|i| format!("n {i}")).collect();
        assert_eq!(found, expected, "in order, each once");
        assert!(
            found.len() as u64 >= last,
            "{last} acknowledged, {} found",
            found.len()
        );
        let mut next = Scribe::start(subject, &topic, "m", 1);
        assert_eq!(
            soon("acknowledgement", next.acknowledged()).await,
            Some(1),
            "others write on at once"
        );
    }
}

pub async fn an_unknown_topic_is_said_to_be_unknown(subject: &Subject) {
    let log = subject.open().await;
    let topic = fresh_topic();
    is_unknown(log.read(&topic, Position::START, PLENTY).await, &topic);
    is_unknown(log.append(&topic, vec![message("a")]).await, &topic);
    is_unknown(log.end(&topic).await, &topic);
    is_unknown(log.clear(&topic).await, &topic);
    is_unknown(log.commit(&topic, "reader", Position(1)).await, &topic);
    is_unknown(log.warnings(&topic).await, &topic);
    is_unknown(log.follow(&topic, Position::START).await.map(|_| ()), &topic);
    assert!(
        !log.exists(&topic).await.expect("exists"),
        "asking makes no topic"
    );
}

pub async fn a_deleted_topic_ends_its_followers(subject: &Subject) {
    let (log, other) = (subject.open().await, subject.open().await);
    let topic = subject.topic(&*log).await;
    log.append(&topic, vec![message("a")]).await.expect("append");
    let mut news = other.follow(&topic, Position::START).await.expect("follow");
    assert_eq!(next_text(&mut news).await, "a");
    log.delete(&topic).await.expect("delete");
    let end = soon("the end", news.next()).await.expect("an error first");
    is_unknown(end.map(|s| s.position), &topic);
}

pub async fn a_reader_that_comes_a_day_later_goes_on(subject: &Subject) {
    let log = subject.open().await;
    let topic = subject.topic(&*log).await;
    assert_eq!(log.committed(&topic, "reader").await.expect("committed"), None);
    let positions = log
        .append(&topic, vec![message("a"), message("b"), message("c")])
        .await
        .expect("append");
    log.commit(&topic, "reader", positions[0].next())
        .await
        .expect("commit");
    log.commit(&topic, "reader", positions[1].next())
        .await
        .expect("commit");
    log.commit(&topic, "other", positions[0].next())
        .await
        .expect("commit");
    drop(log);
    let log = subject.open().await;
    let from = log
        .committed(&topic, "reader")
        .await
        .expect("committed")
        .expect("a position");
    assert_eq!(texts(&log.read(&topic, from, PLENTY).await.expect("read")), ["c"]);
    assert_eq!(
        log.committed(&topic, "other").await.expect("committed"),
        Some(positions[0].next())
    );
    // Everything was cleared meanwhile: it goes on with what is new.
    log.clear(&topic).await.expect("clear");
    log.append(&topic, vec![message("d")]).await.expect("append");
    let mut news = log.follow(&topic, from).await.expect("follow");
    assert_eq!(next_text(&mut news).await, "d");
}

/// The rule of reading gives the same prefix and digest whichever log carried the records.
pub async fn a_replay_depends_on_the_records_alone(subject: &Subject) {
    let log = subject.open().await;
    let mut runner = TestRunner::deterministic();
    let topic = subject.topic(&*log).await;
    let run = story::run("airy");
    for i in 0..30 {
        let told = if i % 2 == 0 {
            story::likely().new_tree(&mut runner).expect("a story").current()
        } else {
            story::wild().new_tree(&mut runner).expect("a story").current()
        };
        let messages: Vec<Message> = told.iter().map(|told| told.message(&run)).collect();
        log.clear(&topic).await.expect("clear");
        log.append(&topic, messages.clone()).await.expect("append");
        let stored = all(&*log, &topic).await;
        let (states, ended, replay) = story::read(run.topic(), &stored);
        assert_eq!((states, ended), story::usable(&told), "{told:?}");
        let direct: Vec<Stored> = (0..)
            .zip(messages)
            .map(|(i, message)| Stored {
                position: Position(i),
                at: Utc::now(),
                message,
            })
            .collect();
        assert_eq!(replay.digest(), story::read(run.topic(), &direct).2.digest());
    }
}

/// Copied once, however often the topic is read.
pub async fn what_is_rejected_is_kept_aside_once(subject: &Subject) {
    let log = subject.open().await;
    let run = story::run(&format!("aside{}", uuid::Uuid::new_v4().simple()));
    let topic = run.topic();
    log.create(&topic).await.expect("create");
    let garbage = story::Told::Garbage.message(&run);
    let broken = story::Told::End {
        attempt: 1,
        iterations: 9,
    }
    .message(&run);
    let begin = story::Told::Marker { attempt: 1, from: 1 }.message(&run);
    log.append(&topic, vec![begin, garbage.clone(), broken.clone()])
        .await
        .expect("append");
    // Each reading is another process: it knows what the log knows.
    let keep = async || {
        let mut aside = Aside::open(&*log, &topic).await.expect("look up what was kept");
        let mut replay = Replay::new(topic.clone());
        let mut kept = Vec::new();
        for stored in all(&*log, &topic).await {
            for change in replay.push(&stored) {
                if let Change::Rejected(report) = change {
                    kept.push(aside.keep(&*log, &report, &stored).await.expect("keep"));
                }
            }
        }
        kept
    };
    assert_eq!(keep().await, [Kept::New, Kept::New]);
    assert_eq!(keep().await, [Kept::Before, Kept::Before]);
    log.append(&topic, vec![garbage.clone()]).await.expect("append");
    assert_eq!(keep().await, [Kept::Before, Kept::Before, Kept::New]);
    let kept = all(&*log, &topic.rejected()).await;
    assert_eq!(
        kept.iter().map(|s| s.message.payload.clone()).collect::<Vec<_>>(),
        [garbage.payload.clone(), broken.payload, garbage.payload]
    );
    let reason = kept[1].message.header("kymo-rejected-reason").expect("a reason");
    assert_eq!(reason, "the end says 9 iterations, but 0 came before it");
    log.delete(&topic).await.expect("delete");
    log.delete(&topic.rejected()).await.expect("delete");
}

/// A topic full of garbage does not fill the disk a second time.
pub async fn a_flood_of_garbage_is_copied_to_a_bound(subject: &Subject) {
    let log = subject.open().await;
    let topic = story::run(&format!("flood{}", uuid::Uuid::new_v4().simple())).topic();
    let mut aside = Aside::open(&*log, &topic).await.expect("nothing yet");
    assert!(
        !log.exists(&topic.rejected()).await.expect("exists"),
        "made only when something is to be kept"
    );
    let garbage = |position, bytes| {
        let report = Report {
            topic: topic.clone(),
            position: Position(position),
            reason: "garbage".to_owned(),
        };
        let message = Message {
            payload: vec![b'x'; bytes],
            ..Message::default()
        };
        let stored = Stored {
            position: Position(position),
            at: Utc::now(),
            message,
        };
        (report, stored)
    };
    let mut new = 0;
    for position in 0..40 {
        let (report, stored) = garbage(position, 1 << 20);
        match aside.keep(&*log, &report, &stored).await.expect("keep") {
            Kept::New => new += 1,
            Kept::TooMuch => break,
            Kept::Before => panic!("nothing was kept before"),
        }
    }
    assert_eq!(new, 15, "as many megabytes as fit with their headers");
    let (report, stored) = garbage(100, 10);
    assert_eq!(
        aside.keep(&*log, &report, &stored).await.expect("keep"),
        Kept::New,
        "a small one still fits"
    );
    let mut again = Aside::open(&*log, &topic).await.expect("look up");
    let (report, stored) = garbage(200, 1 << 20);
    assert_eq!(
        again.keep(&*log, &report, &stored).await.expect("keep"),
        Kept::TooMuch,
        "also after a restart"
    );
    log.delete(&topic.rejected()).await.expect("delete");
}

/// Not a measurement: only that followers hear at all, without waiting for the next message.
pub async fn news_come_without_asking(subject: &Subject) {
    let (log, other) = (subject.open().await, subject.open().await);
    let topic = subject.topic(&*log).await;
    let mut news = other.follow(&topic, Position::START).await.expect("follow");
    let heard = tokio::spawn(async move { next_text(&mut news).await });
    log.append(&topic, vec![message("a")]).await.expect("append");
    let heard = tokio::time::timeout(Duration::from_secs(30), heard).await;
    assert_eq!(heard.expect("in time").expect("no panic"), "a");
}
