//! The kit: a lab's group with Ada (admin), Bob (operator), Vera (viewer) and Eve (a stranger).

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures::StreamExt as _;
use kymo_bot::{BotConfig, WorkerHost};
use kymo_runlog::catalogue::{self, HostCatalogue, ParameterCard, ParameterKind, SolverCard};
use kymo_runlog::event::{self, EventRecord, RunEvent};
use kymo_runlog::host::{Capacity, HostRecord, Memory, Taken};
use kymo_runlog::order::{self, Order, OrderRecord};
use kymo_runlog::{Log, LogConfig, Message, Position, RunId, Value};
use kymo_store::{Person, PersonId, Role, Store};
use kymo_telegram_sandbox::{
    Control, FloodRules, MessageState, NewChat, NewPerson, Running, SandboxConfig, ToastSeen, start,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const ADA: i64 = 1001;
pub const BOB: i64 = 1002;
pub const VERA: i64 = 1003;
pub const EVE: i64 = 1666;
pub const LAB: i64 = -2001;
pub const HALL: i64 = -2002;

pub struct House {
    pub sandbox: Running,
    pub control: Control,
    pub log: Arc<dyn Log>,
    pub store: Store,
    pub folder: TempDir,
    /// Where the door is.
    pub listen: SocketAddr,
    bot: JoinHandle<anyhow::Result<()>>,
    stop: CancellationToken,
}

impl House {
    /// Everybody is there and an initiator has published `airy`.
    pub async fn new() -> Self {
        let house = Self::empty(vec![PersonId(ADA)]).await;
        for (id, role) in [(BOB, Role::Operator), (VERA, Role::Viewer)] {
            let person = Person {
                id: PersonId(id),
                role,
                name: "somebody".to_owned(),
                username: None,
                granted_by: "the test".to_owned(),
                granted_at: Utc::now(),
            };
            house.store.grant(&person).await.expect("a role is given");
        }
        house.publish(airy()).await;
        // The catalogue is known as soon as the bot offers it.
        let said = house.ask(ADA, ADA, "/solvers").await;
        if !said.text.contains("airy") {
            house
                .until_said(ADA, "/solvers", ADA, |text| text.contains("airy"))
                .await;
        }
        house
    }

    /// Nobody has a role but these admins, and no solver is known.
    pub async fn empty(admins: Vec<PersonId>) -> Self {
        let config = SandboxConfig {
            flood: FloodRules::none(),
            ..SandboxConfig::default()
        };
        let sandbox = start(config, CancellationToken::new())
            .await
            .expect("the sandbox starts");
        let control = sandbox.control();
        for (id, name, username) in [
            (ADA, "Ada", "ada"),
            (BOB, "Bob", "bob"),
            (VERA, "Vera", "vera"),
            (EVE, "Eve <b>", "eve"),
        ] {
            let person = NewPerson {
                id: Some(id),
                first_name: name.into(),
                username: Some(username.into()),
                ..NewPerson::default()
            };
            control.add_person(&person).await.expect("a person");
        }
        for (id, title) in [(LAB, "Lab"), (HALL, "Hall")] {
            let chat = NewChat {
                id: Some(id),
                kind: Some("supergroup".into()),
                title: title.into(),
                members: vec![ADA, BOB, VERA, EVE],
                bot: Some("administrator".into()),
                ..NewChat::default()
            };
            control.add_chat(&chat).await.expect("a group");
        }
        let folder = tempfile::tempdir().expect("a folder");
        Self::around(sandbox, folder, admins).await
    }

    async fn around(sandbox: Running, folder: TempDir, admins: Vec<PersonId>) -> Self {
        let text = format!("embedded:{}", folder.path().display());
        let address: LogConfig = text.parse().expect("a log's address");
        let log = kymo_runlog::open(&address).await.expect("the log opens");
        let listen = free_port();
        let config = config(&sandbox, folder.path(), admins, listen);
        let store = Store::open(&config.database).await.expect("the store opens");
        let stop = CancellationToken::new();
        let bot = tokio::spawn(kymo_bot::run(config, log.clone(), stop.clone()));
        let control = sandbox.control();
        Self {
            sandbox,
            control,
            log,
            store,
            folder,
            listen,
            bot,
            stop,
        }
    }

    /// What the bot was told.
    pub fn config(&self) -> BotConfig {
        config(
            &self.sandbox,
            self.folder.path(),
            vec![PersonId(ADA)],
            self.listen,
        )
    }

    /// The bot ends and starts again in the same data folder.
    pub async fn restart(self) -> Self {
        let Self {
            sandbox,
            folder,
            bot,
            stop,
            store,
            log,
            ..
        } = self;
        stop.cancel();
        bot.await
            .expect("the bot does not panic")
            .expect("the bot ends well");
        store.close().await;
        drop(log);
        Self::around(sandbox, folder, vec![PersonId(ADA)]).await
    }

    /// Stops the bot; one that panicked or failed fails the test.
    pub async fn finish(self) {
        self.stop.cancel();
        self.bot
            .await
            .expect("the bot does not panic")
            .expect("the bot ends well");
    }

    /// An initiator tells what it can run.
    pub async fn publish(&self, card: SolverCard) {
        let catalogue = HostCatalogue {
            host: "lab-pc".to_owned(),
            at: Utc::now(),
            solvers: vec![card],
        };
        self.append(catalogue::topic(), &catalogue).await;
    }

    /// A host says that it is there, and how many of its runs are taken.
    pub async fn host_says(&self, host: &str, labels: &[&str], taken: u32, runs: u32) {
        let record = HostRecord {
            host: host.to_owned(),
            life: uuid::Uuid::nil(),
            at: Utc::now(),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            capacity: Capacity {
                runs: Some(runs),
                cores: 4,
                memory: Memory(8 << 30),
            },
            taken: Taken {
                runs: taken,
                ..Taken::default()
            },
            left: false,
        };
        self.append(kymo_runlog::host::topic(), &record).await;
    }

    /// Something happens to a run.
    pub async fn happens(&self, run: &RunId, attempt: u32, iteration: u64, event: RunEvent) {
        let record = EventRecord {
            id: uuid::Uuid::new_v4(),
            at: Utc::now(),
            topic: run.topic(),
            run: run.clone(),
            attempt,
            host: "lab-pc".to_owned(),
            iteration,
            event,
        };
        self.append(event::topic(), &record).await;
    }

    /// Puts a record into one of the shared topics.
    pub async fn append(&self, topic: kymo_runlog::Topic, record: &impl serde::Serialize) {
        self.log.create(&topic).await.expect("the topic is there");
        let payload = serde_json::to_vec(record).expect("JSON");
        let message = Message {
            payload,
            ..Message::default()
        };
        self.log
            .append(&topic, vec![message])
            .await
            .expect("the log takes it");
    }

    /// All orders so far.
    pub async fn orders(&self) -> Vec<OrderRecord> {
        if !self.log.exists(&order::topic()).await.expect("the log answers") {
            return Vec::new();
        }
        let stored = self
            .log
            .read(&order::topic(), Position::START, 1 << 24)
            .await
            .expect("the log answers");
        stored
            .iter()
            .map(|stored| serde_json::from_slice(&stored.message.payload).expect("an order"))
            .collect()
    }

    /// Waits for the order with this number, counted from 1.
    pub async fn order(&self, number: usize) -> Order {
        self.log
            .create(&order::topic())
            .await
            .expect("the topic is there");
        let follow = self
            .log
            .follow(&order::topic(), Position::START)
            .await
            .expect("the log answers");
        let mut follow = follow.skip(number - 1);
        let stored = tokio::time::timeout(Duration::from_secs(20), follow.next())
            .await
            .expect("an order comes");
        let stored = stored.expect("the log goes on").expect("the log answers");
        serde_json::from_slice::<OrderRecord>(&stored.message.payload)
            .expect("an order")
            .order
    }

    /// A person writes, and the bot's next message there is the answer.
    pub async fn ask(&self, person: i64, chat: i64, text: &str) -> MessageState {
        let sent = self.control.send(person, chat, text).await.expect("it is sent");
        self.next(chat, sent, text).await
    }

    /// The bot's first message after another one.
    pub async fn next(&self, chat: i64, after: i64, what: &str) -> MessageState {
        self.control
            .wait_for(&format!("an answer to {what}"), |state| {
                let found = state
                    .chat(chat)?
                    .messages
                    .iter()
                    .find(|m| m.id > after && m.from == state.bot.id && m.service.is_none());
                found.cloned()
            })
            .await
            .expect("an answer")
    }

    /// Asks until the answer is as wanted; what the log tells takes a moment to be known.
    pub async fn until_said(
        &self,
        person: i64,
        text: &str,
        chat: i64,
        good: impl Fn(&str) -> bool,
    ) -> MessageState {
        for _ in 0..200 {
            let answer = self.ask(person, chat, text).await;
            if good(&answer.text) {
                return answer;
            }
        }
        panic!("{text} was never answered as wanted");
    }

    /// Waits until a message's text is as wanted.
    pub async fn until_shown(
        &self,
        chat: i64,
        message: i64,
        what: &str,
        good: impl Fn(&MessageState) -> bool,
    ) -> MessageState {
        self.control
            .wait_for(what, |state| {
                state.chat(chat)?.message(message).filter(|m| good(m)).cloned()
            })
            .await
            .expect(what)
    }

    /// A person presses a button and sees the answer.
    pub async fn press(&self, person: i64, message: &MessageState, chat: i64, label: &str) -> ToastSeen {
        self.control
            .press_and_wait(person, chat, message.id, label)
            .await
            .expect("an answer to the press")
    }
}

/// A port that nobody has now; the bot takes it a moment later.
fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address")
}

