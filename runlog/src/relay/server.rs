//! The side that has the log.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde::Serialize;
use tokio::io::AsyncReadExt;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::wire::{Frame, LONGEST_PAGE, Place, Question, pack_stored, unpack};
use crate::{Log, LogError, Position, Stored, Topic};

/// How often a caller that waits is told that it is not forgotten.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Answers everybody who comes to the socket, until it is dropped.
pub async fn serve(log: Arc<dyn Log>, socket: UnixListener) {
    let mut callers = JoinSet::new();
    loop {
        tokio::select! {
            caller = socket.accept() => match caller {
                Ok((stream, _)) => drop(callers.spawn(answer_all(log.clone(), stream))),
                Err(error) => {
                    tracing::warn!(%error, "the relay cannot take a caller");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            },
            Some(_) = callers.join_next() => {}
        }
    }
}

async fn answer_all(log: Arc<dyn Log>, stream: UnixStream) {
    let (mut questions, mut answers) = stream.into_split();
    loop {
        let done = match Frame::read(&mut questions).await {
            Ok(Some(frame)) => answer(&*log, frame, &mut questions, &mut answers).await,
            Ok(None) => return,
            Err(error) => Err(error),
        };
        if let Err(error) = done {
            tracing::debug!(%error, "a caller of the relay is gone");
            return;
        }
    }
}

async fn answer(
    log: &dyn Log,
    frame: Frame,
    questions: &mut OwnedReadHalf,
    answers: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    match frame.json::<Question>()? {
        Question::Describe => say(&Ok(log.describe()), answers).await,
        Question::Create(topic) => with_patience(log.create(&topic), answers).await,
        Question::Exists(topic) => with_patience(log.exists(&topic), answers).await,
        Question::Append(topic, sizes) => {
            let mut bytes = frame.bytes();
            let batch = sizes
                .into_iter()
                .map(|sizes| unpack(sizes, &mut bytes))
                .collect::<std::io::Result<_>>()?;
            with_patience(log.append(&topic, batch), answers).await
        }
        Question::Read(topic, from, max_bytes) => {
            let page = patiently(log.read(&topic, from, max_bytes.min(LONGEST_PAGE)), answers).await?;
            say_messages(page, answers).await
        }
        Question::Follow(topic, from) => follow(log, &topic, from, questions, answers).await,
        Question::End(topic) => with_patience(log.end(&topic), answers).await,
        Question::Clear(topic) => with_patience(log.clear(&topic), answers).await,
        Question::Trim(topic, before) => with_patience(log.trim(&topic, before), answers).await,
        Question::Delete(topic) => with_patience(log.delete(&topic), answers).await,
        Question::List => with_patience(log.list(), answers).await,
        Question::Survey => with_patience(log.survey(), answers).await,
        Question::Committed(topic, consumer) => {
            with_patience(log.committed(&topic, &consumer), answers).await
        }
        Question::Commit(topic, consumer, next) => {
            with_patience(log.commit(&topic, &consumer, next), answers).await
        }
        Question::Warnings(topic) => with_patience(log.warnings(&topic), answers).await,
    }
}

async fn say<T: Serialize>(
    answer: &Result<T, LogError>,
    answers: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    Frame::new(answer, Vec::new()).write(answers).await
}

async fn say_messages(
    page: Result<Vec<Stored>, LogError>,
    answers: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let places: Result<Vec<Place>, LogError> = page.map(|page| {
        page.iter()
            .map(|stored| pack_stored(stored, &mut bytes))
            .collect()
    });
    Frame::new(&places, bytes).write(answers).await
}

async fn with_patience<T: Serialize>(
    work: impl Future<Output = Result<T, LogError>>,
    answers: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    let answer = patiently(work, answers).await?;
    say(&answer, answers).await
}

/// The log may be away for long; silence would look like a broken tunnel.
async fn patiently<T>(work: impl Future<Output = T>, answers: &mut OwnedWriteHalf) -> std::io::Result<T> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return Ok(done),
            () = tokio::time::sleep(PATIENCE) => Frame::patience().write(answers).await?,
        }
    }
}

/// Ends with the caller, or with an error of the log.
async fn follow(
    log: &dyn Log,
    topic: &Topic,
    from: Position,
    questions: &mut OwnedReadHalf,
    answers: &mut OwnedWriteHalf,
) -> std::io::Result<()> {
    let mut stream = match patiently(log.follow(topic, from), answers).await? {
        Ok(stream) => {
            say(&Ok(()), answers).await?;
            stream
        }
        Err(error) => return say::<()>(&Err(error), answers).await,
    };
    loop {
        tokio::select! {
            news = stream.next() => match news {
                Some(Ok(stored)) => say_messages(Ok(vec![stored]), answers).await?,
                Some(Err(error)) => return say_messages(Err(error), answers).await,
                None => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            },
            // A follower has nothing more to say: this is its end.
            _ = questions.read_u8() => return Err(std::io::ErrorKind::ConnectionAborted.into()),
            () = tokio::time::sleep(PATIENCE) => Frame::patience().write(answers).await?,
        }
    }
}
