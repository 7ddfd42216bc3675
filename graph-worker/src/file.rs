//! `kymo graph-worker --png`: the picture in a file, once or again and again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use chrono::Local;
use kymo_runlog::Log;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::feed::Feed;
use crate::pace::Pace;
use crate::paint::theme::Theme;
use crate::studio::Studio;
use crate::worker::{Sitter, TopicView};

/// A file is not redrawn more often than people look.
const BREATH: Duration = Duration::from_millis(250);

/// What to draw, and where to.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    pub topic: TopicView,
    pub png: PathBuf,
    /// Redraw as records come, until stopped.
    pub follow: bool,
    pub dark: bool,
}

/// Draws the topic as it is; with `follow` again whenever it has changed. Readers of the file never see half of it.
pub async fn draw_to_file(
    drawing: Drawing,
    log: Arc<dyn Log>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let theme = if drawing.dark { Theme::Dark } else { Theme::Light };
    let mut studio = Studio::default();
    let mut sitter = Sitter::new(&drawing.topic)?;
    let mut feed = Feed::new(log.as_ref(), drawing.topic.topic.clone());
    let mut pace = Pace::new(Instant::now());
    loop {
        let due = pace.due().filter(|_| feed.caught_up());
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            batch = feed.next() => {
                if sitter.take(log.as_ref(), &mut feed, &batch?).await? {
                    pace.news();
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now).into()), if due.is_some() => {
                let now = Local::now().fixed_offset();
                replace(&drawing.png, &studio.draw(&sitter.graph, &sitter.names, now, theme))?;
                if !drawing.follow {
                    return Ok(());
                }
                pace.sent(Instant::now(), now.to_utc(), &sitter.graph.progress);
                pace.shown(Instant::now(), BREATH);
            }
        }
    }
}

/// Writes beside the file and renames: whoever reads it sees the old picture or the new one.
fn replace(path: &Path, png: &[u8]) -> anyhow::Result<()> {
    let name = path
        .file_name()
        .with_context(|| format!("{} is no file name; give one like out.png", path.display()))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}", std::process::id()));
    let beside = path.with_file_name(hidden);
    let written = std::fs::File::create(&beside).and_then(|mut file| file.write_all(png));
    written
        .and_then(|()| std::fs::rename(&beside, path))
        .map_err(|error| {
            // What could not be moved into place must not stay behind.
            let _ = std::fs::remove_file(&beside);
            anyhow::Error::from(error).context(format!("the picture cannot be written to {}", path.display()))
        })
}
