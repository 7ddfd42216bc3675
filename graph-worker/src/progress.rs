//! How far a run is, how fast it goes and when it should be complete. Times are the log's.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use kymo_runlog::{Complaint, Marker, Outcome, Parameters, Record};

/// The pace is measured over this many samples, a second apart or more.
const SAMPLES: usize = 60;

/// Seconds without a record that say nothing, however quick a run was.
const SHORTEST_PATIENCE: f64 = 10.0;

/// What is known of a run beside its numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    pub solver: String,
    pub parameters: Parameters,
    pub attempt: u32,
    /// The last complete iteration; 0 before the first.
    pub iteration: u64,
    pub total: Option<u64>,
    pub pace: Option<f64>,
    pub newest_at: Option<DateTime<Utc>>,
    rejected: u64,
    /// Of the attempt in effect.
    complaints: u64,
    newest_reason: Option<String>,
    /// Why there is nothing to draw although there are records.
    pub missing_beginning: Option<String>,
    pub ended: Option<Outcome>,
    samples: VecDeque<(DateTime<Utc>, u64)>,
}

impl Progress {
    /// A new attempt is in effect.
    pub fn begin(&mut self, marker: &Marker) {
        self.solver.clone_from(&marker.solver);
        self.parameters.clone_from(&marker.parameters);
        self.attempt = marker.attempt;
        self.ended = None;
        self.complaints = 0;
        // The time between two attempts is no pace.
        self.samples.clear();
    }

    pub fn forget(&mut self, from: u64) {
        self.iteration = self.iteration.min(from.saturating_sub(1));
        self.samples.clear();
    }

    pub fn advance(&mut self, record: &Record, at: DateTime<Utc>) {
        self.iteration = record.iteration;
        self.total = record.total.filter(|total| *total >= record.iteration);
        self.pace = record.pace;
        self.newest_at = Some(at);
        let close = |sample: &(DateTime<Utc>, u64)| at - sample.0 < TimeDelta::seconds(1);
        if self.samples.len() > 1 && self.samples.get(self.samples.len() - 2).is_some_and(close) {
            self.samples.pop_back();
        }
        self.samples.push_back((at, record.iteration));
        if self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
    }

    pub fn reject(&mut self, reason: String) {
        self.rejected += 1;
        self.newest_reason = Some(reason);
    }

    /// The solver printed lines that are no records; the watchdog counts them.
    pub fn complain(&mut self, complaint: Complaint) {
        self.complaints = complaint.rejected;
        self.newest_reason = Some(complaint.reason);
    }

    /// What was kept aside, and why the newest of it was.
    pub fn kept_aside(&self) -> (u64, Option<&str>) {
        (
            self.rejected.saturating_add(self.complaints),
            self.missing_beginning
                .as_deref()
                .or(self.newest_reason.as_deref()),
        )
    }

    pub fn end(&mut self, outcome: Outcome) {
        self.ended = Some(outcome);
    }

    /// Every announced iteration is there, or the solver says that it has finished.
    pub fn complete(&self) -> bool {
        self.ended.as_ref().is_some_and(|outcome| outcome.finished) || self.total == Some(self.iteration)
    }

    /// The share that is done, if that is known.
    pub fn share(&self) -> Option<f64> {
        match self.total {
            Some(total) if total > 0 => Some(self.iteration as f64 / total as f64),
            Some(_) | None => self.complete().then_some(1.0),
        }
    }

    /// When the run should be complete, by its recent pace; `None` also when nothing has come for so long that it
    /// hardly goes on at that pace.
    pub fn eta(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.ended.is_some() || self.complete() {
            return None;
        }
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let done = last.1.checked_sub(first.1).filter(|done| *done > 0)?;
        let took = (last.0 - first.0).num_microseconds().filter(|took| *took > 0)? as f64 / 1e6;
        let patience = (took / done as f64 * 3.0).max(SHORTEST_PATIENCE);
        if (now - last.0).as_seconds_f64() > patience {
            return None;
        }
        let left = self.total?.checked_sub(last.1)? as f64 * took / done as f64;
        // Beyond a hundred years it is no date any more.
        (left < 3.2e9).then(|| {
            last.0
                .checked_add_signed(TimeDelta::milliseconds((left * 1e3) as i64))
        })?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(iteration: u64, total: Option<u64>) -> Record {
        Record {
            iteration,
            total,
            axes: vec![],
            values: vec![],
            state: None,
            pace: None,
        }
    }

    #[test]
    fn the_eta_follows_the_recent_pace() {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let mut progress = Progress::default();
        assert_eq!(progress.eta(start), None);
        for i in 1..=200 {
            // The first hundred take ten seconds each, then one second.
            let at = if i <= 100 { i * 10 } else { 1000 + (i - 100) };
            progress.advance(&record(i as u64, Some(300)), start + TimeDelta::seconds(at));
        }
        let newest = start + TimeDelta::seconds(1100);
        let eta = progress.eta(newest).expect("a pace");
        assert_eq!((eta - start).num_seconds(), 1200);
        assert_eq!(progress.eta(newest + TimeDelta::seconds(10)), Some(eta));
        assert_eq!(
            progress.eta(newest + TimeDelta::seconds(11)),
            None,
            "it was stopped, or hangs"
        );
        progress.advance(&record(300, Some(300)), start + TimeDelta::seconds(1200));
        assert_eq!((progress.eta(newest), progress.complete()), (None, true));
    }

    #[test]
    fn a_burst_is_no_pace_and_a_lying_total_is_none() {
        let start = DateTime::<Utc>::UNIX_EPOCH;
        let mut progress = Progress::default();
        (1..=50).for_each(|i| progress.advance(&record(i, Some(u64::MAX)), start));
        assert_eq!(progress.eta(start), None);
        progress.advance(&record(51, Some(u64::MAX)), start + TimeDelta::days(1));
        assert_eq!(progress.eta(start + TimeDelta::days(1)), None);
        progress.advance(&record(52, Some(3)), start + TimeDelta::days(1));
        assert_eq!((progress.total, progress.share()), (None, None));
    }
}
