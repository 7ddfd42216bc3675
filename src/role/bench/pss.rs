//! Proportional set size: a process's own memory, and its share of what it shares.

use anyhow::Context;

/// Megabytes (10^6 bytes) of PSS of a process.
pub fn of(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok())
        .with_context(|| format!("{path} has no Pss"))?;
    Ok(kilobytes * 1024.0 / 1e6)
}
