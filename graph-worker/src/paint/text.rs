//! Anti-aliased text in our own font, so that no machine needs fonts. Glyphs are cached as coverage.

use std::collections::HashMap;

use ab_glyph::{Font, FontRef, GlyphId, ScaleFont};

use super::palette::FULL;
use super::raster::{Brush, Raster};

/// How heavy and how high, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    Bold(u16),
    Medium(u16),
}

/// What stays of a text that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The beginning, and some of the end.
    Both,
    /// The beginning only.
    First,
}

/// The fonts and what was drawn of them so far.
pub struct Letters {
    bold: FontRef<'static>,
    medium: FontRef<'static>,
    glyphs: HashMap<(Style, GlyphId, u8), Glyph>,
}

struct Glyph {
    left: i32,
    top: i32,
    width: i32,
    levels: Box<[u8]>,
}

/// Glyphs start at quarters of a pixel.
const PHASES: f32 = 4.0;

impl Default for Letters {
    fn default() -> Self {
        const BOLD: &[u8] = include_bytes!("../../assets/Roboto-Bold.ttf");
        const MEDIUM: &[u8] = include_bytes!("../../assets/Roboto-Medium.ttf");
        let font = |bytes| FontRef::try_from_slice(bytes).expect("the embedded font is whole");
        Self {
            bold: font(BOLD),
            medium: font(MEDIUM),
            glyphs: HashMap::new(),
        }
    }
}

impl Letters {
    fn font(&self, style: Style) -> (&FontRef<'static>, f32) {
        // A style's size is what designers mean: the em. `ab_glyph` scales by ascent to descent.
        let (font, size) = match style {
            Style::Bold(size) => (&self.bold, size),
            Style::Medium(size) => (&self.medium, size),
        };
        let height = font.height_unscaled() / font.units_per_em().unwrap_or(2048.0);
        (font, f32::from(size) * height)
    }

    /// How far a text reaches.
    pub fn width(&self, style: Style, text: &str) -> f32 {
        let (font, size) = self.font(style);
        let scaled = font.as_scaled(size);
        visible(text).map(|c| scaled.h_advance(font.glyph_id(c))).sum()
    }

    /// Draws from `x` on the line `baseline`; returns where it ends.
    pub fn draw(
        &mut self,
        raster: &mut Raster,
        brush: &Brush,
        style: Style,
        x: f32,
        baseline: i32,
        text: &str,
    ) -> f32 {
        let mut x = x;
        for c in visible(text) {
            let (font, size) = self.font(style);
            let font = font.clone();
            let id = font.glyph_id(c);
            let phase = ((x - x.floor()) * PHASES) as u8;
            let new = || rasterise(&font, id, size, f32::from(phase) / PHASES);
            let glyph = self.glyphs.entry((style, id, phase)).or_insert_with(new);
            let left = x.floor() as i32 + glyph.left;
            raster.stamp(brush, left, baseline + glyph.top, glyph.width, &glyph.levels);
            x += font.as_scaled(size).h_advance(id);
        }
        x
    }

    /// The text, or as many of its pieces between separators as fit; where not even two do, letters are counted.
    pub fn elide_pieces(&self, style: Style, text: &str, room: f32, separator: char, ends: Ends) -> String {
        if self.width(style, text) <= room {
            return text.to_owned();
        }
        // Hostile texts are long; a picture never holds more than this.
        let pieces: Vec<&str> = text.split(separator).take(400).collect();
        let joint = separator.to_string();
        let cut = |kept: usize| {
            let tail = if ends == Ends::Both { (kept / 3).max(1) } else { 0 };
            let (head, tail) = (&pieces[..kept - tail], &pieces[pieces.len() - tail..]);
            format!("{} … {}", head.join(&joint), tail.join(&joint))
                .trim()
                .to_owned()
        };
        let fits = |kept: &usize| self.width(style, &cut(*kept)) <= room;
        let most = (2..pieces.len()).take_while(fits).last();
        most.map_or_else(|| self.elide(style, text, room), cut)
    }

