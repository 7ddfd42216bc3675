//! A topic out of a file or a pipe into the log.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, bail};
use kymo_runlog::claim::{self, Claim, Lease, Leases};
use kymo_runlog::moving::{IfThere, Source, import};
use kymo_runlog::{Log, LogError, Position, Topic};
use tokio_util::sync::CancellationToken;

use crate::cli::{Common, Import};
use crate::config::Config;
use crate::role::{replay, unless_stopped};

pub async fn run(common: Common, args: Import, stop: CancellationToken) -> anyhow::Result<()> {
    unless_stopped(stop, async move {
        let config = Config::load(&common)?;
        config.make_data_folder()?;
        let log = config.open_log().await?;
        if args.file == Path::new("-") {
            let source = Source::open(BufReader::new(io::stdin())).context("standard input")?;
            return take(&*log, &args, source).await;
        }
        let open = || -> anyhow::Result<Source<BufReader<File>>> {
            let file =
                File::open(&args.file).with_context(|| format!("cannot open {}", args.file.display()))?;
            Source::open(BufReader::new(file)).with_context(|| args.file.display().to_string())
        };
        // A file can be read twice: nothing is written before all of it was found to be whole.
        let mut whole = open()?;
        while whole
            .read()
            .with_context(|| args.file.display().to_string())?
            .is_some()
        {}
        take(&*log, &args, open()?).await
    })
    .await
}

async fn take<R: BufRead>(log: &dyn Log, args: &Import, mut source: Source<R>) -> anyhow::Result<()> {
    let topic = match &args.topic {
        Some(name) => Topic::parse(name)?,
        None => source.header.topic.clone(),
    };
    if let Some(lease) = find_lease(log, &topic).await?.filter(|lease| !lease.released) {
        bail!(
            "{topic} is being computed on {}; stop the run first, or give another name with --topic",
            lease.host
        );
    }
    let if_there = match (args.go_on, args.replace) {
        (true, _) => IfThere::GoOn,
        (_, true) => IfThere::Replace,
        (false, false) => IfThere::Refuse,
    };
    let summary = import(log, &topic, &mut source, if_there).await?;
    for warning in log.warnings(&topic).await? {
        eprintln!("warning: {warning}");
    }
    eprintln!("imported {topic}: {summary}, read back and the same");
    let replayed = replay::read(log, &topic, |_| Ok(())).await?;
    if replayed.next_attempt() > 1 {
        eprintln!(
            "{} iterations, digest {}",
            replayed.iterations(),
            replayed.digest()
        );
    }
    Ok(())
}

async fn find_lease(log: &dyn Log, topic: &Topic) -> anyhow::Result<Option<Lease>> {
    let (mut leases, mut from) = (Leases::default(), Position::START);
    loop {
        let page = match log.read(&claim::topic(), from, 4 << 20).await {
            Err(LogError::UnknownTopic(..)) => Vec::new(),
            page => page?,
        };
        let Some(last) = page.last() else {
            return Ok(leases.find(topic).cloned());
        };
        from = last.position.next();
        for stored in &page {
            // What is no claim is reported by those who live by them.
            if let Ok(claim) = stored.json::<Claim>() {
                leases.apply(&claim, stored.position, stored.at);
            }
        }
    }
}
