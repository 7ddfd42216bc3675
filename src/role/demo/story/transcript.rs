//! What a story leaves behind.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use kymo_runlog::Stored;
use kymo_telegram_sandbox::ChatState;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::say::say;

pub struct Transcript {
    folder: PathBuf,
    began: Instant,
    steps: Vec<Value>,
    pictures: Vec<String>,
    topic: Option<BufWriter<File>>,
}

impl Transcript {
    pub fn begin(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            began: Instant::now(),
            steps: Vec::new(),
            pictures: Vec::new(),
            topic: None,
        }
    }

    /// One thing that happened as told.
    pub fn note(&mut self, what: &str) {
        let seconds = (self.began.elapsed().as_secs_f64() * 10.0).round() / 10.0;
        say!("{seconds:6.1} s  {what}");
        self.steps.push(json!({"seconds": seconds, "what": what}));
    }

    /// Checksums of the pictures so far.
    pub fn seen(&self) -> &[String] {
        &self.pictures
    }

    pub fn picture(&mut self, name: &str, sha256: &str, png: &[u8]) -> anyhow::Result<String> {
        self.pictures.push(sha256.to_owned());
        let file = format!("{:02}-{name}.png", self.pictures.len());
        self.put(&file, png)?;
        Ok(file)
    }

    pub fn message(&mut self, stored: &Stored) -> anyhow::Result<()> {
        let path = self.folder.join("topic.ndjson");
        let out = match &mut self.topic {
            Some(out) => out,
            none => none.insert(BufWriter::new(
                File::create(&path).with_context(|| format!("cannot write {}", path.display()))?,
            )),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers: serde_json::Map<_, _> = stored
            .message
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), text(value).into()))
            .collect();
        let line = json!({
            "position": stored.position,
            "at": stored.at,
            "key": stored.message.key.as_deref().map(text),
            "headers": headers,
            "payload": text(&stored.message.payload),
        });
        writeln!(out, "{line}").with_context(|| format!("cannot write {}", path.display()))
    }

    pub fn write(mut self, told: &anyhow::Result<()>, chat: &ChatState) -> anyhow::Result<()> {
        if let Some(topic) = &mut self.topic {
            topic.flush().context("write topic.ndjson")?;
        }
        let transcript = json!({
            "as_told": told.is_ok(),
            "error": told.as_ref().err().map(|error| format!("{error:#}")),
            "steps": self.steps,
            "chat": chat,
        });
        self.put("transcript.json", &serde_json::to_vec_pretty(&transcript)?)
    }

    fn put(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }
}
