//! One measured figure beside its goal and its alternative.

use std::time::Duration;

use serde::Serialize;

/// A median, measured in the same run as its alternative.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// `picture.full_1e5`: the bench, then what was measured.
    #[serde(skip)]
    pub name: String,
    pub value: f64,
    /// `ms` of wall clock, `ms CPU`, `MB` (PSS), `s`.
    pub unit: &'static str,
    /// At most this much, in the same unit.
    pub goal: Option<f64>,
    /// The same work done the other way, in the same unit.
    pub alternative: Option<f64>,
    /// What the alternative is.
    pub beside: Option<&'static str>,
    /// `alternative / value`: how many times better we are.
    pub ratio: Option<f64>,
}

impl Figure {
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            goal: None,
            alternative: None,
            beside: None,
            ratio: None,
        }
    }

    pub fn goal(self, goal: f64) -> Self {
        Self {
            goal: Some(goal),
            ..self
        }
    }

    pub fn beside(self, what: &'static str, alternative: f64) -> Self {
        let ratio = (self.value > 0.0).then(|| alternative / self.value);
        Self {
            alternative: Some(alternative),
            beside: Some(what),
            ratio,
            ..self
        }
    }

    pub fn is_met(&self) -> bool {
        self.goal.is_none_or(|goal| self.value <= goal)
    }
}

/// The middle of the sorted values; 0 for none.
pub fn median(mut values: Vec<f64>) -> f64 {
    percentile(&mut values, 0.5)
}

/// The value below which this share of the values lies (nearest rank).
pub fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (share * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// CPU time of this process so far, all threads.
pub fn cpu_time() -> Duration {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID);
    now.map_or(Duration::ZERO, Duration::from)
}

/// Median CPU milliseconds of `work` over several calls, after one to warm up.
pub fn cpu_ms(calls: usize, mut work: impl FnMut()) -> f64 {
    work();
    let one = |()| {
        let before = cpu_time();
        work();
        (cpu_time() - before).as_secs_f64() * 1e3
    };
    median(std::iter::repeat_n((), calls).map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let mut values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut values, 0.99), 99.0);
        assert_eq!(percentile(&mut values, 0.5), 50.0);
        assert_eq!(median(vec![]), 0.0);
    }
}
