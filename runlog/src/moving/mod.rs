//! Moving a topic between logs through a file or a pipe, without changing a bit of any message (docs/moving.md).

mod export;
mod import;
mod line;
mod source;

pub use export::{ExportError, export};
pub use import::{IfThere, ImportError, import};
pub use line::{Header, Summary};
pub use source::{Damage, Source};
