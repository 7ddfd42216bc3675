//! `kymo`: one binary, one role per process. Everything it does stands in the library beside it,
//! so that the stories in tests/ can start the same processes.

use std::process::ExitCode;

fn main() -> ExitCode {
    kymo::main()
}
