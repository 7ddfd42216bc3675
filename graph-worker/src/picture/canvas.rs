//! Painting a composed picture. A canvas remembers what it has painted: while the scales stay, the texts
//! and the new points are all that is painted again. The result is the same, pixel by pixel.

use std::collections::HashMap;

use super::band;
use super::compose::{Chart, Composition, HEIGHT, Label, STRIP, Scene, WIDTH, compose};
use super::{dots, heat};
use crate::paint::palette::{Kind, Mark, Palette};
use crate::paint::png;
use crate::paint::raster::{Brush, Patch, Raster, Rect};
use crate::paint::text::Letters;
use crate::paint::theme::Theme;
use crate::series::{Curve, Plot};

/// What all pictures of a process share: glyphs and palettes.
#[derive(Default)]
pub struct Tools {
    letters: Letters,
    palettes: HashMap<(Kind, Theme), Palette>,
    scratch: band::Scratch,
}

/// A picture that is painted again and again.
pub struct Canvas {
    raster: Raster,
    painted: Option<Painted>,
    patch: Patch,
}

/// What stands on the raster below the newest dot.
struct Painted {
    chart: Option<Chart>,
    kind: Kind,
    theme: Theme,
    sizes: dots::Sizes,
    epochs: Vec<u64>,
    lens: Vec<usize>,
}

impl Default for Canvas {
    fn default() -> Self {
        Self {
            raster: Raster::new(WIDTH, HEIGHT),
            painted: None,
            patch: Patch::default(),
        }
    }
}

impl Canvas {
    /// Paints and encodes: the picture's PNG.
    pub fn draw(&mut self, tools: &mut Tools, scene: &Scene<'_>) -> Vec<u8> {
        let kind = self.paint(tools, scene);
        png::encode(&self.raster, palette(&mut tools.palettes, kind, scene.theme))
    }

    /// Forgets what was painted.
    pub fn blank(mut self) -> Self {
        self.painted = None;
        self
    }

    /// The bytes of the raster, as painted last.
    pub fn pixels(&self) -> &[u8] {
        self.raster.pixels()
    }

    /// Paints; returns which palette the raster's bytes mean.
    pub fn paint(&mut self, tools: &mut Tools, scene: &Scene<'_>) -> Kind {
        let composition = compose(scene, &tools.letters);
        let kind = composition.kind;
        palette(&mut tools.palettes, kind, scene.theme);
        let Tools {
            letters,
            palettes,
            scratch,
        } = tools;
        let palette = &palettes[&(kind, scene.theme)];
        let all = self.raster.bounds();
        self.raster.put_back(&self.patch);
        self.patch = Patch::default();
        let now = Painted::of(scene, &composition);
        let kept = self.painted.take().filter(|before| now.continues(before));
        match (&kept, &composition.chart) {
            (Some(_), Some(chart)) => {
                self.raster.clear(Rect {
                    bottom: super::compose::HEADER,
                    ..all
                });
                self.raster.clear(Rect {
                    top: super::compose::FOOTER,
                    ..all
                });
                paint_note(&mut self.raster, palette, letters, chart);
            }
            (Some(_), None) | (None, None) => self.raster.clear(all),
            (None, Some(chart)) => {
                self.raster.clear(all);
                paint_axes(&mut self.raster, palette, letters, chart);
            }
        }
        paint_labels(&mut self.raster, palette, letters, &composition.news);
        paint_strip(&mut self.raster, palette, composition.done);
        if let (Some(chart), Some(plot)) = (&composition.chart, scene.plot) {
            self.paint_marks(palette, scratch, chart, plot, kept.as_ref(), kind);
        }
        self.painted = Some(now);
        kind
    }

    fn paint_marks(
        &mut self,
        palette: &Palette,
        scratch: &mut band::Scratch,
        chart: &Chart,
        plot: &Plot,
        kept: Option<&Painted>,
        kind: Kind,
    ) {
        let (line, dot) = (Brush::new(palette, Mark::Line), Brush::new(palette, Mark::Dot));
        let curves = match plot {
            Plot::Curves(curves) => &curves.curves,
            Plot::Heat { map, .. } => {
                let Some((bar, range)) = chart.bar else { return };
                heat::paint(&mut self.raster, &chart.map, map, range);
                heat::paint_bar(&mut self.raster, bar);
                return;
            }
        };
        if kind == Kind::Curves {
            for (i, curve) in curves.iter().enumerate() {
                let brush = Brush::new(palette, Mark::Curve(i as u8));
                dots::paint_line(&mut self.raster, &brush, chart.frame, &chart.map, curve);
            }
            return;
        }
        let Some(curve) = curves.first() else { return };
        let painted = kept.and_then(|kept| kept.lens.first().copied());
        if kind == Kind::Dots {
            dots::paint(
                &mut self.raster,
                &line,
                &dot,
                chart.frame,
                &chart.map,
                curve,
                painted.unwrap_or(0),
            );
        } else {
            let from = painted
                .map_or(0, |len| chart.map.column_of(curve, len) - band::REACH)
                .max(0);
            let left = if from == 0 {
                chart.frame.left
            } else {
                chart.map.area.left + from
            };
            let clip = Rect { left, ..chart.frame };
            if painted.is_some() {
                self.raster.clear(clip);
                paint_grid(&mut self.raster, palette, chart, clip);
            }
            band::paint(
                &mut self.raster,
                (&line, &dot),
                clip,
                &chart.map,
                curve,
                from,
                scratch,
            );
        }
        self.paint_newest(&dot, chart, curve);
    }

