//! `chaos`: kill -9 of any role, again and again over one run, at moments drawn from a seed. Afterwards the topic must
//! replay to the digest of an undisturbed run, for a reader that was there all the time as well as for a new one, and
//! the chat must show one panel.

mod house;
mod plan;

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use futures::StreamExt;
use kymo_benches::Figure;
use kymo_runlog::{Log, LogConfig, Position, Replay, Topic, Window, delete_run};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep, timeout};

use crate::cli::Chaos;
use crate::role::demo::scene;
use crate::role::demo::stage::lab;
use house::{House, is_alive, signal};
use plan::{Blow, Role, plan};

/// How long somebody may take to come by, or to be there to be killed.
const PATIENCE: Duration = Duration::from_secs(120);
const STEP: Duration = Duration::from_millis(10);
/// So slow that the run outlives the kills.
const PAUSE: f64 = 0.4;
fn iterations(kills: u32) -> u32 {
    100 + 6 * kills
}

pub const SOLVERS: [&str; 4] = ["airy", "lorenz", "monte-carlo", "walk"];

pub async fn measure(chaos: &Chaos, kafka: Option<&str>) -> anyhow::Result<Vec<Figure>> {
    if let Some(unknown) = chaos
        .solvers
        .iter()
        .find(|name| !SOLVERS.contains(&name.as_str()))
    {
        bail!(
            "chaos knows no solver {unknown:?}; it knows {}",
            SOLVERS.join(", ")
        );
    }
    let mut figures = Vec::new();
    for solver in SOLVERS
        .into_iter()
        .filter(|name| chaos.solvers.is_empty() || chaos.solvers.iter().any(|n| n == name))
    {
        let (name, log) = match kafka {
            None => ("embedded", None),
            Some(brokers) => ("kafka", Some(format!("kafka:{brokers}").parse::<LogConfig>()?)),
        };
        let house = House::open(log).await?;
        let fire = Fire::new(&house, chaos, solver);
        let result = fire.run().await;
        let folder = house.close(result.is_err()).await?;
        let told = result.with_context(|| {
            format!(
                "{solver} with seed {} on the {name} log; what was left is in {}",
                chaos.seed,
                folder.display()
            )
        })?;
        let figure =
            |what: &str, value: f64, unit| Figure::new(format!("chaos.{name}.{solver}.{what}"), value, unit);
        figures.extend([
            figure("kills", f64::from(told.kills), "kills"),
            figure("in_windows", f64::from(told.in_windows), "kills"),
            figure("zombies", f64::from(told.zombies), "zombies"),
            figure("attempts", f64::from(told.attempts), "attempts"),
            figure("took", told.seconds, "s"),
        ]);
    }
    Ok(figures)
}

/// What one run went through.
#[derive(Default)]
struct Told {
    kills: u32,
    in_windows: u32,
    zombies: u32,
    attempts: u32,
    seconds: f64,
    /// Messages that Telegram took and the bot did not live to write down.
    accepted: u32,
}

struct Fire<'a> {
    house: &'a House,
    chaos: &'a Chaos,
    order: String,
    slowly: String,
    at_once: String,
}

impl<'a> Fire<'a> {
    fn new(house: &'a House, chaos: &'a Chaos, solver: &str) -> Self {
        let iterations = iterations(chaos.kills);
        let order = match solver {
            // 5001 rows at this mesh.
            "airy" => format!("airy h=0.02 window={}", (5001 / iterations).max(1)),
            "monte-carlo" => format!("monte-carlo samples=100 batches={iterations}"),
            other => format!("{other} iterations={iterations}"),
        };
        let pace = if solver == "walk" { "pause" } else { "pace" };
        Self {
            house,
            chaos,
            order,
            slowly: format!("{pace}={PAUSE}"),
            at_once: if solver == "walk" {
                "pause=0".into()
            } else {
                String::new()
            },
        }
    }

