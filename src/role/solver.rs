//! A built-in solver by itself: for people, and as the watchdog's child.

use std::io::{self, Write};

use anyhow::Context;
use kymo_solver::standalone;

use crate::cli::{Common, Solver};

pub fn run(_common: &Common, args: Solver) -> anyhow::Result<()> {
    let Some(name) = args.name else {
        return list(&mut io::stdout().lock());
    };
    if args.protocol {
        standalone::speak(&name, &mut io::stdin().lock(), &mut io::stdout().lock())
    } else {
        standalone::print(&name, &args.parameters, args.steps, &mut io::stdout().lock())
    }
}

fn list(out: &mut impl Write) -> anyhow::Result<()> {
    standalone::list(out).context("list the solvers")
}
