//! Whether a failed attempt is tried again, and when; and which failures belong to one row.

use std::time::Duration;

use crate::catalogue::Restart;

/// How long to wait before the next attempt; `None`: give up. `failures` counts the attempts in a row, the last one
/// included, that failed and got no further.
pub fn pause_before_next(policy: &Restart, failures: u32) -> Option<Duration> {
    match policy {
        Restart::Never => None,
        Restart::OnFailure { limit, .. } if failures > *limit => None,
        Restart::OnFailure { backoff, longest, .. } => {
            let doubled = backoff * 2f64.powi(i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX));
            // A policy from a file may hold anything; NaN and negative pauses mean none.
            let seconds = doubled.min(*longest).clamp(0.0, 86_400.0);
            Some(Duration::try_from_secs_f64(seconds).unwrap_or_default())
        }
    }
}

/// Failures that follow each other without getting any further. A solver that cannot go on in the middle computes
/// its first iterations again and again, so only an iteration that was never reached before is further.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub failures: u32,
    pub furthest: u64,
    /// The key of the alert that this row opened.
    pub incident: Option<String>,
}

impl Row {
    /// An attempt has failed at `iteration`; `key` names the incident if it opens one.
    pub fn fail(&mut self, iteration: u64, key: impl FnOnce() -> String) {
        if self.incident.is_none() || iteration > self.furthest {
            *self = Self {
                failures: 0,
                furthest: iteration.max(self.furthest),
                incident: Some(key()),
            };
        }
        self.failures = self.failures.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn policy(limit: u32, backoff: f64, longest: f64) -> Restart {
        Restart::OnFailure {
            limit,
            backoff,
            longest,
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_end_at_the_limit() {
        let seconds =
            |failures| pause_before_next(&policy(4, 1.0, 5.0), failures).map(|pause| pause.as_secs());
        assert_eq!(
            [1, 2, 3, 4, 5].map(seconds),
            [Some(1), Some(2), Some(4), Some(5), None]
        );
        assert_eq!(pause_before_next(&Restart::Never, 1), None);
    }

    #[test]
    fn getting_further_starts_a_new_row() {
        let mut row = Row::default();
        let mut story = Vec::new();
        for (attempt, iteration) in [(1, 0), (2, 0), (3, 57), (4, 57), (5, 40), (6, 58)] {
            row.fail(iteration, || format!("{attempt}"));
            story.push((row.failures, row.incident.clone().expect("a key")));
        }
        let story: Vec<(u32, &str)> = story
            .iter()
            .map(|(failures, key)| (*failures, key.as_str()))
            .collect();
        assert_eq!(
            story,
            [(1, "1"), (2, "1"), (1, "3"), (2, "3"), (3, "3"), (1, "6")]
        );
    }

    proptest! {
        #[test]
        fn a_run_that_never_gets_further_ends(
            limit in 0u32..50, backoff in any::<f64>(), longest in any::<f64>(), stuck_at in 0u64..100,
        ) {
            let policy = policy(limit, backoff, longest);
            let mut row = Row::default();
            let mut attempts = 0;
            loop {
                attempts += 1;
                row.fail(stuck_at, String::new);
                match pause_before_next(&policy, row.failures) {
                    Some(pause) => prop_assert!(pause <= Duration::from_secs(86_400)),
                    None => break,
                }
            }
            prop_assert_eq!(attempts, limit + 1);
        }

        #[test]
        fn pauses_never_shrink(backoff in 0.0f64..100.0, longest in 0.0f64..1000.0) {
            let policy = policy(40, backoff, longest);
            let pauses: Vec<_> = (1..=40).map(|failures| pause_before_next(&policy, failures)).collect();
            prop_assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }
}
