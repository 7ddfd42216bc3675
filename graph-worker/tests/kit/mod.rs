//! The kit: a real embedded log in a scratch folder, a door that says what it was handed, a run to write.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Multipart, Path, State};
use axum::routing::get;
use axum::{Json, Router};
use kymo_door::{Door, PanelAnswer, PanelFacts};
use kymo_runlog::{
    Array, Axis, Log, LogConfig, Outcome, Parameters, Points, Quantity, Record, RunId, RunWriter, Topic,
    Value,
};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use url::Url;

/// Nothing here takes longer, even on a machine that has other things to do.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Scratch {
    pub folder: TempDir,
    pub log: Arc<dyn Log>,
}

pub async fn scratch() -> Scratch {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let log = kymo_runlog::open(&LogConfig::embedded(folder.path()))
        .await
        .expect("a log");
    Scratch { folder, log }
}

/// A run of `airy` as its watchdog writes it.
pub struct Run {
    pub writer: RunWriter,
    log: Arc<dyn Log>,
    id: RunId,
}

impl Run {
    pub async fn new(log: &Arc<dyn Log>, solver: &str) -> Self {
        let parameters = [
            ("eps".to_owned(), Value::Number(4.0)),
            ("kerr".to_owned(), Value::Number(0.5)),
        ];
        let id = RunId {
            solver: solver.to_owned(),
            parameters: Parameters(parameters.into()),
        };
        let writer = RunWriter::new(id.clone(), 1, "1.0");
        log.create(writer.topic()).await.expect("a topic");
        Self {
            writer,
            log: log.clone(),
            id,
        }
    }

    pub fn topic(&self) -> Topic {
        self.writer.topic().clone()
    }

    pub async fn begin(&mut self, attempt: u32, from: u64) {
        self.writer = RunWriter::new(self.id.clone(), attempt, "1.0");
        self.append(vec![self.writer.marker(from, "here")]).await;
    }

    pub async fn write(&self, record: &Record) {
        self.append(self.writer.record(record, &[]).expect("a sound record"))
            .await;
    }

    pub async fn end(&self, iterations: u64) {
        self.append(vec![self.writer.end(&Outcome {
            iterations,
            finished: true,
        })])
        .await;
    }

    pub async fn append(&self, batch: Vec<kymo_runlog::Message>) {
        self.log
            .append(self.writer.topic(), batch)
            .await
            .expect("the log takes it");
    }
}

/// Ten rows of a field over t and x, and a scalar.
pub fn window(iteration: u64, total: u64) -> Record {
    let first = (iteration - 1) as f64;
    let value = |i: usize| (first + (i / 11) as f64 * 0.1) * 0.05 + (i % 11) as f64 * 0.01;
    let axis = |start, step, count, unit: &str| Axis {
        unit: Some(unit.to_owned()),
        points: Points::Even { start, step, count },
    };
    let field = Array {
        axes: vec!["t".into(), "x".into()],
        data: (0..110).map(value).collect(),
        unit: None,
    };
    Record {
        iteration,
        total: Some(total),
        axes: vec![
            ("t".into(), axis(first, 0.1, 10, "L/v")),
            ("x".into(), axis(0.0, 0.1, 11, "L")),
        ],
        values: vec![
            ("E".into(), Quantity::Array(field)),
            ("energy".into(), Quantity::Scalar(1.0 / iteration as f64)),
        ],
        state: None,
        pace: None,
    }
}

#[derive(Clone)]
pub struct Handed {
    pub at: Instant,
    pub topic: String,
    pub facts: PanelFacts,
    pub png: Vec<u8>,
}

impl Handed {
    /// The picture's background: the first colour of its palette.
    pub fn background(&self) -> [u8; 3] {
        let reader = png::Decoder::new(std::io::Cursor::new(&self.png))
            .read_info()
            .expect("a PNG");
        let palette = reader.info().palette.as_ref().expect("an indexed PNG");
        [palette[0], palette[1], palette[2]]
    }
}

#[derive(Clone)]
struct Desk {
    handed: Arc<Mutex<VecDeque<Handed>>>,
    news: Arc<Notify>,
    answer: Arc<Mutex<PanelAnswer>>,
}

/// The bot's side of the door.
pub struct Bot {
    desk: Desk,
    pub address: SocketAddr,
    pub door: Door,
}

impl Bot {
    pub async fn open() -> Self {
        Self::open_at("127.0.0.1:0".parse().expect("an address")).await
    }

    pub async fn open_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let desk = Desk {
            handed: Arc::default(),
            news: Arc::default(),
            answer: Arc::new(Mutex::new(PanelAnswer {
                next_in_ms: 0,
                shown_in: 1,
                theme: "light".into(),
            })),
        };
        let routes = Router::new()
            .route("/v1/panels/{topic}", get(tell).put(take))
            .with_state(desk.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self {
            desk,
            address,
            door: door(address),
        }
    }

    pub fn answers(&self, next_in_ms: u64, theme: &str) {
        let answer = PanelAnswer {
            next_in_ms,
            shown_in: 1,
            theme: theme.to_owned(),
        };
        *self.desk.answer.lock().expect("no panic holds it") = answer;
    }

    /// The first picture handed over from now on that is as wanted; earlier ones are dropped.
    pub async fn until(&self, what: &str, wanted: impl Fn(&Handed) -> bool) -> Handed {
        let last = Mutex::new(None);
        let found = async {
            loop {
                let next = self.desk.handed.lock().expect("no panic holds it").pop_front();
                match next {
                    Some(handed) if wanted(&handed) => return handed,
                    Some(other) => *last.lock().expect("no panic holds it") = Some(other.facts),
                    None => self.desk.news.notified().await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, found)
            .await
            .unwrap_or_else(|_| panic!("no picture {what}; the last was {last:?}"))
    }

    pub fn handed(&self) -> usize {
        self.desk.handed.lock().expect("no panic holds it").len()
    }
}

pub fn door(address: SocketAddr) -> Door {
    let url = Url::parse(&format!("http://{address}/")).expect("a URL");
    Door::new(url, SecretString::from("secret"))
}

async fn tell(State(desk): State<Desk>) -> Json<PanelAnswer> {
    Json(desk.answer.lock().expect("no panic holds it").clone())
}

async fn take(State(desk): State<Desk>, Path(topic): Path<String>, mut form: Multipart) -> Json<PanelAnswer> {
    let at = Instant::now();
    let (mut facts, mut png) = (None, Vec::new());
    while let Some(field) = form.next_field().await.expect("a form") {
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.expect("a field");
        match name.as_str() {
            "facts" => facts = serde_json::from_slice(&bytes).ok(),
            "picture" => png = bytes.to_vec(),
            other => panic!("an unknown field {other}"),
        }
    }
    let facts = facts.expect("facts");
    desk.handed.lock().expect("no panic holds it").push_back(Handed {
        at,
        topic,
        facts,
        png,
    });
    desk.news.notify_one();
    Json(desk.answer.lock().expect("no panic holds it").clone())
}