    async fn run(&self) -> anyhow::Result<Told> {
        let undisturbed = self.undisturbed().await.context("the undisturbed run")?;
        let stage = &self.house.stage;
        timeout(PATIENCE, self.house.until_ready())
            .await
            .context("bot and initiators did not get ready")??;
        scene::open_the_lab(stage).await?;
        let others = runs(self.house.log()).await?;
        ensure!(
            others.is_empty(),
            "chaos needs a log of its own, and this one holds {} runs; name the brokers of a cluster without any",
            others.len()
        );
        let began = Instant::now();
        let mut told = Told::default();
        let phone = stage.sandbox.control();
        let (ada, group) = (lab::ADA, lab::GROUP);
        phone
            .send(ada, group, &format!("/run {} {}", self.order, self.slowly))
            .await?;
        scene::press(stage, ada, group, "Start").await?;
        // What is shown next is accepted and not written down: the card's answer, or the first picture.
        self.house.arm(Window::Accepted)?;
        let topic = self.topic().await?;
        let witness = tokio::spawn(witness(stage.log.clone(), topic.clone()));
        if self.somebody_came_by(Window::Accepted).await? {
            told.kills += 1;
            told.in_windows += 1;
            told.accepted += 1;
        }
        for planned in plan(self.chaos.seed, self.chaos.kills) {
            sleep(planned.after).await;
            ensure!(
                replay(self.house.log(), &topic).await?.ended().is_none(),
                "the run was over after {} of {} kills",
                told.kills,
                self.chaos.kills
            );
            self.strike(planned.blow, &topic, &mut told).await?;
            eprintln!("{:?}: kill {} of {}", planned.blow, told.kills, self.chaos.kills);
        }
        let seen = timeout(self.rest(), witness)
            .await
            .context("the run did not finish")???;
        told.seconds = began.elapsed().as_secs_f64();
        let replayed = replay(self.house.log(), &topic).await?;
        told.attempts = replayed.attempt();
        ensure!(
            replayed.digest() == undisturbed,
            "replays to {} instead of {undisturbed}",
            replayed.digest()
        );
        ensure!(
            seen == undisturbed,
            "whoever followed it saw {seen} instead of {undisturbed}"
        );
        self.check_chat(&told).await?;
        delete_run(self.house.log(), &topic).await?;
        Ok(told)
    }

    /// The same run in a log of its own, by `kymo run`.
    async fn undisturbed(&self) -> anyhow::Result<String> {
        let folder = self.house.path("undisturbed");
        let mut words = self.order.split(' ').chain(self.at_once.split_whitespace());
        let ended = tokio::process::Command::new(std::env::current_exe()?)
            .arg("run")
            .args(words.by_ref())
            .env("KYMO_CONFIG", self.house.path("kymo.toml"))
            .env("KYMO_DATA", &folder)
            .env("KYMO_LOG", format!("embedded:{}", folder.display()))
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output();
        let ended = timeout(PATIENCE, ended).await.context("it did not end")??;
        ensure!(
            ended.status.success(),
            "kymo run {}: {}: {}",
            self.order,
            ended.status,
            String::from_utf8_lossy(&ended.stderr).trim()
        );
        let log = kymo_runlog::open(&LogConfig::embedded(Path::new(&folder))).await?;
        let topic = runs(&*log).await?.pop().context("it has no topic")?;
        Ok(replay(&*log, &topic).await?.digest())
    }

