//! The side that only has the socket.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::server::PATIENCE;
use super::wire::{Frame, LONGEST_BATCH, Place, Question, pack, unpack_stored};
use crate::{Log, LogError, LogStream, Message, Position, Stored, Surveyed, Topic};

/// Longer silence means that the tunnel is broken: the other side speaks every [`PATIENCE`].
const SILENCE: Duration = PATIENCE.saturating_mul(3);

/// The log at the other end of a socket.
pub struct RelayLog {
    socket: PathBuf,
    name: String,
    /// Connections between two questions.
    idle: Mutex<Vec<UnixStream>>,
}

impl RelayLog {
    /// Returns once the other side has answered.
    pub async fn open(socket: &Path) -> Result<Self, LogError> {
        let mut relay = Self {
            socket: socket.to_owned(),
            name: format!("log behind the tunnel {}", socket.display()),
            idle: Mutex::default(),
        };
        let name: String = relay.ask(&Question::Describe).await?;
        relay.name = format!("{name} through a tunnel");
        Ok(relay)
    }

    async fn ask<T: DeserializeOwned>(&self, question: &Question) -> Result<T, LogError> {
        let answer = self.exchange(&Frame::new(question, Vec::new())).await?;
        answer
            .json::<Result<T, LogError>>()
            .map_err(|error| self.away(&error))?
    }

    /// A connection that lay idle may have died with an earlier tunnel; then a fresh one is tried. Asking twice changes
    /// nothing: whatever is appended has an identity.
    async fn exchange(&self, question: &Frame) -> Result<Frame, LogError> {
        let idle = self.idle.lock().expect("nobody panics while holding it").pop();
        if let Some(mut stream) = idle {
            match exchange(&mut stream, question).await {
                Ok(answer) => {
                    self.keep(stream);
                    return Ok(answer);
                }
                Err(_) => self.idle.lock().expect("nobody panics while holding it").clear(),
            }
        }
        let fresh = async {
            let mut stream = UnixStream::connect(&self.socket).await?;
            let answer = exchange(&mut stream, question).await?;
            self.keep(stream);
            Ok(answer)
        };
        fresh.await.map_err(|error: std::io::Error| self.away(&error))
    }

    fn keep(&self, stream: UnixStream) {
        self.idle
            .lock()
            .expect("nobody panics while holding it")
            .push(stream);
    }

    fn away(&self, error: &std::io::Error) -> LogError {
        away(&self.name, error)
    }
}

async fn exchange(stream: &mut UnixStream, question: &Frame) -> std::io::Result<Frame> {
    question.write(stream).await?;
    next(stream).await
}

/// The next frame that says something.
async fn next(stream: &mut UnixStream) -> std::io::Result<Frame> {
    loop {
        let frame = tokio::time::timeout(SILENCE, Frame::read(stream))
            .await
            .map_err(|_| {
                std::io::Error::new(
                    std::io::ErrorKind::TimedOut,
                    "the other end of the tunnel is silent",
                )
            })??
            .ok_or(std::io::ErrorKind::UnexpectedEof)?;
        if !frame.is_patience() {
            return Ok(frame);
        }
    }
}

fn away(name: &str, error: &std::io::Error) -> LogError {
    let reason = match error.kind() {
        std::io::ErrorKind::UnexpectedEof
        | std::io::ErrorKind::BrokenPipe
        | std::io::ErrorKind::ConnectionReset
        | std::io::ErrorKind::ConnectionRefused
        | std::io::ErrorKind::NotFound => format!("the tunnel is closed ({error})"),
        _ => error.to_string(),
    };
    LogError::Away {
        log: name.to_owned(),
        reason,
    }
}

fn messages(frame: &Frame) -> std::io::Result<Result<Vec<Stored>, LogError>> {
    let places = match frame.json::<Result<Vec<Place>, LogError>>()? {
        Ok(places) => places,
        Err(error) => return Ok(Err(error)),
    };
    let mut bytes = frame.bytes();
    let unpacked: std::io::Result<_> = places
        .into_iter()
        .map(|place| unpack_stored(place, &mut bytes))
        .collect();
    unpacked.map(Ok)
}

