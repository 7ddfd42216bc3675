//! `edit`: from a record that is in the log to the panel's edit arriving at Telegram, budget free.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context;
use kymo_benches::{Figure, median, percentile};
use kymo_runlog::{Change, Log, LogConfig, Position, Replay, Topic};
use kymo_telegram_sandbox::{CallSeen, ChatState, Control, State};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::role::demo::scene;
use crate::role::demo::stage::{Stage, lab};
use crate::role::up::House;

/// Records of each run; with three runs enough that the 99th percentile is not the worst one.
const RECORDS: u64 = 75;
/// A run's first panels share the chat's budget with the answers to the order; they are not counted.
const WARM_UP: u64 = 5;
/// Seconds between the records of a run: more than the second that a private chat asks for, so that its
/// budget is free for every one, and not the same, so that the runs meet now and then as runs do.
const PACES: [(i64, f64); 3] = [(lab::GRACE, 1.4), (lab::ADA, 1.5), (lab::DOROTHY, 1.6)];

pub async fn measure(kafka: Option<&str>) -> anyhow::Result<Vec<Figure>> {
    let mut figures = of_log("edit.embedded", None, 50.0).await?;
    if let Some(brokers) = kafka {
        figures.extend(of_log("edit.kafka", Some(format!("kafka:{brokers}").parse()?), 100.0).await?);
    }
    Ok(figures)
}

async fn of_log(name: &str, log: Option<LogConfig>, goal: f64) -> anyhow::Result<Vec<Figure>> {
    let folder = TempDir::new()?;
    let stop = CancellationToken::new();
    let anywhere = "127.0.0.1:0".parse().expect("a constant address");
    let stage = Stage::set(folder.path(), anywhere, log, stop.clone()).await?;
    let house_stop = stop.child_token();
    let mut house = House::open(
        &stage.config,
        stage.log.clone(),
        stage.environment.clone(),
        &house_stop,
    )
    .await?;
    house.wait_until_ready(&stage.config).await?;
    let took = edits(&stage).await;
    house_stop.cancel();
    house.until_stopped(&stage.config).await?;
    stop.cancel();
    let (mut took, topics) = took?;
    for topic in &topics {
        // A Kafka outlives the bench.
        stage.log.delete(topic).await?;
    }
    Ok(vec![
        Figure::new(format!("{name}_p50"), median(took.clone()), "ms"),
        Figure::new(format!("{name}_p99"), percentile(&mut took, 0.99), "ms").goal(goal),
    ])
}

/// Milliseconds from each record to the first edit that shows it or a later one. The runs are watched in
/// private chats of several people. Also the topics of the runs.
async fn edits(stage: &Stage) -> anyhow::Result<(Vec<f64>, Vec<Topic>)> {
    let phone = stage.sandbox.control().patience(Duration::from_secs(60));
    let mut panels = Vec::new();
    for (person, pace) in PACES {
        panels.push(Panel::open(stage, person, pace).await?);
    }
    let mut took = Vec::new();
    let mut seen = 0;
    while panels.iter().any(|panel| panel.shown < RECORDS) {
        phone.wait_for_call(seen, is_edit).await?;
        let (calls, state) = at_one_moment(&phone, seen).await?;
        seen = calls.last().map_or(seen, |call| call.n);
        for panel in &mut panels {
            let edit = calls
                .iter()
                .rev()
                .find(|call| is_edit(call) && call.chat == Some(panel.chat));
            if let (Some(edit), Some(chat)) = (edit, state.chat(panel.chat)) {
                took.extend(panel.edited(&*stage.log, edit, chat).await?);
            }
        }
    }
    // An order whose run has not ended would be carried out again.
    let all_finished = |state: &State| {
        let finished = |panel: &Panel| {
            let message = state.chat(panel.chat).and_then(scene::pinned_panel);
            message.is_some_and(|message| message.text.contains("finished"))
        };
        panels.iter().all(finished).then_some(())
    };
    phone.wait_for("the ends of the runs", all_finished).await?;
    Ok((took, panels.into_iter().map(|panel| panel.topic).collect()))
}

fn is_edit(call: &CallSeen) -> bool {
    call.method.eq_ignore_ascii_case("editMessageMedia") && call.code == 200
}

/// The calls after `seen`, and the chats as the last of them left them.
async fn at_one_moment(phone: &Control, seen: u64) -> anyhow::Result<(Vec<CallSeen>, State)> {
    loop {
        let before = phone.calls(seen).await?;
        let state = phone.state().await?;
        if phone.calls(seen).await?.len() == before.len() {
            return Ok((before, state));
        }
    }
}

/// A run and the private chat that shows it.
struct Panel {
    chat: i64,
    topic: Topic,
    replay: Replay,
    next: Position,
    /// The newest iteration that an edit has shown.
    shown: u64,
    /// When the later ones were appended, in milliseconds since the epoch.
    waiting: BTreeMap<u64, f64>,
}

impl Panel {
    async fn open(stage: &Stage, person: i64, pace: f64) -> anyhow::Result<Self> {
        let phone = stage.sandbox.control();
        if person != lab::GRACE {
            let grant = format!("/access grant {person} operator");
            phone.send(lab::GRACE, lab::GRACE, &grant).await?;
            scene::hears(stage, lab::GRACE, &person.to_string()).await?;
        }
        // Other parameters make another run, also on a Kafka where an earlier bench was ended halfway.
        let steps = rand::random_range(1000..1_000_000) / 100;
        let order = format!("/run lorenz pace={pace} iterations={RECORDS} steps={steps}");
        phone.send(person, person, &order).await?;
        scene::press(stage, person, person, "Start").await?;
        scene::panel(stage, person).await?;
        let name = format!("steps.{steps}");
        let own = |topic: &Topic| topic.as_str().starts_with("lorenz-") && topic.as_str().contains(&name);
        let topics = stage.log.list().await?;
        let topic = topics.into_iter().find(own).context("the run's topic")?;
        Ok(Self {
            chat: person,
            replay: Replay::new(topic.clone()),
            topic,
            next: Position::START,
            shown: 0,
            waiting: BTreeMap::new(),
        })
    }

    /// The records that this edit showed first, in milliseconds since they were appended.
    async fn edited(&mut self, log: &dyn Log, edit: &CallSeen, chat: &ChatState) -> anyhow::Result<Vec<f64>> {
        for stored in log.read(&self.topic, self.next, 1 << 20).await? {
            self.next = stored.position.next();
            for change in self.replay.push(&stored) {
                if let Change::Iteration { record, .. } = change {
                    let at = stored.at.timestamp_micros() as f64 / 1e3;
                    self.waiting.insert(record.iteration, at);
                }
            }
        }
        let panel = scene::pinned_panel(chat).context("the panel is not pinned any more")?;
        self.shown = iteration(&panel.text).context("the panel says no iteration")?;
        let later = self.waiting.split_off(&(self.shown + 1));
        let shown = std::mem::replace(&mut self.waiting, later).into_iter();
        let counted = shown.filter(|(iteration, _)| *iteration > WARM_UP);
        Ok(counted.map(|(_, at)| edit.time as f64 - at).collect())
    }
}

/// The iteration in a panel's words.
pub fn iteration(caption: &str) -> Option<u64> {
    let (_, rest) = caption.split_once("iteration ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_says_which_iteration_it_shows() {
        assert_eq!(
            iteration("lorenz x0=1\niteration 12/2000 · 0 %\n▶️ running"),
            Some(12)
        );
        assert_eq!(iteration("monte-carlo\niteration 7"), Some(7));
        assert_eq!(iteration("waiting"), None);
    }
}
