//! `edit`: from a record that is in the log to the panel's edit arriving at Telegram, budget free.

use std::time::Duration;

use anyhow::Context;
use kymo_benches::{Figure, median, percentile};
use kymo_runlog::LogConfig;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::role::demo::scene;
use crate::role::demo::stage::{Stage, lab};
use crate::role::up::House;

const EDITS: usize = 60;

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
    let mut took = took?;
    Ok(vec![
        Figure::new(format!("{name}_p50"), median(took.clone()), "ms"),
        Figure::new(format!("{name}_p99"), percentile(&mut took, 0.99), "ms").goal(goal),
    ])
}

/// Milliseconds of each edit. A run so slow that the private chat's budget of one message a second is free
/// for every one of its records.
async fn edits(stage: &Stage) -> anyhow::Result<Vec<f64>> {
    let phone = stage.sandbox.control().patience(Duration::from_secs(120));
    let grace = lab::GRACE;
    phone
        .send(grace, grace, "/run lorenz pace=1.3 iterations=200")
        .await?;
    scene::press(stage, grace, grace, "Start").await?;
    scene::panel(stage, grace).await?;
    let own = |topic: &kymo_runlog::Topic| topic.as_str().starts_with("lorenz");
    let topic = stage
        .log
        .list()
        .await?
        .into_iter()
        .find(own)
        .context("the run's topic")?;
    let mut took = Vec::new();
    let mut calls_seen = phone.calls(0).await?.last().map_or(0, |call| call.n);
    let mut position = stage.log.end(&topic).await?;
    while took.len() < EDITS {
        let call = phone
            .wait_for_call(calls_seen, |call| {
                call.method.eq_ignore_ascii_case("editMessageMedia") && call.code == 200
            })
            .await?;
        calls_seen = call.n;
        // The newest record that was in the log when the edit arrived is the one it shows.
        let page = stage.log.read(&topic, position, 1 << 20).await?;
        let shown = page
            .iter()
            .rev()
            .find(|stored| stored.at.timestamp_millis() <= call.time);
        if let Some(stored) = shown {
            position = stored.position.next();
            took.push((call.time - stored.at.timestamp_millis()) as f64);
        }
    }
    Ok(took)
}
