//! The guard of a run's topic: reads along from the beginning, reports what does not count once, and keeps a copy of it
//! in `<topic>.rejected`. A run has one watchdog, so each copy is made once, whoever else reads; what an earlier attempt
//! copied is known by its key. Nobody waits for the guard. It is also the first to notice that the topic is deleted.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kymo_runlog::order::When;
use kymo_runlog::{Aside, Change, Kept, Log, LogError, Position, Replay, Report, Stored, Topic};
use tokio::sync::mpsc;

use super::verdict::Cause;

const PAUSE: Duration = Duration::from_millis(500);

/// Until it is dropped, or the topic is deleted.
pub async fn guard(log: Arc<dyn Log>, topic: Topic, tell: mpsc::Sender<(Cause, When)>) {
    let mut guard = Guard {
        replay: Replay::new(topic.clone()),
        next: Position::START,
        copying: Copying::Unopened,
        log,
        topic,
    };
    loop {
        match guard.read_along().await {
            LogError::UnknownTopic(_, log) => {
                // Nobody listens when the attempt ends at the same time.
                let _ = tell.send((Cause::TopicDeleted { log }, When::Now)).await;
                return;
            }
            error => {
                tracing::debug!(%error, "the guard waits for the log");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

struct Guard {
    log: Arc<dyn Log>,
    topic: Topic,
    replay: Replay,
    next: Position,
    copying: Copying,
}

/// The companion `<topic>.rejected`.
enum Copying {
    Unopened,
    Open(Aside),
    /// It has taken all that it may, or the log refuses it.
    Over,
}

impl Guard {
    async fn read_along(&mut self) -> LogError {
        let mut stream = match self.log.follow(&self.topic, self.next).await {
            Ok(stream) => stream,
            Err(error) => return error,
        };
        loop {
            match stream.next().await {
                Some(Ok(stored)) => {
                    self.next = stored.position.next();
                    for change in self.replay.push(&stored) {
                        if let Change::Rejected(report) = change {
                            self.keep(&report, &stored).await;
                        }
                    }
                }
                Some(Err(error)) => return error,
                None => {
                    let reason = "the stream of news ended".to_owned();
                    return LogError::Away {
                        log: self.log.describe(),
                        reason,
                    };
                }
            }
        }
    }

    /// Waits while the log is away: what was rejected is in the run's topic all the time.
    async fn keep(&mut self, report: &Report, stored: &Stored) {
        let (topic, position, reason) = (&report.topic, report.position.0, &report.reason);
        loop {
            match self.try_keep(report, stored).await {
                Ok(None | Some(Kept::Before)) => return,
                Ok(Some(Kept::New)) => {
                    tracing::warn!(%topic, position, reason, "kept aside");
                    return;
                }
                Ok(Some(Kept::TooMuch)) => {
                    let most = Aside::MOST;
                    tracing::warn!(
                        %topic, position, reason, most,
                        "does not count, and from here on nothing more is copied aside: its companion is full"
                    );
                    self.copying = Copying::Over;
                    return;
                }
                Err(error) if error.is_passing() => {
                    // Whether the copy is there has to be looked up.
                    self.copying = Copying::Unopened;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => {
                    tracing::warn!(%topic, position, reason, %error, "does not count, and cannot be copied aside");
                    self.copying = Copying::Over;
                    return;
                }
            }
        }
    }

    async fn try_keep(&mut self, report: &Report, stored: &Stored) -> Result<Option<Kept>, LogError> {
        loop {
            match &mut self.copying {
                Copying::Unopened => {
                    self.copying = Copying::Open(Aside::open(&*self.log, &self.topic).await?);
                }
                Copying::Open(aside) => return aside.keep(&*self.log, report, stored).await.map(Some),
                Copying::Over => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use kymo_runlog::{Message, RunWriter};

    use super::*;
    use crate::testing::{self, FickleLog};

    async fn until(what: &str, mut fact: impl FnMut() -> bool) {
        let patience = tokio::time::Instant::now() + Duration::from_secs(30);
        while !fact() {
            assert!(tokio::time::Instant::now() < patience, "waited in vain: {what}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn garbage(text: &str) -> Message {
        Message {
            payload: text.into(),
            ..Message::default()
        }
    }

    #[tokio::test]
    async fn garbage_is_copied_aside_once_while_the_run_goes_on_and_over_restarts() {
        let log = FickleLog::new();
        let run = testing::job("count", 1).run;
        let (topic, rejected) = (run.topic(), run.topic().rejected());
        let writer = RunWriter::new(run.clone(), 1, "1");
        log.create(&topic).await.expect("create");
        log.append(&topic, vec![writer.marker(1, "lab"), garbage("before")])
            .await
            .expect("append");
        let (tell, _causes) = mpsc::channel(8);
        let first = tokio::spawn(guard(log.clone(), topic.clone(), tell.clone()));
        until("the past is judged", || log.count(&rejected) == 1).await;
        log.append(&topic, vec![garbage("while it runs")])
            .await
            .expect("append");
        until("the news are judged", || log.count(&rejected) == 2).await;
        first.abort();
        let second = tokio::spawn(guard(log.clone(), topic.clone(), tell));
        log.append(&topic, vec![garbage("after a restart")])
            .await
            .expect("append");
        until("only the new one is copied", || log.count(&rejected) == 3).await;
        second.abort();
        assert_eq!(log.count(&rejected), 3);
    }

    #[tokio::test]
    async fn a_log_that_is_away_delays_the_copy_and_loses_none() {
        let log = FickleLog::new();
        let run = testing::job("count", 1).run;
        let (topic, rejected) = (run.topic(), run.topic().rejected());
        log.create(&topic).await.expect("create");
        log.append(&topic, vec![garbage("one"), garbage("two")])
            .await
            .expect("append");
        log.fill_up();
        let (tell, _causes) = mpsc::channel(8);
        let task = tokio::spawn(guard(log.clone(), topic, tell));
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(log.count(&rejected), 0);
        log.come_back();
        until("both are there", || log.count(&rejected) == 2).await;
        task.abort();
    }
}
