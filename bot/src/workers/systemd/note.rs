//! What an instance of the unit template must know: an environment file, `workers/<short id>.env`, which the unit reads.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::SystemTime;

use kymo_runlog::{ShortId, Topic};

use super::super::WorkerError;

const TOPIC: &str = "KYMO_TOPIC=";
const VIEW: &str = "KYMO_VIEW=";

/// One worker's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub topic: Topic,
    pub view: Option<String>,
}

impl Note {
    /// The file's text, as systemd.exec(5) wants it under `EnvironmentFile=`; the reason when the view cannot stand there.
    fn to_text(&self) -> Result<String, &'static str> {
        let mut text = format!(
            "# A graph worker, added with /workers add; `/workers remove` takes this file away.\n{TOPIC}{}\n",
            self.topic
        );
        if let Some(view) = &self.view {
            // A line break would begin another variable.
            if view.chars().any(char::is_control) {
                return Err("its view holds a control character");
            }
            text += VIEW;
            text.push('"');
            for letter in view.chars() {
                if matches!(letter, '"' | '\\' | '$' | '`') {
                    text.push('\\');
                }
                text.push(letter);
            }
            text += "\"\n";
        }
        Ok(text)
    }

    fn parse(text: &str) -> Option<Self> {
        let line = |name| text.lines().find_map(|line| line.strip_prefix(name));
        let topic = Topic::parse(line(TOPIC)?).ok()?;
        let view = line(VIEW).map(unquote);
        Some(Self { topic, view })
    }
}

fn unquote(quoted: &str) -> String {
    let mut text = String::new();
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut letters = inner.unwrap_or(quoted).chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => letters.next().unwrap_or('\\'),
            letter => letter,
        });
    }
    text
}

/// The folder of all of them.
pub struct Notes {
    pub folder: PathBuf,
}

impl Notes {
    fn path(&self, topic: &Topic) -> PathBuf {
        self.folder.join(format!("{}.env", ShortId::of(topic)))
    }

    pub fn has(&self, topic: &Topic) -> bool {
        self.path(topic).exists()
    }

    pub fn write(&self, note: &Note) -> Result<(), WorkerError> {
        let path = self.path(&note.topic);
        let text = note.to_text().map_err(|reason| failed("write", &path, reason))?;
        // In one step, so that nobody reads half of it.
        let draft = path.with_extension("new");
        let written = std::fs::create_dir_all(&self.folder)
            .and_then(|()| std::fs::write(&draft, text))
            .and_then(|()| std::fs::rename(&draft, &path));
        written.map_err(|error| failed("write", &path, error))
    }

    pub fn remove(&self, topic: &Topic) -> Result<(), WorkerError> {
        let path = self.path(topic);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", &path, error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// All notes, the oldest first.
    pub fn all(&self) -> Result<Vec<Note>, WorkerError> {
        let entries = match std::fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed("read", &self.folder, error)),
        };
        let mut notes: Vec<(SystemTime, Note)> =
            entries.filter_map(|entry| read(&entry.ok()?.path())).collect();
        notes.sort_by(|(a, one), (b, other)| {
            a.cmp(b)
                .then_with(|| one.topic.as_str().cmp(other.topic.as_str()))
        });
        Ok(notes.into_iter().map(|(_, note)| note).collect())
    }
}

/// A file that somebody else put there is left alone.
fn read(path: &Path) -> Option<(SystemTime, Note)> {
    let id = ShortId::from_str(path.file_name()?.to_str()?.strip_suffix(".env")?).ok()?;
    let note = Note::parse(&std::fs::read_to_string(path).ok()?);
    let Some(note) = note.filter(|note| ShortId::of(&note.topic) == id) else {
        tracing::warn!(path = %path.display(), "no note about a graph worker; left alone");
        return None;
    };
    Some((path.metadata().ok()?.modified().ok()?, note))
}

fn failed(what: &'static str, path: &Path, reason: impl ToString) -> WorkerError {
    WorkerError::Note {
        what,
        path: path.display().to_string(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(view: Option<&str>) -> Note {
        Note {
            topic: Topic::parse("airy.h-0.02.kerr-0.5").expect("a topic"),
            view: view.map(str::to_owned),
        }
    }

    #[test]
    fn any_view_comes_back_as_it_was_and_none_adds_a_variable() {
        for view in [
            None,
            Some("E[x=0.6]"),
            Some("say \"x\""),
            Some(r#"a "b" \ $HOME `c` 'd' # e"#),
            Some("å\u{2028}"),
        ] {
            let text = note(view).to_text().expect("a view of one line");
            assert_eq!(Note::parse(&text), Some(note(view)), "{text}");
        }
        assert!(note(Some("E\nLD_PRELOAD=/tmp/evil.so")).to_text().is_err());
        insta::assert_snapshot!(note(Some("a \"b\" $c")).to_text().expect("one line"), @r#"
        # A graph worker, added with /workers add; `/workers remove` takes this file away.
        KYMO_TOPIC=airy.h-0.02.kerr-0.5
        KYMO_VIEW="a \"b\" \$c"
        "#);
    }

    #[test]
    fn notes_come_in_the_order_of_adding_and_strange_files_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let notes = Notes {
            folder: folder.path().join("workers"),
        };
        assert_eq!(notes.all(), Ok(Vec::new()));
        let topics = ["b.x", "a.x"].map(|name| Topic::parse(name).expect("a topic"));
        for topic in &topics {
            let note = Note {
                topic: topic.clone(),
                view: None,
            };
            notes.write(&note).expect("written");
        }
        std::fs::write(notes.folder.join("00000000.env"), "KYMO_TOPIC=a.x\n").expect("written");
        let all = notes.all().expect("read");
        assert_eq!(
            all.iter().map(|note| &note.topic).collect::<Vec<_>>(),
            topics.iter().collect::<Vec<_>>()
        );
        notes.remove(&topics[0]).expect("removed");
        assert!(!notes.has(&topics[0]) && notes.has(&topics[1]));
        notes.remove(&topics[0]).expect("once is enough");
    }
}
