//! What a pixel's byte means. A pixel remembers how much of each mark covers it, and marks only ever
//! cover more: so the order of drawing does not matter, and drawing twice changes nothing.

use std::collections::HashMap;

use super::theme::{Colours, Rgb, Theme, mix};

/// Steps of coverage with which shapes and glyphs are handed in: 0 (nothing) to 15 (all).
pub const FULL: u8 = 15;

/// What a pixel can be covered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Ink,
    Muted,
    Grid,
    Line,
    Dot,
    /// One of several curves.
    Curve(u8),
}

/// Which marks a picture mixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A line with dots upon it.
    Dots,
    /// A band of dots with a line upon it.
    Band,
    /// Several curves.
    Curves,
    /// A map; `signed` when its values lie on both sides of zero.
    Heat { signed: bool },
}

/// The colours of the 256 bytes, and what each becomes when it is covered.
pub struct Palette {
    pub colours: Vec<u8>,
    covers: Vec<[u8; 256]>,
}

const LINE_LEVELS: u8 = 10;
const DOT_LEVELS: u8 = 11;
const PLANES: u8 = 2 * LINE_LEVELS * DOT_LEVELS;
const INK: u8 = PLANES;
const MUTED: u8 = INK + FULL;
const CURVE_LEVELS: u8 = 16;

/// Heat colours lie at `HEAT .. HEAT + HEAT_SHADES`.
pub const HEAT: u8 = 64;
pub const HEAT_SHADES: u8 = 191;
/// A cell without a number.
pub const HEAT_HOLE: u8 = 255;

/// What a byte stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Pixel {
    /// Grid, line and dot at some level each.
    Planes {
        grid: bool,
        line: u8,
        dot: u8,
    },
    /// One of several curves over the background or the grid.
    Curve {
        grid: bool,
        curve: u8,
        level: u8,
    },
    Ink(u8),
    Muted(u8),
    Shade(u8),
    Hole,
}

const BARE: Pixel = Pixel::Planes {
    grid: false,
    line: 0,
    dot: 0,
};

impl Palette {
    pub fn new(kind: Kind, theme: Theme) -> Self {
        let colours = theme.colours();
        let pixels: Vec<Pixel> = (0..=255).map(|byte| read(kind, byte)).collect();
        // Unused bytes read as bare; the first byte of a meaning is the one that is written.
        let bytes: HashMap<Pixel, u8> = (0..=255).rev().map(|byte| (read(kind, byte), byte)).collect();
        let palette = pixels
            .iter()
            .flat_map(|pixel| colour(kind, &colours, *pixel))
            .collect();
        let mut covers = Vec::with_capacity(MARKS.len() * 16);
        for mark in MARKS {
            for level in 0..=FULL {
                let covered = |byte: usize| bytes.get(&cover(kind, pixels[byte], mark, level)).copied();
                covers.push(std::array::from_fn(|byte| covered(byte).unwrap_or(byte as u8)));
            }
        }
        Self {
            colours: palette,
            covers,
        }
    }

    /// What every byte becomes under a mark at a level.
    pub fn cover(&self, mark: Mark, level: u8) -> &[u8; 256] {
        let mark = MARKS.iter().position(|m| *m == mark).unwrap_or_default();
        &self.covers[mark * 16 + usize::from(level.min(FULL))]
    }
}

const MARKS: [Mark; 11] = [
    Mark::Ink,
    Mark::Muted,
    Mark::Grid,
    Mark::Line,
    Mark::Dot,
    Mark::Curve(0),
    Mark::Curve(1),
    Mark::Curve(2),
    Mark::Curve(3),
    Mark::Curve(4),
    Mark::Curve(5),
];

