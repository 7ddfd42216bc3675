//! Many points: in every pixel column a band from the smallest to the largest value, darker where more
//! values lie, the median as a line, and values far from the others as dots. No extreme is dropped.

use super::mapping::Mapping;
use super::tally::{BLOCK, Tally};
use crate::paint::raster::{Brush, Point, Raster, Rect};
use crate::series::Curve;

const LINE: f32 = 4.0;
const OUTLIER: f32 = 3.5;
/// A band without height still is seen beside the line upon it.
const RIM: f32 = 2.5;
const WIDE: f32 = 24.0;
/// How strong the band is at its edges.
const EDGE: u8 = 6;
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
    tally: Tally,
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
        let spread = three_quarters - quarter;
        let row = |row: f32| (top + row).round() as i32;
        let (tenth, quarter) = (row(tenth), row(quarter));
        let quarter_end = row(three_quarters).max(quarter + 1);
        let tenth_end = row(nine_tenths).max(tenth + 1).max(quarter_end);
        for (level, from, to) in [
            (EDGE, row(highest - RIM), tenth),
            (8, tenth, quarter),
            (11, quarter, quarter_end),
            (8, quarter_end, tenth_end),
            (EDGE, tenth_end, row(lowest + RIM)),
        ] {
            let bar = Rect {
                left,
                top: from,
                right: left + 1,
                bottom: to,
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
        let narrow = spread < WIDE;
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

/// The same for many values.
fn counted<'a>(
    slices: impl Iterator<Item = &'a [f64]>,
    row_of: impl Fn(f64) -> f32,
    values: usize,
    scratch: &mut Scratch,
) -> (Option<Summary>, bool) {
    let tally = &mut scratch.tally;
    for slice in slices {
        let (blocks, rest) = slice.as_chunks::<BLOCK>();
        for block in blocks {
            tally.add_block(&block.map(&row_of));
        }
        rest.iter().for_each(|y| tally.add(row_of(*y)));
    }
    let hole = tally.finite() < values;
    let spread = tally.spread([0.1, 0.25, 0.5, 0.75, 0.9]);
    let summary =
        spread.map(|(low, [a, b, c, d, e], high)| with_outliers([low, a, b, c, d, e, high], tally.rows()));
    tally.clear();
    (summary, hole)
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
