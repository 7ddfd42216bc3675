//! The worker between a real log and a door: what the bot is handed, and when.

mod kit;

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use kit::{Bot, Run, scratch, window};
use kymo_door::Door;
use kymo_graph_worker::{TopicView, WorkerConfig, run};
use kymo_runlog::catalogue::{self, HostCatalogue, ParameterCard, ParameterKind, SolverCard};
use kymo_runlog::{Complaint, Log, Message, Outcome, Quantity, Topic, Value};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

struct Worker {
    stop: CancellationToken,
    ends: JoinHandle<anyhow::Result<()>>,
}

fn start(log: &Arc<dyn Log>, door: &Door, topics: &[(&Topic, Option<&str>)]) -> Worker {
    let view = |(topic, view): &(&Topic, Option<&str>)| TopicView {
        topic: (*topic).clone(),
        view: view.map(str::to_owned),
        usual: None,
    };
    let config = WorkerConfig {
        topics: topics.iter().map(view).collect(),
    };
    let stop = CancellationToken::new();
    let worker = run(config, log.clone(), door.clone(), stop.clone());
    // Seen only when a test fails: why no picture came.
    let ends = tokio::spawn(async {
        worker
            .await
            .inspect_err(|error| eprintln!("the worker ended: {error:#}"))
    });
    Worker { stop, ends }
}

impl Worker {
    async fn finish(self) {
        self.stop.cancel();
        self.ends.await.expect("no panic").expect("a clean end");
    }

    async fn error(self) -> String {
        let end = tokio::time::timeout(Duration::from_secs(60), self.ends)
            .await
            .expect("it ends by itself");
        format!("{:#}", end.expect("no panic").expect_err("an error"))
    }
}

#[tokio::test]
async fn a_growing_run_is_drawn_and_its_end_is_told() {
    let (scratch, bot) = (scratch().await, Bot::open().await);
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    for i in 1..=3 {
        airy.write(&window(i, 5)).await;
    }
    let worker = start(&scratch.log, &bot.door, &[(&airy.topic(), Some("E[x=0.6]"))]);
    let first = bot.until("of the past", |_| true).await;
    assert_eq!(first.topic, airy.topic().as_str());
    let facts = &first.facts;
    assert_eq!(
        (facts.iteration, facts.total, facts.points, facts.attempt),
        (3, Some(5), 30, 1)
    );
    assert_eq!(
        (facts.solver.as_str(), facts.view.as_str(), facts.ended),
        ("airy", "E[x=0.6]", false)
    );
    let value = facts.value.expect("a value");
    assert!((value - (2.9 * 0.05 + 0.06)).abs() < 1e-12, "{value}");
    airy.write(&window(4, 5)).await;
    let grown = bot.until("of iteration 4", |it| it.facts.iteration == 4).await;
    assert_eq!(grown.facts.points, 40);
    airy.write(&window(5, 5)).await;
    airy.end(5).await;
    let last = bot.until("of the end", |it| it.facts.ended).await;
    assert_eq!((last.facts.iteration, last.facts.eta), (5, None));
    worker.finish().await;
}

#[tokio::test]
async fn a_picture_follows_a_record_at_once() {
    let (scratch, bot) = (scratch().await, Bot::open().await);
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    let worker = start(&scratch.log, &bot.door, &[(&airy.topic(), None)]);
    bot.until("of nothing", |it| it.facts.iteration == 0).await;
    let before = Instant::now();
    for i in 1..=20 {
        airy.write(&window(i, 50)).await;
        bot.until("of the record", |it| it.facts.iteration == i).await;
    }
    // The age steps, half a minute each, would have taken ten minutes: it was the records that set it going.
    assert!(before.elapsed() < Duration::from_secs(300));
    worker.finish().await;
}

#[tokio::test]
async fn the_bot_sets_the_pace_and_the_theme() {
    let (scratch, bot) = (scratch().await, Bot::open().await);
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    airy.write(&window(1, 50)).await;
    let (light, dark) = ([0xFF, 0xFF, 0xFF], [0x11, 0x15, 0x1C]);
    bot.answers(400, "dark");
    let worker = start(&scratch.log, &bot.door, &[(&airy.topic(), None)]);
    let first = bot.until("at first", |_| true).await;
    assert_eq!(first.background(), dark, "nobody is dazzled by a light one first");
    bot.answers(400, "light");
    for i in 2..=30 {
        airy.write(&window(i, 50)).await;
    }
    let last = bot
        .until("in the wanted theme", |it| {
            it.facts.iteration == 30 && it.background() == light
        })
        .await;
    let pause = last.at - first.at;
    assert!(pause >= Duration::from_millis(400), "{pause:?}");
    worker.finish().await;
}

