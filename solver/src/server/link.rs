//! The connection to one server: made, kept, and made again. What was ordered while there was none is not kept here;
//! the crew knows what it wants and says it again.

use std::path::PathBuf;
use std::time::Duration;

use kymo_door::Alert;
use kymo_runlog::host::Capacity;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::fault::Fault;
use super::place::{self, Cargo, Found};
use super::ssh::Ssh;
use super::wire::{Lines, Luggage, News, Opening, Order, line};
use super::{BEAT, RELAY};
use crate::folder::Job;
use crate::initiator::crew::Gone;

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// How long an outpost may take to look around and say its first word.
const OPENING: Duration = Duration::from_secs(30);
/// The other side speaks every [`BEAT`].
const SILENCE: Duration = BEAT.saturating_mul(4);

/// What the crew hears.
#[derive(Debug)]
pub enum Heard {
    Opened(Opened),
    Closed(Fault),
    Gone(Box<Gone>),
    Alert(Box<Alert>),
}

/// What a server said first.
#[derive(Debug)]
pub struct Opened {
    /// What the machine has.
    pub machine: Capacity,
    pub living: Vec<Job>,
    pub gone: Vec<Gone>,
}

pub struct Link {
    pub ssh: Ssh,
    /// The program that the server gets.
    pub program: PathBuf,
    pub gateway: String,
    /// `None`: through a tunnel.
    pub direct: Option<Direct>,
    pub orders: mpsc::UnboundedReceiver<Order>,
    pub heard: mpsc::UnboundedSender<Heard>,
}

/// What a server needs to reach Kafka by itself.
#[derive(Clone)]
pub struct Direct {
    pub table: toml::Table,
    pub files: Vec<(String, String)>,
}

struct Connection {
    child: Child,
    input: ChildStdin,
    news: mpsc::Receiver<News>,
    complaints: JoinHandle<String>,
}

impl Link {
    /// Until nobody listens.
    pub async fn keep(mut self) {
        let mut cargo = None;
        // The same again and again is said once.
        let mut said = None;
        let mut pause = FIRST_PAUSE;
        while !self.heard.is_closed() {
            let fault = match self.connect(&mut cargo).await {
                Ok((connection, opened)) => {
                    pause = FIRST_PAUSE;
                    said = None;
                    tracing::info!(
                        server = self.ssh.server.name,
                        watchdogs = opened.living.len(),
                        "connected"
                    );
                    while self.orders.try_recv().is_ok() {}
                    let _ = self.heard.send(Heard::Opened(opened));
                    self.serve(connection).await
                }
                Err(fault) => fault,
            };
            if said.replace(fault.reason.clone()) != Some(fault.reason.clone()) {
                tracing::warn!(server = self.ssh.server.name, again_in = ?pause, "{fault}");
            }
            let _ = self.heard.send(Heard::Closed(fault));
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.heard.closed() => return,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connect(&self, cargo: &mut Option<Cargo>) -> Result<(Connection, Opened), Fault> {
        let cargo = match cargo {
            Some(cargo) => cargo,
            None => cargo.insert(Cargo::read(&self.program).await?),
        };
        let found = place::look(&self.ssh, cargo).await?;
        if !found.has_kymo {
            place::put(&self.ssh, cargo, &found).await?;
        }
        // A name of its own: the socket of a connection that was cut may still be there, and nobody may use it again.
        let socket = format!(
            "{}/relay/{}.sock",
            found.folder,
            &uuid::Uuid::new_v4().simple().to_string()[..12]
        );
        let forward = self.direct.is_none().then_some((socket.as_str(), RELAY));
        let mut child = self.ssh.start(place::OUTPOST, forward)?;
        let mut connection = Connection {
            input: child.stdin.take().expect("it was asked for"),
            news: hear(child.stdout.take().expect("it was asked for")),
            complaints: tokio::spawn(place::hear(child.stderr.take())),
            child,
        };
        let opened = tokio::time::timeout(
            OPENING,
            self.open(&mut connection, &found, &found.program(cargo), socket),
        )
        .await;
        match opened {
            Ok(Some(News::Ready {
                machine,
                living,
                gone,
            })) => Ok((
                connection,
                Opened {
                    machine,
                    living,
                    gone,
                },
            )),
            Ok(Some(News::Refused { reason, remedy })) => Err(Fault::lasting(
                format!("{}: {reason}", self.ssh.server.address()),
                remedy,
            )),
            Ok(Some(_) | None) => Err(self.last_words(connection).await),
            Err(_) => Err(Fault::passing(
                format!("the outpost on {} does not answer", self.ssh.server.address()),
                "it is tried again by itself",
            )),
        }
    }

    /// The outpost's first word.
    async fn open(
        &self,
        connection: &mut Connection,
        found: &Found,
        program: &str,
        socket: String,
    ) -> Option<News> {
        let opening = Order::Open(Opening {
            gateway: self.gateway.clone(),
            folder: found.folder.clone(),
            log: match &self.direct {
                Some(direct) => Luggage::Kafka {
                    table: direct.table.clone(),
                    files: direct.files.clone(),
                },
                None => Luggage::Tunnel { socket },
            },
        });
        let mut first = format!("{program}\n").into_bytes();
        first.extend(line(&opening));
        // If it does not listen, its last words say why.
        let _ = connection.input.write_all(&first).await;
        connection.news.recv().await
    }

    /// Until the connection ends.
    async fn serve(&mut self, mut connection: Connection) -> Fault {
        let mut heard = Instant::now();
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let order = tokio::select! {
                news = connection.news.recv() => {
                    heard = Instant::now();
                    match news {
                        Some(News::Gone(gone)) => drop(self.heard.send(Heard::Gone(gone))),
                        Some(News::Alert(alert)) => drop(self.heard.send(Heard::Alert(alert))),
                        Some(News::Alive) => {}
                        Some(News::Ready { .. } | News::Refused { .. }) | None => return self.last_words(connection).await,
                    }
                    continue;
                }
                Some(order) = self.orders.recv() => order,
                _ = beat.tick() => Order::Alive,
                () = tokio::time::sleep_until(heard + SILENCE) => {
                    return Fault::passing(
                        format!("{} has been silent for {SILENCE:?}", self.ssh.server.address()),
                        "what runs there goes on; it is tried again by itself",
                    );
                }
                () = self.heard.closed() => return Fault::passing("nobody listens", ""),
            };
            // A server that does not read is one that is silent.
            let said = tokio::time::timeout(SILENCE, connection.input.write_all(&line(&order))).await;
            if !matches!(said, Ok(Ok(()))) {
                return self.last_words(connection).await;
            }
        }
    }

    /// Why a connection has ended.
    async fn last_words(&self, mut connection: Connection) -> Fault {
        drop(connection.input);
        let patience = Duration::from_secs(3);
        let status = tokio::time::timeout(patience, connection.child.wait()).await;
        // What it said is heard to its end only when it has ended.
        let _ = connection.child.start_kill();
        let said = tokio::time::timeout(patience, connection.complaints).await;
        let code = status.ok().and_then(Result::ok).and_then(|status| status.code());
        self.ssh
            .fault(code, &said.ok().and_then(Result::ok).unwrap_or_default())
    }
}

/// Reading a line must not be interrupted, so it has a task of its own.
fn hear(from: ChildStdout) -> mpsc::Receiver<News> {
    let (tell, news) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut lines = Lines::new(from);
        while let Ok(Some(word)) = lines.next::<News>().await {
            if tell.send(word).await.is_err() {
                return;
            }
        }
    });
    news
}
