//! What a solver and its watchdog say to each other, as plain functions: one job line goes in, and each
//! line that comes out is a record, a step, one of these gone wrong, or text (docs/solvers.md).

mod assemble;
mod job;
mod line;
mod pattern;
mod raw;
mod state;

pub use job::{JobError, JobLine};
pub use line::{LONGEST_LINE, Line, LineParser, step_line};
pub use pattern::PatternError;
