//! A map over both axes: time to the right, the other axis upwards, one colour a value.

use super::mapping::Mapping;
use crate::paint::palette::{HEAT, HEAT_HOLE, HEAT_SHADES};
use crate::paint::raster::{Raster, Rect};
use crate::scale::Range;
use crate::series::HeatMap;

/// The range of the colours: around zero when values lie on both sides.
pub fn colour_range(map: &HeatMap) -> Option<(Range, bool)> {
    let (min, max) = map.bounds()?;
    if min < 0.0 && max > 0.0 {
        let end = max.max(-min);
        return Some((Range { low: -end, high: end }, true));
    }
    Some((Range::exactly(min, max), false))
}

fn shade(range: Range, value: f32) -> u8 {
    if !value.is_finite() {
        return HEAT_HOLE;
    }
    let share = range.share(f64::from(value)).clamp(0.0, 1.0);
    HEAT + (share * f64::from(HEAT_SHADES - 1)).round() as u8
}

/// Fills the area; where several cells share a pixel, the one that stands out is shown.
pub fn paint(raster: &mut Raster, map: &Mapping, heat: &HeatMap, colours: Range) {
    let (rows, width) = heat.size();
    let Some((first, last)) = heat.row_range().filter(|_| rows > 0 && width > 0) else {
        return;
    };
    let (first, last) = if map.ordinal {
        (1.0, heat.points() as f64 / width as f64)
    } else {
        (first, last)
    };
    let across = map.across();
    let (from, to) = (
        across.at(first) - map.area.left as f32,
        across.at(last) - map.area.left as f32,
    );
    // A row reaches half-way to its neighbours.
    let per_row = if rows > 1 {
        (to - from) / (rows - 1) as f32
    } else {
        map.area.width() as f32
    };
    let from = if rows > 1 { from - per_row / 2.0 } else { 0.0 };
    let row_at = |column: f32| (((column - from) / per_row.max(1e-6)).max(0.0) as usize).min(rows);
    let height = map.area.height();
    let cell_at = |y: i32| (height - 1 - y) as usize * width / height as usize;
    let cells: Vec<(usize, usize)> = (0..height)
        .map(|y| {
            (
                cell_at(y),
                if y == 0 { width } else { cell_at(y - 1) }
                    .max(cell_at(y) + 1)
                    .min(width),
            )
        })
        .collect();
    let end = ((from + per_row * rows as f32).ceil() as i32).clamp(0, map.area.width());
    let mut stripe = vec![0_u8; height as usize];
    let mut strongest = vec![0_f32; width];
    let mut drawn = usize::MAX..usize::MAX;
    for column in 0..end {
        let here = row_at(column as f32).min(rows - 1);
        let rows_here = here..row_at(column as f32 + 1.0).clamp(here + 1, rows);
        if rows_here != drawn {
            strongest.copy_from_slice(heat.row(here));
            for row in rows_here.clone().skip(1) {
                for (kept, value) in strongest.iter_mut().zip(heat.row(row)) {
                    if value.abs() > kept.abs() || kept.is_nan() {
                        *kept = *value;
                    }
                }
            }
            for (pixel, (low, high)) in stripe.iter_mut().zip(&cells) {
                let value = strongest[*low..*high]
                    .iter()
                    .copied()
                    .reduce(|a, b| if b.abs() > a.abs() || a.is_nan() { b } else { a });
                *pixel = shade(colours, value.unwrap_or(f32::NAN));
            }
            drawn = rows_here;
        }
        raster.write_column(map.area.left + column, map.area.top, &stripe);
    }
}

/// The bar that tells which colour is which value, the largest on top.
pub fn paint_bar(raster: &mut Raster, bar: Rect) {
    for y in bar.top..bar.bottom {
        let share = f64::from(bar.bottom - 1 - y) / f64::from((bar.height() - 1).max(1));
        let byte = HEAT + (share * f64::from(HEAT_SHADES - 1)).round() as u8;
        raster.fill(
            Rect {
                top: y,
                bottom: y + 1,
                ..bar
            },
            byte,
        );
    }
}
