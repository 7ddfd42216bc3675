//! Keeping the claim: renews the lease and watches `kymo.claims` for somebody who has won the next attempt.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures::StreamExt;
use kymo_runlog::claim::{self, Claim, Lease, Leases};
use kymo_runlog::{Log, LogStream, Position};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::events;
use crate::folder::Job;

/// What the watchdog knows about its own right to run the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Held,
    /// The lease may have ended; whether somebody else has the run cannot be asked. The solver is frozen meanwhile.
    Unsure,
    /// Somebody else has the run.
    Lost,
}

/// Judges by what was read and by when the last renewal was under way. The local deadline is counted from before
/// the renewal was sent, so it ends before the log's own.
pub fn hold(lease: Option<&Lease>, job: &Job, length: Duration, renewed: Instant, now: Instant) -> Hold {
    match lease {
        Some(lease) if lease.attempt > job.attempt => Hold::Lost,
        Some(lease) if lease.attempt == job.attempt && (lease.holder != job.holder || lease.released) => {
            Hold::Lost
        }
        Some(_) | None if now.saturating_duration_since(renewed) >= length => Hold::Unsure,
        Some(_) | None => Hold::Held,
    }
}

/// How long a lease lasts, and how often it is renewed.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    pub length: Duration,
    pub renewal: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            length: claim::LENGTH,
            renewal: claim::RENEWAL,
        }
    }
}

/// Runs until the lease is lost.
pub async fn keep_claim(log: Arc<dyn Log>, job: Job, rhythm: Rhythm, state: watch::Sender<Hold>) {
    let mut leases = Leases::default();
    let mut renewed = Instant::now();
    let mut next_renewal = renewed + rhythm.renewal;
    // A renewal counts once everything that stands before it has been read: an earlier claim may have won.
    let mut pending: Option<(Position, Instant)> = None;
    let mut from = job.claimed_at;
    let mut stream: Option<LogStream> = None;
    loop {
        if stream.is_none() {
            // A broker that hangs must not keep us from noticing that the lease has ended.
            let claims = claim::topic();
            let follow = tokio::time::timeout(rhythm.renewal / 2, log.follow(&claims, from));
            stream = follow.await.ok().and_then(Result::ok);
        }
        let wake = match *state.borrow() {
            Hold::Held => next_renewal.min(renewed + rhythm.length),
            Hold::Unsure | Hold::Lost => next_renewal,
        };
        tokio::select! {
            news = next(&mut stream) => match news {
                Some((position, news)) => {
                    from = position.next();
                    if let Some((claim, at)) = news {
                        leases.apply(&claim, at);
                    }
                }
                None => {
                    stream = None;
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            },
            () = tokio::time::sleep_until(wake) => {}
        }
        if Instant::now() >= next_renewal {
            let sent = Instant::now();
            match renew(&*log, &job, rhythm.renewal / 2).await {
                Some(position) => {
                    pending = Some((position, sent));
                    next_renewal = sent + rhythm.renewal;
                }
                None => next_renewal = Instant::now() + rhythm.renewal / 15,
            }
        }
        if let Some((position, sent)) = pending
            && from > position
        {
            renewed = sent;
            pending = None;
        }
        let hold = hold(
            leases.find(&job.topic),
            &job,
            rhythm.length,
            renewed,
            Instant::now(),
        );
        state.send_if_modified(|known| std::mem::replace(known, hold) != hold);
        if hold == Hold::Lost {
            return;
        }
    }
}

/// A log that hangs must not keep us from noticing that the lease has ended.
async fn renew(log: &dyn Log, job: &Job, patience: Duration) -> Option<Position> {
    let renewal = claim::claim(&job.topic, job.attempt, &job.host, job.holder, Utc::now(), false);
    let claims = claim::topic();
    let append = events::try_append_json(log, &claims, &job.topic, &renewal);
    tokio::time::timeout(patience, append).await.ok()?.ok()
}

/// Gives the run free, so that the next attempt needs not wait for the lease's end.
pub async fn release(log: &dyn Log, job: &Job) -> Result<Position, kymo_runlog::LogError> {
    let release = claim::claim(&job.topic, job.attempt, &job.host, job.holder, Utc::now(), true);
    events::append_json(log, &claim::topic(), &job.topic, &release).await
}

type News = (Position, Option<(Claim, chrono::DateTime<Utc>)>);

/// `None` when the stream has broken.
async fn next(stream: &mut Option<LogStream>) -> Option<News> {
    let stored = stream.as_mut()?.next().await?.ok()?;
    // Foreign messages in the topic are nobody's claim.
    let claim = stored.json().ok().map(|claim| (claim, stored.at));
    Some((stored.position, claim))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, FickleLog};

    #[test]
    fn a_hold_is_judged_by_the_log_and_by_the_clock() {
        let job = testing::job("count", 2);
        let now = Instant::now();
        let lease = |attempt, holder, released| Lease {
            attempt,
            host: "lab".to_owned(),
            holder,
            since: Utc::now(),
            ends: Utc::now(),
            released,
        };
        let other = uuid::Uuid::from_u128(7);
        let cases = [
            ("nothing read yet", None, 0, Hold::Held),
            ("our own", Some(lease(2, job.holder, false)), 59, Hold::Held),
            ("not renewed", Some(lease(2, job.holder, false)), 60, Hold::Unsure),
            ("nothing heard at all", None, 60, Hold::Unsure),
            (
                "released by the initiator",
                Some(lease(2, job.holder, true)),
                0,
                Hold::Lost,
            ),
            (
                "somebody else was first",
                Some(lease(2, other, false)),
                0,
                Hold::Lost,
            ),
            ("the next attempt", Some(lease(3, other, false)), 0, Hold::Lost),
            (
                "an earlier one's claim",
                Some(lease(1, other, false)),
                0,
                Hold::Held,
            ),
        ];
        for (name, lease, seconds, expected) in cases {
            let later = now + Duration::from_secs(seconds);
            assert_eq!(
                hold(lease.as_ref(), &job, claim::LENGTH, now, later),
                expected,
                "{name}"
            );
        }
    }

    /// Waits for what the keeper says.
    async fn until(state: &mut watch::Receiver<Hold>, wanted: Hold) {
        let said = tokio::time::timeout(Duration::from_secs(60), state.wait_for(|hold| *hold == wanted));
        said.await.expect("within a minute").expect("the keeper lives");
    }

    #[tokio::test]
    async fn a_keeper_that_cannot_renew_is_unsure_and_sure_again_when_it_can() {
        let log = FickleLog::new();
        let mut job = testing::job("count", 1);
        let ours = claim::claim(&job.topic, 1, &job.host, job.holder, Utc::now(), false);
        job.claimed_at = events::append_json(&*log, &claim::topic(), &job.topic, &ours)
            .await
            .expect("claimed");
        let rhythm = Rhythm {
            length: Duration::from_millis(200),
            renewal: Duration::from_millis(50),
        };
        let (tell, mut state) = watch::channel(Hold::Held);
        let keeper = tokio::spawn(keep_claim(log.clone(), job.clone(), rhythm, tell));
        log.go_away();
        until(&mut state, Hold::Unsure).await;
        log.come_back();
        until(&mut state, Hold::Held).await;
        release(&*log, &job).await.expect("released");
        until(&mut state, Hold::Lost).await;
        keeper.await.expect("it ends by itself");
    }
}
