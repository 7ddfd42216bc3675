//! /log [RUN] [file]: the last lines of a run's output, or all of it as a document. It is read here if it lies on this
//! machine, and otherwise from the run's output topic, if it has one.

use std::io::SeekFrom;
use std::path::Path;

use anyhow::Context as _;
use kymo_runlog::output_tail;
use teloxide::types::InlineKeyboardMarkup;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::shown;
use crate::ask::{Act, Answer, Ask};
use crate::callback::{Press, RunButton};
use crate::facts::Facts;
use crate::follow::Run;
use crate::target::{self, Named};
use crate::words::{escape, foreign};

const TAIL_BYTES: u64 = 12 << 10;
const TAIL_LINES: usize = 30;
/// Leaves room for the rest of the message within Telegram's 4096 characters.
const TAIL_CHARACTERS: usize = 3000;
const FILE_BYTES: u64 = 45 << 20;

pub(super) async fn answer(facts: &Facts, ask: &Ask, rest: &str) -> anyhow::Result<Answer> {
    let (rest, whole) = match rest
        .strip_suffix("file")
        .map(|before| (before, before.trim_end()))
    {
        Some((before, name)) if before.is_empty() || before != name => (name, true),
        Some(_) | None => (rest, false),
    };
    match target::named(facts, ask, rest).await? {
        Named::Run(run) => output(facts, &run, whole).await,
        Named::Refused(refusal) => Ok(Answer::refuse(refusal)),
        Named::Nothing => {
            let press = if whole { Press::LogFile } else { Press::LogTail };
            let none = "No runs yet, so no output. /run starts one.";
            Ok(target::which(
                &facts.known.read(),
                "Whose output?",
                |_| true,
                press,
                none,
            ))
        }
    }
}

pub(super) async fn pressed(facts: &Facts, button: &RunButton, whole: bool) -> anyhow::Result<Answer> {
    let run = target::of_button(&facts.known.read(), button);
    match run {
        Some(run) => output(facts, &run, whole).await,
        None => Ok(Answer::toast(shown::GONE)),
    }
}

async fn output(facts: &Facts, run: &Run, whole: bool) -> anyhow::Result<Answer> {
    let name = shown::name(&facts.known.read(), run);
    let path = facts
        .data
        .join("runs")
        .join(run.short.as_str())
        .join("output.log");
    let limit = if whole { FILE_BYTES } else { TAIL_BYTES };
    let Some(Found { bytes, cut, from }) = find(facts, run, &path, limit).await? else {
        return Ok(Answer::say(elsewhere(facts, run, &name)));
    };
    if bytes.is_empty() {
        return Ok(Answer::say(format!("{name} has printed nothing yet.")));
    }
    if whole {
        let note = if cut { ", its last 45 MB" } else { "" };
        let document = Act::Document {
            name: format!("{}.log", run.short),
            bytes: bytes.into(),
            caption: format!("Output of {name}{note}{from}"),
        };
        return Ok(Answer {
            acts: vec![document],
            outcome: "sent the output".to_owned(),
        });
    }
    let button = RunButton::new(&run.short, run.attempt);
    let keyboard = InlineKeyboardMarkup::new([[Press::LogFile(button).button("Whole file")]]);
    Ok(Answer::ask(
        format!("{name}{from}\n<pre>{}</pre>", tail(&bytes)),
        keyboard,
    ))
}

/// The end of a run's output.
struct Found {
    bytes: Vec<u8>,
    /// Something stands before it.
    cut: bool,
    /// Where it was read, in HTML, unless that is here.
    from: String,
}

/// A run that went on elsewhere may have left a file here that says nothing new.
async fn find(facts: &Facts, run: &Run, path: &Path, limit: u64) -> anyhow::Result<Option<Found>> {
    let file = read_tail(path, limit).await?;
    let file = file.map(|(bytes, cut)| Found {
        bytes,
        cut,
        from: String::new(),
    });
    let is_here = run.host.as_ref().is_none_or(|host| *host == facts.host);
    if is_here && file.is_some() {
        return Ok(file);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let topic = match output_tail(&*facts.log, &run.topic, limit).await {
        Ok(tail) => tail,
        Err(error) if file.is_some() => {
            tracing::warn!(%error, topic = %run.topic, "the output topic cannot be read, so the file here is shown");
            None
        }
        Err(error) => return Err(error).context("read the output topic"),
    };
    let from = match &run.host {
        Some(host) => format!(" (on {}, read from its topic)", foreign(host, 60)),
        None => " (read from its topic)".to_owned(),
    };
    Ok(topic.map(|(bytes, cut)| Found { bytes, cut, from }).or(file))
}

/// The end of a file, and whether something stands before it. `None` when there is no such file.
async fn read_tail(path: &Path, limit: u64) -> anyhow::Result<Option<(Vec<u8>, bool)>> {
    let reading = || format!("read the output {}", path.display());
    let mut file = match tokio::fs::File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(reading),
    };
    let length = file.metadata().await.with_context(reading)?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(limit)))
        .await
        .with_context(reading)?;
    let mut bytes = Vec::new();
    file.take(limit)
        .read_to_end(&mut bytes)
        .await
        .with_context(reading)?;
    Ok(Some((bytes, length > limit)))
}

/// The last lines, escaped, as many as fit. Binary output becomes replacement signs.
fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: Vec<String> = Vec::new();
    let mut room = TAIL_CHARACTERS;
    for line in text.lines().rev().take(TAIL_LINES) {
        // A progress bar overwrites its line; only its last state was ever seen.
        let line = line
            .trim_end_matches('\r')
            .rsplit('\r')
            .next()
            .unwrap_or_default();
        let visible: String = line
            .chars()
            .map(|c| {
                if c.is_control() && c != '\t' {
                    '\u{FFFD}'
                } else {
                    c
                }
            })
            .collect();
        let shown = escape(&crate::words::cut(&visible, 400));
        let size = shown.chars().count() + 1;
        if size > room {
            break;
        }
        room -= size;
        lines.push(shown);
    }
    lines.reverse();
    lines.join("\n")
}

fn elsewhere(facts: &Facts, run: &Run, name: &str) -> String {
    match &run.host {
        None => format!("{name} has not been started, so it has no output."),
        Some(host) if *host == facts.host => format!("{name} has printed nothing yet."),
        Some(host) => format!(
            "The output of {name} lies on {}: <code>runs/{}/output.log</code> in the data folder there. \
             With <code>log-topic = true</code> in the solver's table it can be read here.",
            foreign(host, 60),
            run.short
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_escaped_cut_and_whole_lines() {
        assert_eq!(tail(b"a\n<b>&\n"), "a\n&lt;b&gt;&amp;");
        assert_eq!(tail(b" 10%\r 20%\r 30%\n\xff\x00x"), " 30%\n\u{FFFD}\u{FFFD}x");
        let many = (0..1000).map(|i| format!("line {i}\n")).collect::<String>();
        let shown = tail(many.as_bytes());
        assert!(
            shown.starts_with("line 970\n") && shown.ends_with("line 999"),
            "{shown}"
        );
        let wide = tail("<".repeat(100_000).as_bytes());
        assert!(
            wide.chars().count() <= TAIL_CHARACTERS && wide.ends_with("…"),
            "{wide}"
        );
    }
}
