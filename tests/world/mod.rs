//! `World`: the real processes on the sandbox Telegram, a log and a scratch database, in a folder of their own.
//!
//! Nothing here sleeps for luck: a test waits for a fact, and fails with what the chat showed when it never comes.

mod brokers;
mod browser;
mod disk;
mod kafka;
pub mod machine;
pub mod network;
mod own_kafka;
pub mod process;
mod sshd;
mod telling;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use disk::SmallDisk;
use kymo::role::demo::{scene, stage::Stage};
use kymo_runlog::{Log, LogConfig, LogError, Position, Replay, Topic};
use kymo_telegram_sandbox::{Control, MessageState, State};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub use brokers::{Brokers, Loss};
pub use browser::Browser;
pub use kafka::KafkaTurn;
pub use kymo::role::demo::stage::lab;
pub use own_kafka::OwnKafka;
pub use process::{Gone, KYMO, Process, catches, kill_9};
pub use sshd::{Sshd, make_key};

/// Long enough for a machine with two busy cores.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct World {
    pub stage: Stage,
    pub bot: Option<Process>,
    pub initiator: Option<Process>,
    folder: TempDir,
    sandbox_stop: CancellationToken,
    /// Unmounted last.
    disk: Option<SmallDisk>,
}

impl World {
    /// The embedded log, bot and initiator running; Grace is admin, Ada operator, the group hears alerts.
    pub async fn new() -> Self {
        Self::open(None, "").await
    }

    /// As [`Self::new`], with further tables for kymo.toml.
    pub async fn with_configuration(more: &str) -> Self {
        Self::open(None, more).await
    }

    /// As [`Self::new`], on the real Kafka that `./test` started, empty at first. Keep the guard:
    /// stories share the cluster, so they take turns.
    pub async fn on_kafka() -> (Self, KafkaTurn) {
        Self::on_kafka_with("").await
    }

    /// The same with further tables for kymo.toml.
    pub async fn on_kafka_with(more: &str) -> (Self, KafkaTurn) {
        let (log, turn) = KafkaTurn::take().await;
        (Self::open(Some(log), more).await, turn)
    }

    /// As [`Self::new`], on this log.
    pub async fn on(log: LogConfig) -> Self {
        Self::open(Some(log), "").await
    }

    async fn open(log: Option<LogConfig>, more: &str) -> Self {
        let mut world = Self::dark(log, more).await;
        world.light_up().await;
        world
    }

    /// The bot alone, reachable from other hosts at this address; the log is elsewhere.
    pub async fn over(log: &str, here: Ipv4Addr) -> Self {
        let log: LogConfig = log.parse().expect("a log");
        let mut world = Self::dark(Some(log), "").await;
        let door = SocketAddr::from((here, 8787));
        world.stage.config.door_at(door);
        let url = world.stage.config.door().expect("the door's token").url().clone();
        world.stage.environment = world.stage.environment.clone().door(&url);
        world.start_bot().await;
        world.greet().await;
        world
    }

    /// Ends what [`Self::over`] began.
    pub async fn stop_here(mut self) {
        self.bot.take().expect("running").end_cleanly().await;
        self.sandbox_stop.cancel();
    }

    async fn light_up(&mut self) {
        self.start_bot().await;
        self.start_initiator().await;
        self.greet().await;
    }

    async fn greet(&mut self) {
        self.say(
            lab::GRACE,
            lab::GROUP,
            &format!("/access grant {} operator", lab::ADA),
        )
        .await;
        self.hears(lab::GROUP, "operator").await;
        self.say(lab::GRACE, lab::GROUP, "/alerts here").await;
        self.hears(lab::GROUP, "alerts").await;
    }

    /// As [`Self::new`], with the whole data folder on a disk of its own of this size.
    pub async fn on_small_disk(megabytes: u32) -> Self {
        let disk = SmallDisk::mount(megabytes);
        let mut world = Self::dark_in(disk.path(), None, "").await;
        world.light_up().await;
        world.disk = Some(disk);
        world
    }

