//! A raster as PNG: indexed colours, the filter and compression that cost least for drawings.

use std::io::Write;

use png::{BitDepth, ColorType, Compression, Encoder, Filter};

use super::palette::Palette;
use super::raster::Raster;

/// The picture's file.
pub fn encode(raster: &Raster, palette: &Palette) -> Vec<u8> {
    let mut file = Vec::with_capacity(96 << 10);
    write(raster, palette, &mut file).expect("a vector takes every byte, and the raster fits its size");
    file
}

fn write(raster: &Raster, palette: &Palette, file: impl Write) -> Result<(), png::EncodingError> {
    let bounds = raster.bounds();
    let mut encoder = Encoder::new(
        file,
        bounds.width().unsigned_abs(),
        bounds.height().unsigned_abs(),
    );
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_palette(palette.colours.as_slice());
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Up);
    encoder.write_header()?.write_image_data(raster.pixels())
}
