//! What a run's solver printed, kept in rotated files with a size bound, and its last lines in memory.
//! A disk that is full costs output lines, never the run.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::copy::Copy;

/// How much is kept: `output.log`, then `output.log.1` (newest) ... `output.log.<old>`.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub file_bytes: u64,
    pub old_files: u32,
    pub tail_lines: usize,
    pub tail_line_bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            file_bytes: 8 << 20,
            old_files: 4,
            tail_lines: 20,
            tail_line_bytes: 400,
        }
    }
}

/// The run's output.
pub struct Output {
    path: PathBuf,
    bounds: Bounds,
    file: Option<File>,
    size: u64,
    tail: Tail,
    /// Why the newest piece could not be kept, told once per trouble.
    trouble: Option<String>,
    copy: Option<Copy>,
}

impl Output {
    /// Goes on at the end of what earlier attempts printed. The file is opened when there is something to keep.
    pub fn new(path: &Path, bounds: Bounds) -> Self {
        Self {
            path: path.to_owned(),
            bounds,
            file: None,
            size: std::fs::metadata(path).map_or(0, |file| file.len()),
            tail: Tail::new(bounds),
            trouble: None,
            copy: None,
        }
    }

    /// What is printed from now on goes there as well.
    pub fn copied_to(mut self, copy: Option<Copy>) -> Self {
        self.copy = copy;
        self
    }

    /// Keeps some bytes as they came.
    pub fn write(&mut self, bytes: &[u8]) {
        self.tail.push(bytes);
        if let Some(copy) = &self.copy {
            copy.push(bytes);
        }
        // A single chunk larger than a whole file would break the bound.
        for part in bytes.chunks(
            usize::try_from(self.bounds.file_bytes)
                .unwrap_or(usize::MAX)
                .max(1),
        ) {
            match self.keep(part) {
                Ok(()) => self.trouble = None,
                Err(error) => self.complain(&error),
            }
        }
    }

    /// Keeps a line of ours, told apart from the solver's.
    pub fn remark(&mut self, text: &str) {
        let line_break = if self.tail.open { "\n" } else { "" };
        let remark = format!(
            "{line_break}[kymo {}] {text}\n",
            chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ")
        );
        if let Some(copy) = &self.copy {
            copy.push(remark.as_bytes());
        }
        if let Err(error) = self.keep(remark.as_bytes()) {
            self.complain(&error);
        }
    }

    /// The last lines that the solver printed, oldest first, as text.
    pub fn last_lines(&self) -> Vec<String> {
        self.tail.lines()
    }

    #[cfg(test)]
    pub fn remarks(&self) -> Vec<String> {
        let text = std::fs::read_to_string(&self.path).unwrap_or_default();
        text.lines()
            .filter(|line| line.starts_with("[kymo "))
            .map(str::to_owned)
            .collect()
    }

    fn keep(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        if self.size > 0 && self.size + bytes.len() as u64 > self.bounds.file_bytes {
            self.rotate()?;
        }
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(OpenOptions::new().create(true).append(true).open(&self.path)?),
        };
        file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> std::io::Result<()> {
        self.file = None;
        for number in (1..self.bounds.old_files).rev() {
            rename_if_there(&self.numbered(number), &self.numbered(number + 1))?;
        }
        match self.bounds.old_files {
            0 => std::fs::remove_file(&self.path)?,
            _ => rename_if_there(&self.path, &self.numbered(1))?,
        }
        self.size = 0;
        Ok(())
    }

    fn numbered(&self, number: u32) -> PathBuf {
        let mut name = self.path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    }

    fn complain(&mut self, error: &std::io::Error) {
        let reason = error.to_string();
        if self.trouble.as_deref() != Some(&reason) {
            tracing::warn!(path = %self.path.display(), reason, "the solver's output cannot be kept; it runs on");
            self.trouble = Some(reason);
        }
    }
}

fn rename_if_there(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// The last lines, each cut to a bound.
struct Tail {
    lines: VecDeque<Vec<u8>>,
    /// The last line has no newline yet.
    open: bool,
    bounds: Bounds,
}

impl Tail {
    fn new(bounds: Bounds) -> Self {
        Self {
            lines: VecDeque::new(),
            open: false,
            bounds,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            if !self.open {
                self.lines.push_back(Vec::new());
                if self.lines.len() > self.bounds.tail_lines {
                    self.lines.pop_front();
                }
            }
            let complete = part.last() == Some(&b'\n');
            let text = &part[..part.len() - usize::from(complete)];
            if let Some(line) = self.lines.back_mut() {
                let room = self.bounds.tail_line_bytes.saturating_sub(line.len());
                line.extend_from_slice(&text[..text.len().min(room)]);
            }
            self.open = !complete;
        }
    }

    /// Binary output becomes replacement characters; control characters would spoil a chat message.
    fn lines(&self) -> Vec<String> {
        self.lines
            .iter()
            .map(|line| {
                let text = String::from_utf8_lossy(line);
                text.trim_end()
                    .chars()
                    .map(|c| {
                        if c.is_control() && c != '\t' {
                            '\u{fffd}'
                        } else {
                            c
                        }
                    })
                    .collect()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds() -> Bounds {
        Bounds {
            file_bytes: 100,
            old_files: 2,
            tail_lines: 3,
            tail_line_bytes: 10,
        }
    }

    fn sizes(folder: &Path) -> Vec<(String, u64)> {
        let mut sizes: Vec<_> = std::fs::read_dir(folder)
            .expect("the folder is there")
            .map(|entry| {
                let entry = entry.expect("an entry");
                (
                    entry.file_name().into_string().expect("ascii"),
                    entry.metadata().expect("metadata").len(),
                )
            })
            .collect();
        sizes.sort();
        sizes
    }

    #[test]
    fn however_much_is_printed_the_files_stay_within_their_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut output = Output::new(&folder.path().join("output.log"), bounds());
        for i in 0..1000 {
            output.write(format!("line number {i}\n").as_bytes());
        }
        output.write(&[b'x'; 1000]);
        let sizes = sizes(folder.path());
        assert_eq!(sizes.len(), 3, "{sizes:?}");
        assert!(sizes.iter().all(|(_, size)| *size <= 100), "{sizes:?}");
    }

    #[test]
    fn a_new_attempt_goes_on_with_the_same_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("output.log");
        Output::new(&path, bounds()).write(b"first\n");
        Output::new(&path, bounds()).write(b"second\n");
        assert_eq!(std::fs::read_to_string(&path).expect("text"), "first\nsecond\n");
    }

    #[test]
    fn the_last_lines_are_few_short_and_printable() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut output = Output::new(&folder.path().join("output.log"), bounds());
        output.write(b"one\ntwo\nthr");
        output.write(b"ee\n\xff\x00\x1b[1m\n");
        output.write(b"0123456789abcdef");
        assert_eq!(
            output.last_lines(),
            ["three", "\u{fffd}\u{fffd}\u{fffd}[1m", "0123456789"]
        );
    }

    #[test]
    fn output_that_cannot_be_kept_does_not_end_the_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("runs").join("output.log");
        std::fs::create_dir(folder.path().join("runs")).expect("mkdir");
        let mut output = Output::new(&path, bounds());
        std::fs::remove_dir_all(folder.path().join("runs")).expect("gone");
        for _ in 0..50 {
            output.write(b"still here\n");
        }
        assert_eq!(output.last_lines(), ["still here"; 3]);
    }
}