    /// As [`Self::new`], with the embedded log on a disk of its own of this size.
    pub async fn with_small_log(megabytes: u32) -> Self {
        let disk = SmallDisk::mount(megabytes);
        let mut world = Self::open(Some(LogConfig::embedded(disk.path())), "").await;
        world.disk = Some(disk);
        world
    }

    /// Telegram and the folder, but no role is running yet.
    pub async fn dark(log: Option<LogConfig>, more: &str) -> Self {
        Self::dark_in(&std::env::temp_dir(), log, more).await
    }

    async fn dark_in(place: &Path, log: Option<LogConfig>, more: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("kymo-story-")
            .tempdir_in(place)
            .expect("a temporary folder");
        let toml = format!("[telegram]\nadmins = [{}]\n{more}\n", lab::GRACE);
        std::fs::write(folder.path().join("kymo.toml"), toml).expect("write kymo.toml");
        let sandbox_stop = CancellationToken::new();
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let stage = Stage::set(folder.path(), anywhere, log, sandbox_stop.clone())
            .await
            .expect("set the stage");
        Self {
            stage,
            bot: None,
            initiator: None,
            folder,
            sandbox_stop,
            disk: None,
        }
    }

    pub fn phone(&self) -> Control {
        self.stage.sandbox.control().patience(PATIENCE)
    }

    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// The small disk of [`Self::with_small_log`] or [`Self::on_small_disk`].
    pub fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().expect("this world has a disk of its own")
    }

    pub fn log(&self) -> &dyn Log {
        &*self.stage.log
    }

    pub async fn start_bot(&mut self) {
        self.bot = Some(Process::start(self, "bot", &[]));
        let door = self.stage.config.door().expect("the door's token");
        until("the bot opens its door", || async {
            door.is_open().await.then_some(())
        })
        .await;
    }

    pub async fn start_initiator(&mut self) {
        self.initiator = Some(Process::start(self, "initiator", &[]));
        let catalogue = Topic::parse(kymo_runlog::catalogue::TOPIC).expect("a constant name");
        until("the initiator publishes its catalogue", || async {
            let there = self
                .log()
                .read(&catalogue, Position::START, 1)
                .await
                .is_ok_and(|page| !page.is_empty());
            there.then_some(())
        })
        .await;
    }

    /// `/run`, and the card's Start button.
    pub async fn run(&self, person: i64, chat: i64, order: &str) -> Topic {
        let before = self.topics().await;
        let said = self.phone().chat(chat).await.expect("the sandbox answers");
        let last = said.messages.last().map_or(0, |message| message.id);
        self.say(person, chat, &format!("/run {order}")).await;
        // An earlier card, or a panel, has a button of that name too.
        let card = self
            .sees("the card", |state| {
                let messages = &state.chat(chat)?.messages;
                let card = messages
                    .iter()
                    .find(|message| message.id > last && message.text.starts_with("Start "))?;
                Some((card.id, scene::button_of(card, "Start")?))
            })
            .await;
        let pressed = self.phone().press_data(person, chat, card.0, &card.1).await;
        pressed.expect("the button is there");
        until(&format!("a topic for {order}"), || async {
            self.topics()
                .await
                .into_iter()
                .find(|topic| !before.contains(topic))
        })
        .await
    }

    /// The topics of runs, without the system's own and the runs' companions.
    pub async fn topics(&self) -> Vec<Topic> {
        let all = self.log().list().await.expect("list the topics");
        all.into_iter()
            .filter(|topic| !topic.as_str().starts_with("kymo."))
            .filter(|topic| {
                ![".steps", ".log", ".rejected"]
                    .iter()
                    .any(|end| topic.as_str().ends_with(end))
            })
            .collect()
    }

    pub async fn say(&self, person: i64, chat: i64, text: &str) {
        self.phone()
            .send(person, chat, text)
            .await
            .expect("a person may speak in their chat");
    }

    /// Presses the newest button whose label contains this, as soon as there is one.
    pub async fn press(&self, person: i64, chat: i64, label: &str) {
        let found = |state: &State| scene::newest_button(state.chat(chat)?, label);
        let (message, data) = self.sees(&format!("a button {label:?}"), found).await;
        self.phone()
            .press_data(person, chat, message, &data)
            .await
            .expect("the button is there");
    }

    /// Waits until the bot has said something with these words in the chat.
    pub async fn hears(&self, chat: i64, words: &str) -> MessageState {
        self.sees(&format!("{words:?} in {chat}"), |state| {
            let bot = state.bot.id;
            let mut said = state
                .chat(chat)?
                .messages
                .iter()
                .rev()
                .filter(|message| message.from == bot);
            said.find(|message| message.text.contains(words)).cloned()
        })
        .await
    }

    /// Waits until one message of the bot has both.
    pub async fn hears_both(&self, chat: i64, one: &str, other: &str) -> MessageState {
        self.sees(&format!("{one:?} with {other:?} in {chat}"), |state| {
            let bot = state.bot.id;
            let mut said = state
                .chat(chat)?
                .messages
                .iter()
                .rev()
                .filter(|message| message.from == bot);
            said.find(|message| message.text.contains(one) && message.text.contains(other))
                .cloned()
        })
        .await
    }

    /// Waits for a fact of the chats.
    pub async fn sees<T>(&self, what: &str, fact: impl Fn(&State) -> Option<T>) -> T {
        match self.phone().wait_for(what, fact).await {
            Ok(found) => found,
            Err(error) => panic!("{error}\n{}", telling::everything(self).await),
        }
    }

    /// The one panel of the chat: the pinned message with a picture.
    pub async fn panel(&self, chat: i64) -> MessageState {
        self.sees("a pinned panel", |state| {
            scene::pinned_panel(state.chat(chat)?).cloned()
        })
        .await
    }

    /// How many messages with pictures a chat shows.
    pub async fn pictures(&self, chat: i64) -> usize {
        let chat = self.phone().chat(chat).await.expect("the sandbox answers");
        chat.messages
            .iter()
            .filter(|message| message.kind == "photo")
            .count()
    }

    /// The messages of the bot with these words.
    pub async fn messages_with(&self, chat: i64, words: &str) -> Vec<i64> {
        let state = self.phone().state().await.expect("the sandbox answers");
        let messages = &state.chat(chat).expect("the chat is there").messages;
        let said = messages.iter().filter(|message| message.from == state.bot.id);
        said.filter(|message| message.text.contains(words))
            .map(|message| message.id)
            .collect()
    }

    /// Waits until the panel's caption contains these words.
    pub async fn panel_says(&self, panel: &MessageState, words: &str) {
        self.says(lab::GROUP, panel.id, words).await;
    }

    /// Waits until this message contains these words.
    pub async fn says(&self, chat: i64, message: i64, words: &str) {
        let says = |state: &State| {
            state
                .chat(chat)?
                .message(message)?
                .text
                .contains(words)
                .then_some(())
        };
        self.sees(&format!("{words:?} in message {message}"), says).await;
    }

    /// Presses a button of this very message.
    pub async fn press_on(&self, person: i64, message: &MessageState, label: &str) {
        let data = |state: &State| {
            let mut buttons = state
                .chat(lab::GROUP)?
                .message(message.id)?
                .buttons
                .iter()
                .flatten();
            buttons.find(|button| button.text.contains(label))?.data.clone()
        };
        let data = self
            .sees(&format!("{label:?} under message {}", message.id), data)
            .await;
        self.phone()
            .press_data(person, lab::GROUP, message.id, &data)
            .await
            .expect("the button is there");
    }

    /// Replays the topic as it is now.
    pub async fn replay(&self, topic: &Topic) -> Replay {
        let mut reader = Replay::new(topic.clone());
        let mut from = Position::START;
        loop {
            let page = until("the log answers", || async {
                match self.log().read(topic, from, 4 << 20).await {
                    Ok(page) => Some(page),
                    // It may be what the story is about.
                    Err(LogError::Away { .. }) => None,
                    Err(error) => panic!("read {topic}: {error}"),
                }
            })
            .await;
            let Some(last) = page.last() else { return reader };
            from = last.position.next();
            for stored in &page {
                reader.push(stored);
            }
        }
    }

    /// Waits until the run has this many usable iterations.
    pub async fn reaches(&self, topic: &Topic, iterations: u64) {
        until(&format!("iteration {iterations} of {topic}"), || async {
            (self.replay(topic).await.iterations() >= iterations).then_some(())
        })
        .await;
    }

    /// The run's present solver or watchdog process.
    pub async fn pid_of(&self, topic: &Topic, who: &str) -> i32 {
        until(&format!("a living {who} of {topic}"), || async {
            find_living(self.data(), topic, who)
        })
        .await
    }

    /// Waits until attempt `number` is in effect and has added something.
    pub async fn attempt(&self, topic: &Topic, number: u32) {
        until(&format!("attempt {number}"), || async {
            (self.replay(topic).await.attempt() >= number).then_some(())
        })
        .await;
        let now = self.replay(topic).await.iterations();
        self.reaches(topic, now + 1).await;
    }

    /// Waits until a process is gone.
    pub async fn dies(&self, pid: i32) {
        until(&format!("the end of process {pid}"), || async {
            (!process::is_alive(pid)).then_some(())
        })
        .await;
    }

    /// The bot's one graph worker.
    pub async fn graph_worker(&self) -> i32 {
        let bot = self.bot.as_ref().expect("the bot is running").pid();
        until("a graph worker", || async {
            process::children(bot).into_iter().next()
        })
        .await
    }

    /// What the run's solver printed.
    pub fn output(&self, topic: &Topic) -> String {
        let folder = self
            .data()
            .join("runs")
            .join(kymo_runlog::ShortId::of(topic).as_str());
        let mut text = String::new();
        for number in (1..100).rev() {
            text += &std::fs::read_to_string(folder.join(format!("output.log.{number}"))).unwrap_or_default();
        }
        text + &std::fs::read_to_string(folder.join("output.log")).unwrap_or_default()
    }

    /// Stops everything in order; fails when a role did not end cleanly.
    pub async fn finish(mut self) {
        for process in [self.bot.take(), self.initiator.take()].into_iter().flatten() {
            process.end_cleanly().await;
        }
        kymo_solver::watchdog::stop_all(self.folder.path(), Duration::from_secs(10)).await;
        self.sandbox_stop.cancel();
    }

    /// As [`Self::finish`], when a server's watchdogs shall end, too.
    pub async fn finish_there(self, home: &Path) {
        kymo_solver::watchdog::stop_all(home, Duration::from_secs(10)).await;
        self.finish().await;
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for World {
    /// A failed test leaves no process behind.
    fn drop(&mut self) {
        process::kill_watchdogs(self.folder.path());
    }
}

/// The living solver or watchdog of a run, as watchdog.json in this data folder says.
pub fn find_living(data: &Path, topic: &Topic, who: &str) -> Option<i32> {
    let short = kymo_runlog::ShortId::of(topic);
    let path = data.join("runs").join(short.as_str()).join("watchdog.json");
    let lives: serde_json::Value = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    let pid = i32::try_from(lives[who]["pid"].as_i64()?).ok()?;
    process::is_alive(pid).then_some(pid)
}

/// Tries until there is an answer.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut question: impl FnMut() -> F) -> T {
    let patience = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = question().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < patience, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
