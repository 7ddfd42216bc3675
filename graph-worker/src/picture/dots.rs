//! Few points: a line with a dot for every value.

use super::mapping::Mapping;
use crate::paint::raster::{Brush, Point, Raster, Rect};
use crate::series::Curve;

/// Sizes of the marks; fewer points are drawn larger.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    pub line: f32,
    pub dot: f32,
}

pub fn sizes(points: usize) -> Sizes {
    match points {
        0..=60 => Sizes { line: 5.0, dot: 6.0 },
        61..=250 => Sizes { line: 4.5, dot: 5.5 },
        251..=700 => Sizes { line: 4.0, dot: 5.0 },
        _ => Sizes { line: 3.0, dot: 4.5 },
    }
}

/// Draws the points from `from` on, and the line that leads to them.
pub fn paint(
    raster: &mut Raster,
    line: &Brush,
    dot: &Brush,
    clip: Rect,
    map: &Mapping,
    curve: &Curve,
    from: usize,
) {
    let sizes = sizes(curve.len());
    let first = from.saturating_sub(1);
    let mut previous: Option<Point> = None;
    for (i, point) in map.points(curve, first).enumerate() {
        if let (Some(a), Some(b)) = (previous, point) {
            raster.stroke(line, clip, a, b, sizes.line);
        }
        if let Some(point) = point
            && first + i >= from
        {
            raster.disc(dot, clip, point, sizes.dot);
        }
        previous = point;
    }
}

/// One of several curves: a line with round joints; the extremes of every pixel column stay.
pub fn paint_line(raster: &mut Raster, brush: &Brush, clip: Rect, map: &Mapping, curve: &Curve) {
    const WIDTH: f32 = 4.0;
    let mut join = |a: Option<Point>, b: Point| {
        if let Some(a) = a {
            raster.stroke(brush, clip, a, b, WIDTH);
        }
        raster.disc(brush, clip, b, WIDTH / 2.0);
    };
    if curve.len() <= 2 * map.area.width() as usize {
        let mut previous = None;
        for point in map.points(curve, 0) {
            if let Some(point) = point {
                join(previous, point);
            }
            previous = point;
        }
        return;
    }
    let up = map.up();
    let mut previous: Option<Point> = None;
    let mut from = 0;
    for column in 0..map.area.width() {
        let to = map.index_at(curve, column + 1);
        let x = (map.area.left + column) as f32 + 0.5;
        let mut ends: Option<(f64, f64, f64, f64)> = None;
        let mut hole = false;
        for y in curve.ys().slices(from, to).flatten().copied() {
            if !y.is_finite() {
                hole = true;
                continue;
            }
            ends = Some(ends.map_or((y, y, y, y), |(first, min, max, _)| {
                (first, min.min(y), max.max(y), y)
            }));
        }
        match ends {
            None if hole => previous = None,
            None => {}
            Some((first, min, max, last)) => {
                join(previous, (x, up.at(first)));
                join(Some((x, up.at(max))), (x, up.at(min)));
                previous = Some((x, up.at(last)));
            }
        }
        from = to;
    }
}

/// The newest value, with a halo.
pub fn paint_newest(raster: &mut Raster, dot: &Brush, clip: Rect, at: Point, size: f32) {
    raster.shade_disc(dot.table(4), clip, at, size * 2.8);
    raster.disc(dot, clip, at, size * 1.5);
}
