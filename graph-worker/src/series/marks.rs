//! How long a series was after each iteration, so that iterations can be taken back.

/// Lengths by iteration, as runs of equal growth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Marks(Vec<Run>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Run {
    iteration: u64,
    iterations: u64,
    len_before: usize,
    growth: usize,
}

impl Marks {
    /// `iteration` made the series grow from `len_before` by `growth`.
    pub fn push(&mut self, iteration: u64, len_before: usize, growth: usize) {
        if let Some(run) = self.0.last_mut()
            && run.iteration + run.iterations == iteration
            && run.growth == growth
            && run.len_before + run.growth * run.iterations as usize == len_before
        {
            run.iterations += 1;
            return;
        }
        self.0.push(Run {
            iteration,
            iterations: 1,
            len_before,
            growth,
        });
    }

    /// Forgets iterations `from` and later; returns how long the series was before them, if that changes it.
    pub fn cut(&mut self, from: u64) -> Option<usize> {
        let keep = self.0.partition_point(|run| run.iteration < from);
        let removed = self.0.get(keep).map(|run| run.len_before);
        self.0.truncate(keep);
        let run = self.0.last_mut();
        let within = run
            .filter(|run| run.iteration + run.iterations > from)
            .map(|run| {
                run.iterations = from - run.iteration;
                run.len_before + run.growth * run.iterations as usize
            });
        within.or(removed)
    }

    /// By how much the newest iteration made the series grow.
    pub fn last_growth(&self) -> usize {
        self.0.last().map_or(0, |run| run.growth)
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_windows_are_one_run() {
        let mut marks = Marks::default();
        (1..=1000).for_each(|i| marks.push(i, (i as usize - 1) * 100, 100));
        assert_eq!(marks.0.len(), 1);
        assert_eq!(marks.cut(1001), None);
        assert_eq!(marks.cut(501), Some(50_000));
        assert_eq!(marks.cut(501), None);
        assert_eq!(marks.cut(1), Some(0));
    }

    proptest! {
        #[test]
        fn a_cut_finds_the_length(growths in prop::collection::vec(0usize..3, 1..40), from in 1u64..50) {
            let mut marks = Marks::default();
            let mut len = 0;
            let mut lengths = vec![0];
            for (i, growth) in growths.iter().enumerate() {
                marks.push(i as u64 + 1, len, *growth);
                len += growth;
                lengths.push(len);
            }
            let expected = lengths.get(from as usize - 1).copied().unwrap_or(len);
            prop_assert_eq!(marks.cut(from).unwrap_or(len), expected);
        }
    }
}
