//! The bot's edges without its commands: a group with Ada and the bot, a store, a door.

use std::net::SocketAddr;
use std::path::Path;

use bytes::Bytes;
use chrono::Utc;
use kymo_bot::alert::Alerts;
use kymo_bot::door::{Connected, DoorState};
use kymo_bot::outbox::Outbox;
use kymo_bot::panel::{Panels, RunState};
use kymo_bot::telegram::Telegram;
use kymo_bot::{alert, door, housekeeping, inbox, outbox, panel};
use kymo_door::{Alert, AlertState, Door, PanelFacts, Severity};
use kymo_runlog::{Parameters, ShortId, Topic, Value};
use kymo_store::{ChatId, ChatSeen, Destination, Store};
use kymo_telegram_sandbox::{
    ChatState, Control, FloodRules, MessageState, NewChat, NewPerson, Running, SandboxConfig, State, start,
};
use teloxide::types::{InlineKeyboardButton, InlineKeyboardMarkup};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub const ADA: i64 = 1001;
pub const LAB: i64 = -2001;
pub const TOKEN: &str = "door-token";

pub struct Kit {
    pub sandbox: Running,
    pub control: Control,
    pub store: Store,
    pub outbox: Outbox,
    pub panels: Panels,
    pub alerts: Alerts,
    pub door: Door,
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
}

/// What the bot may do in the lab's group.
#[derive(Clone, Copy)]
pub enum Bot {
    Admin,
    Member,
}

impl Kit {
    pub async fn new(bot: Bot) -> Self {
        Self::with(bot, FloodRules::none(), "group").await
    }

    pub async fn with(bot: Bot, flood: FloodRules, kind: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::build(bot, flood, kind, folder).await
    }

    /// With its database below this folder.
    pub async fn new_in(bot: Bot, folder: &Path) -> Self {
        let folder = tempfile::tempdir_in(folder).expect("a folder");
        Self::build(bot, FloodRules::none(), "group", folder).await
    }

    async fn build(bot: Bot, flood: FloodRules, kind: &str, folder: tempfile::TempDir) -> Self {
        let stop = CancellationToken::new();
        let config = SandboxConfig {
            flood,
            ..SandboxConfig::default()
        };
        let sandbox = start(config, CancellationToken::new())
            .await
            .expect("the sandbox starts");
        let control = sandbox.control();
        let ada = NewPerson {
            id: Some(ADA),
            first_name: "Ada".into(),
            ..NewPerson::default()
        };
        control.add_person(&ada).await.expect("Ada is there");
        let status = match bot {
            Bot::Admin => "administrator",
            Bot::Member => "powerless",
        };
        let chat = NewChat {
            id: Some(LAB),
            kind: Some(kind.into()),
            title: "Lab".into(),
            members: vec![ADA],
            bot: Some("administrator".into()),
            ..NewChat::default()
        };
        control.add_chat(&chat).await.expect("the lab is there");
        control.set_bot(LAB, status).await.expect("the bot is what it is");
        Self::around(sandbox, folder, stop).await
    }

