//! Rows of a picture counted in bins: order statistics of many values in one pass and without a copy.

use std::ops::RangeInclusive;

/// Bins for each row of pixels.
const FINE: f32 = 2.0;
const BINS: usize = 2048;
/// Values that are taken in at once, in steps that a processor does for several of them at a time.
pub const BLOCK: usize = 64;
const LANES: usize = 8;
/// Neighbours often fall into one bin. Counting them in turn at several places, none waits for the one before.
const TURNS: usize = 4;

/// The rows of one set of values after the other.
pub struct Tally {
    /// Counts; those of one bin stand at several places until they are gathered in the first.
    bins: Box<[[u32; BINS]; TURNS]>,
    lows: [f32; LANES],
    highs: [f32; LANES],
    finite: usize,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            bins: Box::new([[0; BINS]; TURNS]),
            lows: [f32::INFINITY; LANES],
            highs: [f32::NEG_INFINITY; LANES],
            finite: 0,
        }
    }
}

/// The bin of a row; rows outside of the picture fall into the first and the last one.
#[inline(always)]
fn bin(row: f32) -> usize {
    // An f32 of 2^23 and more has no places behind the point: its last bits are a whole number.
    const WHOLE: f32 = 8_388_608.0;
    let place = row * FINE;
    let place = if place > 0.5 { place } else { 0.5 };
    let place = if place < BINS as f32 - 1.0 {
        place
    } else {
        BINS as f32 - 1.0
    };
    (place - 0.5 + WHOLE).to_bits() as usize % BINS
}

impl Tally {
    /// Takes a row in; what is no finite number is passed over.
    pub fn add(&mut self, row: f32) {
        if row.is_finite() {
            (self.lows[0], self.highs[0]) = (self.lows[0].min(row), self.highs[0].max(row));
            self.bins[0][bin(row)] += 1;
            self.finite += 1;
        }
    }

    /// Takes many rows in.
    pub fn add_block(&mut self, rows: &[f32; BLOCK]) {
        if rows.iter().fold(false, |any, row| any | !row.is_finite()) {
            rows.iter().for_each(|row| self.add(*row));
            return;
        }
        for some in rows.as_chunks::<LANES>().0 {
            for ((low, high), row) in self.lows.iter_mut().zip(&mut self.highs).zip(some) {
                *low = if *row < *low { *row } else { *low };
                *high = if *row > *high { *row } else { *high };
            }
        }
        let places = rows.map(|row| bin(row) as u32);
        for some in places.as_chunks::<TURNS>().0 {
            for (bins, place) in self.bins.iter_mut().zip(some) {
                bins[*place as usize % BINS] += 1;
            }
        }
        self.finite += BLOCK;
    }

    /// How many rows are in it.
    pub fn finite(&self) -> usize {
        self.finite
    }

    /// The smallest row, what stands at these ascending shares of all rows, and the largest row. `None`
    /// without any row.
    pub fn spread<const N: usize>(&mut self, shares: [f32; N]) -> Option<(f32, [f32; N], f32)> {
        if self.finite == 0 {
            return None;
        }
        self.gather();
        let (bins, used) = (&self.bins[0], self.used());
        let (mut at, mut seen) = (*used.start(), bins[*used.start()]);
        let quantiles = shares.map(|share| {
            let rank = (self.finite as f32 * share) as u32;
            while seen <= rank && at < *used.end() {
                at += 1;
                seen += bins[at];
            }
            self.middle(at)
        });
        Some((self.low(), quantiles, self.high()))
    }

    /// The rows that occur, as the middles of their bins; to be asked after `spread`.
    pub fn rows(&self) -> impl Iterator<Item = f32> + Clone {
        self.used()
            .filter(|bin| self.bins[0][*bin] > 0)
            .map(|bin| self.middle(bin))
    }

    pub fn clear(&mut self) {
        if self.finite > 0 {
            let used = self.used();
            self.bins.iter_mut().for_each(|bins| bins[used.clone()].fill(0));
        }
        (self.lows, self.highs, self.finite) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES], 0);
    }

    fn low(&self) -> f32 {
        self.lows.into_iter().fold(f32::INFINITY, f32::min)
    }

    fn high(&self) -> f32 {
        self.highs.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }

    fn used(&self) -> RangeInclusive<usize> {
        bin(self.low())..=bin(self.high())
    }

    fn middle(&self, bin: usize) -> f32 {
        ((bin as f32 + 0.5) / FINE).clamp(self.low(), self.high())
    }

    /// All counts in the first place.
    fn gather(&mut self) {
        let used = self.used();
        let [bins, others @ ..] = self.bins.as_mut();
        for other in others {
            for (count, more) in bins[used.clone()].iter_mut().zip(&mut other[used.clone()]) {
                *count += std::mem::take(more);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row() -> impl Strategy<Value = f32> {
        prop_oneof![
            20 => 0.0f32..564.0,
            20 => 100.0f32..101.0,
            1 => -10.0f32..2000.0,
            1 => Just(f32::NAN),
            1 => Just(f32::INFINITY),
        ]
    }

    proptest! {
        #[test]
        fn shares_are_those_of_sorted_rows(sets in prop::collection::vec(prop::collection::vec(row(), 0..400), 1..4)) {
            let mut tally = Tally::default();
            for set in sets {
                let (blocks, rest) = set.as_chunks::<BLOCK>();
                blocks.iter().for_each(|block| tally.add_block(block));
                rest.iter().for_each(|row| tally.add(*row));
                let mut sorted: Vec<f32> = set.into_iter().filter(|row| row.is_finite()).collect();
                sorted.sort_by(f32::total_cmp);
                prop_assert_eq!(tally.finite(), sorted.len());
                let spread = tally.spread([0.1, 0.5, 0.9]);
                prop_assert_eq!(spread.is_some(), !sorted.is_empty());
                if let Some((low, quantiles, high)) = spread {
                    prop_assert_eq!((low, high), (sorted[0], sorted[sorted.len() - 1]));
                    for (share, found) in [0.1, 0.5, 0.9].into_iter().zip(quantiles) {
                        let exact = sorted[(sorted.len() as f32 * share) as usize];
                        // All that lies beyond the picture is one bin.
                        let (exact, found) = (exact.clamp(0.0, 1000.0), found.clamp(0.0, 1000.0));
                        prop_assert!((exact - found).abs() <= 1.0 / FINE, "{} not {}", found, exact);
                    }
                    let near = |row: &f32| tally.rows().any(|found| (found - row.clamp(0.0, 1000.0)).abs() <= 1.0 / FINE);
                    prop_assert!(sorted.iter().filter(|row| **row < 1000.0).all(near));
                }
                tally.clear();
            }
        }
    }
}
