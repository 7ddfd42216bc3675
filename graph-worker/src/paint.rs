//! Painting: a byte a pixel, two themes, shapes and text. It knows nothing of runs.

pub mod palette;
pub mod png;
pub mod raster;
mod stroke;
pub mod text;
pub mod theme;
