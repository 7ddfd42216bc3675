//! Times as SQL keeps them: milliseconds since 1970.

use chrono::{DateTime, Utc};

pub(crate) fn read(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::UNIX_EPOCH)
}

pub(crate) fn write(at: DateTime<Utc>) -> i64 {
    at.timestamp_millis()
}