    fn paint_newest(&mut self, dot: &Brush, chart: &Chart, curve: &Curve) {
        let Some(last) = curve.len().checked_sub(1) else {
            return;
        };
        let Some(at) = chart.map.points(curve, last).next().flatten() else {
            return;
        };
        let (x, y) = (at.0 as i32, at.1 as i32);
        let around = Rect {
            left: x - 24,
            top: y - 24,
            right: x + 25,
            bottom: y + 25,
        };
        self.raster.copy(around.within(&chart.frame), &mut self.patch);
        dots::paint_newest(
            &mut self.raster,
            dot,
            chart.frame,
            at,
            dots::sizes(curve.len()).dot,
        );
    }
}

fn palette(palettes: &mut HashMap<(Kind, Theme), Palette>, kind: Kind, theme: Theme) -> &Palette {
    palettes
        .entry((kind, theme))
        .or_insert_with(|| Palette::new(kind, theme))
}

impl Painted {
    fn of(scene: &Scene<'_>, composition: &Composition) -> Self {
        let curves = match scene.plot {
            Some(Plot::Curves(curves)) => curves.curves.as_slice(),
            Some(Plot::Heat { .. }) | None => &[],
        };
        Self {
            chart: composition.chart.clone(),
            kind: composition.kind,
            theme: scene.theme,
            sizes: dots::sizes(curves.first().map_or(0, Curve::len)),
            epochs: curves.iter().map(Curve::epoch).collect(),
            lens: curves.iter().map(Curve::len).collect(),
        }
    }

    /// Whether only points were added to what was painted before.
    fn continues(&self, before: &Self) -> bool {
        let incremental = match self.kind {
            Kind::Dots => self.sizes == before.sizes,
            Kind::Band => true,
            Kind::Curves | Kind::Heat { .. } => false,
        };
        incremental
            && self.chart.is_some()
            && (self.kind, self.theme, &self.chart, &self.epochs)
                == (before.kind, before.theme, &before.chart, &before.epochs)
            && self.lens.iter().zip(&before.lens).all(|(now, then)| now >= then)
    }
}

fn paint_axes(raster: &mut Raster, palette: &Palette, letters: &mut Letters, chart: &Chart) {
    paint_grid(raster, palette, chart, chart.frame);
    let muted = Brush::new(palette, Mark::Muted);
    for x in &chart.columns {
        let tick = Rect {
            left: x - 1,
            right: x + 1,
            top: chart.frame.bottom,
            bottom: chart.frame.bottom + 8,
        };
        raster.shade(tick, muted.table(8));
    }
    paint_labels(raster, palette, letters, &chart.labels);
}

/// The axis' note stands in the header's last line, which is painted anew each time.
fn paint_note(raster: &mut Raster, palette: &Palette, letters: &mut Letters, chart: &Chart) {
    let notes: Vec<Label> = chart
        .labels
        .iter()
        .filter(|label| label.baseline < super::compose::HEADER + 8)
        .cloned()
        .collect();
    paint_labels(raster, palette, letters, &notes);
}

fn paint_grid(raster: &mut Raster, palette: &Palette, chart: &Chart, clip: Rect) {
    let grid = Brush::new(palette, Mark::Grid);
    for y in &chart.rows {
        raster.shade(
            Rect {
                top: y - 1,
                bottom: y + 1,
                ..chart.frame
            }
            .within(&clip),
            grid.table(15),
        );
    }
}

fn paint_labels(raster: &mut Raster, palette: &Palette, letters: &mut Letters, labels: &[Label]) {
    for label in labels {
        let Label {
            style,
            mark,
            x,
            baseline,
            text,
        } = label;
        letters.draw(raster, &Brush::new(palette, *mark), *style, *x, *baseline, text);
    }
}

fn paint_strip(raster: &mut Raster, palette: &Palette, done: Option<f64>) {
    let (grid, line) = (Brush::new(palette, Mark::Grid), Brush::new(palette, Mark::Line));
    paint_pill(raster, &grid, STRIP);
    if let Some(done) = done {
        let width = (f64::from(STRIP.width()) * done.clamp(0.0, 1.0)).round() as i32;
        if width > 0 {
            // Even the first percent is a round drop.
            paint_pill(
                raster,
                &line,
                Rect {
                    right: STRIP.left + width.max(STRIP.height()),
                    ..STRIP
                },
            );
        }
    }
}

fn paint_pill(raster: &mut Raster, brush: &Brush, rect: Rect) {
    let radius = rect.height() / 2;
    let middle = (rect.top + radius) as f32;
    for x in [rect.left + radius, rect.right - radius] {
        raster.disc(brush, rect, (x as f32, middle), radius as f32);
    }
    raster.shade(
        Rect {
            left: rect.left + radius,
            right: rect.right - radius,
            ..rect
        },
        brush.table(15),
    );
}
