//! The solver's output once more, in `<topic>.log`, so that it can be read from any machine. Lines are gathered, so
//! that a busy solver does not flood the log; a log that is slow or away costs lines, never the solver's time.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kymo_runlog::{Log, LogError, Message, Position, RunWriter};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::keep::Right;
use super::listen::Ear;

/// How long lines are gathered before they are sent.
const GATHER: Duration = Duration::from_millis(250);
/// When so many bytes have come, they are sent at once.
const ENOUGH: usize = 64 << 10;
/// Bytes that may wait; beyond it the oldest are dropped.
const MOST_WAITING: usize = 1 << 20;
/// Bytes of one message.
const LONGEST_MESSAGE: usize = 256 << 10;
const CHUNK: usize = 1 << 20;
const PAUSE: Duration = Duration::from_secs(1);

/// Takes what is printed. Never waits.
#[derive(Clone, Default)]
pub struct Copy(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
struct Waiting {
    bytes: VecDeque<u8>,
    /// Dropped before `bytes`, not told yet.
    lost_bytes: u64,
    lost_lines: u64,
    /// The last byte that was taken did not end a line.
    is_open: bool,
    is_over: bool,
}

impl Copy {
    pub fn push(&self, bytes: &[u8]) {
        let mut waiting = self.waiting();
        waiting.push(bytes);
        drop(waiting);
        self.0.news.notify_one();
    }

    fn end(&self) {
        self.waiting().is_over = true;
        self.0.news.notify_one();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to send, and gathers for a moment. Empty at the end.
    async fn next(&self) -> Vec<u8> {
        let mut gathered = false;
        loop {
            let news = self.0.news.notified();
            {
                let mut waiting = self.waiting();
                let ready = gathered || waiting.is_over || waiting.bytes.len() >= ENOUGH;
                if (ready && !waiting.is_empty()) || waiting.is_over {
                    return waiting.take();
                }
            }
            let is_empty = self.waiting().is_empty();
            if is_empty {
                news.await;
            } else {
                let enough = async {
                    news.await;
                    while self.waiting().bytes.len() < ENOUGH && !self.waiting().is_over {
                        self.0.news.notified().await;
                    }
                };
                gathered = tokio::time::timeout(GATHER, enough).await.is_err();
            }
        }
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.lost_bytes == 0
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let over = self.bytes.len().saturating_sub(MOST_WAITING);
        if over == 0 {
            return;
        }
        // Whole lines, so that what follows begins at a line's begin.
        let line = self.bytes.iter().skip(over).position(|byte| *byte == b'\n');
        let cut = line.map_or(over, |more| over + more + 1);
        self.lost_lines += self.bytes.drain(..cut).filter(|byte| *byte == b'\n').count() as u64;
        self.lost_bytes += cut as u64;
    }

    fn take(&mut self) -> Vec<u8> {
        let mut taken = Vec::new();
        if self.lost_bytes > 0 {
            let line_break = if self.is_open { "\n" } else { "" };
            let (lines, bytes) = (self.lost_lines, self.lost_bytes);
            let said = format!(
                "{line_break}[kymo {}] {lines} lines ({bytes} bytes) are missing here: the log was slower than the output\n",
                chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ")
            );
            taken.extend(said.into_bytes());
            (self.lost_bytes, self.lost_lines) = (0, 0);
        }
        let more = self.bytes.len().min(LONGEST_MESSAGE);
        taken.extend(self.bytes.drain(..more));
        self.is_open = taken.last().is_some_and(|byte| *byte != b'\n');
        taken
    }
}

/// What the copier looks at.
pub struct Rest {
    pub right: Right,
    pub ear: Ear,
}

/// The task that sends it.
pub struct Copier {
    copy: Copy,
    task: JoinHandle<()>,
}

impl Copier {
    /// The topic keeps about `bound` bytes, the newest.
    pub fn start(log: Arc<dyn Log>, writer: RunWriter, copy: Copy, bound: u64, rest: Rest) -> Self {
        let topic = Bounded {
            log,
            writer,
            bound,
            rest,
            held: VecDeque::new(),
            bytes: 0,
            is_known: false,
        };
        let task = tokio::spawn(topic.fill(copy.clone()));
        Self { copy, task }
    }

    /// Sends the last words, if the log takes them soon.
    pub async fn finish(mut self, patience: Duration) {
        self.copy.end();
        if tokio::time::timeout(patience, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// The topic, and what it holds.
struct Bounded {
    log: Arc<dyn Log>,
    writer: RunWriter,
    bound: u64,
    rest: Rest,
    held: VecDeque<(Position, usize)>,
    bytes: u64,
    /// Whether the topic is made, and what earlier attempts left there is counted.
    is_known: bool,
}

impl Bounded {
    async fn fill(mut self, copy: Copy) {
        loop {
            let bytes = copy.next().await;
            if bytes.is_empty() {
                return;
            }
            let message = self.writer.output(self.rest.ear.last(), bytes);
            // Meanwhile more is gathered, and beyond its bound dropped.
            while let Err(error) = self.send(&message).await {
                if !error.is_passing() {
                    tracing::warn!(%error, "the output cannot be copied into the log");
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn send(&mut self, message: &Message) -> Result<(), LogError> {
        let topic = self.writer.topic().output();
        if !self.is_known {
            self.log.create(&topic).await?;
            self.count().await?;
            self.is_known = true;
        }
        let sent = self.log.append(&topic, vec![message.clone()]).await;
        if let Err(LogError::UnknownTopic(..)) = sent {
            // Somebody deleted it. The next words make it anew.
            self.is_known = false;
        }
        for position in sent? {
            self.hold(position, message.payload.len());
        }
        self.trim().await
    }

    async fn count(&mut self) -> Result<(), LogError> {
        let topic = self.writer.topic().output();
        (self.held, self.bytes) = (VecDeque::new(), 0);
        let mut from = Position::START;
        loop {
            let chunk = self.log.read(&topic, from, CHUNK).await?;
            let Some(last) = chunk.last() else { return Ok(()) };
            from = last.position.next();
            for stored in &chunk {
                self.hold(stored.position, stored.message.payload.len());
            }
        }
    }

    fn hold(&mut self, position: Position, bytes: usize) {
        self.held.push_back((position, bytes));
        self.bytes += bytes as u64;
    }

    /// A quarter at a time: to forget costs more than to append.
    async fn trim(&mut self) -> Result<(), LogError> {
        // A zombie would take away what the attempt after it prints.
        if self.bytes <= self.bound || !self.rest.right.is_sure() {
            return Ok(());
        }
        while self.bytes > self.bound / 4 * 3
            && self.held.len() > 1
            && let Some((_, bytes)) = self.held.pop_front()
        {
            self.bytes -= bytes as u64;
        }
        match self.held.front() {
            Some((first, _)) => self.log.trim(&self.writer.topic().output(), *first).await,
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use kymo_runlog::{Log, output_tail};
    use tokio::sync::watch;
    use tokio::time::Instant;

    use super::super::keep::Hold;
    use super::super::output::{Bounds, Output};
    use super::*;
    use crate::testing::{self, FickleLog};

    struct Desk {
        log: Arc<FickleLog>,
        writer: RunWriter,
        copy: Copy,
        copier: Copier,
        hold: watch::Sender<Hold>,
        _until: watch::Sender<Instant>,
        _folder: tempfile::TempDir,
    }

    fn desk(bound: u64) -> Desk {
        let log = FickleLog::new();
        let folder = tempfile::tempdir().expect("a folder");
        let writer = RunWriter::new(testing::job("count", 1).run, 1, "1");
        let copy = Copy::default();
        let (hold, held) = watch::channel(Hold::Held);
        let (tell_until, until) = watch::channel(Instant::now() + Duration::from_secs(3600));
        let rest = Rest {
            right: Right { hold: held, until },
            ear: Ear::new(
                Output::new(&folder.path().join("output.log"), Bounds::default()),
                7,
            ),
        };
        let copier = Copier::start(log.clone(), writer.clone(), copy.clone(), bound, rest);
        Desk {
            log,
            writer,
            copy,
            copier,
            hold,
            _until: tell_until,
            _folder: folder,
        }
    }

    async fn text(log: &FickleLog, writer: &RunWriter) -> String {
        let tail = output_tail(log, writer.topic(), 1 << 30).await.expect("readable");
        String::from_utf8(tail.expect("a topic").0).expect("text")
    }

    #[tokio::test]
    async fn ten_thousand_lines_are_a_few_messages_and_every_byte() {
        let desk = desk(8 << 20);
        let mut printed = String::new();
        for i in 0..10_000 {
            let line = format!("line {i}\n");
            desk.copy.push(line.as_bytes());
            printed += &line;
        }
        desk.copy.push(b"no line break");
        printed += "no line break";
        desk.copier.finish(Duration::from_secs(60)).await;
        assert_eq!(text(&desk.log, &desk.writer).await, printed);
        let messages = desk.log.count(&desk.writer.topic().output());
        assert!(messages <= 10, "{messages} messages");
    }

    #[tokio::test]
    async fn a_log_that_is_away_costs_lines_and_says_how_many() {
        let desk = desk(64 << 20);
        desk.copy.push(b"before\n");
        while desk.log.count(&desk.writer.topic().output()) == 0 {
            tokio::task::yield_now().await;
        }
        desk.log.go_away();
        let line = format!("{}\n", "x".repeat(99));
        for _ in 0..100_000 {
            desk.copy.push(line.as_bytes());
            assert!(desk.copy.waiting().bytes.len() <= MOST_WAITING);
        }
        desk.copy.push(b"the newest\n");
        desk.log.come_back();
        desk.copier.finish(Duration::from_secs(60)).await;
        let text = text(&desk.log, &desk.writer).await;
        let kept = text.lines().filter(|kept| **kept == line[..99]).count();
        let said: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("are missing here"))
            .collect();
        let [said] = said[..] else { panic!("said {said:?}") };
        let lost: usize = said
            .split("] ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .expect("a number")
            .parse()
            .expect("a number");
        assert_eq!(kept + lost, 100_000, "{said}");
        assert!(kept > 0 && lost > 0, "{said}");
        assert!(text.starts_with("before\n") && text.ends_with("the newest\n"));
    }

    #[tokio::test]
    async fn the_topic_stays_within_its_bound_and_a_zombie_takes_nothing_away() {
        let desk = desk(100_000);
        let topic = desk.writer.topic().output();
        let print = async |log: &FickleLog, from: usize| {
            for i in from..from + 20 {
                let before = log.end(&topic).await.expect("end");
                desk.copy.push(&vec![b'0' + (i % 10) as u8; 20_000]);
                desk.copy.push(b"\n");
                while log.end(&topic).await.expect("end") == before {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        };
        print(&desk.log, 0).await;
        let held = text(&desk.log, &desk.writer).await;
        assert!(held.len() <= 120_010, "{} bytes", held.len());
        assert!(held.ends_with("9\n"), "the newest are kept");
        // It lost the run, but has not heard yet what the next attempt prints.
        desk.hold.send_replace(Hold::Unsure);
        let next = RunWriter::new(testing::job("count", 2).run, 2, "1");
        desk.log
            .append(&topic, vec![next.output(7, b"the next attempt\n".to_vec())])
            .await
            .expect("append");
        print(&desk.log, 20).await;
        desk.copier.finish(Duration::from_secs(60)).await;
        assert!(
            text(&desk.log, &desk.writer)
                .await
                .ends_with("9\nthe next attempt\n")
        );
    }
}