    /// The text, or as much of its beginning and end as fits, with ` … ` between.
    pub fn elide(&self, style: Style, text: &str, room: f32) -> String {
        if self.width(style, text) <= room {
            return text.to_owned();
        }
        let chars: Vec<char> = text.chars().collect();
        // Two thirds of what is kept is the beginning: there stands the name. Loose points look like the ellipsis.
        let cut = |kept: usize| -> String {
            let head: String = chars[..kept - kept / 3].iter().collect();
            let tail: String = chars[chars.len() - kept / 3..].iter().collect();
            let loose = ['.', '-', ' ', '·'];
            format!(
                "{} … {}",
                head.trim_end_matches(loose),
                tail.trim_start_matches(loose)
            )
            .trim()
            .to_owned()
        };
        let fits = |kept: &usize| self.width(style, &cut(*kept)) <= room;
        // Hostile texts are long; a picture never holds more than this.
        let most = chars.len().min(400);
        let kept = (0..most).collect::<Vec<_>>().partition_point(fits);
        cut(kept.saturating_sub(1))
    }
}

/// Control and formatting characters have no shape.
fn visible(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| {
        !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
    })
}

fn rasterise(font: &FontRef<'_>, id: GlyphId, size: f32, offset: f32) -> Glyph {
    let glyph = id.with_scale_and_position(size, ab_glyph::point(offset, 0.0));
    let Some(outline) = font.outline_glyph(glyph) else {
        return Glyph {
            left: 0,
            top: 0,
            width: 0,
            levels: Box::default(),
        };
    };
    let bounds = outline.px_bounds();
    let (width, height) = (bounds.width().ceil() as usize, bounds.height().ceil() as usize);
    let mut levels = vec![0_u8; width * height].into_boxed_slice();
    outline.draw(|x, y, coverage| {
        if let Some(level) = levels.get_mut(y as usize * width + x as usize) {
            *level = (coverage.clamp(0.0, 1.0) * f32::from(FULL) + 0.5) as u8;
        }
    });
    Glyph {
        left: bounds.min.x as i32,
        top: bounds.min.y as i32,
        width: width as i32,
        levels,
    }
}

#[cfg(test)]
mod tests {
    use super::super::palette::{Kind, Mark, Palette};
    use super::super::theme::Theme;
    use super::*;

    #[test]
    fn any_text_is_drawn() {
        let palette = Palette::new(Kind::Dots, Theme::Light);
        let mut letters = Letters::default();
        let mut raster = Raster::new(400, 80);
        for text in [
            "airy ε=4 Їжак",
            "😀🚀",
            "مرحبا",
            "\u{202e}abc\n\t\0",
            "",
            "×10⁻³⁰⁰ −∞",
        ] {
            raster.clear(raster.bounds());
            let end = letters.draw(
                &mut raster,
                &Brush::new(&palette, Mark::Ink),
                Style::Bold(46),
                4.3,
                60,
                text,
            );
            assert!((end - 4.3 - letters.width(Style::Bold(46), text)).abs() < 0.01);
            let inked = raster.pixels().iter().any(|byte| *byte != 0);
            assert_eq!(inked, !text.is_empty(), "{text:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_both_ends() {
        let letters = Letters::default();
        let text = "airy.a-0.05.amp-1.5.eps-4.h-0.01.kerr-0.5.orientation-front-first.scale-1.sigma-0.tc-15.t-max-100.k2x9";
        let short = letters.elide(Style::Bold(46), text, 760.0);
        assert!(letters.width(Style::Bold(46), &short) <= 760.0);
        assert_eq!(short, "airy.a-0.05.amp-1.5.e … x-100.k2x9");
        assert_eq!(letters.elide(Style::Bold(46), "loss", 760.0), "loss");
        let pieces = |text, ends| letters.elide_pieces(Style::Bold(46), text, 760.0, '-', ends);
        let topic =
            "airy-a.0.05-amp.1.5-eps.4-h.0.01-kerr.0.5-orientation.front..first-sigma.0-tc.15-window.100";
        assert_eq!(pieces(topic, Ends::Both), "airy-a.0.05-amp.1.5 … window.100");
        assert_eq!(pieces(topic, Ends::First), "airy-a.0.05-amp.1.5-eps.4-h.0.01 …");
        let one = format!("train-{}", "x".repeat(300));
        assert!(pieces(&one, Ends::Both).starts_with("train-xxx"));
        assert_eq!(letters.elide(Style::Bold(46), &"x".repeat(1 << 20), 0.0), "…");
    }
}
