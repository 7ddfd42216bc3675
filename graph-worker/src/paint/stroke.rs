//! A straight stroke, painted in runs: whatever its direction, each line of pixels beside it enters the
//! stroke, is covered for a while and leaves it. Where that happens is computed once a line, not once a pixel.

use super::palette::FULL;
use super::raster::{Brush, Point, Raster, Rect, pixel_at_or_after};

/// A stroke parallel to the pixels has a slope as well, too small to be seen.
const LEAST_SLOPE: f64 = 1e-6;

impl Raster {
    /// A straight stroke without caps, between two points. What it covers does not depend on the clip.
    pub fn stroke(&mut self, brush: &Brush, clip: Rect, a: Point, b: Point, width: f32) {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx.hypot(dy);
        if length < 1e-3 {
            return;
        }
        let clip = clip.within(&self.bounds());
        let columns = self.bounds().width();
        // `along` is the longer side, `beside` the other.
        let steep = dy.abs() >= dx.abs();
        let turned = |(x, y): Point| if steep { (y, x) } else { (x, y) };
        let (a, b) = (turned(a), turned(b));
        let (alongs, besides) = match steep {
            true => (clip.top..clip.bottom, clip.left..clip.right),
            false => (clip.left..clip.right, clip.top..clip.bottom),
        };
        let (stride, beside_stride) = if steep { (columns, 1) } else { (1, columns) };

        let first = pixel_at_or_after(a.0.min(b.0)).max(alongs.start);
        let last = pixel_at_or_after(a.0.max(b.0)).min(alongs.end).max(first);
        let tilt = (b.0 - a.0).abs() / length;
        let half = width / 2.0;
        let (reach, solid) = ((half + 0.5) / tilt, (half - 0.5).max(0.0) / tilt);
        let from = pixel_at_or_after(a.1.min(b.1) - reach).max(besides.start);
        let to = pixel_at_or_after(a.1.max(b.1) + reach).min(besides.end);

        let slope = f64::from((b.1 - a.1) / (b.0 - a.0));
        let slope = if slope.abs() < LEAST_SLOPE {
            LEAST_SLOPE
        } else {
            slope
        };
        let middle_at_zero = f64::from(a.1) + (0.5 - f64::from(a.0)) * slope;
        // How far along it is from the middle to where the stroke fades, and to where it ends.
        let inverse = 1.0 / slope;
        let (solid, long_reach) = (f64::from(solid) * inverse.abs(), f64::from(reach) * inverse.abs());
        // Levels rise and fall linearly; as whole numbers they are the same wherever a run begins.
        let levels = f64::from(FULL) * f64::from(tilt);
        let fading = fixed(slope.abs() * levels);
        let full = brush.table(FULL);
        for beside in from..to {
            let off = f64::from(beside) + 0.5 - middle_at_zero;
            let pixel = |along: f64| whole_at_or_after(off * inverse + along).clamp(first, last);
            let (enters, full_from) = (pixel(-long_reach), pixel(-solid));
            let (full_to, leaves) = (pixel(solid), pixel(long_reach));
            let off = off * slope.signum();
            let mut rising = fixed((f64::from(reach) - off) * levels + 0.5) + i64::from(enters) * fading;
            let mut falling = fixed((f64::from(reach) + off) * levels + 0.5) - i64::from(full_to) * fading;
            let start = beside * beside_stride;
            self.run(start + enters * stride, stride, full_from - enters, || {
                let table = brush.table((rising >> 32) as u8);
                rising += fading;
                table
            });
            self.run(start + full_from * stride, stride, full_to - full_from, || full);
            self.run(start + full_to * stride, stride, leaves - full_to, || {
                let table = brush.table((falling >> 32) as u8);
                falling -= fading;
                table
            });
        }
    }
}

/// With 32 bits behind the point.
fn fixed(x: f64) -> i64 {
    (x.clamp(-1e8, 1e8) * (1_i64 << 32) as f64) as i64
}

fn whole_at_or_after(x: f64) -> i32 {
    let whole = x.clamp(-1e6, 1e6) as i32;
    whole + i32::from(x > f64::from(whole))
}

#[cfg(test)]
mod tests {
    use super::super::palette::{Kind, Mark, Palette};
    use super::super::theme::Theme;
    use super::*;
    use proptest::prelude::*;

    /// The level that a pixel should have, by its distance from the middle of the stroke.
    fn level((x, y): (i32, i32), a: Point, b: Point, width: f32) -> f32 {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let (px, py) = (x as f32 + 0.5 - a.0, y as f32 + 0.5 - a.1);
        let along = if dy.abs() >= dx.abs() { py / dy } else { px / dx };
        let distance = (px * dy - py * dx).abs() / dx.hypot(dy);
        match (0.0..=1.0).contains(&along) {
            true => ((width / 2.0 + 0.5 - distance) * 9.0).clamp(0.0, 9.0),
            false => 0.0,
        }
    }

    proptest! {
        #[test]
        fn pixels_are_covered_by_their_distance(
            a in (-20f32..120.0, -20f32..120.0), b in (-20f32..120.0, -20f32..120.0), width in 1.0f32..9.0,
            upright in any::<bool>(), cut in 0i32..100,
        ) {
            let b = if upright { (a.0, b.1) } else { b };
            prop_assume!((b.0 - a.0).hypot(b.1 - a.1) > 1.0);
            let palette = Palette::new(Kind::Dots, Theme::Light);
            let brush = Brush::new(&palette, Mark::Line);
            let mut raster = Raster::new(100, 100);
            let all = raster.bounds();
            raster.stroke(&brush, all, a, b, width);
            for y in 0..100 {
                for x in 0..100 {
                    let painted = f32::from(raster.pixels()[(y * 100 + x) as usize] / 11);
                    let wanted = level((x, y), a, b, width);
                    // At the ends a pixel's middle decides, within rounding.
                    let steep = (b.1 - a.1).abs() >= (b.0 - a.0).abs();
                    let (at, ends) = if steep { (y, [a.1, b.1]) } else { (x, [a.0, b.0]) };
                    let at_an_end = ends.iter().any(|end| (at as f32 + 0.5 - end).abs() < 1e-3);
                    prop_assert!(at_an_end || (painted - wanted).abs() < 1.2, "{} {}: {} not {}", x, y, painted, wanted);
                }
            }
            // In two pieces it is the same.
            let mut pieces = Raster::new(100, 100);
            pieces.stroke(&brush, Rect { right: cut, ..all }, a, b, width);
            pieces.stroke(&brush, Rect { left: cut, ..all }, a, b, width);
            prop_assert!(pieces.pixels() == raster.pixels());
        }
    }
}