fn read(kind: Kind, byte: u8) -> Pixel {
    match (kind, byte) {
        (Kind::Dots | Kind::Band, 0..PLANES) => Pixel::Planes {
            grid: byte >= PLANES / 2,
            line: byte % (PLANES / 2) / DOT_LEVELS,
            dot: byte % DOT_LEVELS,
        },
        (Kind::Dots | Kind::Band, INK..MUTED) => Pixel::Ink(byte - INK + 1),
        (Kind::Dots | Kind::Band, MUTED..250) => Pixel::Muted(byte - MUTED + 1),
        (Kind::Curves, 2..194) => Pixel::Curve {
            grid: byte >= 98,
            curve: (byte - 2) % 96 / CURVE_LEVELS,
            level: (byte - 2) % CURVE_LEVELS,
        },
        (Kind::Heat { .. }, 2..18) => Pixel::Curve {
            grid: false,
            curve: 0,
            level: byte - 2,
        },
        (Kind::Heat { .. }, 18..34) => Pixel::Curve {
            grid: true,
            curve: 0,
            level: byte - 18,
        },
        (Kind::Heat { .. }, 34..49) => Pixel::Ink(byte - 33),
        (Kind::Heat { .. }, 49..HEAT) => Pixel::Muted(byte - 48),
        (Kind::Heat { .. }, HEAT..HEAT_HOLE) => Pixel::Shade(byte - HEAT),
        (Kind::Heat { .. }, HEAT_HOLE) => Pixel::Hole,
        (Kind::Curves, 194..209) => Pixel::Ink(byte - 193),
        (Kind::Curves, 209..224) => Pixel::Muted(byte - 208),
        (Kind::Curves | Kind::Heat { .. }, 1) => Pixel::Planes {
            grid: true,
            line: 0,
            dot: 0,
        },
        (Kind::Dots | Kind::Band, 250..) | (Kind::Curves, 0 | 224..) | (Kind::Heat { .. }, 0) => BARE,
    }
}

/// More of a mark upon a pixel.
fn cover(kind: Kind, pixel: Pixel, mark: Mark, level: u8) -> Pixel {
    if level == 0 {
        return pixel;
    }
    let scaled = |levels: u8| ((u16::from(level) * u16::from(levels - 1) + 7) / 15).max(1) as u8;
    match (pixel, mark) {
        (Pixel::Shade(_) | Pixel::Hole, _) => pixel,
        (Pixel::Ink(old), Mark::Ink) => Pixel::Ink(old.max(level)),
        (_, Mark::Ink) => Pixel::Ink(level),
        (Pixel::Ink(_), _) => pixel,
        (Pixel::Muted(old), Mark::Muted) => Pixel::Muted(old.max(level)),
        (_, Mark::Muted) => Pixel::Muted(level),
        (Pixel::Muted(_), _) => pixel,
        (Pixel::Planes { line, dot, .. }, Mark::Grid) => Pixel::Planes {
            grid: true,
            line,
            dot,
        },
        (Pixel::Curve { curve, level, .. }, Mark::Grid) => Pixel::Curve {
            grid: true,
            curve,
            level,
        },
        (Pixel::Planes { grid, line, dot }, Mark::Line | Mark::Dot | Mark::Curve(_)) => match (kind, mark) {
            (Kind::Dots | Kind::Band, Mark::Dot) => Pixel::Planes {
                grid,
                line,
                dot: dot.max(scaled(DOT_LEVELS)),
            },
            (Kind::Dots | Kind::Band, _) => Pixel::Planes {
                grid,
                line: line.max(scaled(LINE_LEVELS)),
                dot,
            },
            (Kind::Curves | Kind::Heat { .. }, mark) => Pixel::Curve {
                grid,
                curve: curve_of(kind, mark),
                level,
            },
        },
        (
            Pixel::Curve {
                grid,
                curve,
                level: old,
            },
            Mark::Line | Mark::Dot | Mark::Curve(_),
        ) => {
            let (level, curve) = (old, curve).max((level, curve_of(kind, mark)));
            Pixel::Curve { grid, curve, level }
        }
    }
}

fn curve_of(kind: Kind, mark: Mark) -> u8 {
    match (kind, mark) {
        (Kind::Curves, Mark::Curve(curve)) => curve,
        (Kind::Curves, Mark::Dot) => 1,
        _ => 0,
    }
}