#[async_trait]
impl Log for RelayLog {
    async fn create(&self, topic: &Topic) -> Result<(), LogError> {
        self.ask(&Question::Create(topic.clone())).await
    }

    async fn exists(&self, topic: &Topic) -> Result<bool, LogError> {
        self.ask(&Question::Exists(topic.clone())).await
    }

    async fn append(&self, topic: &Topic, batch: Vec<Message>) -> Result<Vec<Position>, LogError> {
        let mut bytes = Vec::new();
        let sizes = batch.iter().map(|message| pack(message, &mut bytes)).collect();
        if bytes.len() > LONGEST_BATCH {
            return Err(LogError::TooLarge {
                topic: topic.clone(),
                bytes: bytes.len(),
                limit: LONGEST_BATCH,
                log: self.name.clone(),
            });
        }
        let question = Frame::new(&Question::Append(topic.clone(), sizes), bytes);
        let answer = self.exchange(&question).await?;
        answer
            .json::<Result<_, LogError>>()
            .map_err(|error| self.away(&error))?
    }

    async fn read(&self, topic: &Topic, from: Position, max_bytes: usize) -> Result<Vec<Stored>, LogError> {
        let question = Frame::new(&Question::Read(topic.clone(), from, max_bytes), Vec::new());
        let answer = self.exchange(&question).await?;
        messages(&answer).map_err(|error| self.away(&error))?
    }

    async fn follow(&self, topic: &Topic, from: Position) -> Result<LogStream, LogError> {
        let begin = async {
            let mut stream = UnixStream::connect(&self.socket).await?;
            let question = Frame::new(&Question::Follow(topic.clone(), from), Vec::new());
            let begun = exchange(&mut stream, &question).await?;
            Ok((stream, begun.json::<Result<(), LogError>>()?))
        };
        let (stream, begun) = begin.await.map_err(|error: std::io::Error| self.away(&error))?;
        begun?;
        let name = self.name.clone();
        Ok(Box::pin(futures::stream::unfold(Some(stream), move |stream| {
            let name = name.clone();
            async move {
                let mut stream = stream?;
                let news = match next(&mut stream).await {
                    Ok(frame) => messages(&frame),
                    Err(error) => Err(error),
                };
                match news {
                    Ok(Ok(mut one)) => {
                        let stored = one
                            .pop()
                            .ok_or_else(|| away(&name, &std::io::ErrorKind::InvalidData.into()));
                        Some((stored, Some(stream)))
                    }
                    Ok(Err(error)) => Some((Err(error), None)),
                    Err(error) => Some((Err(away(&name, &error)), None)),
                }
            }
        })))
    }

    async fn end(&self, topic: &Topic) -> Result<Position, LogError> {
        self.ask(&Question::End(topic.clone())).await
    }

    async fn clear(&self, topic: &Topic) -> Result<(), LogError> {
        self.ask(&Question::Clear(topic.clone())).await
    }

    async fn trim(&self, topic: &Topic, before: Position) -> Result<(), LogError> {
        self.ask(&Question::Trim(topic.clone(), before)).await
    }

    async fn delete(&self, topic: &Topic) -> Result<(), LogError> {
        self.ask(&Question::Delete(topic.clone())).await
    }

    async fn list(&self) -> Result<Vec<Topic>, LogError> {
        self.ask(&Question::List).await
    }

    async fn survey(&self) -> Result<Vec<Surveyed>, LogError> {
        self.ask(&Question::Survey).await
    }

    async fn committed(&self, topic: &Topic, consumer: &str) -> Result<Option<Position>, LogError> {
        self.ask(&Question::Committed(topic.clone(), consumer.to_owned()))
            .await
    }

    async fn commit(&self, topic: &Topic, consumer: &str, next: Position) -> Result<(), LogError> {
        self.ask(&Question::Commit(topic.clone(), consumer.to_owned(), next))
            .await
    }

    async fn warnings(&self, topic: &Topic) -> Result<Vec<String>, LogError> {
        self.ask(&Question::Warnings(topic.clone())).await
    }

    fn describe(&self) -> String {
        self.name.clone()
    }
}
