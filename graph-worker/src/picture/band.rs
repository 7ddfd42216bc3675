//! Many points: in every pixel column a band from the smallest to the largest value, darker where more
//! values lie, the median as a line, and values far from the others as dots. No extreme is dropped.

use super::mapping::Mapping;
use crate::paint::raster::{Brush, Point, Raster, Rect};
use crate::series::Curve;

const LINE: f32 = 4.0;
const OUTLIER: f32 = 3.5;
/// A band without height still is seen beside the line upon it.
const RIM: f32 = 2.5;
const WIDE: f32 = 24.0;
/// How strong the band is at its edges.
const EDGE: u8 = 6;
/// Bins for each row of pixels.
const FINE: f32 = 2.0;
/// Values that are mapped at once.
const BLOCK: usize = 64;
/// Up to here values are sorted; above they are counted in bins.
const FEW: usize = 64;

/// How far marks of one column reach into its neighbours.
pub const REACH: i32 = 6;

/// What is drawn of one column, as rows measured from the top of the area.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// From the highest to the lowest: end, tenth, quarter, median, three quarters, nine tenths, end.
    pub rows: [f32; 7],
    pub outliers: Vec<f32>,
}

/// Reused memory.
#[derive(Default)]
pub struct Scratch {
    rows: Vec<f32>,
    bins: Vec<u32>,
}

/// Draws the columns of `curve` whose marks can touch columns `from` and later, within `clip`.
pub fn paint(
    raster: &mut Raster,
    brushes: (&Brush, &Brush),
    clip: Rect,
    map: &Mapping,
    curve: &Curve,
    from: i32,
    scratch: &mut Scratch,
) {
    let (line, dot) = brushes;
    let rim = dot.faint(EDGE);
    let width = map.area.width();
    // The line comes from the last column to the left that has values, however far that is.
    let mut first = (from - 2 * REACH).max(0);
    while first > 0 && (map.index_at(curve, first) == map.index_at(curve, first + 1)) {
        first -= 1;
    }
    let mut previous: Option<Point> = None;
    let mut index = map.index_at(curve, first);
    for column in first..width {
        let next = map.index_at(curve, column + 1);
        let (summary, hole) = summarise(map, curve, index, next, scratch);
        index = next;
        let Some(summary) = summary else {
            // A column without any value is a gap of the drawing; one without a finite value is a gap of the run.
            previous = previous.filter(|_| !hole);
            continue;
        };
        let (left, top) = (map.area.left + column, map.area.top as f32);
        let [
            highest,
            tenth,
            quarter,
            median,
            three_quarters,
            nine_tenths,
            lowest,
        ] = summary.rows;
        for (level, from, to) in [
            (EDGE, highest - RIM, lowest + RIM),
            (8, tenth, nine_tenths),
            (11, quarter, three_quarters),
        ] {
            let (from, to) = ((top + from).round() as i32, (top + to).round() as i32);
            let bar = Rect {
                left,
                top: from,
                right: left + 1,
                bottom: to.max(from + 1),
            };
            raster.shade(bar.within(&clip), dot.table(level));
        }
        let x = left as f32 + 0.5;
        for row in &summary.outliers {
            raster.disc(dot, clip, (x, top + row), OUTLIER);
        }
        // A column that stands alone would be a hair.
        let alone = previous.is_none_or(|(before, _)| x - before > 1.5);
        if alone && map.index_at(curve, column + 2) == next {
            for row in [highest, lowest] {
                raster.disc(dot, clip, (x, top + row), OUTLIER);
            }
        }
        let point = (x, top + median);
        // Where the values lie close together the band is the line's rim; a wide band needs none.
        let narrow = three_quarters - quarter < WIDE;
        if narrow {
            raster.disc(&rim, clip, point, LINE / 2.0 + RIM);
        }
        if let Some(previous) = previous {
            if narrow {
                raster.stroke(&rim, clip, previous, point, LINE + 2.0 * RIM);
            }
            raster.stroke(line, clip, previous, point, LINE);
        }
        raster.disc(line, clip, point, LINE / 2.0);
        previous = Some(point);
    }
}

/// One column's values; and whether it holds values that are no finite numbers.
pub fn summarise(
    map: &Mapping,
    curve: &Curve,
    from: usize,
    to: usize,
    scratch: &mut Scratch,
) -> (Option<Summary>, bool) {
    let (up, top) = (map.up(), map.area.top as f32);
    let to = to.max(from);
    if to - from > FEW {
        return counted(
            curve.ys().slices(from, to),
            |y| up.at(y) - top,
            to - from,
            scratch,
            map.area.height(),
        );
    }
    scratch.rows.clear();
    let values = curve.ys().slices(from, to).flatten();
    scratch
        .rows
        .extend(values.filter(|y| y.is_finite()).map(|y| up.at(*y) - top));
    let hole = scratch.rows.len() < to - from;
    (
        (!scratch.rows.is_empty()).then(|| sorted(&mut scratch.rows)),
        hole,
    )
}

