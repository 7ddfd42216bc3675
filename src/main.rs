//! `kymo`: one binary, one role per process.

fn main() {}
