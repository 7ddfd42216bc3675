//! `catchup`: consumers that are started again at the same time, until each has read and replayed a whole topic.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};
use futures::StreamExt;
use kymo_benches::{Figure, median};
use kymo_runlog::{
    Array, Axis, Log, LogConfig, Points, Position, Quantity, Record, Replay, RunId, RunWriter, Topic, open,
};
use tempfile::TempDir;
use tokio::task::JoinSet;

const ITERATIONS: u64 = 1000;
/// In each iteration's record.
const VALUES: usize = 100;
const CONSUMERS: [usize; 3] = [1, 10, 100];
const TIMES: usize = 3;

pub async fn measure(kafka: Option<&str>) -> anyhow::Result<Vec<Figure>> {
    let folder = TempDir::new()?;
    let mut figures = of_log("catchup.embedded", LogConfig::embedded(folder.path())).await?;
    if let Some(brokers) = kafka {
        figures.extend(of_log("catchup.kafka", LogConfig::kafka(brokers)).await?);
    }
    Ok(figures)
}

async fn of_log(name: &str, config: LogConfig) -> anyhow::Result<Vec<Figure>> {
    let log = open(&config).await?;
    let topic = fill(&*log).await?;
    let mut figures = Vec::new();
    for consumers in CONSUMERS {
        let mut took = Vec::new();
        for _ in 0..TIMES {
            took.push(all_catch_up(&config, &topic, consumers).await?);
        }
        figures.push(Figure::new(format!("{name}_{consumers}"), median(took), "s"));
    }
    log.delete(&topic).await?;
    Ok(figures)
}

/// A run that nobody else has.
async fn fill(log: &dyn Log) -> anyhow::Result<Topic> {
    let unique = kymo_runlog::Value::Text(hex::encode(rand::random::<[u8; 8]>()));
    let run = RunId {
        solver: "bench".into(),
        parameters: [("catchup", unique)].into_iter().collect(),
    };
    let writer = RunWriter::new(run, 1, "1");
    let topic = writer.topic().clone();
    log.create(&topic).await?;
    log.append(&topic, vec![writer.marker(1, "bench")]).await?;
    for iteration in 1..=ITERATIONS {
        log.append(&topic, writer.record(&record(iteration), &[])?)
            .await?;
    }
    Ok(topic)
}

fn record(iteration: u64) -> Record {
    let points = Points::Even {
        start: iteration as f64,
        step: 0.01,
        count: VALUES,
    };
    let data = (0..VALUES)
        .map(|i| (iteration as f64 + i as f64 * 0.01).sin())
        .collect();
    let array = Array {
        axes: vec!["t".into()],
        data,
        unit: None,
    };
    Record {
        iteration,
        axes: vec![("t".into(), Axis { unit: None, points })],
        values: vec![("wave".into(), Quantity::Array(array))],
        ..Record::default()
    }
}

/// Seconds until the last has caught up. Each has a connection of its own, as processes would.
async fn all_catch_up(config: &LogConfig, topic: &Topic, consumers: usize) -> anyhow::Result<f64> {
    let begun = Instant::now();
    let mut all = JoinSet::new();
    for _ in 0..consumers {
        let (config, topic) = (config.clone(), topic.clone());
        all.spawn(async move { catch_up(open(&config).await?, topic).await });
    }
    while let Some(one) = all.join_next().await {
        one??;
    }
    Ok(begun.elapsed().as_secs_f64())
}

async fn catch_up(log: Arc<dyn Log>, topic: Topic) -> anyhow::Result<()> {
    let end = log.end(&topic).await?;
    let mut replay = Replay::new(topic.clone());
    let mut news = log.follow(&topic, Position::START).await?;
    let mut next = Position::START;
    while next < end {
        let stored = news.next().await.context("the stream ended")??;
        next = stored.position.next();
        replay.push(&stored);
    }
    ensure!(
        replay.iterations() == ITERATIONS,
        "replay stopped at iteration {}",
        replay.iterations()
    );
    Ok(())
}
