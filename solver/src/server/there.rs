//! A server's watchdogs, as the initiator sees them. A cut connection is not a dead watchdog: only the server itself says who
//! is gone.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use chrono::Utc;
use kymo_door::{Alert, AlertState, Severity};
use kymo_runlog::Topic;
use kymo_runlog::host::{Capacity, Memory, Taken};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use super::config::ServerConfig;
use super::fault::{Fault, Kind};
use super::link::{Heard, Opened};
use super::wire::Order;
use crate::folder::Job;
use crate::initiator::crew::{Crew, Gone};
use crate::spool::Spool;

/// A connection that is found again sooner is nobody's business.
const TELL_AFTER: Duration = Duration::from_secs(10);

const NOTHING: Capacity = Capacity {
    runs: None,
    cores: 0,
    memory: Memory(0),
};

pub struct There {
    server: ServerConfig,
    members: BTreeMap<Topic, Job>,
    gone: Vec<Gone>,
    alerts: Vec<Alert>,
    reach: Reach,
    /// The reason that people know; a file, because they know it also after our restart.
    told: Told,
    spool: Spool,
    orders: mpsc::UnboundedSender<Order>,
    heard: mpsc::UnboundedReceiver<Heard>,
}

enum Reach {
    Open { machine: Capacity },
    Closed { since: Instant },
}

struct Told {
    path: PathBuf,
    reason: Option<String>,
}

impl There {
    /// `data`: our own folder for this server.
    pub fn new(
        server: ServerConfig,
        data: PathBuf,
        orders: mpsc::UnboundedSender<Order>,
        heard: mpsc::UnboundedReceiver<Heard>,
    ) -> Self {
        let path = data.join("trouble");
        Self {
            server,
            members: BTreeMap::new(),
            gone: Vec::new(),
            alerts: Vec::new(),
            reach: Reach::Closed {
                since: Instant::now(),
            },
            told: Told {
                reason: std::fs::read_to_string(&path).ok(),
                path,
            },
            spool: Spool::of(&data),
            orders,
            heard,
        }
    }

    fn apply(&mut self, heard: Heard) {
        match heard {
            Heard::Opened(opened) => self.meet(opened),
            Heard::Closed(fault) => self.lose(&fault),
            Heard::Gone(gone) => self.bury(*gone),
            Heard::Alert(alert) => match self.spool.put(&alert) {
                Ok(()) => {
                    let _ = self.orders.send(Order::Took(alert.id));
                    self.alerts.push(*alert);
                }
                // It stays safe there, and is shown again with the next connection.
                Err(error) => tracing::warn!("{error:#}"),
            },
        }
    }

    /// Whoever lives there is ours, started by us or by an earlier initiator. What was ordered and is neither alive nor dead
    /// there never arrived.
    fn meet(
        &mut self,
        Opened {
            machine,
            living,
            gone,
        }: Opened,
    ) {
        self.reach = Reach::Open { machine };
        for gone in gone {
            self.bury(gone);
        }
        for job in living {
            let newer = |known: &Job| known.attempt > job.attempt;
            if !self.members.get(&job.topic).is_some_and(newer) {
                self.members.insert(job.topic.clone(), job);
            }
        }
        self.resend();
        if self.told.reason.is_some() {
            self.told.forget();
            let title = format!("server {} is reached again", self.server.name);
            let alert = self.alert(AlertState::Resolved, Severity::Info, title, String::new());
            self.alerts.push(alert);
        }
    }

    fn resend(&self) {
        for job in self.members.values() {
            // The outpost knows whom it has.
            let _ = self.orders.send(Order::Start(Box::new(job.clone())));
        }
    }

    fn bury(&mut self, gone: Gone) {
        if self
            .members
            .get(&gone.job.topic)
            .is_some_and(|job| job.holder == gone.job.holder)
        {
            self.members.remove(&gone.job.topic);
        }
        self.gone.push(gone);
    }

    fn lose(&mut self, fault: &Fault) {
        let since = match self.reach {
            Reach::Open { .. } => Instant::now(),
            Reach::Closed { since } => since,
        };
        self.reach = Reach::Closed { since };
        let is_time = fault.kind == Kind::Lasting || since.elapsed() >= TELL_AFTER;
        if is_time && self.told.reason.as_ref() != Some(&fault.reason) {
            self.told.remember(&fault.reason);
            let title = format!("server {}: {}", self.server.name, fault.reason);
            let runs = match self.members.len() {
                0 => "No run can be started there.".to_owned(),
                1 => "1 run goes on there unseen.".to_owned(),
                runs => format!("{runs} runs go on there unseen."),
            };
            let mut remedy = fault.remedy.clone();
            if let Some(first) = remedy.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            let alert = self.alert(
                AlertState::Open,
                Severity::Warning,
                title,
                format!("{remedy}. {runs}"),
            );
            self.alerts.push(alert);
        }
    }

    fn alert(&self, state: AlertState, severity: Severity, title: String, text: String) -> Alert {
        Alert {
            id: Uuid::now_v7(),
            key: format!("server/{}", self.server.name),
            topic: None,
            state,
            severity,
            title,
            text,
            last_lines: Vec::new(),
            at: Utc::now(),
            host: self.server.name.clone(),
        }
    }
}

impl Told {
    fn remember(&mut self, reason: &str) {
        self.reason = Some(reason.to_owned());
        // Without it people are told once more after a restart, no worse.
        let _ = std::fs::write(&self.path, reason);
    }

    fn forget(&mut self) {
        self.reason = None;
        let _ = std::fs::remove_file(&self.path);
    }
}

#[async_trait]
impl Crew for There {
    fn is_open(&self) -> bool {
        matches!(self.reach, Reach::Open { .. })
    }

