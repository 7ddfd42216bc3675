//! The two sets of colours. The person chooses; a bot cannot see which theme a phone uses.

use serde::{Deserialize, Serialize};

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    #[default]
    Light,
    Dark,
}

pub type Rgb = [u8; 3];

/// What is painted with.
#[derive(Clone, Copy, Debug)]
pub struct Colours {
    pub background: Rgb,
    pub ink: Rgb,
    pub muted: Rgb,
    pub grid: Rgb,
    pub dot: Rgb,
    pub line: Rgb,
    /// Of several curves, in their order.
    pub curves: [Rgb; 6],
}

impl Theme {
    /// The door's word for it; an unknown word is the light theme.
    pub fn named(name: &str) -> Self {
        if name == "dark" { Self::Dark } else { Self::Light }
    }

    pub fn colours(self) -> Colours {
        match self {
            Self::Light => Colours {
                background: rgb(0xFFFFFF),
                ink: rgb(0x14171C),
                muted: rgb(0x5B6472),
                grid: rgb(0xE6E9EE),
                dot: rgb(0xD92D20),
                line: rgb(0x1D4ED8),
                curves: [0x1D4ED8, 0xD92D20, 0x0E8A4D, 0xB25E00, 0x7A3EC8, 0x0B7A8F].map(rgb),
            },
            Self::Dark => Colours {
                background: rgb(0x11151C),
                ink: rgb(0xF2F5F9),
                muted: rgb(0xA3ADBB),
                grid: rgb(0x252C37),
                dot: rgb(0xFF6B5E),
                line: rgb(0x6EA8FF),
                curves: [0x6EA8FF, 0xFF6B5E, 0x4CCB8A, 0xF0A94B, 0xB892FF, 0x4CC8DC].map(rgb),
            },
        }
    }
}

const fn rgb(hex: u32) -> Rgb {
    [(hex >> 16) as u8, (hex >> 8) as u8, hex as u8]
}

/// `a` covered with `share` of `b`.
pub fn mix(a: Rgb, b: Rgb, share: f32) -> Rgb {
    std::array::from_fn(|i| {
        let (a, b) = (f32::from(a[i]), f32::from(b[i]));
        (a + (b - a) * share).round().clamp(0.0, 255.0) as u8
    })
}
