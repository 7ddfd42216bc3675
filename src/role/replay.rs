//! What a topic says after replay: how far its run came, the digest of its results, its records.

use std::io::{self, Write};

use anyhow::Context;
use kymo_runlog::{Change, Log, Position, Record, Replay as Reader, Topic};
use serde_json::json;

use crate::cli::{Common, Replay};
use crate::config::Config;
use crate::role::is_closed_pipe;

pub async fn run(common: Common, args: Replay) -> anyhow::Result<()> {
    let topic = Topic::parse(&args.topic)?;
    let log = Config::load(&common)?.open_log().await?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    match write(&*log, &topic, args.records, &mut out).await {
        Err(error) if is_closed_pipe(&error) => Ok(()),
        result => result,
    }
}

async fn write(log: &dyn Log, topic: &Topic, records: bool, out: &mut impl Write) -> anyhow::Result<()> {
    if records {
        write_records(log, topic, out).await?;
    } else {
        let mut rejected = 0u64;
        let reader = read(log, topic, |change| {
            rejected += u64::from(matches!(change, Change::Rejected(_)));
            Ok(())
        })
        .await?;
        let summary = json!({
            "topic": topic,
            "iterations": reader.iterations(),
            "attempt": reader.attempt(),
            "digest": reader.digest(),
            "rejected": rejected,
            "missing_beginning": reader.missing_beginning(),
        });
        writeln!(out, "{summary}")?;
    }
    Ok(out.flush()?)
}

/// Prints the usable prefix. What a later attempt took back must not be printed, so a first
/// reading finds out which attempt's word counts for each iteration.
async fn write_records(log: &dyn Log, topic: &Topic, out: &mut impl Write) -> anyhow::Result<()> {
    let mut in_effect: Vec<u32> = Vec::new();
    read(log, topic, |change| {
        match change {
            Change::Forgotten { from } => in_effect.truncate(usize::try_from(from - 1)?),
            Change::Iteration { attempt, .. } => in_effect.push(attempt),
            Change::Attempt(_) | Change::Rejected(_) | Change::Complaint(_) | Change::Ended(_) => {}
        }
        Ok(())
    })
    .await?;
    read(log, topic, |change| match change {
        Change::Iteration { attempt, record } if counts(&in_effect, attempt, &record) => {
            serde_json::to_writer(&mut *out, &record).context("write a record")?;
            Ok(writeln!(out)?)
        }
        Change::Iteration { .. }
        | Change::Attempt(_)
        | Change::Forgotten { .. }
        | Change::Rejected(_)
        | Change::Complaint(_)
        | Change::Ended(_) => Ok(()),
    })
    .await?;
    Ok(())
}

fn counts(in_effect: &[u32], attempt: u32, record: &Record) -> bool {
    usize::try_from(record.iteration - 1)
        .ok()
        .and_then(|index| in_effect.get(index))
        == Some(&attempt)
}

/// Replays the topic up to its present end.
pub async fn read(
    log: &dyn Log,
    topic: &Topic,
    mut each: impl FnMut(Change) -> anyhow::Result<()>,
) -> anyhow::Result<Reader> {
    const PAGE: usize = 4 << 20;
    let mut reader = Reader::new(topic.clone());
    let mut from = Position::START;
    loop {
        let page = log.read(topic, from, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(reader);
        };
        from = last.position.next();
        for stored in &page {
            for change in reader.push(stored) {
                each(change)?;
            }
        }
    }
}
