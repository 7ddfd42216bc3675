//! Out of a log: everything that a topic holds now, in its order, whatever it is.

use std::io::{self, Write};

use chrono::Utc;
use serde::Serialize;

use super::line::{Header, Line, Summary, Tally, VERSION};
use crate::{Log, LogError, Message, Position, Topic};

/// Held in memory at once.
const PAGE: usize = 1 << 20;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error("cannot write the export: {0}")]
    Write(#[from] io::Error),
    #[error(
        "the topic {0} lost its beginning while it was exported (retention, or somebody started it afresh), so the export \
         is not whole and has no last line; export it again"
    )]
    Shrunk(Topic),
}

/// Writes what stands in the topic now; what is appended meanwhile is left for the next time.
pub async fn export(log: &dyn Log, topic: &Topic, out: &mut impl Write) -> Result<Summary, ExportError> {
    let end = log.end(topic).await?;
    let header = Header {
        version: VERSION,
        topic: topic.clone(),
        log: log.describe(),
        at: Utc::now(),
    };
    write(out, &header)?;
    let mut tally = Tally::default();
    let first = find_first(log, topic).await?;
    let mut from = Position::START;
    'pages: while from < end {
        let page = log.read(topic, from, PAGE).await?;
        let Some(last) = page.last() else { break };
        from = last.position.next();
        for stored in page {
            if stored.position >= end {
                break 'pages;
            }
            tally.count(&stored.message);
            write(out, &Line::of(stored))?;
        }
    }
    // Positions may have gaps, so a hole cannot be counted; but nothing goes that leaves the first message.
    if find_first(log, topic).await? != first {
        return Err(ExportError::Shrunk(topic.clone()));
    }
    let summary = tally.summary();
    write(out, &summary)?;
    out.flush()?;
    Ok(summary)
}

async fn find_first(log: &dyn Log, topic: &Topic) -> Result<Option<(Position, Message)>, LogError> {
    let first = log.read(topic, Position::START, 1).await?.into_iter().next();
    Ok(first.map(|stored| (stored.position, stored.message)))
}

fn write(out: &mut impl Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, line)?;
    out.write_all(b"\n")
}
