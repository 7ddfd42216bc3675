//! What is kept of a topic for drawing: packed numbers, cut out of records as they come.

mod abscissa;
mod column;
mod curve;
mod heat;
mod marks;
mod plot;

pub use abscissa::Abscissa;
pub use column::Column;
pub use curve::Curve;
pub use heat::HeatMap;
pub use plot::{AxisName, Curves, ITERATION, Plot};
