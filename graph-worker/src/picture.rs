//! The picture that people look at on a phone: composed from a plot and the run's progress, painted into
//! a raster that is kept, so that new points alone are drawn while the scales stay.

mod band;
mod canvas;
mod compose;
mod dots;
mod footer;
mod header;
mod heat;
mod mapping;
mod tally;
mod time;

#[cfg(test)]
mod tests;

pub use canvas::{Canvas, Tools};
pub use compose::{HEIGHT, Scene, WIDTH};
pub use time::next_age_step;