#[tokio::test]
async fn a_bot_that_is_away_gets_the_newest_picture_when_it_is_back() {
    let scratch = scratch().await;
    let address = Bot::open().await.address;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let later = closed.local_addr().expect("an address");
    assert_ne!(address, later);
    drop(closed);
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    airy.write(&window(1, 9)).await;
    let worker = start(&scratch.log, &kit::door(later), &[(&airy.topic(), None)]);
    for i in 2..=6 {
        airy.write(&window(i, 9)).await;
    }
    let bot = Bot::open_at(later).await;
    let newest = bot.until("after the silence", |_| true).await;
    assert_eq!(newest.facts.iteration, 6);
    worker.finish().await;
}

#[tokio::test]
async fn a_topic_that_does_not_exist_ends_with_its_name_and_the_others_go_on() {
    let (scratch, bot) = (scratch().await, Bot::open().await);
    let missing = Topic::parse("no.such-run").expect("a name");
    let error = start(&scratch.log, &bot.door, &[(&missing, None)]).error().await;
    assert!(error.contains("no topic no.such-run"), "{error}");
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    airy.write(&window(1, 9)).await;
    let both = start(
        &scratch.log,
        &bot.door,
        &[(&missing, None), (&airy.topic(), None)],
    );
    bot.until("of the topic that exists", |it| it.facts.iteration == 1)
        .await;
    airy.write(&window(2, 9)).await;
    bot.until("of its next record", |it| it.facts.iteration == 2)
        .await;
    scratch.log.delete(&airy.topic()).await.expect("deleted");
    let error = both.error().await;
    assert!(error.contains("no.such-run"), "{error}");
}

#[tokio::test]
async fn a_view_that_does_not_fit_says_what_there_is() {
    let (scratch, bot) = (scratch().await, Bot::open().await);
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    airy.write(&window(1, 9)).await;
    for (view, reason) in [
        ("B", "the run has no value \"B\"; it has E (over t, x), energy"),
        ("E[x=7]", "x = 7 lies outside of E: its axis x goes from 0 to 1"),
        ("heat:energy", "a heat map needs a field over two axes"),
        ("E[x", "without a closing one"),
    ] {
        let error = start(&scratch.log, &bot.door, &[(&airy.topic(), Some(view))])
            .error()
            .await;
        assert!(
            error.contains(reason) && error.contains(airy.topic().as_str()),
            "{view}: {error}"
        );
    }
}

#[tokio::test]
async fn the_catalogue_recommends_a_view() {
    let (scratch, bot) = (scratch().await, Bot::open().await);
    let card = |view: &str| SolverCard {
        name: "airy".to_owned(),
        version: "1.0".to_owned(),
        help: "a pulse".to_owned(),
        view: Some(view.to_owned()),
        needs: Default::default(),
        parameters: vec![ParameterCard {
            name: "eps".to_owned(),
            kind: ParameterKind::Real { min: None, max: None },
            unit: None,
            default: Some(Value::Number(4.0)),
            optional: false,
            help: String::new(),
            aliases: vec![],
        }],
    };
    scratch.log.create(&catalogue::topic()).await.expect("a topic");
    for view in ["nonsense[", "E[x=0.2]", "gone"] {
        let host = HostCatalogue {
            host: "here".to_owned(),
            at: Utc::now(),
            solvers: vec![card(view)],
        };
        let payload = serde_json::to_vec(&host).expect("JSON");
        let message = Message {
            payload,
            ..Message::default()
        };
        scratch
            .log
            .append(&catalogue::topic(), vec![message])
            .await
            .expect("appended");
        let mut airy = Run::new(&scratch.log, "airy").await;
        scratch.log.clear(&airy.topic()).await.expect("cleared");
        airy.begin(1, 1).await;
        airy.write(&window(1, 9)).await;
        let worker = start(&scratch.log, &bot.door, &[(&airy.topic(), None)]);
        let handed = bot
            .until("of the recommended view", |it| it.facts.iteration == 1)
            .await;
        let expected = if view == "E[x=0.2]" { view } else { "E" };
        assert_eq!(handed.facts.view, expected, "recommended {view}");
        worker.finish().await;
    }
}