fn colour(kind: Kind, colours: &Colours, pixel: Pixel) -> Rgb {
    let ground = |grid: bool| if grid { colours.grid } else { colours.background };
    let share = |level: u8, levels: u8| f32::from(level) / f32::from(levels - 1);
    match pixel {
        Pixel::Planes { grid, line, dot } => {
            let (line, dot) = (
                (colours.line, share(line, LINE_LEVELS)),
                (colours.dot, share(dot, DOT_LEVELS)),
            );
            let (below, above) = if kind == Kind::Band {
                (dot, line)
            } else {
                (line, dot)
            };
            mix(mix(ground(grid), below.0, below.1), above.0, above.1)
        }
        Pixel::Curve { grid, curve, level } => mix(
            ground(grid),
            colours.curves[usize::from(curve) % colours.curves.len()],
            share(level, CURVE_LEVELS),
        ),
        Pixel::Ink(level) => mix(colours.background, colours.ink, share(level, FULL + 1)),
        Pixel::Muted(level) => mix(colours.background, colours.muted, share(level, FULL + 1)),
        Pixel::Shade(shade) => heat(kind, colours, share(shade, HEAT_SHADES)),
        Pixel::Hole => mix(colours.background, colours.muted, 0.35),
    }
}

/// Blue over the background to red around zero; else from near the background through blue to a bright end.
fn heat(kind: Kind, colours: &Colours, share: f32) -> Rgb {
    let dark = colours.background[0] < 128;
    let stops: &[Rgb] = match (kind == Kind::Heat { signed: true }, dark) {
        (true, false) => &[
            [0x12, 0x2A, 0x7A],
            [0x3B, 0x7B, 0xE0],
            [0xF4, 0xF5, 0xF7],
            [0xEE, 0x6A, 0x4D],
            [0x8A, 0x0F, 0x16],
        ],
        (true, true) => &[
            [0x9C, 0xC8, 0xFF],
            [0x2F, 0x66, 0xC4],
            [0x16, 0x1B, 0x24],
            [0xC4, 0x3E, 0x32],
            [0xFF, 0xC2, 0xA8],
        ],
        // Viridis, which keeps its order in grey and for colour-blind eyes.
        (false, _) => &[
            [0x44, 0x01, 0x54],
            [0x3B, 0x52, 0x8B],
            [0x21, 0x91, 0x8C],
            [0x5E, 0xC9, 0x62],
            [0xFD, 0xE7, 0x25],
        ],
    };
    let at = share.clamp(0.0, 1.0) * (stops.len() - 1) as f32;
    let i = (at as usize).min(stops.len() - 2);
    mix(stops[i], stops[i + 1], at - i as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [Kind; 5] = [
        Kind::Dots,
        Kind::Band,
        Kind::Curves,
        Kind::Heat { signed: true },
        Kind::Heat { signed: false },
    ];

    #[test]
    fn the_exact_colours_are_there() {
        for theme in [Theme::Light, Theme::Dark] {
            let colours = theme.colours();
            for kind in [Kind::Dots, Kind::Band] {
                let palette = Palette::new(kind, theme);
                let at = |mark| &palette.colours[usize::from(palette.cover(mark, FULL)[0]) * 3..][..3];
                assert_eq!(&palette.colours[..3], colours.background);
                assert_eq!(at(Mark::Ink), colours.ink);
                assert_eq!(at(Mark::Muted), colours.muted);
                assert_eq!(at(Mark::Grid), colours.grid);
                assert_eq!(at(Mark::Line), colours.line);
                assert_eq!(at(Mark::Dot), colours.dot);
            }
        }
    }

    #[test]
    fn covering_is_idempotent_and_the_order_does_not_matter() {
        let marks = [Mark::Grid, Mark::Line, Mark::Dot, Mark::Curve(2), Mark::Curve(4)];
        for kind in KINDS {
            let palette = Palette::new(kind, Theme::Light);
            for (a, b) in marks.iter().flat_map(|a| marks.iter().map(move |b| (*a, *b))) {
                for (i, j) in (0..=FULL).flat_map(|i| (0..=FULL).map(move |j| (i, j))) {
                    let (a, b) = (palette.cover(a, i), palette.cover(b, j));
                    for byte in 0..=255_usize {
                        assert_eq!(a[usize::from(a[byte])], a[byte]);
                        assert_eq!(
                            a[usize::from(b[byte])],
                            b[usize::from(a[byte])],
                            "{kind:?} {byte}"
                        );
                    }
                }
            }
        }
    }
}
