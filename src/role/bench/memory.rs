//! `memory`: PSS of a graph worker at work, of the bot, and of the whole embedded system without solver.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use kymo_benches::Figure;
use kymo_runlog::{Log, Quantity, Record, RunId, RunWriter};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::stand_in_door::StandInDoor;
use super::up::Up;
use super::{edit, pss};
use crate::house::{Child, Environment};
use crate::role::demo::scene;
use crate::role::demo::stage::{Stage, lab};

const PICTURES: u64 = 100;
/// What a house with one growing run consists of, beside the solver.
const ROLES: [&str; 5] = ["up", "bot", "initiator", "watchdog", "graph-worker"];
const PATIENCE: Duration = Duration::from_secs(120);

/// The processes of a house are one program and share its pages, so a graph worker is measured as it lives,
/// beside a house; and once alone with the bench, which is the most that it can be.
pub async fn measure() -> anyhow::Result<Vec<Figure>> {
    let alone = graph_worker(10_000).await?;
    let folder = TempDir::new()?;
    let stop = CancellationToken::new();
    let anywhere = "127.0.0.1:0".parse().expect("a constant address");
    let stage = Stage::set(folder.path(), anywhere, None, stop.clone()).await?;
    let up = Up::start(stage.environment.variables()).await?;
    let small = graph_worker(10_000).await?;
    let large = graph_worker(1_000_000).await?;
    let house = house(&stage, folder.path()).await?;
    up.stop().await?;
    stop.cancel();

    let figure = |name: &str, pss| Figure::new(format!("memory.{name}"), pss, "MB");
    let mut figures = vec![
        beside_matplotlib(figure("graph_worker_1e4", small).goal(12.0), 10_000).await?,
        beside_matplotlib(figure("graph_worker_1e6", large).goal(40.0), 1_000_000).await?,
    ];
    figures.extend([
        figure("graph_worker_1e4_alone", alone),
        figure("bot", house["bot"]).goal(40.0),
        figure("system", house.values().sum()).goal(80.0),
    ]);
    Ok(figures)
}

/// Megabytes of a graph worker after a hundred pictures of a growing series.
async fn graph_worker(points: usize) -> anyhow::Result<f64> {
    let folder = TempDir::new()?;
    let door = StandInDoor::open().await?;
    let log = kymo_runlog::open(&kymo_runlog::LogConfig::embedded(folder.path())).await?;
    let writer = RunWriter::new(
        RunId {
            solver: "bench".into(),
            parameters: Default::default(),
        },
        1,
        "1",
    );
    let topic = writer.topic().clone();
    log.create(&topic).await?;
    let chunk = points / usize::try_from(PICTURES)?;
    log.append(&topic, vec![writer.marker(1, "bench")]).await?;
    std::fs::write(folder.path().join("door.token"), "bench")?;
    let environment = Environment::new(folder.path())
        .log(&kymo_runlog::LogConfig::embedded(folder.path()))
        .door(&door.url);
    let mut worker = Child {
        name: "graph worker",
        program: std::env::current_exe()?,
        arguments: ["graph-worker", "--topic", topic.as_str()]
            .map(Into::into)
            .to_vec(),
        environment,
        output: Some(folder.path().join("graph-worker.log")),
    }
    .spawn()?;
    // The first picture says that nothing is there yet.
    wait_for_pictures(&door, 1).await?;
    for iteration in 1..=PICTURES {
        append(&*log, &writer, iteration, chunk).await?;
        wait_for_pictures(&door, 1 + iteration).await?;
    }
    let pss = pss::of(worker.id().context("the graph worker ended")?)?;
    worker.kill().await?;
    Ok(pss)
}

async fn beside_matplotlib(figure: Figure, points: usize) -> anyhow::Result<Figure> {
    let folder = TempDir::new()?;
    Ok(match python_figure(folder.path(), points).await {
        Some(alternative) => figure.beside("matplotlib, figure reused", alternative),
        None => figure,
    })
}

