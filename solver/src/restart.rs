//! Whether a failed attempt is tried again, and when.

use std::time::Duration;

use crate::catalogue::Restart;

/// How long to wait before the next attempt; `None`: give up. `failures` counts the attempts in a row, this one
/// included, that failed without completing an iteration more than they had found.
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

/// Failures in a row after an attempt that ended badly: one that got further starts a new row.
pub fn failures_in_a_row(before: u32, progressed: bool) -> u32 {
    if progressed { 1 } else { before.saturating_add(1) }
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

    proptest! {
        #[test]
        fn a_run_that_never_gets_further_ends(limit in 0u32..50, backoff in any::<f64>(), longest in any::<f64>()) {
            let policy = policy(limit, backoff, longest);
            let mut failures = 0;
            let mut attempts = 0;
            loop {
                attempts += 1;
                failures = failures_in_a_row(failures, false);
                match pause_before_next(&policy, failures) {
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

        #[test]
        fn getting_further_starts_a_new_row(before in any::<u32>()) {
            prop_assert_eq!(failures_in_a_row(before, true), 1);
        }
    }
}
