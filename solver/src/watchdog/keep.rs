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
pub fn hold(lease: Option<&Lease>, job: &Job, renewed: Instant, now: Instant) -> Hold {
    match lease {
        Some(lease) if lease.attempt > job.attempt => Hold::Lost,
        Some(lease) if lease.attempt == job.attempt && (lease.holder != job.holder || lease.released) => {
            Hold::Lost
        }
        Some(_) | None if now.saturating_duration_since(renewed) >= claim::LENGTH => Hold::Unsure,
        Some(_) | None => Hold::Held,
    }
}

/// Runs until the lease is lost.
pub async fn keep_claim(log: Arc<dyn Log>, job: Job, state: watch::Sender<Hold>) {
    let mut leases = Leases::default();
    let mut renewed = Instant::now();
    let mut next_renewal = renewed + claim::RENEWAL;
    // A renewal counts once everything that stands before it has been read: an earlier claim may have won.
    let mut pending: Option<(Position, Instant)> = None;
    let mut from = job.claimed_at;
    let mut stream: Option<LogStream> = None;
    loop {
        if stream.is_none() {
            stream = log.follow(&claim::topic(), from).await.ok();
        }
        let wake = match *state.borrow() {
            Hold::Held => next_renewal.min(renewed + claim::LENGTH),
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
            match renew(&*log, &job).await {
                Some(position) => {
                    pending = Some((position, sent));
                    next_renewal = sent + claim::RENEWAL;
                }
                None => next_renewal = Instant::now() + claim::RENEWAL / 15,
            }
        }
        if let Some((position, sent)) = pending
            && from > position
        {
            renewed = sent;
            pending = None;
        }
        let hold = hold(leases.find(&job.topic), &job, renewed, Instant::now());
        state.send_if_modified(|known| std::mem::replace(known, hold) != hold);
        if hold == Hold::Lost {
            return;
        }
    }
}

/// A log that hangs must not keep us from noticing that the lease has ended.
async fn renew(log: &dyn Log, job: &Job) -> Option<Position> {
    let renewal = claim::claim(&job.topic, job.attempt, &job.host, job.holder, Utc::now(), false);
    let claims = claim::topic();
    let append = events::try_append_json(log, &claims, &job.topic, &renewal);
    tokio::time::timeout(claim::RENEWAL / 2, append).await.ok()?.ok()
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
