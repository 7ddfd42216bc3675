//! Keeping the claim: renews the lease and watches `kymo.claims` for somebody who has won the next attempt.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::StreamExt;
use kymo_runlog::claim::{self, Claim, Lease, Leases};
use kymo_runlog::{Log, LogStream, Position};
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;

use crate::events;
use crate::folder::Job;

/// What the watchdog knows about its own right to run the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Held,
    /// The lease may have ended; whether somebody else has the run cannot be asked. No solver runs meanwhile.
    Unsure,
    /// Somebody else has the run.
    Lost,
}

/// Judges by what was read and by when the last renewal that was read had been sent: nobody who waits for the lease's
/// end can have heard of it earlier.
pub fn hold(
    lease: Option<&Lease>,
    job: &Job,
    length: Duration,
    renewed: Option<Instant>,
    now: Instant,
) -> Hold {
    match lease {
        Some(lease) if lease.attempt > job.attempt => Hold::Lost,
        Some(lease) if lease.attempt == job.attempt && (lease.holder != job.holder || lease.released) => {
            Hold::Lost
        }
        Some(_) | None => match renewed {
            Some(renewed) if now.saturating_duration_since(renewed) < length => Hold::Held,
            Some(_) | None => Hold::Unsure,
        },
    }
}

/// Whether nobody else can have the run, asked at the very moment.
#[derive(Clone)]
pub struct Right {
    pub hold: watch::Receiver<Hold>,
    /// How long the newest renewal that was read back holds, by our own clock.
    pub until: watch::Receiver<Instant>,
}

impl Right {
    /// The clock counts: a process that was frozen has not heard yet that it lost the run. What stands in the log
    /// when the answer is yes was written before any later attempt wrote anything.
    pub fn is_sure(&self) -> bool {
        *self.hold.borrow() == Hold::Held && Instant::now() < *self.until.borrow()
    }
}

/// How long the attempt goes on without a renewal, and how often it is renewed.
#[derive(Clone, Copy, Debug)]
pub struct Rhythm {
    pub length: Duration,
    pub renewal: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self {
            length: claim::HOLD,
            renewal: claim::RENEWAL,
        }
    }
}

/// Runs until the lease is lost. Unsure at first: the claim that won may have been long ago.
pub async fn keep_claim(
    log: Arc<dyn Log>,
    job: Job,
    rhythm: Rhythm,
    state: watch::Sender<Hold>,
    until: watch::Sender<Instant>,
) {
    let mut leases = Leases::default();
    let mut renewals = Renewals::default();
    let mut next_renewal = Instant::now();
    let mut from = job.claimed_at;
    let mut stream: Option<LogStream> = None;
    loop {
        if stream.is_none() {
            // A broker that hangs must not keep us from noticing that the lease has ended.
            let claims = claim::topic();
            let follow = tokio::time::timeout(rhythm.renewal / 2, log.follow(&claims, from));
            stream = follow.await.ok().and_then(Result::ok);
        }
        let wake = match (renewals.heard, *state.borrow()) {
            (Some(heard), Hold::Held) => next_renewal.min(heard + rhythm.length),
            (Some(_) | None, Hold::Held | Hold::Unsure | Hold::Lost) => next_renewal,
        };
        tokio::select! {
            news = next(&mut stream) => match news {
                Some((position, news)) => {
                    from = position.next();
                    if let Some((claim, at)) = news {
                        leases.apply(&claim, position, at);
                        renewals.hear(&claim, &job);
                    }
                }
                None => {
                    stream = None;
                    tokio::time::sleep(rhythm.renewal / 6).await;
                }
            },
            () = tokio::time::sleep_until(wake) => {}
        }
        let now = Instant::now();
        if now >= next_renewal {
            let renewal = claim::claim(&job.topic, job.attempt, &job.host, job.holder, Utc::now(), false);
            renewals.send(renewal.at, now);
            next_renewal = match append(&*log, &job, &renewal, rhythm.renewal / 2).await {
                true => now + rhythm.renewal,
                false => Instant::now() + rhythm.renewal / 15,
            };
        }
        if let Some(heard) = renewals.heard {
            let end = heard + rhythm.length;
            until.send_if_modified(|known| std::mem::replace(known, end) != end);
        }
        let lease = leases.find(&job.topic);
        let hold = hold(lease, &job, rhythm.length, renewals.heard, Instant::now());
        state.send_if_modified(|known| std::mem::replace(known, hold) != hold);
        if hold == Hold::Lost {
            return;
        }
    }
}

