//! Lines for whoever reads standard output.

/// As `println!`, but a reader who has gone (`kymo doctor | head`, a terminal that was closed) is no reason to panic:
/// a house stands whether or not anybody reads what it says.
macro_rules! say {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($what)*);
    }};
}

pub(crate) use say;