fn sorted(rows: &mut [f32]) -> Summary {
    rows.sort_unstable_by(f32::total_cmp);
    let last = rows.len() - 1;
    let at = |share: f32| {
        let place = share * last as f32;
        let (low, high) = (rows[place.floor() as usize], rows[place.ceil() as usize]);
        low + (high - low) * place.fract()
    };
    let quantiles = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0].map(at);
    // Of a handful none is an outlier.
    if rows.len() < 8 {
        return Summary {
            rows: quantiles,
            outliers: Vec::new(),
        };
    }
    with_outliers(quantiles, rows.iter().copied())
}

/// The same for many values, which are counted in bins of half a pixel: one pass, no copy.
fn counted<'a>(
    slices: impl Iterator<Item = &'a [f64]>,
    row_of: impl Fn(f64) -> f32,
    values: usize,
    scratch: &mut Scratch,
    height: i32,
) -> (Option<Summary>, bool) {
    let bins = &mut scratch.bins;
    let last = (height as f32 * FINE) as usize;
    bins.clear();
    bins.resize(last + 1, 0);
    let bin = |row: f32| ((row * FINE) as i32).clamp(0, last as i32) as usize;
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    let mut holes = 0;
    // In blocks, so that the arithmetic is done several values at a time.
    let mut block = [0.0_f32; BLOCK];
    for chunk in slices.flat_map(|slice| slice.chunks(BLOCK)) {
        let rows = &mut block[..chunk.len()];
        for (row, y) in rows.iter_mut().zip(chunk) {
            *row = row_of(*y);
        }
        if rows.iter().fold(false, |any, row| any | !row.is_finite()) {
            for row in rows.iter().filter(|row| row.is_finite()) {
                (low, high) = (low.min(*row), high.max(*row));
                bins[bin(*row)] += 1;
            }
            holes += rows.iter().filter(|row| !row.is_finite()).count();
            continue;
        }
        for row in rows.iter() {
            low = if *row < low { *row } else { low };
            high = if *row > high { *row } else { high };
        }
        for row in rows.iter() {
            bins[bin(*row)] += 1;
        }
    }
    let finite = values - holes;
    if finite == 0 {
        return (None, true);
    }
    let mut quantiles = [low, low, low, low, low, high, high];
    let mut seen = 0_u32;
    let mut wanted = [0.1, 0.25, 0.5, 0.75, 0.9]
        .iter()
        .map(|share| (finite as f32 * share) as u32)
        .enumerate()
        .peekable();
    for (i, count) in bins.iter().enumerate().take(bin(high) + 1).skip(bin(low)) {
        while let Some((k, _)) = wanted.next_if(|(_, rank)| *count > 0 && seen + count > *rank) {
            quantiles[k + 1] = ((i as f32 + 0.5) / FINE).clamp(low, high);
        }
        seen += count;
    }
    let (from, to) = (bin(low), bin(high));
    let filled = (from..=to)
        .filter(|i| bins[*i] > 0)
        .map(|i| ((i as f32 + 0.5) / FINE).clamp(low, high));
    (Some(with_outliers(quantiles, filled)), holes > 0)
}

/// Takes what lies far beyond nine tenths of the values out of the band.
fn with_outliers(mut quantiles: [f32; 7], rows: impl Iterator<Item = f32> + Clone) -> Summary {
    let [highest, tenth, _, _, _, nine_tenths, lowest] = quantiles;
    let fence = ((nine_tenths - tenth) * 1.5).max(14.0);
    let (above, below) = (tenth - fence, nine_tenths + fence);
    if highest >= above && lowest <= below {
        return Summary {
            rows: quantiles,
            outliers: Vec::new(),
        };
    }
    let inside = rows.clone().filter(|row| (above..=below).contains(row));
    let (first, last) = inside.fold((tenth, nine_tenths), |(a, b), row| (a.min(row), b.max(row)));
    (quantiles[0], quantiles[6]) = (first, last);
    // The extremes themselves, not the middles of their bins.
    let ends = [highest, lowest]
        .into_iter()
        .filter(|row| !(above..=below).contains(row));
    let outliers = rows
        .filter(|row| !(above..=below).contains(row))
        .chain(ends)
        .collect();
    Summary {
        rows: quantiles,
        outliers,
    }
}