#[tokio::test]
async fn what_is_kept_aside_is_counted_with_the_newest_reason() {
    let (scratch, bot) = (scratch().await, Bot::open().await);
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    let mut first = window(1, 9);
    first.values[1].1 = Quantity::Scalar(f64::NAN);
    airy.write(&first).await;
    let worker = start(&scratch.log, &bot.door, &[(&airy.topic(), Some("energy"))]);
    let holed = bot.until("with a hole", |it| it.facts.iteration == 1).await;
    assert_eq!(
        (holed.facts.not_finite, holed.facts.value, holed.facts.rejected),
        (1, None, 0)
    );
    let complaint = Complaint {
        rejected: 7,
        reason: "line 8 is no JSON".to_owned(),
    };
    airy.append(vec![airy.writer.complaint(1, &complaint)]).await;
    let told = bot.until("with the complaint", |it| it.facts.rejected == 7).await;
    assert_eq!(told.facts.rejected_reason.as_deref(), Some("line 8 is no JSON"));
    airy.append(vec![Message {
        payload: b"\xff\x00garbage".to_vec(),
        ..Message::default()
    }])
    .await;
    let told = bot.until("with the garbage", |it| it.facts.rejected == 8).await;
    let reason = told.facts.rejected_reason.expect("a reason");
    assert!(reason.starts_with("position 3: "), "{reason}");
    worker.finish().await;
}

/// Its first marker and iterations were eaten by retention before the worker came.
#[tokio::test]
async fn a_beginning_that_is_missing_is_told_instead_of_half_a_curve() {
    let (scratch, bot) = (scratch().await, Bot::open().await);
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    for i in 1..=4 {
        airy.write(&window(i, 9)).await;
    }
    scratch
        .log
        .clear(&airy.topic())
        .await
        .expect("the beginning is gone");
    airy.write(&window(5, 9)).await;
    let worker = start(&scratch.log, &bot.door, &[(&airy.topic(), Some("E[x=0.6]"))]);
    let told = bot.until("with the reason", |it| it.facts.rejected > 0).await;
    assert_eq!((told.facts.iteration, told.facts.points), (0, 0));
    let reason = told.facts.rejected_reason.expect("a reason");
    assert!(
        reason.contains("the beginning is missing") && reason.contains("iteration 5 of attempt 1"),
        "{reason}"
    );
    airy.begin(2, 1).await;
    airy.write(&window(1, 9)).await;
    let again = bot.until("begun anew", |it| it.facts.iteration == 1).await;
    assert!(again.facts.points > 0);
    worker.finish().await;
}

/// Whoever asks who is behind sees the worker, too.
#[tokio::test]
async fn a_worker_that_comes_after_the_run_draws_all_of_it_and_notes_how_far_it_has_read() {
    let (scratch, bot) = (scratch().await, Bot::open().await);
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    for i in 1..=40 {
        airy.write(&window(i, 9)).await;
    }
    let end = Outcome {
        iterations: 40,
        finished: true,
    };
    airy.append(vec![airy.writer.end(&end)]).await;
    let worker = start(&scratch.log, &bot.door, &[(&airy.topic(), Some("E[x=0.6]"))]);
    let drawn = bot.until("all of it", |it| it.facts.ended).await;
    assert_eq!((drawn.facts.iteration, drawn.facts.points), (40, 400));
    let topic = airy.topic();
    let end = scratch.log.end(&topic).await.expect("end");
    let noted = async {
        while scratch
            .log
            .committed(&topic, "graph-worker")
            .await
            .expect("committed")
            != Some(end)
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), noted)
        .await
        .expect("it is noted");
    worker.finish().await;
}

#[tokio::test]
async fn a_new_attempt_takes_iterations_back_and_a_fresh_start_all_of_them() {
    let (scratch, bot) = (scratch().await, Bot::open().await);
    let mut airy = Run::new(&scratch.log, "airy").await;
    airy.begin(1, 1).await;
    for i in 1..=4 {
        airy.write(&window(i, 9)).await;
    }
    let worker = start(&scratch.log, &bot.door, &[(&airy.topic(), Some("E[x=0.6]"))]);
    bot.until("of attempt 1", |it| it.facts.points == 40).await;
    airy.begin(2, 3).await;
    let taken_back = bot.until("of attempt 2", |it| it.facts.attempt == 2).await;
    assert_eq!((taken_back.facts.iteration, taken_back.facts.points), (2, 20));
    airy.write(&window(3, 9)).await;
    bot.until("of its first iteration", |it| it.facts.points == 30)
        .await;
    scratch.log.clear(&airy.topic()).await.expect("cleared");
    airy.begin(3, 1).await;
    airy.write(&window(1, 9)).await;
    let fresh = bot
        .until("of attempt 3", |it| {
            it.facts.attempt == 3 && it.facts.iteration == 1
        })
        .await;
    assert_eq!(fresh.facts.points, 10);
    worker.finish().await;
}
