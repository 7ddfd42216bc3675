//! A whole day, played by itself: run, the picture grows, stop, resume, crash, alert, restart, end.
//!
//! Leaves in its folder: the panel's pictures, `transcript.json` (what happened when, and the
//! chat as people saw it) and `topic.ndjson` (the final topic, message by message).

mod transcript;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use kymo_runlog::{Named, Position, RunId, ShortId, Topic};
use kymo_telegram_sandbox::{ChatState, Control, MessageState, State};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::Instant;

use super::scene;
use super::stage::{Stage, lab};
use crate::role::replay;
use transcript::Transcript;

/// Slow enough to watch, quick enough to wait for: about a minute in all.
const ORDER: &str = "airy pace=0.5";
const PATIENCE: Duration = Duration::from_secs(90);
/// How soon the group must hear of a crash.
const ALERT_WITHIN: Duration = Duration::from_secs(2);

/// Plays the day; an error says which part did not go as told.
pub async fn play(stage: &Stage, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let mut transcript = Transcript::begin(folder);
    let told = Day {
        stage,
        phone: stage.sandbox.control().patience(PATIENCE),
    }
    .tell(&mut transcript)
    .await;
    let chat = stage.sandbox.control().chat(lab::GROUP).await?;
    transcript.write(&told, &chat)?;
    told
}

struct Day<'a> {
    stage: &'a Stage,
    phone: Control,
}

