//! Several roles on one machine: their environment, their processes, and how they all end.

mod child;
mod environment;
mod lock;

pub use child::{Child, supervise};
pub use environment::Environment;
pub use lock::Lock;