    async fn topic(&self) -> anyhow::Result<Topic> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(topic) = runs(self.house.log()).await?.pop() {
                return Ok(topic);
            }
            sleep(STEP).await;
        }
        bail!("no topic for {} within {PATIENCE:?}", self.order)
    }

    async fn strike(&self, blow: Blow, topic: &Topic, told: &mut Told) -> anyhow::Result<()> {
        match blow {
            Blow::Kill(role) => {
                self.kill(role, topic).await?;
                told.kills += 1;
            }
            Blow::In(window) => {
                self.house.arm(window)?;
                if let Window::Claimed | Window::Marked = window {
                    // Only a new attempt comes by there.
                    self.kill(Role::Solver, topic).await?;
                }
                ensure!(
                    self.somebody_came_by(window).await?,
                    "nobody came by the window {window:?} within {PATIENCE:?}"
                );
                told.kills += 1;
                told.in_windows += 1;
                told.accepted += u32::from(window == Window::Accepted);
            }
            Blow::Zombie => {
                self.raise_zombie(topic).await?;
                told.zombies += 1;
            }
        }
        Ok(())
    }

    async fn kill(&self, role: Role, topic: &Topic) -> anyhow::Result<()> {
        let pid = self.find(role, topic).await?;
        signal(pid, Signal::SIGKILL);
        while is_alive(pid) {
            sleep(STEP).await;
        }
        Ok(())
    }

    async fn find(&self, role: Role, topic: &Topic) -> anyhow::Result<i32> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(pid) = self.house.find(role, topic) {
                return Ok(pid);
            }
            sleep(STEP).await;
        }
        bail!("there was no {role:?} to kill within {PATIENCE:?}")
    }

    async fn somebody_came_by(&self, window: Window) -> anyhow::Result<bool> {
        let until = Instant::now() + PATIENCE;
        while self.house.is_armed(window) {
            if Instant::now() >= until {
                return Ok(!self.house.disarm(window));
            }
            sleep(STEP).await;
        }
        Ok(true)
    }

    /// Declared dead while it is frozen, it comes back and goes on writing.
    async fn raise_zombie(&self, topic: &Topic) -> anyhow::Result<()> {
        // Solver first: there is one only while its watchdog lives.
        let solver = self.find(Role::Solver, topic).await?;
        let watchdog = self.find(Role::Watchdog, topic).await?;
        let attempt = replay(self.house.log(), topic).await?.attempt();
        signal(watchdog, Signal::SIGSTOP);
        signal(solver, Signal::SIGSTOP);
        let until = Instant::now() + PATIENCE;
        while replay(self.house.log(), topic).await?.attempt() == attempt {
            ensure!(
                Instant::now() < until,
                "nobody took the run of a frozen watchdog over within {PATIENCE:?}"
            );
            sleep(STEP * 10).await;
        }
        signal(solver, Signal::SIGCONT);
        signal(watchdog, Signal::SIGCONT);
        Ok(())
    }

    /// How long the rest of the run may take.
    fn rest(&self) -> Duration {
        let iterations = f64::from(iterations(self.chaos.kills));
        PATIENCE + Duration::from_secs_f64(2.0 * PAUSE * iterations)
    }

    async fn check_chat(&self, told: &Told) -> anyhow::Result<()> {
        let phone = self.house.stage.sandbox.control().patience(PATIENCE);
        phone
            .wait_for("a panel that says finished", |state| {
                let panel = scene::pinned_panel(state.chat(lab::GROUP)?)?;
                panel.text.contains("finished").then_some(())
            })
            .await?;
        let chat = phone.chat(lab::GROUP).await?;
        let photos: Vec<_> = chat
            .messages
            .iter()
            .filter(|message| message.kind == "photo")
            .collect();
        let pinned = photos.iter().filter(|message| message.pinned).count();
        ensure!(pinned == 1, "{pinned} panels are pinned");
        // A crash between acceptance and our record may leave an unpinned copy of a new panel, and nothing else.
        let most = 1 + told.accepted as usize;
        ensure!(photos.len() <= most, "{} panels in the chat", photos.len());
        Ok(())
    }
}

async fn runs(log: &dyn Log) -> anyhow::Result<Vec<Topic>> {
    let all = log.list().await?;
    Ok(all
        .into_iter()
        .filter(|topic| !topic.as_str().starts_with("kymo."))
        .collect())
}

async fn replay(log: &dyn Log, topic: &Topic) -> anyhow::Result<Replay> {
    let mut reader = Replay::new(topic.clone());
    let mut from = Position::START;
    loop {
        let page = log.read(topic, from, 4 << 20).await?;
        let Some(last) = page.last() else {
            return Ok(reader);
        };
        from = last.position.next();
        for stored in &page {
            reader.push(stored);
        }
    }
}

/// Follows the topic from the beginning until its run has ended, and says what it saw.
async fn witness(log: Arc<dyn Log>, topic: Topic) -> anyhow::Result<String> {
    let mut reader = Replay::new(topic.clone());
    let mut stream = log.follow(&topic, Position::START).await?;
    while reader.ended().is_none_or(|outcome| !outcome.finished) {
        let stored = stream.next().await.context("the topic ended")??;
        reader.push(&stored);
    }
    Ok(reader.digest())
}
