//! Times as people say them.

use chrono::{DateTime, Datelike, FixedOffset, TimeDelta};

/// `45 s`, `12 min`, `1 h 05 min`, `3 d 4 h`, `2.7 years`.
pub fn duration(span: TimeDelta) -> String {
    let seconds = span.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", (seconds + 30) / 60),
        3600..172_800 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        172_800..86_400_000 => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
        _ => format!("{:.1} years", seconds as f64 / 31_556_952.0),
    }
}

/// How old something is, coarsely: a picture is not drawn anew for every second.
pub fn age(span: TimeDelta) -> String {
    let seconds = span.num_seconds();
    match seconds {
        ..2 => "now".to_owned(),
        2..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// How long until an age is worth a new picture: half a minute at first, then minutes, then hours.
pub fn next_age_step(span: TimeDelta) -> TimeDelta {
    let seconds = span.num_seconds().max(0);
    let step = match seconds {
        ..30 => 30,
        30..600 => 60,
        600..3600 => 300,
        3600..172_800 => 3600,
        _ => 86_400,
    };
    TimeDelta::seconds((seconds / step + 1) * step - seconds)
}

/// `14:32`, `Tue 14:32`, `3 Dec 14:32`, `Dec 2031`.
pub fn clock(at: DateTime<FixedOffset>, now: DateTime<FixedOffset>) -> String {
    let at = at.with_timezone(now.offset());
    let days = (at.date_naive() - now.date_naive()).num_days().abs();
    let format = match days {
        0 => "%H:%M",
        1..6 => "%a %H:%M",
        6..300 => "%-d %b %H:%M",
        _ if at.year() < 10_000 => "%b %Y",
        _ => return "never".to_owned(),
    };
    at.format(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        let now = DateTime::parse_from_rfc3339("2026-11-22T14:32:10+02:00").expect("a date");
        let told: Vec<String> = [0, 59, 90, 3600, 3960, 200_000, 400_000_000]
            .iter()
            .map(|s| {
                let span = TimeDelta::seconds(*s);
                format!("{} | {} | {}", duration(span), age(span), clock(now + span, now))
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        0 s | now | 14:32
        59 s | 59 s ago | 14:33
        2 min | 1 min ago | 14:33
        1 h 00 min | 1 h ago | 15:32
        1 h 06 min | 1 h ago | 15:38
        2 d 7 h | 2 d ago | Tue 22:05
        12.7 years | 4629 d ago | Jul 2039
        ");
    }

    #[test]
    fn ages_step_rarely() {
        let mut steps = Vec::new();
        let mut age = TimeDelta::zero();
        while age < TimeDelta::days(3) {
            let step = next_age_step(age);
            assert!(step > TimeDelta::zero());
            age += step;
            steps.push(age.num_seconds());
        }
        assert_eq!(steps[..4], [30, 60, 120, 180]);
        assert!(steps.len() < 80, "{}", steps.len());
    }
}
