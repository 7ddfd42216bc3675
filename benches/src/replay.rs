//! `replay`: the whole demonstration topic (1.01e6 values) out of the embedded log, back to its usable prefix.

use std::time::Instant;

use anyhow::ensure;
use kymo_runlog::{LogConfig, Outcome, Parameters, Position, Replay, RunWriter};
use kymo_solver::find_built_in;
use serde_json::Value;

use crate::{Figure, median};

const TIMES: usize = 5;

/// Reading and replaying, beside parsing the same payloads as untyped JSON.
pub async fn replay() -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::TempDir::new()?;
    let log = kymo_runlog::open(&LogConfig::embedded(folder.path())).await?;
    let solver = find_built_in("airy").expect("airy is built in");
    let run = solver
        .card
        .complete(&Parameters::default())
        .map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let writer = RunWriter::new(run.clone(), 1, solver.card.version.as_str());
    let topic = writer.topic().clone();
    log.create(&topic).await?;
    log.append(&topic, vec![writer.marker(1, "bench")]).await?;
    let mut calculation = solver.start(&run.parameters)?;
    let mut iterations = 0;
    while let Some(record) = calculation.next()? {
        iterations = record.iteration;
        log.append(&topic, writer.record(&record, &[])?).await?;
    }
    log.append(
        &topic,
        vec![writer.end(&Outcome {
            iterations,
            finished: true,
        })],
    )
    .await?;

    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let started = Instant::now();
        let mut reader = Replay::new(topic.clone());
        let mut from = Position::START;
        loop {
            let page = log.read(&topic, from, 1 << 20).await?;
            let Some(last) = page.last() else { break };
            from = last.position.next();
            for stored in &page {
                std::hint::black_box(reader.push(stored));
            }
        }
        ours.push(started.elapsed().as_secs_f64());
        ensure!(
            reader.iterations() == iterations,
            "replay stopped at iteration {}",
            reader.iterations()
        );

        let started = Instant::now();
        let mut from = Position::START;
        loop {
            let page = log.read(&topic, from, 1 << 20).await?;
            let Some(last) = page.last() else { break };
            from = last.position.next();
            for stored in &page {
                std::hint::black_box(serde_json::from_slice::<Value>(&stored.message.payload)?);
            }
        }
        plain.push(started.elapsed().as_secs_f64());
    }
    let figure = Figure::new("replay.embedded", median(ours), "s").goal(0.5);
    Ok(vec![
        figure.beside("the same payloads as untyped JSON", median(plain)),
    ])
}
