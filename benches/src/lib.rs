//! What it costs, side by side with the alternatives in one run: the figures that need no second process.
//! Those of whole processes (`edit`, `memory`, `up`) stand beside the role that prints them all.

mod airy;
mod figure;
mod picture;
mod replay;

pub use airy::airy;
pub use figure::{Figure, cpu_ms, cpu_time, median, percentile};
pub use picture::picture;
pub use replay::replay;
