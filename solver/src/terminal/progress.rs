//! What a person at a terminal sees of a running solver: a line on standard error, once a second at most.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kymo_runlog::{Quantity, Record};

use crate::watchdog::Audience;

const AT_MOST_EVERY: Duration = Duration::from_secs(1);

pub fn audience(solver: &str) -> Audience {
    let name = solver.to_owned();
    let last: Mutex<Option<Instant>> = Mutex::new(None);
    Audience::Progress(Arc::new(move |record| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let is_last = record.total == Some(record.iteration);
        if is_last || last.is_none_or(|last| last.elapsed() >= AT_MOST_EVERY) {
            *last = Some(Instant::now());
            // Nobody may read it, or its disk may be full: neither ends the run.
            let _ = writeln!(std::io::stderr(), "{}", line(&name, record));
        }
    }))
}

/// `airy 12/101 (12 %) energy=0.3`
fn line(name: &str, record: &Record) -> String {
    let mut line = match record.total {
        Some(total) if total > 0 => {
            let percent = 100.0 * record.iteration as f64 / total as f64;
            format!("{name} {}/{total} ({percent:.0} %)", record.iteration)
        }
        Some(_) | None => format!("{name} {}", record.iteration),
    };
    for (name, value) in record.values.iter().take(4) {
        match value {
            Quantity::Scalar(value) => line.push_str(&format!(" {name}={value}")),
            Quantity::Array(array) => line.push_str(&format!(" {name}: {} values", array.data.len())),
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_one_short_line() {
        let mut record = Record {
            iteration: 12,
            total: Some(101),
            axes: Vec::new(),
            values: vec![("energy".to_owned(), Quantity::Scalar(0.25))],
            state: None,
            pace: None,
        };
        assert_eq!(line("airy", &record), "airy 12/101 (12 %) energy=0.25");
        record.total = None;
        assert_eq!(line("airy", &record), "airy 12 energy=0.25");
    }
}
