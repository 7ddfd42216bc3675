//! Following: read what is there, then wait for the bell.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::stream;

use super::bell::Bell;
use super::{Inner, TopicNumber};
use crate::log::LogStream;
use crate::{LogError, Position, Stored, Topic};

/// Payload taken at once; a follower keeps no more than this and one message in memory.
const BYTES: usize = 256 * 1024;

struct Follower {
    inner: Arc<Inner>,
    topic: Topic,
    number: TopicNumber,
    next: Position,
    waiting: VecDeque<Stored>,
    bell: Bell,
}

pub(super) fn follow(inner: Arc<Inner>, topic: Topic, number: TopicNumber, from: Position) -> LogStream {
    let bell = inner.bells.listen(number);
    let follower = Follower {
        inner,
        topic,
        number,
        next: from,
        waiting: VecDeque::new(),
        bell,
    };
    Box::pin(stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        match follower.next().await {
            Ok(stored) => Some((Ok(stored), Some(follower))),
            Err(e) => Some((Err(e), None)),
        }
    }))
}

impl Follower {
    async fn next(&mut self) -> Result<Stored, LogError> {
        loop {
            if let Some(stored) = self.waiting.pop_front() {
                self.next = stored.position.next();
                return Ok(stored);
            }
            // Before the look: a ring during it must not be missed.
            self.bell.forget();
            self.waiting = self
                .inner
                .read(&self.topic, self.number, self.next, BYTES)
                .await?
                .into();
            if self.waiting.is_empty() {
                self.bell.wait().await;
            }
        }
    }
}
