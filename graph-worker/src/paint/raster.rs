//! One byte a pixel, and the few shapes that a picture needs, anti-aliased and clipped.

use super::palette::{FULL, Palette};

/// Pixels `left..right`, `top..bottom`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    pub left: i32,
    pub top: i32,
    pub right: i32,
    pub bottom: i32,
}

impl Rect {
    pub fn width(&self) -> i32 {
        (self.right - self.left).max(0)
    }

    pub fn height(&self) -> i32 {
        (self.bottom - self.top).max(0)
    }

    /// What both cover.
    pub fn within(&self, other: &Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    pub fn shrunk(&self, by: i32) -> Self {
        Self {
            left: self.left + by,
            top: self.top + by,
            right: self.right - by,
            bottom: self.bottom - by,
        }
    }
}

/// A place between pixels; a pixel's middle lies at `.5`.
pub type Point = (f32, f32);

/// The bytes of a picture.
pub struct Raster {
    width: i32,
    height: i32,
    pixels: Vec<u8>,
}

/// A copied part of a raster, to be put back.
#[derive(Default)]
pub struct Patch {
    rect: Rect,
    pixels: Vec<u8>,
}

impl Raster {
    pub fn new(width: u16, height: u16) -> Self {
        let (width, height) = (i32::from(width), i32::from(height));
        Self {
            width,
            height,
            pixels: vec![0; (width * height) as usize],
        }
    }

    pub fn bounds(&self) -> Rect {
        Rect {
            left: 0,
            top: 0,
            right: self.width,
            bottom: self.height,
        }
    }

    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The bytes of one row within `left..right`.
    fn row(&mut self, y: i32, left: i32, right: i32) -> &mut [u8] {
        let start = (y * self.width) as usize;
        &mut self.pixels[start + left as usize..start + right.max(left) as usize]
    }

    pub fn fill(&mut self, rect: Rect, byte: u8) {
        let rect = rect.within(&self.bounds());
        for y in rect.top..rect.bottom {
            self.row(y, rect.left, rect.right).fill(byte);
        }
    }

    pub fn clear(&mut self, rect: Rect) {
        self.fill(rect, 0);
    }

    /// Writes bytes downwards as they are.
    pub fn write_column(&mut self, x: i32, top: i32, bytes: &[u8]) {
        let (start, width) = ((top * self.width + x) as usize, self.width as usize);
        for (pixel, byte) in self.pixels[start..].iter_mut().step_by(width).zip(bytes) {
            *pixel = *byte;
        }
    }

    pub fn copy(&self, rect: Rect, patch: &mut Patch) {
        let rect = rect.within(&self.bounds());
        patch.rect = rect;
        patch.pixels.clear();
        for y in rect.top..rect.bottom {
            let start = (y * self.width) as usize;
            patch.pixels.extend_from_slice(
                &self.pixels[start + rect.left as usize..start + rect.right.max(rect.left) as usize],
            );
        }
    }

    pub fn put_back(&mut self, patch: &Patch) {
        let rect = patch.rect;
        for (i, row) in patch.pixels.chunks(rect.width().max(1) as usize).enumerate() {
            self.row(rect.top + i as i32, rect.left, rect.right)
                .copy_from_slice(row);
        }
    }

    fn cover(&mut self, x: i32, y: i32, table: &[u8; 256]) {
        let pixel = &mut self.pixels[(y * self.width + x) as usize];
        *pixel = table[usize::from(*pixel)];
    }

    /// Covers a whole rectangle with one level.
    pub fn shade(&mut self, rect: Rect, table: &[u8; 256]) {
        let rect = rect.within(&self.bounds());
        if rect.width() == 1 {
            self.run(
                rect.top * self.width + rect.left,
                self.width,
                rect.height(),
                || table,
            );
            return;
        }
        for y in rect.top..rect.bottom {
            for pixel in self.row(y, rect.left, rect.right) {
                *pixel = table[usize::from(*pixel)];
            }
        }
    }

    /// A filled circle.
    pub fn disc(&mut self, brush: &Brush, clip: Rect, (cx, cy): Point, radius: f32) {
        let clip = clip.within(&self.bounds());
        let (outer, inner) = (radius + 0.5, (radius - 0.5).max(0.0));
        let top = pixel_at_or_after(cy - outer).max(clip.top);
        let bottom = pixel_at_or_after(cy + outer).min(clip.bottom);
        for y in top..bottom {
            let dy = y as f32 + 0.5 - cy;
            let reach = (outer * outer - dy * dy).max(0.0).sqrt();
            let solid = (inner * inner - dy * dy).max(0.0).sqrt();
            let left = pixel_at_or_after(cx - reach).max(clip.left);
            let right = pixel_at_or_after(cx + reach).min(clip.right);
            for x in left..right {
                let dx = x as f32 + 0.5 - cx;
                let level = match dx.abs() < solid {
                    true => FULL,
                    false => level(outer - (dx * dx + dy * dy).sqrt()),
                };
                self.cover(x, y, brush.table(level));
            }
        }
    }

    /// A circle of one level, as a halo.
    pub fn shade_disc(&mut self, table: &[u8; 256], clip: Rect, (cx, cy): Point, radius: f32) {
        let clip = clip.within(&self.bounds());
        for y in pixel_at_or_after(cy - radius).max(clip.top)..pixel_at_or_after(cy + radius).min(clip.bottom)
        {
            let dy = y as f32 + 0.5 - cy;
            let reach = (radius * radius - dy * dy).max(0.0).sqrt();
            let left = pixel_at_or_after(cx - reach).max(clip.left);
            let right = pixel_at_or_after(cx + reach).min(clip.right);
            self.shade(
                Rect {
                    left,
                    top: y,
                    right,
                    bottom: y + 1,
                },
                table,
            );
        }
    }

