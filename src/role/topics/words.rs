//! The list as people read it.

use std::io::{self, Write};
use std::time::Duration;

use kymo_runlog::{Phase, Retention, RunFacts};

use super::Row;
use super::kind::Kind;

pub fn write(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    if rows.is_empty() {
        return writeln!(out, "the log is empty; `kymo run airy` puts a first run into it");
    }
    writeln!(
        out,
        "{:<22} {:>9} {:>10} {:<14} TOPIC",
        "STATE", "RECORDS", "SIZE", "KEPT"
    )?;
    for row in rows {
        let state = match (&row.kind, &row.state) {
            (Kind::Companion { what, .. }, _) => format!("  .{what}"),
            (Kind::Shared, _) => "shared".to_owned(),
            (Kind::Foreign, _) => "of others".to_owned(),
            (Kind::Run, Some(state)) => state.clone(),
            (Kind::Run, None) => "not started here".to_owned(),
        };
        let records = row
            .size
            .records
            .map_or_else(|| "?".to_owned(), |records| records.to_string());
        let size = row.size.bytes.map_or_else(|| "-".to_owned(), bytes);
        let kept = row
            .surveyed
            .retention
            .as_ref()
            .map_or_else(|| "?".to_owned(), kept);
        let partitions = match row.surveyed.partitions {
            1 => String::new(),
            many => format!("  (the first of {many} partitions)"),
        };
        writeln!(
            out,
            "{state:<22} {records:>9} {size:>10} {kept:<14} {}{partitions}",
            row.surveyed.name
        )?;
        for reader in &row.surveyed.readers {
            let lag = match row.surveyed.span.map(|span| reader.lag(&span)) {
                Some(0) => "has read everything".to_owned(),
                Some(lag) => format!("is {lag} behind"),
                None => "stands somewhere".to_owned(),
            };
            writeln!(out, "{:58}  {} {lag}", "", reader.name)?;
        }
    }
    Ok(())
}

/// As orders and events tell. Whether a run that is said to be running is still heard of is asked in the chat.
pub fn state(facts: &RunFacts) -> String {
    let word = match facts.phase(None) {
        Phase::Queued => "queued",
        Phase::Running => "running",
        Phase::Silent { .. } => "silent",
        Phase::Lost { .. } => "lost",
        Phase::Restarting { .. } => "restarting",
        Phase::Stopping { .. } => "stopping",
        Phase::Stopped { .. } => "stopped",
        Phase::Finished => "finished",
        Phase::Failed { .. } => "failed",
        Phase::Refused { .. } => "refused",
    };
    match &facts.lease {
        Some(lease) if !lease.released => format!("{word} on {}", lease.host),
        Some(_) | None => word.to_owned(),
    }
}

fn kept(retention: &Retention) -> String {
    let Retention {
        age,
        bytes: most,
        compacted,
    } = retention;
    let limits = [
        compacted.then(|| "newest per key".to_owned()),
        age.map(span),
        most.map(bytes),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    match limits.is_empty() {
        true => "for ever".to_owned(),
        false => limits.join(", "),
    }
}

fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        172_800.. => format!("{} days", seconds / 86_400),
    }
}

fn bytes(count: u64) -> String {
    let count = count as f64;
    match count {
        ..1e3 => format!("{count} B"),
        ..1e6 => format!("{:.1} kB", count / 1e3),
        ..1e9 => format!("{:.1} MB", count / 1e6),
        _ => format!("{:.1} GB", count / 1e9),
    }
}
