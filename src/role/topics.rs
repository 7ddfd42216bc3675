//! Lists what the log holds.

use kymo_runlog::{Log, Position, Topic};
use serde_json::json;

use crate::cli::{Common, Topics};
use crate::config::Config;

pub async fn run(common: Common, args: Topics) -> anyhow::Result<()> {
    let log = Config::load(&common)?.open_log().await?;
    let mut topics = log.list().await?;
    topics.sort();
    for topic in topics {
        let (messages, bytes) = measure(&*log, &topic).await?;
        if args.json {
            println!(
                "{}",
                json!({"topic": topic, "messages": messages, "bytes": bytes})
            );
        } else {
            println!("{messages:>8} messages {:>12} bytes  {topic}", bytes);
        }
    }
    Ok(())
}

/// Counts messages and their payload bytes.
async fn measure(log: &dyn Log, topic: &Topic) -> anyhow::Result<(u64, usize)> {
    const PAGE: usize = 4 << 20;
    let (mut messages, mut bytes, mut from) = (0, 0, Position::START);
    loop {
        let page = log.read(topic, from, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok((messages, bytes));
        };
        from = last.position.next();
        messages += page.len() as u64;
        bytes += page
            .iter()
            .map(|stored| stored.message.payload.len())
            .sum::<usize>();
    }
}
