//! Prints what a run's solver printed, from the run's output topic; any machine that reaches the log can.

use std::io::{self, ErrorKind, Write};

use anyhow::{Context, bail};
use futures::StreamExt;
use kymo_runlog::{OutputReader, Position, Topic};
use tokio_util::sync::CancellationToken;

use crate::cli::{Common, Log};
use crate::config::Config;

const PAGE: usize = 1 << 20;

pub async fn run(common: Common, args: Log, stop: CancellationToken) -> anyhow::Result<()> {
    let topic = Topic::parse(&args.topic)?;
    let output = topic.output();
    let log = Config::load(&common)?.open_log().await?;
    if !log.exists(&output).await? {
        bail!(
            "{topic} has no output topic; what a solver prints is copied into one if its table says log-topic = true"
        );
    }
    let mut reader = OutputReader::new(topic);
    let mut out = io::stdout().lock();
    let mut from = Position::START;
    loop {
        let page = log.read(&output, from, PAGE).await?;
        let Some(last) = page.last() else { break };
        from = last.position.next();
        for bytes in page.iter().filter_map(|stored| reader.push(stored)) {
            if !write(&mut out, bytes)? {
                return Ok(());
            }
        }
    }
    if !args.follow {
        return Ok(());
    }
    let mut news = log.follow(&output, from).await?;
    while let Some(Some(stored)) = stop.run_until_cancelled(news.next()).await {
        if let Some(bytes) = reader.push(&stored?)
            && !write(&mut out, bytes)?
        {
            break;
        }
    }
    Ok(())
}

/// Whether anybody still reads: who had enough (`| head`) is no error.
fn write(out: &mut impl Write, bytes: &[u8]) -> anyhow::Result<bool> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("print the output"),
    }
}