/// Our renewals on their way through the log. One counts when it is read back, however late, because everything
/// that stands before it is read by then; and from when it was sent.
#[derive(Default)]
struct Renewals {
    sent: VecDeque<(DateTime<Utc>, Instant)>,
    heard: Option<Instant>,
}

impl Renewals {
    /// More than are ever under way.
    const REMEMBERED: usize = 100;

    fn send(&mut self, at: DateTime<Utc>, now: Instant) {
        if self.sent.len() >= Self::REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back((at, now));
    }

    fn hear(&mut self, claim: &Claim, job: &Job) {
        if claim.holder == job.holder
            && let Some(index) = self.sent.iter().position(|(at, _)| *at == claim.at)
        {
            let (_, sent) = self.sent.drain(..=index).next_back().expect("it was found");
            self.heard = self.heard.max(Some(sent));
        }
    }
}

/// A log that hangs must not keep us from noticing that the lease has ended.
async fn append(log: &dyn Log, job: &Job, renewal: &Claim, patience: Duration) -> bool {
    let claims = claim::topic();
    let append = events::try_append_json(log, &claims, &job.topic, renewal);
    matches!(tokio::time::timeout(patience, append).await, Ok(Ok(_)))
}

/// Gives the run free, so that the next attempt needs not wait for the lease's end.
pub async fn release(log: &dyn Log, job: &Job) -> Result<Position, kymo_runlog::LogError> {
    let release = claim::claim(&job.topic, job.attempt, &job.host, job.holder, Utc::now(), true);
    events::append_json(log, &claim::topic(), &job.topic, &release).await
}

/// The topic speaks of attempts that the claims do not know: it was imported, or a stranger's marker named one. Their
/// numbers are spent; once the claims say so, too, whoever has the run next goes on behind them.
pub async fn spend(log: &dyn Log, job: &Job, attempt: u32) -> Result<(), kymo_runlog::LogError> {
    release(log, job).await?;
    let holder = Uuid::new_v4();
    for released in [false, true] {
        let spent = claim::claim(&job.topic, attempt, &job.host, holder, Utc::now(), released);
        events::append_json(log, &claim::topic(), &job.topic, &spent).await?;
    }
    Ok(())
}

type News = (Position, Option<(Claim, DateTime<Utc>)>);

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
            heard: Position::START,
            released,
        };
        let other = uuid::Uuid::from_u128(7);
        let held = Some(lease(2, job.holder, false));
        let cases = [
            ("nothing read yet", None, None, Hold::Unsure),
            ("our claim, not renewed yet", held.clone(), None, Hold::Unsure),
            ("renewed", held.clone(), Some(7), Hold::Held),
            ("not renewed again", held.clone(), Some(8), Hold::Unsure),
            (
                "released by the initiator",
                Some(lease(2, job.holder, true)),
                Some(0),
                Hold::Lost,
            ),
            (
                "somebody else was first",
                Some(lease(2, other, false)),
                Some(0),
                Hold::Lost,
            ),
            (
                "the next attempt",
                Some(lease(3, other, false)),
                Some(0),
                Hold::Lost,
            ),
            (
                "an earlier one's claim",
                Some(lease(1, other, false)),
                Some(0),
                Hold::Held,
            ),
        ];
        for (name, lease, seconds, expected) in cases {
            let later = now + Duration::from_secs(seconds.unwrap_or(0));
            let renewed = seconds.map(|_| now);
            assert_eq!(
                hold(lease.as_ref(), &job, claim::HOLD, renewed, later),
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
        let (tell, mut state) = watch::channel(Hold::Unsure);
        let tell_until = watch::Sender::new(Instant::now());
        let keeper = tokio::spawn(keep_claim(log.clone(), job.clone(), rhythm, tell, tell_until));
        until(&mut state, Hold::Held).await;
        log.go_away();
        until(&mut state, Hold::Unsure).await;
        log.come_back();
        until(&mut state, Hold::Held).await;
        release(&*log, &job).await.expect("released");
        until(&mut state, Hold::Lost).await;
        keeper.await.expect("it ends by itself");
    }
}
