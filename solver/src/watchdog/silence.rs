//! When a solver counts as silent, and when as heard again.

use std::time::Duration;

use tokio::time::Instant;

/// What a watchdog knows about its solver's voice.
#[derive(Clone, Debug)]
pub struct Silence {
    patience: Option<Duration>,
    last_heard: Instant,
    told: bool,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum News {
    Silent { seconds: f64 },
    Heard,
}

impl Silence {
    /// Without patience a solver may be silent for ever.
    pub fn new(patience: Option<Duration>, now: Instant) -> Self {
        Self {
            patience,
            last_heard: now,
            told: false,
        }
    }

    /// When it was last heard; the same moment twice is no news.
    pub fn hear(&mut self, at: Instant) -> Option<News> {
        if at <= self.last_heard {
            return None;
        }
        self.last_heard = at;
        std::mem::take(&mut self.told).then_some(News::Heard)
    }

    /// Told once per silence. A solver that waits for us is not silent.
    pub fn check(&mut self, now: Instant, waits_for_us: bool) -> Option<News> {
        if waits_for_us {
            self.last_heard = now;
            return None;
        }
        let silent = now.saturating_duration_since(self.last_heard);
        if self.told || self.patience.is_none_or(|patience| silent < patience) {
            return None;
        }
        self.told = true;
        Some(News::Silent {
            seconds: silent.as_secs_f64(),
        })
    }

    /// When to look again.
    pub fn next_check(&self, now: Instant) -> Instant {
        match self.patience {
            Some(patience) if !self.told => (self.last_heard + patience).max(now + Duration::from_millis(10)),
            Some(_) | None => now + Duration::from_secs(3600),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_told_once_and_so_is_its_end() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut silence = Silence::new(Some(Duration::from_secs(10)), start);
        assert_eq!(silence.check(at(9), false), None);
        assert_eq!(silence.check(at(10), false), Some(News::Silent { seconds: 10.0 }));
        assert_eq!(silence.check(at(30), false), None, "told once");
        assert_eq!(silence.hear(at(31)), Some(News::Heard));
        assert_eq!(silence.hear(at(32)), None);
        assert_eq!(silence.check(at(41), false), None);
        assert_eq!(silence.check(at(42), false), Some(News::Silent { seconds: 10.0 }));
    }

    #[test]
    fn a_solver_that_waits_for_the_log_is_not_silent() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut silence = Silence::new(Some(Duration::from_secs(10)), start);
        assert_eq!(silence.check(at(100), true), None);
        assert_eq!(silence.check(at(109), false), None);
        assert_eq!(
            silence.check(at(110), false),
            Some(News::Silent { seconds: 10.0 })
        );
    }

    #[test]
    fn without_patience_nobody_is_ever_silent() {
        let start = Instant::now();
        let mut silence = Silence::new(None, start);
        assert_eq!(silence.check(start + Duration::from_secs(1_000_000), false), None);
    }
}
