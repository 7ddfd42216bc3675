//! When the next picture is handed over: at once when something is new and it is welcome, now and then
//! because times in it grow old, never because nothing happened.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::picture::next_age_step;
use crate::progress::Progress;

const RETRIES: [u64; 6] = [250, 500, 1000, 2000, 5000, 15_000];

/// However long the bot asks us to wait, some day we look again.
const LONGEST: Duration = Duration::from_secs(86_400);

/// What was handed over, and when the next may be.
#[derive(Debug)]
pub struct Pace {
    news: bool,
    welcome: Instant,
    /// When the times in the last picture are too old.
    stale: Option<Instant>,
    failures: usize,
}

impl Pace {
    /// Nothing was handed over yet, so even an empty picture is news.
    pub fn new(now: Instant) -> Self {
        Self {
            news: true,
            welcome: now,
            stale: None,
            failures: 0,
        }
    }

    pub fn news(&mut self) {
        self.news = true;
    }

    /// When to draw next.
    pub fn due(&self) -> Option<Instant> {
        match (self.news, self.stale) {
            (true, _) => Some(self.welcome),
            (false, stale) => stale.map(|stale| stale.max(self.welcome)),
        }
    }

    /// A picture is on its way: what comes from now on is news again.
    pub fn sent(&mut self, now: Instant, clock: DateTime<Utc>, progress: &Progress) {
        self.news = false;
        let still = progress.ended.is_some() || progress.complete();
        self.stale = progress.newest_at.filter(|_| !still).map(|newest| {
            let step = next_age_step(clock - newest).to_std().unwrap_or_default();
            now + step.max(Duration::from_secs(20))
        });
    }

    /// It arrived; the next one is welcome after `pause`.
    pub fn shown(&mut self, now: Instant, pause: Duration) {
        self.failures = 0;
        self.welcome = now + pause.min(LONGEST);
    }

    /// It did not arrive: only the newest picture is worth another try.
    pub fn failed(&mut self, now: Instant) {
        self.welcome = now + Duration::from_millis(RETRIES[self.failures.min(RETRIES.len() - 1)]);
        self.failures += 1;
        self.news = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn news_goes_out_at_once_when_idle_and_in_time_when_not() {
        let (start, clock) = (Instant::now(), DateTime::UNIX_EPOCH);
        let mut progress = Progress::default();
        progress.newest_at = Some(clock);
        let mut pace = Pace::new(start);
        assert_eq!(pace.due(), Some(start));
        pace.sent(start, clock, &progress);
        pace.shown(start, Duration::from_secs(3));
        // Nothing new: only the age grows.
        assert_eq!(pace.due(), Some(start + Duration::from_secs(30)));
        pace.news();
        assert_eq!(pace.due(), Some(start + Duration::from_secs(3)));
        // News that came while a picture was on its way is not lost.
        pace.sent(start, clock, &progress);
        pace.news();
        pace.shown(start, Duration::ZERO);
        assert_eq!(pace.due(), Some(start));
    }

    #[test]
    fn a_door_that_is_away_is_tried_again_ever_more_rarely() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let waits: Vec<_> = (0..8)
            .map(|_| {
                pace.sent(start, DateTime::UNIX_EPOCH, &Progress::default());
                pace.failed(start);
                (pace.due().expect("still news") - start).as_millis()
            })
            .collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 5000, 15_000, 15_000, 15_000]);
    }

    #[test]
    fn an_absurd_pause_is_a_day() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.shown(start, Duration::from_millis(u64::MAX));
        assert_eq!(pace.due(), Some(start + Duration::from_secs(86_400)));
    }

    #[test]
    fn an_ended_run_is_left_in_peace() {
        let start = Instant::now();
        let clock = DateTime::UNIX_EPOCH + TimeDelta::days(1);
        let mut progress = Progress::default();
        progress.newest_at = Some(DateTime::UNIX_EPOCH);
        progress.end(kymo_runlog::Outcome {
            iterations: 3,
            finished: true,
        });
        let mut pace = Pace::new(start);
        pace.sent(start, clock, &progress);
        pace.shown(start, Duration::ZERO);
        assert_eq!(pace.due(), None);
    }
}
