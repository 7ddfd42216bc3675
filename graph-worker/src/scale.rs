//! From values to pixels: an axis' range, its nice ticks and what stands beside them.

use crate::number;

/// The most ticks that a phone's width bears.
pub const MOST_TICKS: usize = 6;

/// The range of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub low: f64,
    pub high: f64,
}

/// Ticks with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    pub ticks: Vec<(f64, String)>,
    /// What the labels leave out: `×10⁶`, `+ 0.892103`.
    pub note: Option<String>,
}

impl Range {
    /// 0 at `low`, 1 at `high`. Halves, so that the widest range of f64 does not overflow.
    pub fn share(&self, v: f64) -> f64 {
        (v / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }

    /// A range for values between `min` and `max`: a little wider, and steady while they grow a little.
    pub fn around(min: f64, max: f64) -> Self {
        let (min, max) = apart(min, max);
        let quarter = nice_step(min, max) / 4.0;
        // Adding zero makes -0 a plain 0; rounding must never put a value outside.
        let low = ((min / quarter).floor() * quarter + 0.0).min(min);
        let high = ((max / quarter).ceil() * quarter + 0.0).max(max);
        Self {
            low: if low.is_finite() { low } else { min },
            high: if high.is_finite() { high } else { max },
        }
    }

    /// Exactly from `min` to `max`, unless they are one.
    pub fn exactly(min: f64, max: f64) -> Self {
        let (low, high) = apart(min, max);
        Self { low, high }
    }

    /// From `min` to some way beyond `max`, in steps, so that a growing series seldom changes the scale.
    pub fn with_room(min: f64, max: f64) -> Self {
        const STEPS: [f64; 16] = [
            1.0, 1.1, 1.25, 1.4, 1.6, 1.8, 2.0, 2.25, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.5,
        ];
        let (low, high) = apart(min, max);
        let span = high - low;
        let e = number::exponent(span);
        let room = STEPS
            .iter()
            .chain(&[10.0])
            .map(|step| number::times_ten(*step, e))
            .find(|room| *room >= span * (1.0 - 1e-12))
            .unwrap_or(span);
        let high = if (low + room).is_finite() {
            (low + room).max(high)
        } else {
            high
        };
        Self { low, high }
    }

    /// At most `most` ticks within the range; of `whole` things there are no halves.
    pub fn ticks(&self, most: usize, whole: bool) -> Ticks {
        let least = if whole { 1.0 } else { 0.0 };
        let mut step = nice_step_for(self.low, self.high, most).max(least);
        if whole {
            step = step.ceil();
        }
        let mut values = multiples(self, step);
        // A range that begins on a tick may hold one more than intervals fit.
        while values.len() > most {
            step = nice_step_at_least(step * 1.01);
            values = multiples(self, step);
        }
        label(values, step)
    }
}

/// Two different finite numbers around `min..=max`.
fn apart(min: f64, max: f64) -> (f64, f64) {
    let size = min.abs().max(max.abs());
    let span = max - min;
    if span > size * 1e-14 && span > f64::MIN_POSITIVE {
        return (min, max);
    }
    let pad = if size < f64::MIN_POSITIVE { 1.0 } else { size * 0.1 };
    ((min - pad).max(f64::MIN), (max + pad).min(f64::MAX))
}

fn nice_step(min: f64, max: f64) -> f64 {
    nice_step_for(min, max, MOST_TICKS)
}

/// The smallest nice step that gives at most `most` intervals.
fn nice_step_for(min: f64, max: f64, most: usize) -> f64 {
    nice_step_at_least((max / 2.0 - min / 2.0) / (most as f64 / 2.0))
}

/// The smallest of 1, 2, 2.5, 5 times a power of ten that is not below `least`.
fn nice_step_at_least(least: f64) -> f64 {
    let e = number::exponent(least);
    [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|m| number::times_ten(m, e))
        .find(|step| *step >= least * (1.0 - 1e-9))
        .filter(|step| step.is_finite() && *step > 0.0)
        .unwrap_or(least)
}

fn multiples(range: &Range, step: f64) -> Vec<f64> {
    let (first, last) = (
        (range.low / step - 1e-9).ceil(),
        (range.high / step + 1e-9).floor(),
    );
    let mut values = Vec::new();
    let mut k = first;
    while k <= last && values.len() < 64 {
        values.push(k * step);
        k += 1.0;
    }
    values
}

fn label(values: Vec<f64>, step: f64) -> Ticks {
    let largest = values.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
    let (e_large, e_step) = (number::exponent(largest), number::exponent(step));
    // Of our steps only 2.5 has a second digit.
    let fine = if (number::times_ten(step, -e_step) - 2.5).abs() < 1e-6 {
        e_step - 1
    } else {
        e_step
    };
    match values.first() {
        Some(base) if largest > 0.0 && e_large - fine > 6 => {
            let base = *base;
            let decimals = usize::try_from(-fine).unwrap_or(0).min(17);
            let rest = label(values.iter().map(|v| v - base).collect(), step);
            let offset = if (-4..9).contains(&e_large) {
                number::fixed(base, decimals)
            } else {
                let mantissa = number::times_ten(base, -e_large);
                format!(
                    "{}×10{}",
                    number::fixed(mantissa, (e_large - fine).clamp(0, 16) as usize),
                    number::superscript(e_large)
                )
            };
            let note = match rest.note {
                Some(factor) => format!("{factor} + {offset}"),
                None => format!("+ {offset}"),
            };
            let ticks = values
                .into_iter()
                .zip(rest.ticks)
                .map(|(v, (_, text))| (v, text))
                .collect();
            Ticks {
                ticks,
                note: Some(note),
            }
        }
        _ if largest > 0.0 && !(-3..5).contains(&e_large) => {
            let factor = e_large.div_euclid(3) * 3;
            let decimals = usize::try_from(factor - fine).unwrap_or(0);
            let text = |v: &f64| number::fixed(number::times_ten(*v, -factor), decimals);
            let ticks = values.iter().map(|v| (*v, text(v))).collect();
            Ticks {
                ticks,
                note: Some(format!("×10{}", number::superscript(factor))),
            }
        }
        _ => {
            let decimals = usize::try_from(-fine).unwrap_or(0);
            Ticks {
                ticks: values.iter().map(|v| (*v, number::fixed(*v, decimals))).collect(),
                note: None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn show(range: Range) -> String {
        let ticks = range.ticks(MOST_TICKS, false);
        let labels: Vec<_> = ticks.ticks.into_iter().map(|(_, text)| text).collect();
        format!(
            "{}{}",
            labels.join(" "),
            ticks.note.map(|n| format!(" [{n}]")).unwrap_or_default()
        )
    }

    #[test]
    fn ticks_are_nice() {
        for (min, max, text) in [
            (-0.4531, 0.3842, "−0.4 −0.2 0.0 0.2 0.4"),
            (0.0, 100.0, "0 20 40 60 80 100"),
            (0.0, 10.0, "0 2 4 6 8 10"),
            (3.0, 3.0, "2.8 3.0 3.2"),
            (0.0, 0.0, "−1.0 −0.5 0.0 0.5 1.0"),
            (1e-300, 5e-300, "1 2 3 4 5 [×10⁻³⁰⁰]"),
            (0.0, 1.2e6, "0.00 0.25 0.50 0.75 1.00 [×10⁶]"),
            (0.892_103_000_1, 0.892_103_000_9, ""),
        ] {
            if text.is_empty() {
                let shown = show(Range::around(min, max));
                assert!(shown.contains("×10⁻¹² + 0.892103000"), "{shown}");
            } else {
                assert_eq!(show(Range::around(min, max)), text, "{min}..{max}");
            }
        }
    }

    #[test]
    fn a_growing_series_seldom_changes_its_scale() {
        let mut ranges: Vec<Range> = (1..10_000)
            .map(|n| Range::with_room(0.0, f64::from(n) * 0.01))
            .collect();
        ranges.dedup();
        assert!(ranges.len() < 80, "{}", ranges.len());
        assert_eq!(Range::with_room(0.0, 100.0).high, 100.0);
    }

    proptest! {
        #[test]
        fn any_two_numbers_make_an_axis(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(a.is_finite() && b.is_finite());
            let (min, max) = (a.min(b), a.max(b));
            for range in [Range::around(min, max), Range::exactly(min, max), Range::with_room(min, max)] {
                prop_assert!(range.low < range.high && range.low.is_finite() && range.high.is_finite(), "{:?}", range);
                prop_assert!(range.low <= min && range.high >= max, "{:?}", range);
                let share = range.share(min / 2.0 + max / 2.0);
                prop_assert!((-1e-9..=1.0 + 1e-9).contains(&share), "{:?} {}", range, share);
                let ticks = range.ticks(MOST_TICKS, false);
                prop_assert!(ticks.ticks.len() <= MOST_TICKS);
                for (v, label) in ticks.ticks {
                    prop_assert!((-1e-6..=1.0 + 1e-6).contains(&range.share(v)));
                    prop_assert!(label.chars().count() <= 12, "{}", label);
                }
            }
        }
    }
}