    fn has(&self, topic: &Topic) -> bool {
        self.members.contains_key(topic)
    }

    /// While it cannot be reached it has no room.
    fn capacity(&self) -> Capacity {
        match self.reach {
            Reach::Open { machine } => self.server.capacity(machine),
            Reach::Closed { .. } => Capacity {
                runs: Some(0),
                ..self.server.capacity(NOTHING)
            },
        }
    }

    fn taken(&self) -> Taken {
        let mut taken = Taken::default();
        for job in self.members.values() {
            taken.add(&job.entry.card.needs);
        }
        taken
    }

    /// If the connection breaks in this moment, it is said again over the next one.
    fn start(&mut self, job: Job) -> anyhow::Result<()> {
        let _ = self.orders.send(Order::Start(Box::new(job.clone())));
        self.members.insert(job.topic.clone(), job);
        Ok(())
    }

    fn take_gone(&mut self) -> Vec<Gone> {
        while let Ok(heard) = self.heard.try_recv() {
            self.apply(heard);
        }
        std::mem::take(&mut self.gone)
    }

    fn take_alerts(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.alerts)
    }

    async fn news(&mut self) {
        match self.heard.recv().await {
            Some(heard) => self.apply(heard),
            None => std::future::pending().await,
        }
    }

    /// The outpost has done it before it said that somebody is gone.
    async fn clean_up_after(&self, _job: &Job) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    struct Bench {
        there: There,
        heard: mpsc::UnboundedSender<Heard>,
        orders: mpsc::UnboundedReceiver<Order>,
        _folder: tempfile::TempDir,
    }

    fn bench() -> Bench {
        let folder = tempfile::tempdir().expect("a folder");
        let (say, orders) = mpsc::unbounded_channel();
        let (heard, hear) = mpsc::unbounded_channel();
        let table = "[servers.lab1]\nhost = \"lab1\"\nruns = 3\n";
        let server = ServerConfig::all_from_toml(table, folder.path())
            .expect("a server")
            .remove(0);
        let there = There::new(server, folder.path().to_owned(), say, hear);
        Bench {
            there,
            heard,
            orders,
            _folder: folder,
        }
    }

    impl Bench {
        fn hear(&mut self, heard: Heard) -> Vec<String> {
            self.heard.send(heard).expect("it listens");
            let gone = self.there.take_gone();
            gone.into_iter().map(|gone| gone.job.topic.to_string()).collect()
        }

        fn ordered(&mut self) -> Vec<String> {
            let mut said = Vec::new();
            while let Ok(order) = self.orders.try_recv() {
                if let Order::Start(job) = order {
                    said.push(format!("{} {}", job.topic, job.attempt));
                }
            }
            said
        }

        fn told(&mut self) -> Vec<String> {
            self.there
                .take_alerts()
                .into_iter()
                .map(|alert| alert.title)
                .collect()
        }
    }

    fn opened(living: Vec<Job>, gone: Vec<Gone>) -> Heard {
        let machine = Capacity {
            runs: None,
            cores: 8,
            memory: Memory(1 << 30),
        };
        Heard::Opened(Opened {
            machine,
            living,
            gone,
        })
    }

    fn gone(job: &Job) -> Gone {
        Gone {
            job: job.clone(),
            how: None,
            last_words: None,
        }
    }

    #[tokio::test]
    async fn a_cut_connection_kills_nobody_and_a_lost_order_is_said_again() {
        let mut bench = bench();
        assert!(!bench.there.is_open());
        assert_eq!(
            bench.there.capacity().runs,
            Some(0),
            "nobody should wait for room there"
        );
        let (living, dead) = (testing::job("living", 3), testing::job("dead", 1));
        let both = opened(vec![living.clone()], vec![gone(&dead)]);
        assert_eq!(bench.hear(both), ["dead"]);
        assert!(bench.there.is_open() && bench.there.has(&living.topic) && !bench.there.has(&dead.topic));
        let has = bench.there.capacity();
        assert_eq!((has.runs, has.cores, bench.there.taken().runs), (Some(3), 8, 1));
        bench.ordered();

        let lost = testing::job("lost", 1);
        bench.there.start(lost.clone()).expect("said");
        assert!(
            bench
                .hear(Heard::Closed(Fault::passing("cut", "wait")))
                .is_empty()
        );
        assert!(!bench.there.is_open() && bench.there.has(&living.topic) && bench.there.has(&lost.topic));
        assert_eq!(bench.told(), [] as [String; 0], "nobody needs to know so soon");
        bench.ordered();

        bench.hear(opened(vec![living.clone()], vec![]));
        assert!(bench.ordered().contains(&"lost 1".to_owned()));
        assert_eq!(bench.hear(Heard::Gone(Box::new(gone(&living)))), ["living"]);
        assert!(!bench.there.has(&living.topic));
    }

    #[tokio::test]
    async fn what_a_person_must_mend_is_told_once_and_so_is_its_end() {
        let mut bench = bench();
        let fault = Fault::lasting("lab1 refuses the key", "add it");
        for _ in 0..3 {
            bench.hear(Heard::Closed(fault.clone()));
        }
        assert_eq!(bench.told(), ["server lab1: lab1 refuses the key"]);
        bench.hear(Heard::Closed(Fault::lasting("no space left", "free some")));
        assert_eq!(bench.told(), ["server lab1: no space left"]);
        bench.hear(opened(vec![], vec![]));
        assert_eq!(bench.told(), ["server lab1 is reached again"]);
        bench.hear(opened(vec![], vec![]));
        assert_eq!(bench.told(), [] as [String; 0]);
    }
}