    async fn around(sandbox: Running, folder: tempfile::TempDir, stop: CancellationToken) -> Self {
        let store = Store::open(folder.path().join("kymo.sqlite").to_str().expect("a plain path"))
            .await
            .expect("the store opens");
        let seen = ChatSeen {
            id: ChatId(LAB),
            kind: "group".into(),
            title: "Lab".into(),
            forum: false,
        };
        store.see_chat(&seen, Utc::now()).await.expect("the lab is known");
        let url = sandbox.url().parse().expect("an address");
        let telegram = Telegram::new(&sandbox.bot_token().into(), Some(&url)).expect("a client");
        let (outbox, jobs) = outbox::open();
        let (panels, orders) = panel::open(store.clone());
        let alerts = Alerts::new(store.clone());
        let listener = door::bind(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = DoorState {
            token: TOKEN.into(),
            store: store.clone(),
            outbox: outbox.clone(),
            panels: panels.clone(),
            alerts: alerts.clone(),
            telegram: Connected::default(),
            said: Default::default(),
        };
        let me = telegram.get_me().await.expect("the sandbox answers").id;
        let (note_store, note_outbox) = (store.clone(), outbox.clone());
        let handler: inbox::Handler = std::sync::Arc::new(move |update| {
            let (store, outbox) = (note_store.clone(), note_outbox.clone());
            Box::pin(async move {
                housekeeping::take_note(&store, &outbox, me, &update)
                    .await
                    .map(drop)
            })
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(door::run(listener, state, stop.clone()));
        tasks.spawn(outbox::run(jobs, telegram.clone(), store.clone(), stop.clone()));
        tasks.spawn(alert::run(alerts.clone(), outbox.clone(), stop.clone()));
        tasks.spawn(panel::run(
            orders,
            store.clone(),
            outbox.clone(),
            buttons,
            stop.clone(),
        ));
        tasks.spawn(inbox::run(
            telegram,
            store.clone(),
            handler,
            inbox::no_excuse(),
            stop.clone(),
        ));
        let url = format!("http://{address}").parse().expect("an address");
        let door = Door::new(url, TOKEN.into());
        let control = sandbox.control();
        Self {
            sandbox,
            control,
            store,
            outbox,
            panels,
            alerts,
            door,
            address,
            folder,
            stop,
            tasks,
        }
    }

    /// The bot ends and starts again with the same database.
    pub async fn restart(self) -> Self {
        let Self {
            sandbox,
            folder,
            stop,
            mut tasks,
            store,
            ..
        } = self;
        stop.cancel();
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no task panics").expect("no task fails");
        }
        store.close().await;
        Self::around(sandbox, folder, CancellationToken::new()).await
    }

    /// Stops everything; a task that panicked or failed fails the test.
    pub async fn finish(self) {
        self.stop.cancel();
        let mut tasks = self.tasks;
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no task panics").expect("no task fails");
        }
    }

    pub async fn lab(&self) -> ChatState {
        self.control.chat(LAB).await.expect("the lab")
    }

    /// Waits for a message in the lab.
    pub async fn wait(&self, what: &str, look: impl Fn(&MessageState) -> bool) -> MessageState {
        self.control
            .wait_for(what, |state| find(state, LAB, &look))
            .await
            .expect("it comes")
    }
}

pub fn find(state: &State, chat: i64, look: impl Fn(&MessageState) -> bool) -> Option<MessageState> {
    state
        .chat(chat)?
        .messages
        .iter()
        .find(|message| look(message))
        .cloned()
}

pub fn photos(chat: &ChatState) -> Vec<&MessageState> {
    chat.messages
        .iter()
        .filter(|message| message.kind == "photo")
        .collect()
}

pub fn lab() -> Destination {
    Destination {
        chat: ChatId(LAB),
        thread: None,
    }
}

pub fn topic() -> Topic {
    Topic::parse("airy.eps-4").expect("a topic")
}

pub fn facts(iteration: u64) -> PanelFacts {
    PanelFacts {
        solver: "airy".into(),
        parameters: Parameters([("eps".to_owned(), Value::Number(4.0))].into()),
        attempt: 1,
        iteration,
        total: Some(101),
        view: "E[x=0.6]".into(),
        value: Some(0.25),
        points: 100 * iteration,
        newest_at: None,
        eta: None,
        rejected: 0,
        rejected_reason: None,
        not_finite: 0,
        ended: false,
        pace: None,
    }
}

/// A small picture; each shade is another one.
pub fn picture(shade: u8) -> Bytes {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 64, 48);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&[shade; 64 * 48]).expect("pixels");
    writer.finish().expect("an end");
    bytes.into()
}

pub fn alert(key: &str, title: &str) -> Alert {
    Alert {
        id: uuid::Uuid::new_v4(),
        key: key.into(),
        topic: Some(topic()),
        state: AlertState::Open,
        severity: Severity::Critical,
        title: title.into(),
        text: "Saved up to iteration 12.".into(),
        last_lines: vec!["a < b & c".into(), "Segmentation fault".into()],
        at: Utc::now(),
        host: "lab-pc".into(),
    }
}

fn buttons(run: &ShortId, generation: i64, _state: &RunState) -> InlineKeyboardMarkup {
    let data = format!("stop:{run}:{generation}");
    InlineKeyboardMarkup::new([[InlineKeyboardButton::callback("Stop", data)]])
}

impl Kit {
    /// Telegram's line about the pin is taken away again.
    pub async fn wait_until_no_service_message(&self) {
        self.control
            .wait_for_call(0, |call| call.method == "deleteMessage" && call.code == 200)
            .await
            .expect("the line about the pin is deleted");
        let lab = self.lab().await;
        assert!(
            lab.messages
                .iter()
                .all(|m| m.kind != "service" || !format!("{:?}", m.service).contains("pinned"))
        );
    }

    /// Whether a message shows the picture of this shade.
    pub async fn shows(&self, message: &MessageState, shade: u8) -> bool {
        let file = message.file.as_ref().expect("a file");
        self.control.file(&file.sha256).await.expect("its bytes") == picture(shade)
    }
}
