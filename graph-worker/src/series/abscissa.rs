//! Where a series' values stand: coordinates, kept as evenly spaced runs because they nearly always are.

/// Coordinates of a growing series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Abscissa {
    runs: Vec<Run>,
    len: usize,
    last: f64,
    /// The first coordinate that does not lie beyond the one before.
    fall: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    first: usize,
    start: f64,
    step: f64,
}

impl Run {
    fn at(&self, index: usize) -> f64 {
        self.start + self.step * (index - self.first) as f64
    }
}

impl Abscissa {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub fn push(&mut self, x: f64) {
        if self.fall.is_none() && !(x.is_finite() && (self.len == 0 || x > self.last)) {
            self.fall = Some(self.len);
        }
        let index = self.len;
        self.len += 1;
        self.last = x;
        if let Some(run) = self.runs.last_mut() {
            if index - run.first == 1 {
                run.step = x - run.start;
                return;
            }
            // A drawing does not see a thousandth of a millionth of a step.
            if (x - run.at(index)).abs() <= 1e-9 * run.step.abs() {
                return;
            }
        }
        self.runs.push(Run {
            first: index,
            start: x,
            step: 0.0,
        });
    }

    pub fn get(&self, index: usize) -> Option<f64> {
        if index >= self.len {
            return None;
        }
        let run = self
            .runs
            .partition_point(|run| run.first <= index)
            .checked_sub(1)?;
        self.runs.get(run).map(|run| run.at(index))
    }

    pub fn last(&self) -> Option<f64> {
        self.get(self.len.checked_sub(1)?)
    }

    /// Coordinates from `index` on.
    pub fn iter_from(&self, index: usize) -> impl Iterator<Item = f64> + '_ {
        let mut run = self
            .runs
            .partition_point(|run| run.first <= index)
            .saturating_sub(1);
        (index..self.len).map(move |i| {
            if self.runs.get(run + 1).is_some_and(|next| next.first <= i) {
                run += 1;
            }
            self.runs[run].at(i)
        })
    }

    /// The first index whose coordinate is not below `x`, if coordinates rise.
    pub fn index_at(&self, x: f64) -> usize {
        let after = self.runs.partition_point(|run| run.start < x);
        let Some(run) = after.checked_sub(1).and_then(|i| self.runs.get(i)) else {
            return 0;
        };
        let end = self.runs.get(after).map_or(self.len, |next| next.first);
        let within = match run.step > 0.0 {
            true => ((x - run.start) / run.step).ceil() as usize,
            false => usize::MAX,
        };
        run.first.saturating_add(within).min(end)
    }

    /// Whether every coordinate lies beyond the one before. If not, a drawing counts instead.
    pub fn rises(&self) -> bool {
        self.fall.is_none()
    }

    pub fn truncate(&mut self, len: usize) {
        if len >= self.len {
            return;
        }
        self.len = len;
        self.runs
            .truncate(self.runs.partition_point(|run| run.first < len));
        self.fall = self.fall.filter(|fall| *fall < len);
        self.last = self.last().unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn even_windows_are_one_run() {
        let mut xs = Abscissa::default();
        (0..10_000).for_each(|i| xs.push(f64::from(i) * 0.01));
        assert_eq!(xs.runs.len(), 1);
        assert!(xs.rises());
    }

    #[test]
    fn a_fall_is_forgotten_with_its_place() {
        let mut xs = Abscissa::default();
        [1.0, 2.0, 1.5, f64::NAN].into_iter().for_each(|x| xs.push(x));
        assert!(!xs.rises());
        xs.truncate(2);
        assert!(xs.rises());
    }

    proptest! {
        #[test]
        fn coordinates_come_back(steps in prop::collection::vec(prop_oneof![Just(1.0), 0.001..10.0f64, -1.0..0.0f64], 0..200), cut in 0usize..220) {
            let mut xs = Abscissa::default();
            let mut all = Vec::new();
            let mut x = 0.0;
            for step in steps {
                x += step;
                xs.push(x);
                all.push(x);
            }
            xs.truncate(cut);
            all.truncate(cut);
            let rises = all.windows(2).all(|w| w[1] > w[0]);
            prop_assert_eq!(xs.rises(), rises);
            for from in [0, cut / 2] {
                for (a, b) in xs.iter_from(from).zip(all.get(from..).unwrap_or_default()) {
                    prop_assert!((a - b).abs() < 1e-5);
                }
            }
            if rises {
                for x in [-1.0, 0.5, 3.3, 77.0, 1e9] {
                    prop_assert_eq!(xs.index_at(x), all.partition_point(|a| *a < x));
                }
            }
            prop_assert_eq!(xs.iter_from(0).count(), all.len());
            prop_assert_eq!(xs.last().is_some(), !all.is_empty());
        }
    }
}
