//! How long to wait before a worker that ended by itself is started again.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);
/// A worker that lived this long had no trouble in starting.
const STEADY: Duration = Duration::from_secs(60);

/// Doubles with each early end.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    early_ends: u32,
}

impl Backoff {
    /// The pause after a life of this length.
    pub fn after(&mut self, life: Duration) -> Duration {
        if life >= STEADY {
            self.early_ends = 0;
        }
        let pause = FIRST.saturating_mul(1 << self.early_ends.min(10)).min(LONGEST);
        self.early_ends += 1;
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_to_a_bound_and_forgets_after_a_steady_life() {
        let mut backoff = Backoff::default();
        let pauses: Vec<u128> = (0..9)
            .map(|_| backoff.after(Duration::ZERO).as_millis())
            .collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000]);
        assert_eq!(backoff.after(STEADY), FIRST);
    }
}
