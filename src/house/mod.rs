//! Several roles on one machine: their environment, their processes, and how they all end.

mod child;
mod environment;

pub use child::{Child, supervise};
pub use environment::Environment;
