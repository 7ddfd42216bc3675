//! What a real cluster does to us: leaders killed and frozen in the middle of writing, all brokers gone,
//! topics of others. Needs three brokers; run with `--ignored`, see docs/kafka.md, "Tests".

mod cluster;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cluster::{Cluster, new_topic, number, numbered};
use futures::StreamExt;
use kymo_runlog::kafka::KafkaLog;
use kymo_runlog::{Log, LogError, Position, Topic};
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::task::JoinHandle;

/// They break the same cluster, so they take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// Somebody who writes numbers, one acknowledgement each, and somebody who follows them.
struct Traffic {
    written: watch::Receiver<usize>,
    goal: Arc<AtomicUsize>,
    writer: JoinHandle<Duration>,
    follower: JoinHandle<Vec<usize>>,
}

const ENDLESS: usize = usize::MAX;

impl Traffic {
    fn start(log: &Arc<KafkaLog>, topic: &Topic) -> Self {
        let (count, written) = watch::channel(0);
        let goal = Arc::new(AtomicUsize::new(ENDLESS));
        let writer = tokio::spawn(write(log.clone(), topic.clone(), count, goal.clone()));
        let follower = tokio::spawn(follow(log.clone(), topic.clone(), goal.clone()));
        Self {
            written,
            goal,
            writer,
            follower,
        }
    }

    /// Waits until `more` numbers were acknowledged from now on.
    async fn goes_on(&self, more: usize) {
        let mut written = self.written.clone();
        let goal = *written.borrow() + more;
        written
            .wait_for(|count| *count >= goal)
            .await
            .expect("the writer gave up");
    }

    /// Ends it, and checks that every number is in the log and was followed: once, and in order.
    async fn finish(self, log: &KafkaLog, topic: &Topic) -> (usize, Duration) {
        self.goal.store(*self.written.borrow() + 100, Ordering::SeqCst);
        let worst = self.writer.await.unwrap();
        let count = *self.written.borrow();
        let expected: Vec<usize> = (0..count).collect();
        assert_eq!(self.follower.await.unwrap(), expected, "what was followed");
        assert_eq!(read_all(log, topic).await, expected, "what is in the log");
        (count, worst)
    }
}

async fn write(
    log: Arc<KafkaLog>,
    topic: Topic,
    count: watch::Sender<usize>,
    goal: Arc<AtomicUsize>,
) -> Duration {
    let mut worst = Duration::ZERO;
    loop {
        let next = *count.borrow();
        if next >= goal.load(Ordering::SeqCst) {
            return worst;
        }
        let asked = Instant::now();
        log.append(&topic, vec![numbered(next)]).await.unwrap();
        worst = worst.max(asked.elapsed());
        count.send_replace(next + 1);
    }
}

async fn follow(log: Arc<KafkaLog>, topic: Topic, goal: Arc<AtomicUsize>) -> Vec<usize> {
    let mut news = log.follow(&topic, Position::START).await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < goal.load(Ordering::SeqCst) {
        seen.push(number(&news.next().await.unwrap().unwrap().message));
    }
    seen
}

async fn read_all(log: &KafkaLog, topic: &Topic) -> Vec<usize> {
    let (mut numbers, mut from) = (Vec::new(), Position::START);
    loop {
        let batch = log.read(topic, from, 64 * 1024).await.unwrap();
        let Some(last) = batch.last() else { return numbers };
        from = last.position.next();
        numbers.extend(batch.iter().map(|stored| number(&stored.message)));
    }
}

/// Somebody writes and somebody follows, in a topic of their own, while the cluster is broken.
struct Trouble {
    cluster: Cluster,
    log: Arc<KafkaLog>,
    topic: Topic,
    traffic: Traffic,
    name: &'static str,
    _turn: MutexGuard<'static, ()>,
}

impl Trouble {
    async fn begin(name: &'static str) -> Self {
        let turn = TURN.lock().await;
        let cluster = Cluster::given();
        let log = Arc::new(cluster.open().await);
        let topic = new_topic(&log, name).await;
        let traffic = Traffic::start(&log, &topic);
        traffic.goes_on(100).await;
        Self {
            cluster,
            log,
            topic,
            traffic,
            name,
            _turn: turn,
        }
    }

    /// The broker that leads the topic is killed or frozen, another takes its place, and it comes back.
    async fn loses_its_leader(&self, order: &str) {
        let leader = self.cluster.leader(&self.topic).0.to_string();
        self.cluster.order(&[order, &leader]).await;
        self.traffic.goes_on(200).await;
        self.cluster.order(&["revive", &leader]).await;
        self.traffic.goes_on(200).await;
        self.cluster.in_sync(&self.topic, 3).await;
    }

    /// Nothing was lost or doubled.
    async fn end(self) {
        let (count, worst) = self.traffic.finish(&self.log, &self.topic).await;
        println!(
            "{}: {count} appends, worst stall {:.1} s",
            self.name,
            worst.as_secs_f64()
        );
        self.log.delete(&self.topic).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn a_leader_killed_while_we_write_loses_and_doubles_nothing() {
    let trouble = Trouble::begin("killed").await;
    trouble.loses_its_leader("kill").await;
    trouble.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn a_frozen_leader_is_replaced_and_may_wake_up_again() {
    let trouble = Trouble::begin("frozen").await;
    trouble.loses_its_leader("freeze").await;
    trouble.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn an_outage_of_all_brokers_is_waited_out() {
    let trouble = Trouble::begin("outage").await;
    let cluster = &trouble.cluster;
    for broker in ["1", "2", "3"] {
        cluster.order(&["freeze", broker]).await;
    }
    let away = KafkaLog::open(&cluster.config())
        .await
        .err()
        .expect("nobody can answer");
    let asked = trouble
        .log
        .end(&trouble.topic)
        .await
        .expect_err("nobody can answer");
    for error in [&away, &asked] {
        assert!(matches!(error, LogError::Away { .. }), "{error}");
        assert!(
            error.to_string().contains(cluster.brokers()),
            "names the brokers: {error}"
        );
        assert!(
            error.to_string().contains("check that the brokers run"),
            "says what to do: {error}"
        );
    }
    for broker in ["1", "2", "3"] {
        cluster.order(&["revive", broker]).await;
    }
    trouble.traffic.goes_on(50).await;
    trouble.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a Kafka cluster: docs/kafka.md, Tests"]
async fn nobody_there_is_said_with_names_and_a_remedy() {
    let error = KafkaLog::open(&cluster::config("localhost:1,localhost:2"))
        .await
        .err()
        .expect("nobody listens there");
    assert!(matches!(error, LogError::Away { .. }), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("localhost:1,localhost:2") && text.contains("check that the brokers run"),
        "{text}"
    );
}
