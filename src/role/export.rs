//! A run's topic into a file or a pipe, every message as it stands there.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use kymo_runlog::Topic;
use kymo_runlog::moving::export;
use tokio_util::sync::CancellationToken;

use crate::cli::{Common, Export};
use crate::config::Config;
use crate::role::unless_stopped;

pub async fn run(common: Common, args: Export, stop: CancellationToken) -> anyhow::Result<()> {
    unless_stopped(stop, async move {
        let topic = Topic::parse(&args.topic)?;
        let log = Config::load(&common)?.open_log().await?;
        let summary = if args.file == Path::new("-") {
            export(&*log, &topic, &mut BufWriter::new(io::stdout())).await?
        } else {
            if args.file.exists() && !args.force {
                bail!(
                    "{} is there already; give another name, or replace it with --force",
                    args.file.display()
                );
            }
            let unfinished = Unfinished::beside(&args.file)?;
            let mut out = BufWriter::new(&unfinished.file);
            let summary = export(&*log, &topic, &mut out).await?;
            drop(out);
            unfinished.take_place_of(&args.file)?;
            summary
        };
        eprintln!("exported {topic}: {summary}");
        Ok(())
    })
    .await
}

/// A file that nobody takes for an export until it is whole.
struct Unfinished {
    file: File,
    path: PathBuf,
}

impl Unfinished {
    fn beside(path: &Path) -> anyhow::Result<Self> {
        let name = path
            .file_name()
            .with_context(|| format!("{} is no file name; give one like run.ndjson", path.display()))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}", std::process::id()));
        let path = path.with_file_name(hidden);
        let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { file, path })
    }

    /// On the disk first, then under its name: a power cut leaves a whole file or none.
    fn take_place_of(self, path: &Path) -> anyhow::Result<()> {
        (&self.file).flush()?;
        self.file
            .sync_all()
            .and_then(|()| std::fs::rename(&self.path, path))
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After a rename there is nothing under this name any more.
        let _ = std::fs::remove_file(&self.path);
    }
}