async fn wait_for_pictures(door: &StandInDoor, wanted: u64) -> anyhow::Result<()> {
    let until = Instant::now() + PATIENCE;
    while door.pictures() < wanted {
        ensure!(
            Instant::now() < until,
            "the graph worker drew {} pictures, not {wanted}, within {PATIENCE:?}",
            door.pictures()
        );
        sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

async fn append(log: &dyn Log, writer: &RunWriter, iteration: u64, chunk: usize) -> anyhow::Result<()> {
    let first = (usize::try_from(iteration)? - 1) * chunk;
    let data = (first..first + chunk).map(|i| (i as f64 * 1e-3).sin()).collect();
    let axis = kymo_runlog::Axis {
        unit: None,
        points: kymo_runlog::Points::Even {
            start: first as f64,
            step: 1.0,
            count: chunk,
        },
    };
    let record = Record {
        iteration,
        total: Some(PICTURES),
        axes: vec![("i".into(), axis)],
        values: vec![(
            "wave".into(),
            Quantity::Array(kymo_runlog::Array {
                axes: vec!["i".into()],
                data,
                unit: None,
            }),
        )],
        state: None,
        pace: None,
    };
    log.append(writer.topic(), writer.record(&record, &[])?).await?;
    Ok(())
}

/// The same series drawn by matplotlib in a process of its own, where it is installed.
async fn python_figure(folder: &Path, points: usize) -> Option<f64> {
    let program = format!(
        "import matplotlib; matplotlib.use('Agg')\nimport matplotlib.pyplot as p, math\n\
         f, a = p.subplots(figsize=(12.8, 9.6), dpi=100)\nl, = a.plot([math.sin(i * 1e-3) for i in range({points})])\n\
         f.savefig('{}')\n\
         print(next(int(x.split()[1]) for x in open('/proc/self/smaps_rollup') if x.startswith('Pss:')))",
        folder.join("alternative.png").display()
    );
    let output = tokio::process::Command::new("python3")
        .args(["-c", &program])
        .output()
        .await
        .ok()?;
    let kilobytes: f64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}

/// Megabytes of each role while a run is growing, without the solver.
async fn house(stage: &Stage, data: &Path) -> anyhow::Result<BTreeMap<String, f64>> {
    scene::open_the_lab(stage).await?;
    scene::start_run(stage, "airy pace=0.3").await?;
    // By then every role has done all of its kinds of work more than once.
    let phone = stage.sandbox.control().patience(PATIENCE);
    let finished = |state: &kymo_telegram_sandbox::State| {
        let panel = scene::pinned_panel(state.chat(lab::GROUP)?)?;
        (edit::iteration(&panel.text)? >= 20).then_some(())
    };
    phone.wait_for("a panel that has grown", finished).await?;
    let mut sizes = BTreeMap::new();
    for (pid, role) in roles_of(data)? {
        *sizes.entry(role).or_insert(0.0) += pss::of(pid)?;
    }
    sizes.remove("solver");
    let missing = ROLES.iter().find(|role| !sizes.contains_key(**role));
    ensure!(
        missing.is_none(),
        "the house has no {missing:?}; it has {sizes:?}"
    );
    Ok(sizes)
}

/// The processes of the house whose data folder this is, with their roles.
fn roles_of(data: &Path) -> anyhow::Result<Vec<(u32, String)>> {
    let data = format!("KYMO_DATA={}", data.display());
    let mut roles = Vec::new();
    for process in std::fs::read_dir("/proc")?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(environment) = std::fs::read(process.path().join("environ")) else {
            continue;
        };
        let Ok(words) = std::fs::read_to_string(process.path().join("cmdline")) else {
            continue;
        };
        let ours = environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == data.as_bytes());
        if let (true, Some(role)) = (ours, words.split('\0').nth(1)) {
            roles.push((pid, role.to_owned()));
        }
    }
    Ok(roles)
}