    /// Covers pixels that lie `stride` apart, each with the table that comes next.
    #[inline(always)]
    pub(super) fn run<'a>(
        &mut self,
        start: i32,
        stride: i32,
        pixels: i32,
        mut table: impl FnMut() -> &'a [u8; 256],
    ) {
        let mut at = start as usize;
        for _ in 0..pixels {
            if let Some(pixel) = self.pixels.get_mut(at) {
                *pixel = table()[usize::from(*pixel)];
            }
            at += stride as usize;
        }
    }

    /// Levels of a glyph, row by row.
    pub fn stamp(&mut self, brush: &Brush, left: i32, top: i32, width: i32, levels: &[u8]) {
        let bounds = self.bounds();
        for (i, row) in levels.chunks(width.max(1) as usize).enumerate() {
            let y = top + i as i32;
            if y < bounds.top || y >= bounds.bottom {
                continue;
            }
            for (j, level) in row.iter().enumerate() {
                let x = left + j as i32;
                if *level > 0 && x >= bounds.left && x < bounds.right {
                    self.cover(x, y, brush.table(*level));
                }
            }
        }
    }
}

/// A mark, ready to paint with.
pub struct Brush<'a> {
    tables: [&'a [u8; 256]; 16],
}

impl<'a> Brush<'a> {
    pub fn new(palette: &'a Palette, mark: super::palette::Mark) -> Self {
        Self {
            tables: std::array::from_fn(|level| palette.cover(mark, level as u8)),
        }
    }

    /// The same mark, never more than `level`.
    pub fn faint(&self, level: u8) -> Self {
        Self {
            tables: std::array::from_fn(|l| {
                self.tables[l * usize::from(level.min(FULL)) / usize::from(FULL)]
            }),
        }
    }

    pub fn table(&self, level: u8) -> &'a [u8; 256] {
        self.tables[usize::from(level & FULL)]
    }
}

/// The first pixel whose middle lies at or after `edge`.
pub(super) fn pixel_at_or_after(edge: f32) -> i32 {
    let edge = edge - 0.5;
    // `ceil` is a call where the processor may be old.
    let whole = edge.clamp(-1e6, 1e6) as i32;
    whole + i32::from(edge > whole as f32)
}

fn level(share: f32) -> u8 {
    (share.clamp(0.0, 1.0) * f32::from(FULL) + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::super::palette::{Kind, Mark};
    use super::super::theme::Theme;
    use super::*;
    use proptest::prelude::*;

    fn area(raster: &Raster) -> f64 {
        raster.pixels().iter().map(|byte| f64::from(*byte) / 110.0).sum()
    }

    #[test]
    fn shapes_have_their_areas() {
        let palette = Palette::new(Kind::Dots, Theme::Light);
        let mut raster = Raster::new(100, 100);
        let all = raster.bounds();
        raster.disc(&Brush::new(&palette, Mark::Dot), all, (50.3, 49.8), 10.0);
        let dots: f64 = raster
            .pixels()
            .iter()
            .map(|byte| f64::from(byte % 11) / 10.0)
            .sum();
        assert!((dots - 314.0).abs() < 6.0, "{dots}");
        raster.clear(all);
        raster.stroke(
            &Brush::new(&palette, Mark::Line),
            all,
            (20.0, 20.0),
            (60.0, 80.0),
            4.0,
        );
        let lines: f64 = raster
            .pixels()
            .iter()
            .map(|byte| f64::from(byte % 110 / 11) / 9.0)
            .sum();
        assert!((lines - 4.0 * 72.1).abs() < 12.0, "{lines}");
    }

    #[test]
    fn a_patch_undoes() {
        let palette = Palette::new(Kind::Dots, Theme::Light);
        let mut raster = Raster::new(60, 60);
        let all = raster.bounds();
        raster.stroke(
            &Brush::new(&palette, Mark::Line),
            all,
            (0.0, 0.0),
            (60.0, 50.0),
            4.0,
        );
        let before = raster.pixels().to_vec();
        let mut patch = Patch::default();
        raster.copy(
            Rect {
                left: 40,
                top: 40,
                right: 80,
                bottom: 80,
            },
            &mut patch,
        );
        raster.disc(&Brush::new(&palette, Mark::Dot), all, (59.0, 59.0), 12.0);
        assert_ne!(before, raster.pixels());
        raster.put_back(&patch);
        assert_eq!(before, raster.pixels());
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_clip(ax in -1e4f32..1e4, ay in -1e4f32..1e4, bx in -200f32..300.0, by in -200f32..300.0, r in 0.0f32..40.0) {
            let palette = Palette::new(Kind::Dots, Theme::Light);
            let mut raster = Raster::new(100, 100);
            let clip = Rect { left: 20, top: 30, right: 70, bottom: 60 };
            raster.stroke(&Brush::new(&palette, Mark::Line), clip, (ax, ay), (bx, by), r);
            raster.disc(&Brush::new(&palette, Mark::Dot), clip, (bx, by), r);
            raster.clear(clip);
            prop_assert_eq!(area(&raster), 0.0);
        }
    }
}