impl Day<'_> {
    async fn tell(&self, transcript: &mut Transcript) -> anyhow::Result<()> {
        scene::open_the_lab(self.stage).await?;
        transcript.note("Ada may operate; the group hears alerts");

        scene::start_run(self.stage, ORDER).await?;
        let panel = scene::panel(self.stage, lab::GROUP).await?;
        let topic = self.topic().await?;
        transcript.note(&format!("{ORDER} started; its panel is pinned"));

        for number in 1..=3 {
            let file = self.next_picture(&panel, transcript).await?;
            transcript.note(&format!("picture {number}: {file}"));
        }

        scene::press(self.stage, lab::ADA, lab::GROUP, "Stop").await?;
        scene::press(self.stage, lab::ADA, lab::GROUP, "After this iteration").await?;
        self.panel_says(&panel, "stopped").await?;
        let stopped_at = self.reader(&topic).await?.iterations();
        self.save(&panel, transcript, "stopped").await?;
        transcript.note(&format!("stopped after iteration {stopped_at}"));

        self.press_on(&panel, "Start").await?;
        self.reaches(&topic, stopped_at + 2).await?;
        transcript.note(&format!("resumed with iteration {}", stopped_at + 1));

        let crashed = Instant::now();
        self.crash_solver(&topic)?;
        let alert = scene::hears(self.stage, lab::GROUP, "SIGABRT").await?;
        let took = crashed.elapsed();
        ensure!(
            took <= ALERT_WITHIN,
            "the alert took {took:?}; it should be there within {ALERT_WITHIN:?}"
        );
        transcript.note(&format!(
            "the solver crashed; the group heard of it after {} ms",
            took.as_millis()
        ));
        self.message_says(alert.id, "ecovered").await?;
        transcript.note("it runs again, and the alert says so");

        self.panel_says(&panel, "finished").await?;
        self.save(&panel, transcript, "finished").await?;
        let reader = self.reader(&topic).await?;
        transcript.note(&format!(
            "finished after iteration {}, attempt {}",
            reader.iterations(),
            reader.attempt()
        ));
        ensure!(
            reader.attempt() >= 3,
            "stop and crash make three attempts, but there were {}",
            reader.attempt()
        );
        self.only_one_panel(&panel).await?;

        let undisturbed = undisturbed_digest(&topic)?;
        ensure!(
            reader.digest() == undisturbed,
            "the results differ from an undisturbed run's: {} instead of {undisturbed}",
            reader.digest()
        );
        transcript.note(&format!(
            "every number is the undisturbed run's: digest {}",
            reader.digest()
        ));
        self.export(&topic, transcript).await
    }

    /// The run's topic: the only one that is not the system's.
    async fn topic(&self) -> anyhow::Result<Topic> {
        let own = |topic: &Topic| topic.as_str().starts_with("airy");
        let mut topics: Vec<_> = self.stage.log.list().await?.into_iter().filter(own).collect();
        match (topics.pop(), topics.len()) {
            (Some(topic), 0) => Ok(topic),
            (_, others) => bail!("expected one topic of airy, there are {}", others),
        }
    }

    async fn next_picture(
        &self,
        panel: &MessageState,
        transcript: &mut Transcript,
    ) -> anyhow::Result<String> {
        let seen = transcript.seen().to_vec();
        let news = |state: &State| {
            let file = state.chat(lab::GROUP)?.message(panel.id)?.file.clone()?;
            (!seen.contains(&file.sha256)).then_some(file)
        };
        let file = self.phone.wait_for("the next picture in the panel", news).await?;
        let bytes = self.phone.file(&file.sha256).await?;
        transcript.picture("panel", &file.sha256, &bytes)
    }

    async fn save(
        &self,
        panel: &MessageState,
        transcript: &mut Transcript,
        name: &str,
    ) -> anyhow::Result<()> {
        let chat = self.phone.chat(lab::GROUP).await?;
        let file = chat
            .message(panel.id)
            .and_then(|message| message.file.clone())
            .context("the panel is gone")?;
        let bytes = self.phone.file(&file.sha256).await?;
        transcript.picture(name, &file.sha256, &bytes).map(drop)
    }

    async fn panel_says(&self, panel: &MessageState, words: &str) -> anyhow::Result<()> {
        self.message_says(panel.id, words).await
    }

    async fn message_says(&self, message: i64, words: &str) -> anyhow::Result<()> {
        let says = |chat: &ChatState| chat.message(message)?.text.contains(words).then_some(());
        self.phone
            .wait_for(&format!("{words:?} in message {message}"), |state| {
                says(state.chat(lab::GROUP)?)
            })
            .await?;
        Ok(())
    }

    async fn press_on(&self, panel: &MessageState, label: &str) -> anyhow::Result<()> {
        let data = |chat: &ChatState| {
            let mut buttons = chat.message(panel.id)?.buttons.iter().flatten();
            buttons.find(|button| button.text.contains(label))?.data.clone()
        };
        let what = format!("{label:?} under the panel");
        let data = self
            .phone
            .wait_for(&what, |state| data(state.chat(lab::GROUP)?))
            .await?;
        self.phone
            .press_data(lab::ADA, lab::GROUP, panel.id, &data)
            .await?;
        Ok(())
    }

    async fn reader(&self, topic: &Topic) -> anyhow::Result<kymo_runlog::Replay> {
        replay::read(&*self.stage.log, topic, |_| Ok(())).await
    }

    async fn reaches(&self, topic: &Topic, iterations: u64) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        while self.reader(topic).await?.iterations() < iterations {
            ensure!(
                Instant::now() < until,
                "the run did not reach iteration {iterations} within {PATIENCE:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// What a real fault would do: SIGABRT out of nowhere.
    fn crash_solver(&self, topic: &Topic) -> anyhow::Result<()> {
        let short = ShortId::of(topic);
        let path = self
            .stage
            .config
            .data
            .join("runs")
            .join(short.as_str())
            .join("watchdog.json");
        let text = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let lives: serde_json::Value = serde_json::from_slice(&text)?;
        let pid = lives["solver"]["pid"]
            .as_i64()
            .context("the watchdog names no solver")?;
        Ok(kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGABRT)?)
    }

    async fn only_one_panel(&self, panel: &MessageState) -> anyhow::Result<()> {
        let chat = self.phone.chat(lab::GROUP).await?;
        let panels: Vec<_> = chat
            .messages
            .iter()
            .filter(|message| message.kind == "photo")
            .map(|m| m.id)
            .collect();
        ensure!(
            panels == [panel.id],
            "there must be one panel, but there are pictures in messages {panels:?}"
        );
        Ok(())
    }

    async fn export(&self, topic: &Topic, transcript: &mut Transcript) -> anyhow::Result<()> {
        let mut from = Position::START;
        loop {
            let page = self.stage.log.read(topic, from, 4 << 20).await?;
            let Some(last) = page.last() else { return Ok(()) };
            from = last.position.next();
            page.iter().try_for_each(|stored| transcript.message(stored))?;
        }
    }
}

/// The same run without anybody disturbing it, computed here.
fn undisturbed_digest(topic: &Topic) -> anyhow::Result<String> {
    match RunId::of_topic(topic)? {
        Named::Whole(run) => kymo_solver::undisturbed_digest(&run),
        Named::Cut(_) => bail!("the name of {topic} is cut; it does not tell the whole run"),
    }
}