fn config(sandbox: &Running, folder: &Path, admins: Vec<PersonId>, listen: SocketAddr) -> BotConfig {
    BotConfig {
        token: sandbox.bot_token().into(),
        api_url: Some(sandbox.url().parse().expect("an address")),
        listen,
        door_token: "door".into(),
        database: folder.join("kymo.sqlite").display().to_string(),
        data: folder.to_owned(),
        admins: admins.into_iter().map(|id| id.0).collect(),
        // Stands in for a graph worker: it only lives.
        workers: WorkerHost::Child {
            command: ["/bin/sh", "-c", "exec sleep 1000", "worker"]
                .map(OsString::from)
                .to_vec(),
        },
    }
}

/// A button's label in a message that contains this text.
pub fn label(message: &MessageState, part: &str) -> String {
    let labels = message.buttons.iter().flatten().map(|button| &button.text);
    let all: Vec<&String> = labels.collect();
    (*all
        .iter()
        .find(|label| label.contains(part))
        .unwrap_or_else(|| panic!("no button {part} in {all:?}")))
    .clone()
}

pub fn labels(message: &MessageState) -> String {
    let rows = message.buttons.iter().map(|row| {
        row.iter()
            .map(|b| b.text.as_str())
            .collect::<Vec<_>>()
            .join(" | ")
    });
    rows.collect::<Vec<_>>().join("\n")
}

