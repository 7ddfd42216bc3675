//! Reading what the solver says: records go to the publisher, everything else is kept as text.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kymo_runlog::{Complaint, Message, Record, RunWriter};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::Instant;

use super::lines::{LONGEST_RECORD, Lines, Piece};
use super::output::Output;
use super::publisher::Entrance;
use super::steps::StepDesk;
use crate::protocol::{Line, LineParser};

const CHUNK: usize = 64 << 10;

/// Who listens besides us: the terminal of `kymo run`.
#[derive(Clone, Default)]
pub enum Audience {
    #[default]
    Nobody,
    /// The solver's output is passed through unchanged.
    Passing,
    /// Every record is told.
    Progress(Arc<dyn Fn(&Record) + Send + Sync>),
}

/// What the listening tasks share with the watchdog.
#[derive(Clone)]
pub struct Ear {
    output: Arc<Mutex<Output>>,
    heard: watch::Sender<Instant>,
    /// A record waits for room: the solver may be silent because of us.
    waiting: watch::Sender<bool>,
    rejected: watch::Sender<Option<Complaint>>,
    /// How many of them were published.
    complained: watch::Sender<u64>,
    last: watch::Sender<u64>,
}

impl Ear {
    /// `last`: the iteration that the attempt goes on after.
    pub fn new(output: Output, last: u64) -> Self {
        Self {
            output: Arc::new(Mutex::new(output)),
            heard: watch::Sender::new(Instant::now()),
            waiting: watch::Sender::new(false),
            rejected: watch::Sender::new(None),
            complained: watch::Sender::new(0),
            last: watch::Sender::new(last),
        }
    }

    /// Never held across an await.
    pub fn output(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn heard(&self) -> watch::Receiver<Instant> {
        self.heard.subscribe()
    }

    pub fn is_waiting(&self) -> bool {
        *self.waiting.borrow()
    }

    /// The last iteration on its way into the log.
    pub fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// What there is to complain about and nobody has published yet; it counts as published now.
    pub fn take_unpublished_complaint(&self) -> Option<Complaint> {
        let complaint = self.rejected.borrow().clone()?;
        let known = self.complained.send_replace(complaint.rejected);
        (complaint.rejected > known).then_some(complaint)
    }

    fn reject(&self, reason: &str) {
        self.rejected.send_modify(|complaint| {
            let rejected = complaint.as_ref().map_or(0, |complaint| complaint.rejected) + 1;
            *complaint = Some(Complaint {
                rejected,
                reason: reason.to_owned(),
            });
        });
    }
}

/// Reads standard error until it ends.
pub async fn listen_to_errors(ear: Ear, mut errors: impl AsyncRead + Unpin, audience: Audience) {
    let mut chunk = vec![0; CHUNK];
    let mut echo = matches!(audience, Audience::Passing).then(tokio::io::stderr);
    while let Some(count) = read_some(&mut errors, &mut chunk).await {
        ear.heard.send_replace(Instant::now());
        pass_on(&mut echo, &chunk[..count]).await;
        ear.output().write(&chunk[..count]);
    }
}

/// Reads standard output until it ends.
pub async fn listen_to_output(mut talk: Talk, mut stdout: impl AsyncRead + Unpin) {
    let mut chunk = vec![0; CHUNK];
    let mut lines = Lines::new();
    let mut pieces = Vec::new();
    let mut echo = matches!(talk.audience, Audience::Passing).then(tokio::io::stdout);
    while let Some(count) = read_some(&mut stdout, &mut chunk).await {
        talk.ear.heard.send_replace(Instant::now());
        pass_on(&mut echo, &chunk[..count]).await;
        lines.push(&chunk[..count], &mut |piece| pieces.push(piece));
        for piece in pieces.drain(..) {
            talk.take(piece).await;
        }
    }
    lines.finish(&mut |piece| pieces.push(piece));
    for piece in pieces.drain(..) {
        talk.take(piece).await;
    }
}

/// The solver's side of the conversation.
pub struct Talk {
    pub ear: Ear,
    pub parser: LineParser,
    pub writer: RunWriter,
    pub entrance: Entrance,
    pub audience: Audience,
    /// `None`: the solver cannot go on in the middle.
    pub steps: Option<StepDesk>,
    /// Seconds to wait after each record of a program that knows nothing of pace: it waits at its pipe.
    pub pace: Option<f64>,
}

impl Talk {
    async fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Line(line) => self.take_line(line).await,
            Piece::Stretch { mut bytes, last } => {
                if last {
                    bytes.push(b'\n');
                }
                self.ear.output().write(&bytes);
            }
            Piece::TooLong { bytes } => self.ear.reject(&format!(
                "a line of more than {bytes} bytes; a record's line has at most {LONGEST_RECORD}: publish smaller iterations"
            )),
        }
    }

    async fn take_line(&mut self, mut line: Vec<u8>) {
        let understood = self.parser.parse(&line);
        // What a pattern understood is text as well; a record of the protocol is not.
        let is_protocol = super::lines::begins_like_record(&line);
        match understood {
            Line::Record { mut record, headers } => {
                // A solver that says its pace keeps it by itself.
                let slow_down = self.pace.filter(|_| record.pace.is_none());
                record.pace = record.pace.or(self.pace);
                match self.writer.record(&record, &headers) {
                    Ok(messages) => self.publish(&record, messages, slow_down).await,
                    Err(error) => self.ear.reject(&error.to_string()),
                }
                if is_protocol {
                    return;
                }
            }
            Line::Step { iteration, state } => match &self.steps {
                Some(steps) => return steps.offer(iteration, state),
                None => self.ear.reject(
                    "a step of a program that cannot go on in the middle; say resumes = true in its table",
                ),
            },
            Line::Rejected(reason) => self.ear.reject(&reason),
            Line::Text => {}
        }
        line.push(b'\n');
        self.ear.output().write(&line);
    }

    async fn publish(&mut self, record: &Record, messages: Vec<Message>, slow_down: Option<f64>) {
        if let Audience::Progress(tell) = &self.audience {
            tell(record);
        }
        self.ear.waiting.send_replace(true);
        // When the log refuses this attempt the watchdog ends it; until then the solver may talk on.
        let taken = self.entrance.put(record.iteration, messages).await;
        if taken {
            self.ear.last.send_replace(record.iteration);
        }
        if let Some(steps) = &mut self.steps {
            steps.begin_iteration();
        }
        if let Some(pause) = slow_down.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
            tokio::time::sleep(pause).await;
        }
        self.ear.waiting.send_replace(false);
    }
}

/// Publishes how many lines were no records, at most once a second: a solver may print nothing else.
pub async fn complain(ear: Ear, writer: RunWriter, entrance: Entrance) {
    let mut rejected = ear.rejected.subscribe();
    while rejected.changed().await.is_ok() {
        if let Some(complaint) = ear.take_unpublished_complaint() {
            let iteration = ear.last();
            entrance
                .put(iteration, vec![writer.complaint(iteration, &complaint)])
                .await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// `None` at the end. An error of a pipe is its end.
async fn read_some(from: &mut (impl AsyncRead + Unpin), chunk: &mut [u8]) -> Option<usize> {
    match from.read(chunk).await {
        Ok(0) | Err(_) => None,
        Ok(count) => Some(count),
    }
}

/// A terminal that was closed must not end the run.
async fn pass_on<W: tokio::io::AsyncWrite + Unpin>(echo: &mut Option<W>, bytes: &[u8]) {
    if let Some(to) = echo
        && (to.write_all(bytes).await.is_err() || to.flush().await.is_err())
    {
        *echo = None;
    }
}