pub fn airy() -> SolverCard {
    let parameter = |name: &str, kind, default: Option<Value>, unit: Option<&str>| ParameterCard {
        name: name.to_owned(),
        kind,
        unit: unit.map(str::to_owned),
        optional: default.is_none(),
        default,
        help: format!("what {name} means"),
        aliases: Vec::new(),
    };
    let real = |min, max| ParameterKind::Real { min, max };
    SolverCard {
        name: "airy".to_owned(),
        version: "1".to_owned(),
        help: "an Airy pulse enters a layer".to_owned(),
        view: Some("E[x=0.6]".to_owned()),
        needs: Default::default(),
        parameters: vec![
            parameter("eps", real(Some(1.0), Some(25.0)), Some(Value::Number(4.0)), None),
            parameter(
                "h",
                real(Some(1e-5), Some(0.5)),
                Some(Value::Number(0.01)),
                Some("L"),
            ),
            parameter(
                "orientation",
                ParameterKind::Choice {
                    options: vec!["front_first".to_owned(), "tail_first".to_owned()],
                },
                Some(Value::Text("front_first".to_owned())),
                None,
            ),
            parameter(
                "note",
                ParameterKind::Text { max_length: 300 },
                Some(Value::Text(String::new())),
                None,
            ),
        ],
    }
}

pub fn run(assignments: &[&str]) -> RunId {
    airy().read(assignments).expect("good parameters")
}
